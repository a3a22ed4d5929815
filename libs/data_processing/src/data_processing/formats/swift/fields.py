"""The text of MT940 files cut into messages and fields.

A field starts with its tag at the start of a line; what follows up to the next tag belongs to it. Envelopes (``{1:…}``,
``ABNANL2A``, ``940``) and the marks that end a message are no fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from data_processing.errors import UnsafeFile
from data_processing.formats.row_checks import MAX_FIELD
from data_processing.quick import quick

_TAG = re.compile(r"\n[ \t]*+:(20|21|25P?|28C?|13D?|34F|6[02][FM]|6[145]|86|90[CD]|NS):")
# ING ends a message with `-XXX`.
_END = re.compile(r"\n[^\S\n]*-(?:\}.*|XXX)?[^\S\n]*(?=\n|\Z)")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]+")
_IN_NUMBER = re.compile(rf"(?<=[0-9.,]){_CONTROLS.pattern}(?=[0-9.,])")
_NO_CONTROLS: Final = {code: None for code in range(32) if code not in (9, 10, 13)}
_ENVELOPE = re.compile(r"^\{1:.*\{4:", re.MULTILINE)
_TAG_LENGTH: Final = 4
_OF_HEAD: Final = frozenset({"13", "13D", "25", "25P", "28", "28C"})
"""What stands before the rows; under one it is the rest of a time that the bank cut (``16`` over ``:28:37``)."""
_OF_END: Final = frozenset({"62F", "62M", "64", "65", "90C", "90D"})
"""What stands at the end of a message; under any other field a dash is text, unless a message follows."""
_OF_START: Final = frozenset({"20", "25", "25P"})
_LONGEST: Final = 64 * 1024 * 1024
FULL_LINE: Final = 65
"""A line of this length was cut by the bank, in the middle of a word if need be; a shorter one ends where it should."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its tag, the line it starts on (from 1), its text, and the information (``:86:``) under it.

    ``listed`` is information that has a numbered field on each line (``:NS:``).
    """

    tag: str
    line: int
    body: str
    information: str = ""
    listed: str = ""

    @property
    def first(self) -> str:
        """What stands behind the tag on its line."""
        return self.body.partition("\n")[0].strip()


_new_field = quick(Field)


def fields(pieces: Iterable[str]) -> Iterator[Field | None]:
    """The fields of a text that comes in pieces, in order; None where a message ends. Its lines end with newlines."""
    tag, start, body, information, listed = "", 0, "", "", ""
    line = 0
    for text in _at_fields(pieces):
        before, *found = _TAG.split(text)
        line += before.count("\n")
        for named, chunk in zip(found[::2], found[1::2], strict=True):
            line += 1
            if named == "86":
                information = _more(information, chunk)
            elif tag == "61" and named == "NS":
                listed = chunk
            elif tag == "61" and named in _OF_HEAD:
                information = _more(information, f":{named}:{chunk}")
            else:
                field = _new_field(tag, start, body, information, listed)
                if tag in _OF_END or named in _OF_START:
                    yield from _with_end(field)
                elif tag:
                    yield field
                tag, start, body, information, listed = named, line, chunk, "", ""
            line += chunk.count("\n")
    if tag:
        yield from _with_end(_new_field(tag, start, body, information, listed))


def _more(information: str, text: str) -> str:
    """The information with the text of one more field. What is longer than any bank's grows no further."""
    return f"{information}\n{text}" if information and len(information) <= MAX_FIELD else information or text


def _with_end(field: Field) -> Iterator[Field | None]:
    """The field without the mark that ends its message, and None where it has one."""
    written = field.information or field.body
    end = _END.search(written)
    if end is None:
        yield field
        return
    cut = written[: end.start()]
    yield replace(field, information=cut) if field.information else replace(field, body=cut)
    yield None


def _at_fields(pieces: Iterable[str]) -> Iterator[str]:
    """The text without control characters and envelopes, in pieces each of which starts with a row or a message."""
    rest = "\n"
    for piece in pieces:
        unread = len(rest) - _TAG_LENGTH
        rest += _without_controls(piece)
        end = max(rest.rfind("\n:61:", max(unread, 0)), rest.rfind("\n:20:", max(unread, 0)))
        if end > 0:
            yield _without_envelopes(rest[:end])
            rest = rest[end:]
        if len(rest) > _LONGEST:
            raise UnsafeFile("A field of the MT940 file is larger than any bank's. Download it again.")
    yield _without_envelopes(rest)


def _without_controls(text: str) -> str:
    """The text without control characters; a number that one stands in is not put together."""
    cleaned = text.translate(_NO_CONTROLS) if text.isascii() else _CONTROLS.sub("", text)
    return cleaned if len(cleaned) == len(text) else _CONTROLS.sub("", _IN_NUMBER.sub(" ", text))


def _without_envelopes(text: str) -> str:
    return _ENVELOPE.sub("", text) if "{1:" in text else text


def joined(body: str, mark: str = "", *, gap: str = " ") -> str:
    """All lines in one: cut ones put together, others parted by ``gap``.

    With the ``mark`` of numbered fields, lines that start with it are parted by nothing, and longer lines are cut too.
    """
    if "\n" not in body:
        return body
    text, *lines = body.split("\n")
    # Some banks count the tag into the length of the first line.
    shortest = FULL_LINE - _TAG_LENGTH
    full = len(text) >= shortest if mark else len(text) in (shortest, FULL_LINE)
    for line in lines:
        text += line if full or (mark and line.startswith(mark)) else f"{gap}{line}"
        full = len(line) >= FULL_LINE if mark else len(line) == FULL_LINE
    return text

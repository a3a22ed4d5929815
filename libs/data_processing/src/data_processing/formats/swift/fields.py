"""The text of MT940 files cut into messages and fields.

A field starts with its tag at the start of a line; what follows up to the next tag belongs to it. Envelopes (``{1:…}``,
``ABNANL2A``, ``940``) and the marks that end a message are no fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from data_processing.errors import UnsafeFile
from data_processing.quick import quick

_TAG = re.compile(r"\n[ \t]*+:(20|21|25P?|28C?|13D?|34F|6[02][FM]|6[145]|86|90[CD]|NS):")
# ING ends a message with `-XXX`.
_END = re.compile(r"\n[^\S\n]*-(?:\}.*|XXX)?[^\S\n]*(?=\n|\Z)")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]+")
_IN_NUMBER = re.compile(rf"(?<=[0-9.,]){_CONTROLS.pattern}(?=[0-9.,])")
_NO_CONTROLS: Final = {code: None for code in range(32) if code not in (9, 10, 13)}
_ENVELOPE = re.compile(r"^\{1:.*\{4:", re.MULTILINE)
_TAG_LENGTH: Final = 4
_LONGEST: Final = 64 * 1024 * 1024
FULL_LINE: Final = 65
"""A line of this length was cut by the bank, in the middle of a word if need be; a shorter one ends where it should."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its tag, the line it starts on (from 1), and its text."""

    tag: str
    line: int
    body: str

    @property
    def first(self) -> str:
        """What stands behind the tag on its line."""
        return self.body.partition("\n")[0].strip()

    @property
    def below(self) -> str:
        """What stands under the first line, with single spaces."""
        return " ".join(self.body.partition("\n")[2].split())

    @property
    def whole(self) -> str:
        """All lines in one as they are: cut ones put together again, others parted by a space."""
        return _joined(self.body) if "\n" in self.body else self.body

    @property
    def text(self) -> str:
        """All lines in one, with single spaces."""
        return " ".join(self.whole.split())


_new_field = quick(Field)


def fields(pieces: Iterable[str]) -> Iterator[Field | None]:
    """The fields of a text that comes in pieces, in order; None where a message ends. Its lines end with newlines."""
    tag, start, body = "", 0, ""
    line = 0
    for text in _at_fields(pieces):
        before, *found = _TAG.split(text)
        line += before.count("\n")
        body += before
        for named, chunk in zip(found[::2], found[1::2], strict=True):
            end = _END.search(body) if "-" in body and "\n" in body else None
            if tag:
                yield _new_field(tag, start, body[: end.start()] if end else body)
            if end:
                yield None
            line += 1
            tag, start, body = named, line, chunk
            line += chunk.count("\n")
    end = _END.search(body)
    if tag:
        yield _new_field(tag, start, body[: end.start()] if end else body)
    if end:
        yield None


def _at_fields(pieces: Iterable[str]) -> Iterator[str]:
    """The text without control characters and envelopes, in pieces that start with a line end and end before one."""
    rest = "\n"
    for piece in pieces:
        rest += _without_controls(piece)
        end = rest.rfind("\n:", len(rest) - len(piece) - 1)
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


def _joined(body: str) -> str:
    # Some banks count the tag into the length of the first line.
    first, *lines = body.split("\n")
    text = first if len(first) >= FULL_LINE - _TAG_LENGTH else f"{first} "
    for line in lines:
        text += line if len(line) >= FULL_LINE else f"{line} "
    return text

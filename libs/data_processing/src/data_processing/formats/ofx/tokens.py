"""OFX text cut into tags and values, for SGML and XML alike.

There is no tree and no entity table: a token is a tag, the text after it, and whether its own end tag followed. So
nesting cannot exhaust anything, and declared entities are never expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html.entities import html5
from itertools import chain
from typing import Final

from data_processing.errors import UnsafeFile

Token = tuple[str, str, str]
"""Tag name in upper case (an end tag keeps its slash), raw text after it, and the tag's own end tag or ''."""

_PIECE: Final = 1 << 17
_LONGEST: Final = 16 * 1024 * 1024
_LONGEST_TAG: Final = 1 << 16
_LAST: Final = 200
"""So many characters show whether the text ends behind an end tag."""
# Possessive quantifiers (``*+``) keep the match linear in the length of hostile input.
_TAG = re.compile(r"<(/?[A-Za-z][\w.:-]*+)[^<>]*+>")
_TOKEN = re.compile(rf"{_TAG.pattern}([^<]*+(?:<(?!/?[A-Za-z][\w.:-]*+[^<>]*+>)[^<]*+)*+)((?:</\1\s*+>)?)")
_START = re.compile(r"<(?:\w{1,40}:)?OFX\b[^<>]*+>", re.IGNORECASE)
_BOUNDS = re.compile(r"<(/?+)(?:OFX|\w{1,40}+:OFX)\b[^<>]*+>", re.IGNORECASE)
_ODD = re.compile(r"<[A-Z0-9_.-]*+[a-z:]")
_CLOSED_IN_ITSELF = re.compile(r"<[A-Za-z][^<>]*+(?<=/)>")
_ODD_TAG = re.compile(r"<(/?)(?:[A-Za-z]\w{0,39}:)?([A-Za-z][\w.-]*+)([^<>]*+)>")
_ROW_END = re.compile(r"</(?:\w{1,40}:)?STMTTRNP?\s*+>", re.IGNORECASE)
_SLASHED = re.compile(r"(<DT[A-Z]{1,20}+>\s*+)([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})(?![0-9])", re.IGNORECASE)
_MESSAGES_END = re.compile(r"</(?:\w{1,40}:)?[A-Z0-9]{1,30}MSGSRSV[0-9]\s*>\s*$", re.IGNORECASE)
_SECTION_START = re.compile(r"<!(?:\[CDATA\[|--)")
_SECTION_ENDS: Final = {"<![CDATA[": "]]>", "<!--": "-->"}
_ENTITY = re.compile(r"&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def document_start(text: str) -> int | None:
    """Where the OFX element starts; None when there is none."""
    found = _START.search(text)
    return found.start() if found else None


@dataclass(frozen=True, slots=True)
class Survey:
    """What must be known of a text before its tags are read.

    ``complete`` says whether the document, or the last of several, runs to its end tag; ``messages_end`` whether the
    text ends behind the end tag of a set of messages; ``odd`` whether tags have letters in lower case or prefixes, or
    are closed in themselves; ``rows_end`` whether rows have end tags; ``day_first`` whether days such as 31/12/2025,
    which are not of the standard, have the day first, None where there are none or they do not show it.
    """

    complete: bool
    messages_end: bool
    odd: bool
    rows_end: bool
    day_first: bool | None = None


def survey(pieces: Iterable[str]) -> Survey:
    """The survey of a text that comes in pieces."""
    started = ended = odd = rows_end = False
    orders: set[bool] = set()
    rest = last = ""
    for piece in pieces:
        text = rest + piece
        for found in _BOUNDS.finditer(text):
            ended = bool(found[1])
            started = started or not ended
        odd = odd or _ODD.search(text) is not None or ("/>" in text and _CLOSED_IN_ITSELF.search(text) is not None)
        rows_end = rows_end or _ROW_END.search(text) is not None
        orders.update(int(found[2]) > 12 for found in _SLASHED.finditer(text) if _shows_the_order(found))
        rest = _cut_tag(text)
        last = (last + piece)[-_LAST:]
    return Survey(
        started and ended,
        started and _MESSAGES_END.search(last) is not None,
        odd,
        rows_end,
        orders.pop() if len(orders) == 1 else None,
    )


def tokens(pieces: Iterable[str], *, odd: bool, day_first: bool | None = None) -> Iterator[Token]:
    """The document's tags and values, in order, of a text that comes in pieces; a few thousand are held at a time.

    ``odd`` and ``day_first`` are what the survey says.
    """
    bodies = _bodies(pieces)
    if odd:
        bodies = (_ODD_TAG.sub(_plain, body) for body in bodies)
    if day_first is not None:
        written = r"\1\4-\3-\2" if day_first else r"\1\4-\2-\3"
        bodies = (_SLASHED.sub(written, body) for body in bodies)
    return chain.from_iterable(map(_TOKEN.findall, bodies))


def _shows_the_order(found: re.Match[str]) -> bool:
    """Whether one of the first two numbers of a day can be no month."""
    return max(int(found[2]), int(found[3])) > 12


def _plain(found: re.Match[str]) -> str:
    """The tag in capitals, without prefix, and with an end tag of its own where it is closed in itself."""
    slash, name, rest = found[1], found[2].upper(), found[3]
    if slash or not rest.endswith("/"):
        return f"<{slash}{name}{rest}>"
    return f"<{name}></{name}>"


def _bodies(pieces: Iterable[str]) -> Iterator[str]:
    """The text from the document's start on, without comments, cut where no token is cut."""
    rest, begun = "", False
    for piece in _small(pieces):
        rest += piece
        if not begun:
            start = document_start(rest)
            if start is None:
                rest = _cut_tag(rest)
                continue
            rest, begun = rest[start:], True
        sections = _sections(rest)
        end = _last_start(rest, sections)
        yield _without(rest[:end], sections)
        rest = rest[end:]
        if len(rest) > _LONGEST:
            raise UnsafeFile("An element of the OFX file is larger than any bank's. Download it again.")
    yield _without(rest, _sections(rest))


def _small(pieces: Iterable[str]) -> Iterator[str]:
    return (piece[start : start + _PIECE] for piece in pieces for start in range(0, len(piece), _PIECE))


def _cut_tag(text: str) -> str:
    """The start of a tag that the text ends in; empty where it ends in none."""
    start = text.rfind("<", -_LONGEST_TAG)
    return text[start:] if start >= 0 and ">" not in text[start:] else ""


@dataclass(frozen=True, slots=True)
class _Section:
    """A comment or CDATA section, and what stands for it; one without its end lasts to the end of the text."""

    start: int
    end: int
    stands_for: str


def _sections(text: str) -> Sequence[_Section]:
    """The sections of the text, in order."""
    found: list[_Section] = []
    position = 0
    while opening := _SECTION_START.search(text, position):
        closing = _SECTION_ENDS[opening[0]]
        end = text.find(closing, opening.end())
        if end < 0:
            return [*found, _Section(opening.start(), len(text), text[opening.start() :])]
        position = end + len(closing)
        held = text[opening.end() : end] if closing == "]]>" else ""
        found.append(_Section(opening.start(), position, held.replace("&", "&amp;").replace("<", "&lt;")))
    return found


def _last_start(text: str, sections: Sequence[_Section]) -> int:
    """Where the last start tag is, before which a token ends; sections are not looked into."""
    end, last = len(text), len(sections) - 1
    while (end := text.rfind("<", 0, end)) > 0:
        while last >= 0 and sections[last].start > end:
            last -= 1
        if last >= 0 and end < sections[last].end:
            end = sections[last].start
        elif text[end + 1 : end + 2] != "/" and _TAG.match(text, end):
            return end
    return 0


def _without(text: str, sections: Sequence[_Section]) -> str:
    """The text without comments, and with what CDATA sections hold as ordinary text."""
    if not sections:
        return text
    parts: list[str] = []
    position = 0
    for section in sections:
        if section.start >= len(text):
            break
        parts += [text[position : section.start], section.stands_for]
        position = section.end
    return "".join([*parts, text[position:]])


def value(raw: str) -> str:
    """A value as the bank meant it: trimmed, with character references resolved once."""
    text = raw.strip()
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    name = found[1]
    if name[0] != "#":
        return html5.get(name + ";", found[0])
    code = int("0" + name[1:], 0) if name[1] in "xX" else int(name[1:])
    if code == 0 or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return chr(code)

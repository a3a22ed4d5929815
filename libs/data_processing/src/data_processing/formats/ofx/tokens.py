"""OFX text cut into tags and values, for SGML and XML alike.

There is no tree and no entity table: a token is a tag, the text after it, and whether its own end tag followed. So
nesting cannot exhaust anything, and declared entities are never expanded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.entities import html5
from itertools import chain
from typing import Final

Token = tuple[str, str, str]
"""Tag name in upper case (an end tag keeps its slash), raw text after it, and the tag's own end tag or ''."""

_PIECE: Final = 1 << 17
# Possessive quantifiers (``*+``) keep the match linear in the length of hostile input.
_TOKEN = re.compile(r"<(/?[A-Za-z][\w.:-]*+)[^<>]*+>([^<]*+(?:<(?![A-Za-z/])[^<]*+)*+)((?:</\1\s*+>)?)")
_START = re.compile(r"<OFX\b[^<>]*+>", re.IGNORECASE)
_END = re.compile(r"</OFX\s*+>", re.IGNORECASE)
_TAG_NAME = re.compile(r"<(/?[A-Za-z][\w.:-]*+)")
_ENTITY = re.compile(r"&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def document_start(text: str) -> int | None:
    """Where the OFX element starts; None when there is none."""
    found = _START.search(text)
    return found.start() if found else None


def complete(text: str) -> bool:
    """Whether the document, or the last of several, runs to its end tag."""
    starts = [found.start() for found in _START.finditer(text)]
    ends = [found.start() for found in _END.finditer(text)]
    return bool(starts and ends) and ends[-1] > starts[-1]


def tokens(text: str, start: int) -> Iterator[Token]:
    """The document's tags and values, in order, a few thousand in memory at a time."""
    body = text[start:]
    body = _replaced(body, "<![CDATA[", "]]>", _escape)
    body = _replaced(body, "<!--", "-->", lambda _: "")
    if "<OFX" not in body or "<stmttrn" in body:
        body = _TAG_NAME.sub(lambda found: found[0].upper(), body)
    return chain.from_iterable(map(_TOKEN.findall, _pieces(body)))


def _pieces(body: str) -> Iterator[str]:
    """The body cut before rows, so that no token is cut."""
    start = 0
    while (cut := body.find("<STMTTRN", start + _PIECE)) >= 0:
        yield body[start:cut]
        start = cut
    yield body[start:]


def value(raw: str) -> str:
    """A value as the bank meant it: trimmed, with character references resolved once."""
    text = raw.strip()
    return _ENTITY.sub(_character, text) if "&" in text else text


def _replaced(text: str, opening: str, closing: str, replacement: Callable[[str], str]) -> str:
    """The text with each section between the marks replaced; one without its closing mark is left as it is."""
    parts = []
    position = 0
    while (start := text.find(opening, position)) >= 0:
        end = text.find(closing, start + len(opening))
        if end < 0:
            break
        parts += [text[position:start], replacement(text[start + len(opening) : end])]
        position = end + len(closing)
    return "".join([*parts, text[position:]]) if parts else text


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _character(found: re.Match[str]) -> str:
    name = found[1]
    if name[0] != "#":
        return html5.get(name + ";", found[0])
    code = int("0" + name[1:], 0) if name[1] in "xX" else int(name[1:])
    if code == 0 or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return chr(code)

"""XML cut into the few elements that matter, as they pass by.

A camt file may hold a million entries, so no tree of the whole is kept: an element is handed out when its end tag
comes, and is then forgotten. Entities are never expanded, because a document that declares any is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser
from xml.parsers.expat import errors

from data_processing.errors import BrokenFile, TruncatedFile, UnsafeFile

START: Final = "start"
END: Final = "end"

_PIECE: Final = 1 << 16
_DEEPEST: Final = 64
_MOST_PARTS: Final = 20_000
_DECLARATIONS: Final = ("<!DOCTYPE", "<!ENTITY")
_CUT_OFF: Final = {
    errors.codes[errors.XML_ERROR_NO_ELEMENTS],
    errors.codes[errors.XML_ERROR_UNCLOSED_TOKEN],
    errors.codes[errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
}


def elements(text: str, *, opened: frozenset[str], kept: frozenset[str]) -> Iterator[tuple[str, Element]]:
    """``("start", element)`` for elements named in ``opened`` and ``("end", element)`` for those and the ``kept`` ones.

    Names lose their namespace. A kept element is whole when it is handed out, but for kept elements inside it, which
    came before. Everything else is dropped.

    Raises:
        UnsafeFile: the document declares entities, or nests or branches without bounds.
        TruncatedFile: the document ends before its root element does.
        BrokenFile: the text is no well-formed XML.
    """
    for declaration in _DECLARATIONS:
        if declaration in text:
            raise UnsafeFile(
                f"The XML file holds a document type definition ({declaration}), which no bank statement needs and "
                "which can make a small file expand without end. Export the statement again from the bank."
            )
    parser: XMLPullParser[Element] = XMLPullParser((START, END))
    walk = _Walk(opened, kept)
    try:
        for start in range(0, len(text), _PIECE):
            parser.feed(text[start : start + _PIECE])
            yield from walk.over(parser)
        parser.close()
        yield from walk.over(parser)
    except ParseError as error:
        line, column = error.position
        if error.code in _CUT_OFF:
            raise TruncatedFile(
                f"Line {line}: the XML file stops before its end, so rows may be missing. Download it again."
            ) from error
        raise BrokenFile(
            f"Line {line}, column {column + 1}: the file is no well-formed XML ({error.msg.split(':')[0]}). "
            "Download it again and upload it unopened."
        ) from error


class _Walk:
    """The open elements of a document, and what is dropped of them."""

    def __init__(self, opened: frozenset[str], kept: frozenset[str]) -> None:
        self._opened = opened
        self._kept = kept
        self._names: dict[str, str] = {}
        self._open: list[Element] = []
        self._inside = 0
        self._parts = 0

    def over(self, parser: XMLPullParser[Element]) -> Iterator[tuple[str, Element]]:
        """The elements among the parser's new events."""
        names, stack = self._names, self._open
        for event, element in cast(Iterator[tuple[str, Element]], parser.read_events()):
            if event == START:
                tag = element.tag
                name = names.get(tag)
                if name is None:
                    name = names[tag] = tag.rpartition("}")[2]
                element.tag = name
                stack.append(element)
                self._check(len(stack))
                if name in self._kept:
                    self._inside += 1
                elif name in self._opened:
                    yield START, element
                continue
            stack.pop()
            name = element.tag
            if name in self._kept:
                self._inside -= 1
                yield END, element
                self._drop(element)
            elif not self._inside:
                if name in self._opened:
                    yield END, element
                self._drop(element)

    def _check(self, depth: int) -> None:
        if depth > _DEEPEST:
            raise UnsafeFile(
                f"The XML file nests its elements more than {_DEEPEST} deep, which no bank statement does. "
                "Export the statement again from the bank."
            )
        self._parts = self._parts + 1 if self._inside else 0
        if self._parts > _MOST_PARTS:
            raise UnsafeFile(
                f"An entry of the XML file has more than {_MOST_PARTS} parts, which no bank statement has. "
                "Export the statement again from the bank."
            )

    def _drop(self, element: Element) -> None:
        self._parts = 0
        if self._open:
            self._open[-1].remove(element)


def inner(element: Element | None, *path: str) -> Element | None:
    """The element below, by the first one of each name on the way; None where there is none."""
    for name in path:
        if element is None:
            return None
        element = element.find(name)
    return element


def text_of(element: Element | None, *path: str) -> str:
    """The text of the element, or of the one below; empty where there is none."""
    found = inner(element, *path)
    return (found.text or "").strip() if found is not None else ""

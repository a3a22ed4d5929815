"""XML cut into the few elements that matter, as they pass by.

A camt file may hold a million entries, so no tree is built: of an element that matters the texts are kept by their
path, and handed out when its end tag comes. Entities are never expanded, because a document that declares any is
refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from itertools import pairwise
from typing import Final
from xml.parsers import expat
from xml.parsers.expat import errors

from data_processing.errors import BrokenFile, TruncatedFile, UnsafeFile
from data_processing.formats.row_checks import MAX_FIELD

_DECLARATION = re.compile(r"<\?xml\s")
_DEEPEST: Final = 64
_MOST_PARTS: Final = 20_000
_MOST_PATHS: Final = 20_000
_BUFFER: Final = 1 << 16
_CUT_OFF: Final = {
    errors.codes[errors.XML_ERROR_NO_ELEMENTS],
    errors.codes[errors.XML_ERROR_UNCLOSED_TOKEN],
    errors.codes[errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
}
_MESSAGES: Final = frozenset({"BkToCstmrAcctRpt", "BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn"})
_STATEMENTS: Final = frozenset({"Rpt", "Stmt", "Ntfctn"})
_RECORDS: Final = frozenset({"Acct", "FrToDt", "Bal", "Ntry"})
_LISTS: Final = {
    "RmtInf/Ustrd": "RmtInf/Ustrd",
    "RmtInf/Strd/RfrdDocInf/Nb": "RmtInf/Strd",
    "RmtInf/Strd/CdtrRefInf/Ref": "RmtInf/Strd",
    "RmtInf/Strd/AddtlRmtInf": "RmtInf/Strd",
    "RtrInf/AddtlInf": "RtrInf/AddtlInf",
}
"""The paths that may come several times, and the list that they go to."""
CURRENCY: Final = "@Ccy"
"""What stands behind the path of an amount for the path of its currency."""


class Event(Enum):
    """What passes by."""

    MESSAGE = "message"
    STATEMENT = "statement"
    STATEMENT_END = "statement end"
    RECORD = "record"


class Record:
    """An element that matters: the first text of each path below it, the texts of paths that come several times, and
    the transaction details inside an entry. A text that is ``too_long`` is not kept.
    """

    __slots__ = ("lists", "name", "payments", "texts", "too_long")

    def __init__(self, name: str) -> None:
        self.name = name
        self.texts: dict[str, str] = {}
        self.lists: dict[str, list[str]] = {}
        self.payments: list[Record] = []
        self.too_long = False

    def text(self, *paths: str) -> str:
        """The text of the first of the paths that has one; empty where none has."""
        for path in paths:
            if found := self.texts.get(path):
                return found
        return ""

    @property
    def raw(self) -> str:
        """All texts in one line."""
        return " ".join(text for path, text in self.texts.items() if not path.endswith(CURRENCY))


class _Place:
    """A path of the document; made once, however often it comes."""

    __slots__ = ("children", "currency", "depth", "event", "inside", "list", "name", "path", "record")

    def __init__(self, parent: _Place | None, name: str) -> None:
        self.name = name
        self.depth: int = parent.depth + 1 if parent else 0
        self.children: dict[str, _Place] = {}
        self.inside: str = parent.record or parent.inside if parent else ""
        self.record: str = ""
        self.event: Event | None = None
        if (not self.inside and name in _RECORDS) or (self.inside == "Ntry" and name == "TxDtls"):
            self.record = name
        elif not self.inside and name in _STATEMENTS:
            self.event = Event.STATEMENT
        elif not self.inside and name in _MESSAGES:
            self.event = Event.MESSAGE
        above = parent.path if parent and not parent.record and self.inside else ""
        self.path: str = "" if self.record else f"{above}/{name}" if above else name
        self.currency = self.path + CURRENCY
        self.list = _LISTS.get(self.path, "") if self.inside == "TxDtls" else ""


def elements(pieces: Iterable[str]) -> Iterator[tuple[Event, Record]]:
    """The messages, statements and records of the documents, in the order in which they end, messages and statements
    also when they start. Names lose their namespace.

    Raises:
        UnsafeFile: the document declares entities, or nests or branches without bounds.
        TruncatedFile: the document ends before its root element does.
        BrokenFile: the text is no well-formed XML.
    """
    walk = _Walk()
    parser, before = walk.parser(), 0
    try:
        for starts, text in _documents(pieces):
            if starts:
                parser.Parse("", True)
                before += parser.CurrentLineNumber - 1
                parser = walk.parser()
            parser.Parse(text, False)
            yield from walk.passed_by()
        parser.Parse("", True)
    except expat.ExpatError as error:
        line = before + error.lineno
        if error.code in _CUT_OFF:
            raise TruncatedFile(
                f"Line {line}: the XML file stops before its end, so rows may be missing. Download it again."
            ) from error
        raise BrokenFile(
            f"Line {line}, column {error.offset + 1}: the file is no well-formed XML "
            f"({str(error).split(':')[0]}). Download it again and upload it unopened."
        ) from error
    yield from walk.passed_by()


def _documents(pieces: Iterable[str]) -> Iterator[tuple[bool, str]]:
    """The text without white space at the start, before which no declaration may stand, and whether a further document
    starts with it: some banks write several into one file.
    """
    first = True
    for piece in pieces:
        text = piece.lstrip() if first else piece
        starts = [found.start() for found in _DECLARATION.finditer(text, 1 if first else 0)]
        yield False, text[: starts[0]] if starts else text
        for start, end in pairwise([*starts, len(text)]):
            yield True, text[start:end]
        first = first and not text


class _Walk:
    """The handlers of the parser, and what they have found."""

    def __init__(self) -> None:
        self._found: list[tuple[Event, Record]] = []
        self._paths = 0

    def passed_by(self) -> list[tuple[Event, Record]]:
        """What was found since the last call."""
        found, self._found = self._found, []
        return found

    def parser(self) -> expat.XMLParserType:
        """A parser that reports here. Its handlers are closures, because they run for every tag of the file."""
        self._paths = 0
        place = _Place(None, "")
        above: list[_Place] = []
        open_records: list[Record] = []
        record: Record | None = None
        text, parts = "", 0

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal place, record, text, parts
            child = place.children.get(name)
            if child is None:
                child = place.children[name] = self._place(place, name)
            above.append(place)
            place = child
            text = ""
            if child.record:
                if not open_records:
                    parts = 0
                record = Record(child.record)
                open_records.append(record)
            elif record is not None:
                parts += 1
                if parts > _MOST_PARTS:
                    raise _too_many_parts()
                if attributes and "Ccy" in attributes:
                    record.texts.setdefault(child.currency, attributes["Ccy"])
            elif child.event is not None:
                self._found.append((child.event, Record(child.name)))

        def characters(data: str) -> None:
            nonlocal text
            if len(text) <= MAX_FIELD:
                text += data

        def end(_: str) -> None:
            nonlocal place, record, text
            if record is not None:
                if text and (value := text.strip()):
                    if len(value) > MAX_FIELD:
                        record.too_long = True
                    elif place.list:
                        record.lists.setdefault(place.list, []).append(value)
                    else:
                        record.texts.setdefault(place.path, value)
                if place.record:
                    done = open_records.pop()
                    record = open_records[-1] if open_records else None
                    if record is not None:
                        record.payments.append(done)
                    else:
                        self._found.append((Event.RECORD, done))
            elif place.event is Event.STATEMENT:
                self._found.append((Event.STATEMENT_END, Record(place.name)))
            text = ""
            place = above.pop()

        return _reporting_to(start, characters, end)

    def _place(self, parent: _Place, name: str) -> _Place:
        self._paths += 1
        if parent.depth >= _DEEPEST:
            raise UnsafeFile(
                f"The XML file nests its elements more than {_DEEPEST} deep, which no bank statement does. "
                "Export the statement again from the bank."
            )
        if self._paths > _MOST_PATHS:
            raise _too_many_parts()
        return _Place(parent, name.rpartition(":")[2])


def _reporting_to(
    start: Callable[[str, dict[str, str]], None], characters: Callable[[str], None], end: Callable[[str], None]
) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.buffer_size = _BUFFER
    parser.StartElementHandler = start
    parser.CharacterDataHandler = characters
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = _refuse_declaration
    return parser


def _refuse_declaration(*_: object) -> None:
    raise UnsafeFile(
        "The XML file holds a document type definition (<!DOCTYPE), which no bank statement needs and which can make a "
        "small file expand without end. Export the statement again from the bank."
    )


def _too_many_parts() -> UnsafeFile:
    return UnsafeFile(
        f"An entry of the XML file has more than {_MOST_PARTS} parts, which no bank statement has. "
        "Export the statement again from the bank."
    )

"""MT940 and MT942 files: messages, each with the statement of one account."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from data_processing.errors import NoStatements, TruncatedFile
from data_processing.formats.parts import ROWS_OF_A_PART, OpenFile, StatementPart, collected, cut_statement
from data_processing.formats.source import Source
from data_processing.formats.swift.fields import Field, fields
from data_processing.formats.swift.information import InformationReader
from data_processing.formats.swift.pages import Pages
from data_processing.formats.swift.statements import StatementInProgress
from data_processing.statement import Statement, StatementFile

_PIECE: Final = 1 << 18
_START = re.compile(r"^(?:\{1:[^\r\n]*\{4:)?:20:", re.MULTILINE)
_SECOND = re.compile(r"^:(?:25P?|28C?|60[FM]|61|34F|13D?):", re.MULTILINE)
# ABN AMRO leaves out the reference of the message.
_UNNUMBERED = re.compile(r"^:25P?:[^\n]*\n:28C?:[^\n]*\n:60[FM]:", re.MULTILINE)
_HEAD = re.compile(r"\s*(?:\{1:|:20:|:940:)")


class SwiftFormat:
    """MT940 and MT942."""

    name = "mt"

    def detect(self, source: Source) -> float:
        """Certain when a message starts and goes on with a field of a statement; faint for its start alone."""
        head = source.head.replace("\r\n", "\n").replace("\r", "\n")
        if (_START.search(head) and _SECOND.search(head)) or _UNNUMBERED.search(head):
            return 1.0
        return 0.2 if _HEAD.match(head) else 0.0

    def read(self, source: Source) -> StatementFile:
        """The statements of the file; raises as ``Format.read`` says."""
        return collected(self.open(source, rows=ROWS_OF_A_PART))

    def open(self, source: Source, *, rows: int) -> OpenFile:
        """The parts of the file, a statement at a time; raises as ``Format.read`` says, also between parts."""
        messages = _Messages(source.today)
        opened = OpenFile("mt940", source.encoding, iter(()), messages.notes)

        def parts() -> Iterator[StatementPart]:
            with source.lines() as text:
                for number, statement in enumerate(messages.statements(iter(lambda: text.read(_PIECE), ""))):
                    opened.format = messages.format
                    yield from cut_statement(number, statement, rows)
            if not messages.count:
                raise NoStatements(
                    "The MT940 file holds no statement. Choose an account and a period with transactions in the export."
                )

        opened.parts = parts()
        return opened


class _Messages:
    """The walk over the fields of a file: keeps the open statement."""

    def __init__(self, today: date) -> None:
        self.count = 0
        self.notes: list[str] = []
        self.final = self.interim = 0
        self._today = today
        self._information = InformationReader()
        self._current: StatementInProgress | None = None
        self._finished: list[Statement] = []
        self._pages = Pages(self.notes)

    @property
    def format(self) -> str:
        """``mt942`` where every statement so far is an interim report."""
        return "mt940" if self.final or not self.interim else "mt942"

    def statements(self, pieces: Iterable[str]) -> Iterator[Statement]:
        """Each statement when it ends."""
        for field in fields(pieces):
            if field is not None and self._current is not None and field.tag == "61":
                self._current.field(field)
                continue
            self.pass_by(field)
            yield from self._taken()
        self.finish(cut_off=True)
        self._finished += self._pages.rest()
        yield from self._taken()

    def _taken(self) -> list[Statement]:
        finished, self._finished = self._finished, []
        self.count += len(finished)
        return finished

    def pass_by(self, field: Field | None) -> None:
        if field is None:
            self.finish()
        elif field.tag == "20":
            self._start(field)
        elif field.tag in ("25", "25P") and (self._current is None or self._current.closed):
            self._start(field, account=field)
        elif self._current is None:
            if field.tag in ("61", "60F", "60M"):
                raise TruncatedFile(
                    f"Line {field.line}: the MT940 file has a row or a balance before the start of a message (:20:), "
                    "so its beginning is missing. Download it again."
                )
        else:
            if field.tag in ("60F", "60M") and self._current.closed:
                self._start(field, account=self._current.account_field)
            self._current.field(field)

    def _start(self, field: Field, *, account: Field | None = None) -> None:
        self.finish()
        self._current = StatementInProgress(self._information, today=self._today, line=field.line, account=account)

    def finish(self, *, cut_off: bool = False) -> None:
        """The end of the open statement, if there is one; ``cut_off`` where the text ends without saying so."""
        current, self._current = self._current, None
        if current is None:
            return
        statement, notes = current.finished(cut_off=cut_off)
        if not (statement.entries or statement.refused or statement.balances):
            return
        self.interim += current.interim
        self.final += not current.interim
        self.notes += notes
        self._finished += self._pages.add(statement)

"""A file as it is read part by part, so that memory does not grow with its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from data_processing.investments import Security, SecurityPrice
from data_processing.statement import Entry, RefusedRow, Statement, StatementFile

ROWS_OF_A_PART: Final = 5000
"""The most rows of a part, read and refused together."""


@dataclass(frozen=True, slots=True)
class StatementPart:
    """Some rows of a statement, in the order of the file.

    ``number`` counts the file's statements from 0. ``statement`` holds the part's rows, and of everything else what is
    known so far: of the account at least what tells it from others. Only the ``last`` part of a statement has its
    balances and investments, and the currency and the period of the whole.
    """

    number: int
    statement: Statement
    last: bool


@dataclass(slots=True)
class OpenFile:
    """A file whose parts are still to be read; ``format`` and ``notes`` are whole when the parts are used up."""

    format: str
    encoding: str
    parts: Iterator[StatementPart]
    notes: list[str] = field(default_factory=list)
    securities: tuple[Security, ...] = ()
    prices: tuple[SecurityPrice, ...] = ()


def cut(file: StatementFile, *, rows: int) -> OpenFile:
    """The parts of a file that was read as a whole."""
    parts = (
        part for number, statement in enumerate(file.statements) for part in cut_statement(number, statement, rows)
    )
    return OpenFile(file.format, file.encoding, parts, list(file.notes), file.securities, file.prices)


def cut_statement(number: int, statement: Statement, rows: int) -> Iterator[StatementPart]:
    """The parts of a statement that was read as a whole."""
    if len(statement.entries) + len(statement.refused) <= rows:
        yield StatementPart(number, statement, last=True)
        return
    some = Statement(statement.account, statement.currency)
    for start in range(0, len(statement.refused), rows):
        refused = statement.refused[start : start + rows]
        yield StatementPart(number, replace(some, refused=refused), last=False)
    end = 0
    while len(statement.entries) - end > rows:
        yield StatementPart(number, replace(some, entries=statement.entries[end : end + rows]), last=False)
        end += rows
    yield StatementPart(number, replace(statement, entries=statement.entries[end:], refused=()), last=True)


def collected(opened: OpenFile) -> StatementFile:
    """The whole file."""
    statements: list[Statement] = []
    entries: list[Entry] = []
    refused: list[RefusedRow] = []
    for part in opened.parts:
        if part.last and not entries and not refused:
            statements.append(part.statement)
            continue
        entries += part.statement.entries
        refused += part.statement.refused
        if part.last:
            statements.append(replace(part.statement, entries=tuple(entries), refused=tuple(refused)))
            entries, refused = [], []
    return StatementFile(
        opened.format,
        opened.encoding,
        tuple(statements),
        tuple(opened.notes),
        securities=opened.securities,
        prices=opened.prices,
    )

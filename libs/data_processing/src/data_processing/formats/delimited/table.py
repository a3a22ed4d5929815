"""A table of rows, from a CSV file or a sheet, read by the dialect its header belongs to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from data_processing.amounts import shortened
from data_processing.dates import settle
from data_processing.formats.delimited.header import Header
from data_processing.formats.delimited.profile import Profile
from data_processing.formats.delimited.rows import AccountKey, RowReader, account_columns, file_currency
from data_processing.statement import AccountReference, Entry, RefusedRow, Statement

NumberedRow = tuple[int, list[str]]
"""The line a row starts on, from 1, and its cells."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose header was found. ``rows`` gives the rows below it, and again from the first at each call.

    ``above`` is the text above the header; ``place`` is what a row's number counts: ``line``, ``row``.
    """

    header: Header
    profile: Profile
    rows: Callable[[], Iterable[NumberedRow]]
    above: str
    place: str = "line"


def read_table(table: Table, *, today: date) -> tuple[Statement, list[str]]:
    """The table's statement, and what the user should know about it; raises ``UnclearDates``."""
    profile, header = table.profile, table.header
    survey = _survey(table.rows(), profile, header)
    dates = settle(profile.dates.order, survey.dates, today=today)
    reader = RowReader(profile, header, dates, accounts=len(survey.accounts) > 1)
    entries, refused = _read_rows(table, reader)
    currency = _common_currency(entries, file_currency(profile, header))
    account = _account(profile, survey.accounts, table.above, currency)
    statement = Statement(account, currency, tuple(entries), tuple(refused))
    return statement, [*_left_out(profile, reader), *reader.notes]


@dataclass(frozen=True, slots=True)
class _Survey:
    """What must be known of all rows before the first can be read."""

    dates: set[str]
    accounts: set[AccountKey]


def _survey(rows: Iterable[NumberedRow], profile: Profile, header: Header) -> _Survey:
    wanted = (profile.dates.booking, profile.dates.value, profile.dates.pending)
    positions = [position for column in wanted if column and (position := header.position(column)) is not None]
    columns = account_columns(profile, header)
    width = len(header.cells)
    dates: set[str] = set()
    examples: dict[tuple[str, ...], list[str]] = {}
    for _, cells in rows:
        if len(cells) >= width:
            for position in positions:
                dates.add(cells[position])
            if columns is not None:
                examples.setdefault(tuple([cells[position] for position in columns.positions]), cells)
    return _Survey(dates, {columns.key(cells) for cells in examples.values()} if columns else set())


def _read_rows(table: Table, reader: RowReader) -> tuple[list[Entry], list[RefusedRow]]:
    entries: list[Entry] = []
    refused: list[RefusedRow] = []
    delimiter = table.header.delimiter
    for line, cells in table.rows():
        place = f"{table.place} {line}"
        try:
            entry = reader.read(cells, place)
        except ValueError as reason:
            raw = shortened(delimiter.join(cells), 300)
            refused.append(RefusedRow(place, str(reason), reader.identifier(cells), raw))
        else:
            if entry is not None:
                entries.append(entry)
    return entries, refused


def _common_currency(entries: list[Entry], fallback: str | None) -> str | None:
    """The currency of all entries; None where they differ; the file's own where there are none."""
    currencies = {entry.currency for entry in entries} or {fallback}
    return currencies.pop() if len(currencies) == 1 else None


def _account(profile: Profile, keys: set[AccountKey], above: str, currency: str | None) -> AccountReference:
    if len(keys) > 1:
        return AccountReference()
    number, bank, name = next(iter(keys), ("", "", ""))
    return AccountReference(
        number=number or _above(profile, above) or None,
        bank=bank or None,
        name=None if profile.account.shared_name else name or None,
        type=profile.account.type or None,
        currency=currency,
    )


def _left_out(profile: Profile, reader: RowReader) -> Iterator[str]:
    for word, count in sorted(reader.left_out.items()):
        rows = "1 row moves" if count == 1 else f"{count} rows move"
        column = profile.status.column if profile.status else "status"
        yield f'{rows} no money and {"is" if count == 1 else "are"} left out: {column} "{word}".'


def _above(profile: Profile, above: str) -> str:
    if not profile.account.number_above:
        return ""
    found = re.search(profile.account.number_above, above)
    return found[1].strip() if found else ""

"""A table of rows, from a CSV file or a sheet, read by the dialect its header belongs to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Final

from data_processing.amounts import shortened
from data_processing.dates import DateSurvey
from data_processing.formats.delimited.footer import (
    Aside,
    LineKind,
    figures_of_the_rows,
    stated_balances,
    told,
)
from data_processing.formats.delimited.header import Header
from data_processing.formats.delimited.profile import Amount, Profile
from data_processing.formats.delimited.rows import (
    AccountKey,
    RowReader,
    account_columns,
    file_currency,
    line_form,
)
from data_processing.formats.delimited.short_rows import cells_lacking, gathered, joined, padded
from data_processing.formats.parts import StatementPart
from data_processing.statement import AccountReference, Balance, Entry, RefusedRow, Statement

_CUT_OFF: Final = (
    "the file stops inside this row: its amount has fewer decimals than all others, and no line end behind it. "
    "Download the file again"
)

_ABOVE_THE_HEADER: Final = (
    "the row stands above the header, as a spreadsheet leaves it when it sorts the lines. Move the header to the first "
    "line, or export the file again"
)
_MOST_HELD: Final = 200
"""So many lines that may be a footer are held until the next row shows that they are none."""

NumberedRow = tuple[int, list[str]]
"""The line a row starts on, from 1, and its cells."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose header was found. ``rows`` gives the rows below it, and again from the first at each call.

    ``above`` is the text above the header, and ``preamble`` its lines. ``place`` is what a row's number counts:
    ``line``, ``row``; ``open_ended`` says that the last row has no line end, so that the file may have been cut off in
    it.
    """

    header: Header
    profile: Profile
    rows: Callable[[], Iterable[NumberedRow]]
    above: str
    preamble: Sequence[NumberedRow] = ()
    place: str = "line"
    open_ended: bool = False


class TableReader:
    """Reads a table in parts; ``notes`` are whole when the parts are used up.

    Raises ``UnclearDates``, and what the table's rows raise, before the first part.
    """

    def __init__(self, table: Table, *, today: date) -> None:
        table = _whole_rows(table)
        survey = _survey(table)
        self._dates = survey.dates.reader(table.profile.dates.order, today=today)
        self._table = table
        self._reader = RowReader(table.profile, table.header, self._dates, accounts=len(survey.accounts) > 1)
        self._accounts = survey.accounts
        self._cut_line = survey.cut_line
        self._form = line_form(table.profile, table.header)
        self._preamble: list[Aside] = []
        self._footer: list[Aside] = []

    @property
    def notes(self) -> list[str]:
        """What the user should know about the lines that were read."""
        delimiter = self._table.header.delimiter
        return [
            *told(self._preamble, "above the rows", delimiter),
            *told(self._footer, "below the rows", delimiter),
            *_left_out(self._reader),
            *self._reader.notes,
        ]

    def parts(self, number: int = 0, *, rows: int) -> Iterator[StatementPart]:
        """The parts of the table's statement; there is always a last one."""
        profile = self._table.profile
        fallback = file_currency(profile, self._table.header)
        account = _account(profile, self._accounts, self._table.above, fallback)
        currencies: set[str | None] = set()
        for entries, refused, last in self._batches(rows):
            currencies.update([entry.currency for entry in entries])
            if not last:
                yield StatementPart(number, Statement(account, fallback, entries, refused), last=False)
                continue
            # The currency of all entries; None where they differ; the file's own where there are none.
            currencies = currencies or {fallback}
            currency = currencies.pop() if len(currencies) == 1 else None
            account = _account(profile, self._accounts, self._table.above, currency)
            yield StatementPart(
                number, Statement(account, currency, entries, refused, self._balances(currency)), last=True
            )

    def _batches(self, rows: int) -> Iterator[tuple[tuple[Entry, ...], tuple[RefusedRow, ...], bool]]:
        entries: list[Entry] = []
        refused: list[RefusedRow] = self._above_the_header()
        held: list[tuple[RefusedRow, list[str]]] = []
        read, place, delimiter = self._reader.read, self._table.place, self._table.header.delimiter
        full, found = len(refused), False
        for line, cells in self._table.rows():
            if full >= rows:
                yield tuple(entries), tuple(refused), False
                entries, refused, full = [], [], 0
            where = f"{place} {line}"
            try:
                if line == self._cut_line:
                    raise ValueError(_CUT_OFF)
                entry = read(cells, where)
            except ValueError as reason:
                raw = shortened(delimiter.join(cells), 300)
                held.append((RefusedRow(where, str(reason), self._reader.identifier(cells), raw), cells))
                if len(held) <= _MOST_HELD and self._form.kind_of(cells) is not None:
                    continue
                # A row, although a broken one: so the lines above it are no footer.
            else:
                if entry is not None:
                    entries.append(entry)
                    full += 1
            if held:
                lines = [row for row, _ in held] if found else self._refused_of(held, self._preamble)
                refused += lines
                full += len(lines)
                held = []
            found = True
        refused += self._refused_of(held, self._footer)
        yield tuple(entries), tuple(refused), True

    def _refused_of(self, held: Sequence[tuple[RefusedRow, list[str]]], asides: list[Aside]) -> list[RefusedRow]:
        """Those of the lines that are refused; the others, which are no rows, join ``asides``."""
        refused: list[RefusedRow] = []
        for row, cells in held:
            kind = self._form.kind_of(cells)
            if kind is None or (kind is LineKind.TOTAL and not self._proved(cells)):
                refused.append(row)
            else:
                asides.append(Aside(row.place, tuple(cells)))
        return refused

    def _proved(self, cells: Sequence[str]) -> bool:
        """Whether all figures of a total are those of the rows."""
        try:
            return self._figures.issuperset(self._form.figures(cells))
        except ValueError:
            return False

    @cached_property
    def _figures(self) -> frozenset[Decimal]:
        """What totals may state; read from the rows anew, because few files have totals."""
        return figures_of_the_rows(self._entries())

    def _entries(self) -> Iterator[Entry]:
        reader = self._another_reader()
        for _, cells in self._table.rows():
            try:
                entry = reader.read(cells, "")
            except ValueError:
                continue
            if entry is not None:
                yield entry

    def _above_the_header(self) -> list[RefusedRow]:
        """Rows that stand above the header; the lines there that are no rows join the preamble."""
        refused: list[RefusedRow] = []
        delimiter = self._table.header.delimiter
        reader = self._another_reader()
        for line, cells in self._table.preamble:
            where = f"{self._table.place} {line}"
            if len(cells) >= reader.width and _reads(reader, cells):
                raw = shortened(delimiter.join(cells), 300)
                refused.append(RefusedRow(where, _ABOVE_THE_HEADER, self._reader.identifier(cells), raw))
            else:
                self._preamble.append(Aside(where, tuple(cells)))
        return refused

    def _another_reader(self) -> RowReader:
        """A reader of rows that are not booked, so that what it notes is not told."""
        return RowReader(self._table.profile, self._table.header, self._dates, accounts=False)

    def _balances(self, currency: str | None) -> tuple[Balance, ...]:
        """The balances that lines beside the rows state, as the dialect says, or the only row of a kind left out."""
        asides = [*self._preamble, *self._footer]
        if len(self._accounts) < 2:
            left_out = self._reader.first_left_out.items()
            asides += [
                Aside(place, tuple(cells)) for word, (place, cells) in left_out if self._reader.left_out[word] == 1
            ]
        patterns, header = self._table.profile.balances, self._table.header
        return stated_balances(asides, patterns, header, self._form.number, self._dates, currency)


def _reads(reader: RowReader, cells: list[str]) -> bool:
    try:
        return reader.read(cells, "") is not None
    except ValueError:
        return False


def _whole_rows(table: Table) -> Table:
    """The table with rows as wide as its header, if all lack the same cells, and with the texts of one row joined."""
    width, rows = len(table.header.cells), table.rows
    lacking = cells_lacking((cells for _, cells in rows()), width)
    if lacking and not any(len(cells) >= width for _, cells in rows()):
        table = replace(table, rows=lambda: ((line, padded(cells, width, lacking)) for line, cells in rows()))
    profile, whole = table.profile, table.rows
    found = [table.header.position(column) for column in profile.columns.text]
    text = [position for position in found if position is not None]
    if profile.continued:
        form = line_form(profile, table.header)
        given = (*form.booking, *form.amounts)
        table = replace(table, rows=lambda: joined(whole(), given=given, text=text))
    elif profile.text_behind:
        table = replace(table, rows=lambda: ((line, gathered(cells, width, text[0])) for line, cells in whole()))
    return table


@dataclass(frozen=True, slots=True)
class _Survey:
    """What must be known of all rows before the first can be read; of the accounts no more than two.

    ``cut_line`` is the line of a last row whose amount may have been cut off.
    """

    dates: DateSurvey
    accounts: set[AccountKey]
    cut_line: int | None


def _survey(table: Table) -> _Survey:
    profile, header = table.profile, table.header
    wanted = (profile.dates.booking, profile.dates.value, profile.dates.pending)
    positions = [position for column in wanted if column and (position := header.position(column)) is not None]
    columns = account_columns(profile, header)
    named = columns.positions if columns is not None else ()
    width = len(header.cells)
    dates = DateSurvey()
    accounts: set[AccountKey] = set()
    last: list[str] = []
    ends = _LastColumn(profile.amount, header) if table.open_ended else None
    for line, cells in table.rows():
        if len(cells) < width:
            continue
        if ends is not None:
            ends.add(line, cells)
        for position in positions:
            dates.add(cells[position])
        if columns is not None and len(accounts) < 2:
            found = [cells[position] for position in named]
            if found != last and any(cells[position].strip() for position in positions):
                last = found
                accounts.add(columns.key(cells))
    return _Survey(dates, accounts, ends.cut_line if ends is not None else None)


class _LastColumn:
    """Whether the last row of a file stops inside its amount: it has fewer decimals than all others have."""

    def __init__(self, amount: Amount, header: Header) -> None:
        self._position = len(header.cells) - 1
        columns = [column for column in (amount.column, amount.money_out, amount.money_in) if column]
        self._counts = self._position in [header.position(column) for column in columns]
        self._mark = amount.decimal
        self._decimals: set[int] = set()
        self._last: tuple[int, int] | None = None

    def add(self, line: int, cells: Sequence[str]) -> None:
        """One more row."""
        text = cells[self._position].strip()
        if self._counts and text:
            if self._last is not None:
                self._decimals.add(self._last[1])
            self._last = line, len(text.partition(self._mark)[2])

    @property
    def cut_line(self) -> int | None:
        """The line of the last row, if it seems to be cut off."""
        if self._last is None or len(self._decimals) != 1:
            return None
        return self._last[0] if self._last[1] < max(self._decimals) else None


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


def _left_out(reader: RowReader) -> Iterator[str]:
    for (column, word), count in sorted(reader.left_out.items()):
        rows = "1 row moves" if count == 1 else f"{count} rows move"
        what = f'{column} "{word}"' if word else f"{column} is empty"
        yield f"{rows} no money and {'is' if count == 1 else 'are'} left out: {what}."


def _above(profile: Profile, above: str) -> str:
    if not profile.account.number_above:
        return ""
    found = re.search(profile.account.number_above, above)
    return found[1].strip() if found else ""

"""Delimited text (CSV, TSV): one file is one statement, read by the dialect its header belongs to."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from io import StringIO

from data_processing.amounts import shortened
from data_processing.dates import DateReader, settle
from data_processing.errors import BrokenFile
from data_processing.formats.delimited.header import Header, find_header, looks_like_a_table
from data_processing.formats.delimited.profile import Profile
from data_processing.formats.delimited.rows import RowReader, account_columns, file_currency
from data_processing.formats.source import Source
from data_processing.statement import AccountReference, Entry, RefusedRow, Statement, StatementFile

_OTHER_FORMATS = ("<", "!", "{", "[", ":20:")

NumberedRow = tuple[int, list[str]]
"""The line a row starts on, from 1, and its cells."""


class DelimitedFormat:
    """CSV and TSV in the dialects of ``profiles/``."""

    name = "csv"

    def detect(self, source: Source) -> float:
        """Faint for any text with delimiters; the header decides on reading."""
        head = source.head
        if head.lstrip().startswith(_OTHER_FORMATS):
            return 0.0
        return 0.1 if looks_like_a_table(head.replace("\r\n", "\n").replace("\r", "\n")) else 0.0

    def read(self, source: Source) -> StatementFile:
        """The one statement of the file; raises as ``Format.read`` says."""
        text = source.text
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        header, profile = find_header(text)
        above, below = _split(text, header.line)
        rows = list(_rows(below, header, quoted=profile.quoted))
        dates = settle(profile.dates.order, _date_cells(rows, profile, header), today=source.today)
        statement, notes = _statement(rows, profile, header, dates, above)
        return StatementFile(f"{self.name}/{profile.dialect}", source.decoded.encoding, (statement,), tuple(notes))


def _split(text: str, line: int) -> tuple[str, str]:
    position = 0
    for _ in range(line):
        position = text.index("\n", position) + 1
    return text[:position], text[position:]


def _rows(text: str, header: Header, *, quoted: bool) -> Iterable[NumberedRow]:
    """The rows below the header; blank lines and repeated headers are no rows."""
    source = StringIO(text)
    reader = (
        csv.reader(source, delimiter=header.delimiter, strict=True)
        if quoted
        else csv.reader(source, delimiter=header.delimiter, quoting=csv.QUOTE_NONE)
    )
    names = [cell.strip() for cell in header.cells]
    try:
        next(reader)
        line = reader.line_num
        for cells in reader:
            start, line = line + 1, reader.line_num
            if not any(cells) or not any(cell.strip() for cell in cells):
                continue
            if cells[0].strip() == names[0] and [cell.strip() for cell in cells[: len(names)]] == names:
                continue
            yield header.line + start, cells
    except csv.Error as error:
        raise BrokenFile(
            f"Line {header.line + reader.line_num}: the quotation marks of the CSV file do not match ({error}), so "
            "the rows below cannot be told apart. Export it again and upload it unopened."
        ) from error


def _date_cells(rows: list[NumberedRow], profile: Profile, header: Header) -> set[str]:
    wanted = (profile.dates.booking, profile.dates.value, profile.dates.pending)
    positions = [position for column in wanted if column and (position := header.position(column)) is not None]
    width = len(header.cells)
    return {cells[position] for position in positions for _, cells in rows if len(cells) >= width}


def _statement(
    rows: list[NumberedRow], profile: Profile, header: Header, dates: DateReader, above: str
) -> tuple[Statement, list[str]]:
    columns = account_columns(profile, header)
    keys = {columns.key(cells) for _, cells in rows if len(cells) >= len(header.cells)} if columns else set()
    several = len(keys) > 1
    reader = RowReader(profile, header, dates, accounts=several)
    entries: list[Entry] = []
    refused: list[RefusedRow] = []
    for line, cells in rows:
        place = f"line {line}"
        try:
            entry = reader.read(cells, place)
        except ValueError as reason:
            raw = shortened(header.delimiter.join(cells), 300)
            refused.append(RefusedRow(place, str(reason), reader.identifier(cells), raw))
        else:
            if entry is not None:
                entries.append(entry)
    currencies = {entry.currency for entry in entries}
    currency = currencies.pop() if len(currencies) == 1 else None if currencies else file_currency(profile, header)
    number, bank, name = keys.pop() if len(keys) == 1 else ("", "", "")
    number = number or _above(profile, above)
    name = "" if profile.account.shared_name else name
    account = AccountReference(
        number=number or None,
        bank=bank or None,
        name=name or None,
        type=(profile.account.type or None) if not several else None,
        currency=currency if not several else None,
    )
    status = profile.status.column if profile.status else ""
    notes = [
        f'{count} rows with {status} "{word}" move no money and are left out.'
        for word, count in sorted(reader.left_out.items())
    ]
    statement = Statement(account=account, currency=currency, entries=tuple(entries), refused=tuple(refused))
    return statement, notes + reader.notes


def _above(profile: Profile, above: str) -> str:
    if not profile.account.number_above:
        return ""
    found = re.search(profile.account.number_above, above)
    return found[1].strip() if found else ""

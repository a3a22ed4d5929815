"""Delimited text (CSV, TSV): one file is one statement, read by the dialect its header belongs to."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO

from data_processing.amounts import shortened
from data_processing.dates import settle
from data_processing.errors import BrokenFile
from data_processing.formats.delimited.header import Header, find_header, looks_like_a_table
from data_processing.formats.delimited.profile import Profile
from data_processing.formats.delimited.rows import AccountKey, RowReader, account_columns, file_currency
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
        survey = _survey(_rows(below, header), profile, header)
        dates = settle(profile.dates.order, survey.dates, today=source.today)
        reader = RowReader(profile, header, dates, accounts=len(survey.accounts) > 1)
        entries, refused = _read_rows(_rows(below, header), reader, header.delimiter)
        currency = _common_currency(entries, file_currency(profile, header))
        account = _account(profile, survey.accounts, above, currency)
        statement = Statement(account, currency, tuple(entries), tuple(refused))
        notes = [*_left_out(profile, reader), *reader.notes]
        return StatementFile(f"{self.name}/{profile.dialect}", source.decoded.encoding, (statement,), tuple(notes))


def _split(text: str, line: int) -> tuple[str, str]:
    position = 0
    for _ in range(line):
        position = text.index("\n", position) + 1
    return text[:position], text[position:]


def _rows(text: str, header: Header) -> Iterable[NumberedRow]:
    """The rows below the header; blank lines and repeated headers are no rows."""
    reader = csv.reader(StringIO(text), delimiter=header.delimiter, strict=True)
    names = [cell.strip() for cell in header.cells]
    try:
        next(reader)
        line = reader.line_num
        for cells in reader:
            start, line = line + 1, reader.line_num
            if not cells or not (cells[0].strip() or any(cell.strip() for cell in cells)):
                continue
            if cells[0] == header.cells[0] and [cell.strip() for cell in cells[: len(names)]] == names:
                continue
            yield header.line + start, cells
    except csv.Error as error:
        raise BrokenFile(
            f"Line {header.line + reader.line_num}: the quotation marks of the CSV file do not match ({error}), so "
            "the rows below cannot be told apart. Export it again and upload it unopened."
        ) from error


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


def _read_rows(rows: Iterable[NumberedRow], reader: RowReader, delimiter: str) -> tuple[list[Entry], list[RefusedRow]]:
    entries: list[Entry] = []
    refused: list[RefusedRow] = []
    for line, cells in rows:
        place = f"line {line}"
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

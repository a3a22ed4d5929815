"""Delimited text (CSV, TSV): one file is one statement, read by the dialect its header belongs to."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import StringIO

from data_processing.errors import BrokenFile, UnknownCsvShape
from data_processing.formats.delimited.header import Header, candidates, find_header, looks_like_a_table
from data_processing.formats.delimited.proposal import ProposedMapping, propose
from data_processing.formats.delimited.shape import likeliest_header
from data_processing.formats.delimited.table import NumberedRow, Table, read_table
from data_processing.formats.source import Source
from data_processing.statement import StatementFile

_SEARCHED_LINES = 60
_OTHER_FORMATS = ("<", "!", "{", "[", ":20:")


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
        try:
            header, profile = find_header(candidates(text), source.mappings)
        except UnknownCsvShape as error:
            error.proposal = _proposal(text, source)
            raise
        above, below = _split(text, header.line)
        table = Table(header, profile, lambda: _rows(below, header), above)
        statement, notes = read_table(table, today=source.today)
        return StatementFile(f"{self.name}/{profile.dialect}", source.decoded.encoding, (statement,), tuple(notes))

    def propose(self, source: Source) -> ProposedMapping | None:
        """How the table might be read; None where no row looks like a header."""
        return _proposal(source.text.replace("\r\n", "\n").replace("\r", "\n"), source)


def _proposal(text: str, source: Source) -> ProposedMapping | None:
    lines = text.split("\n", _SEARCHED_LINES * 2)[: _SEARCHED_LINES * 2]

    def with_rows() -> Iterator[tuple[Header, list[list[str]]]]:
        for header in candidates(text):
            below = lines[header.line + 1 : header.line + 1 + _SEARCHED_LINES]
            try:
                yield header, list(csv.reader(below, delimiter=header.delimiter))
            except csv.Error:
                continue

    header = likeliest_header(with_rows())
    if header is None:
        return None
    _, below = _split(text, header.line)
    try:
        return propose(header, lambda: _rows(below, header), encoding=source.decoded.encoding, today=source.today)
    except BrokenFile:
        return None


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

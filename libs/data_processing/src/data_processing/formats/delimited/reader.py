"""Delimited text (CSV, TSV): one file is one statement, read by the dialect its header belongs to."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import Final

from data_processing.errors import BrokenFile, UnknownCsvShape, UnsafeFile
from data_processing.formats.delimited.header import (
    DELIMITERS,
    Header,
    candidates,
    find_header,
    looks_like_a_table,
)
from data_processing.formats.delimited.headerless import absent_header
from data_processing.formats.delimited.proposal import ProposedMapping, propose
from data_processing.formats.delimited.shape import likeliest_header
from data_processing.formats.delimited.table import NumberedRow, Table, TableReader
from data_processing.formats.parts import ROWS_OF_A_PART, OpenFile, StatementPart, collected
from data_processing.formats.source import LONGEST_LINE, Source
from data_processing.statement import StatementFile

_SEARCHED_LINES: Final = 60
_LONGEST_LINE: Final = 16_384
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
        return collected(self.open(source, rows=ROWS_OF_A_PART))

    def open(self, source: Source, *, rows: int) -> OpenFile:
        """The parts of the file's one statement; raises as ``Format.read`` says, all of it before the first part."""
        head = _head(source)
        if source.longest_run > LONGEST_LINE:
            raise UnsafeFile(
                f"The file has a line of more than {LONGEST_LINE // 1024**2} MiB, which no table has. Export it again."
            )
        try:
            header, profile = find_header([*candidates(head), *_absent(head)], source.mappings)
        except UnknownCsvShape as error:
            error.proposal = _proposal(head, source)
            raise
        above = _above(head, header.line)
        table = Table(
            header,
            profile,
            lambda: _rows(source, header),
            above,
            preamble=_preamble(above, header.delimiter),
            open_ended=source.open_ended,
        )
        reader = TableReader(table, today=source.today)
        opened = OpenFile(f"{self.name}/{profile.dialect}", source.encoding, iter(()))

        def parts() -> Iterator[StatementPart]:
            yield from reader.parts(rows=rows)
            opened.notes += reader.notes

        opened.parts = parts()
        return opened

    def propose(self, source: Source) -> ProposedMapping | None:
        """How the table might be read; None where no row looks like a header."""
        return _proposal(_head(source), source)


def _head(source: Source) -> str:
    """The first lines, in which the header is looked for; of longer lines than any header the start."""
    found: list[str] = []
    with source.lines() as lines:
        for _ in range(_SEARCHED_LINES * 2):
            line = start = lines.readline(_LONGEST_LINE)
            while line and not line.endswith("\n"):
                line = lines.readline(_LONGEST_LINE)
            found.append(start)
    return "".join(line if line.endswith("\n") or not line else f"{line}\n" for line in found)


def _above(head: str, line: int) -> str:
    return "".join(head.splitlines(keepends=True)[: max(line, 0)])


def _preamble(above: str, delimiter: str) -> list[NumberedRow]:
    """The lines above the header that are not blank; each is a line of its own, whatever quotation marks it holds."""
    rows = (
        (number, next(csv.reader([line], delimiter=delimiter), [])) for number, line in enumerate(above.split("\n"), 1)
    )
    return [(number, cells) for number, cells in rows if any(cell.strip() for cell in cells)]


def _absent(head: str) -> list[Header]:
    """The header that stands for a missing one, by the delimiter that gives most columns; else none."""
    lines = head.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return []
    found: list[Header] = []
    for delimiter in DELIMITERS:
        try:
            rows = [row for row in csv.reader(lines[first:], delimiter=delimiter) if row]
        except csv.Error:
            continue
        if header := absent_header(first, delimiter, rows):
            found.append(header)
    return sorted(found, key=lambda header: -len(header.cells))[:1]


def _proposal(head: str, source: Source) -> ProposedMapping | None:
    lines = head.split("\n")

    def with_rows() -> Iterator[tuple[Header, list[list[str]]]]:
        for header in candidates(head):
            below = lines[header.line + 1 : header.line + 1 + _SEARCHED_LINES]
            try:
                yield header, list(csv.reader(below, delimiter=header.delimiter))
            except csv.Error:
                continue

    header = next(iter(_absent(head)), None) or likeliest_header(with_rows())
    if header is None:
        return None
    try:
        return propose(header, lambda: _rows(source, header), encoding=source.encoding, today=source.today)
    except BrokenFile:
        return None


def _rows(source: Source, header: Header) -> Iterator[NumberedRow]:
    """The rows below the header; blank lines and repeated headers are no rows.

    From the first record on whose quotation marks do not match, the lines are looked at one by one.
    """
    names = [cell.strip() for cell in header.cells]
    first = header.cells[0]
    above = max(header.line, 0)
    with source.lines() as lines:
        for _ in range(above):
            lines.readline()
        reader = csv.reader(lines, delimiter=header.delimiter, strict=True)
        line = 0
        try:
            if header.line >= 0:
                next(reader)
                line = reader.line_num
            for cells in reader:
                start, line = line + 1, reader.line_num
                if not cells or not (cells[0].strip() or any(cell.strip() for cell in cells)):
                    continue
                if cells[0] == first and [cell.strip() for cell in cells[: len(names)]] == names:
                    continue
                yield above + start, cells
        except csv.Error:
            if header.line >= 0 and not line:
                raise _unmatched(above + reader.line_num) from None
        else:
            return
    for start, cells in _records_one_by_one(source, header.delimiter, above + line):
        if any(cell.strip() for cell in cells) and [cell.strip() for cell in cells[: len(names)]] != names:
            yield start, cells


def _records_one_by_one(source: Source, delimiter: str, above: int) -> Iterator[NumberedRow]:
    """The records below so many lines; one whose marks do not match must be a line of its own."""
    with source.lines() as lines:
        for _ in range(above):
            lines.readline()
        of_record: list[str] = []

        def kept() -> Iterator[str]:
            for line in lines:
                of_record.append(line)
                yield line

        reader = csv.reader(kept(), delimiter=delimiter, strict=True)
        while True:
            of_record.clear()
            start = above + reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if len(of_record) != 1 or len(of_record[0]) > _LONGEST_LINE or of_record[0].count('"') % 2:
                    raise _unmatched(above + reader.line_num) from error
                cells = _cells(of_record[0], delimiter)
            yield start, cells


def _cells(line: str, delimiter: str) -> list[str]:
    """The cells of a line in which marks stand inside of a cell, or blanks behind it; else the whole line as one."""
    ends = f"[{re.escape(delimiter)}\n]"
    clean = re.sub(rf'" +(?={ends}|$)', '"', line)
    inner = re.sub(rf'(?<=[^{re.escape(delimiter)}])"(?!{ends}|$)', '""', clean)
    try:
        return next(csv.reader([inner], delimiter=delimiter, strict=True))
    except csv.Error:
        return [line.rstrip("\n")]


def _unmatched(line: int) -> BrokenFile:
    return BrokenFile(
        f"Line {line}: the quotation marks of the CSV file do not match, so the rows below cannot be told apart. "
        "Export it again and upload it unopened."
    )

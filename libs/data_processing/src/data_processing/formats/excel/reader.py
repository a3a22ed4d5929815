"""Excel workbooks: every sheet whose header belongs to a known dialect is one statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import islice

from python_calamine import CalamineSheet, CalamineWorkbook

from data_processing.errors import EmptyFile, SpreadsheetFile, UnknownCsvShape
from data_processing.formats.delimited.header import Header, find_header, header_of
from data_processing.formats.delimited.headerless import absent_header
from data_processing.formats.delimited.mapping import CsvMapping
from data_processing.formats.delimited.proposal import ProposedMapping, propose
from data_processing.formats.delimited.shape import likeliest_header
from data_processing.formats.delimited.table import NumberedRow, Table, TableReader
from data_processing.formats.excel.cells import Cell, cell_text
from data_processing.formats.excel.container import safe_content
from data_processing.formats.parts import ROWS_OF_A_PART, OpenFile, StatementPart, collected
from data_processing.formats.source import Source
from data_processing.statement import StatementFile

_SEARCHED_ROWS = 60
_BETWEEN = " | "


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a sheet from its first cell on, made anew at each iteration."""

    cells: CalamineSheet
    kind: str

    def __iter__(self) -> Iterator[list[Cell]]:
        with _damage_named(self.kind):
            yield from self.cells.iter_rows()


class ExcelFormat:
    """xls and xlsx, in the dialects of CSV."""

    name = "excel"

    def detect(self, source: Source) -> float:
        """Certain for the bytes of a workbook."""
        return 1.0 if source.workbook else 0.0

    def read(self, source: Source) -> StatementFile:
        """The statements of the workbook; raises as ``Format.read`` says."""
        return collected(self.open(source, rows=ROWS_OF_A_PART))

    def open(self, source: Source, *, rows: int) -> OpenFile:
        """The parts of the workbook's statements; raises as ``Format.read`` says, all of it before the first part."""
        kind = source.workbook or "xlsx"
        sheets = _sheets(safe_content(source.content, kind), kind)
        if not sheets:
            raise EmptyFile("The workbook has no sheet with cells in it. Export the statement again.")
        try:
            tables = list(_tables(sheets, source.mappings))
        except UnknownCsvShape as error:
            error.proposal = _proposal(sheets, kind, source)
            raise
        readers = [TableReader(table, today=source.today) for table in tables]
        opened = OpenFile(f"{self.name}/{tables[0].profile.dialect}", kind, iter(()))

        def parts() -> Iterator[StatementPart]:
            for number, reader in enumerate(readers):
                yield from reader.parts(number, rows=rows)
                opened.notes += reader.notes
            skipped = len(sheets) - len(tables)
            if skipped:
                opened.notes.append(
                    f"{skipped} of {len(sheets)} sheets hold no table of a known bank and are left out."
                )

        opened.parts = parts()
        return opened

    def propose(self, source: Source) -> ProposedMapping | None:
        """How the sheet that looks most like a statement might be read; None where no row looks like a header."""
        kind = source.workbook or "xlsx"
        return _proposal(_sheets(safe_content(source.content, kind), kind), kind, source)


def _proposal(sheets: dict[str, Sheet], kind: str, source: Source) -> ProposedMapping | None:
    proposals: list[ProposedMapping] = []
    for rows in sheets.values():
        texts = [[cell_text(cell) for cell in row] for row in islice(rows, _SEARCHED_ROWS * 2)]
        header = next(iter(_absent(rows)), None) or likeliest_header(
            (found, texts[found.line + 1 :]) for found in _candidates(rows)
        )
        if header is not None:
            below = partial(_rows, rows, header, ".")
            proposals.append(propose(header, below, encoding=kind, today=source.today, place="row"))
    return max(proposals, key=lambda proposal: (proposal.confidence, proposal.rows), default=None)


def _sheets(content: bytes, kind: str) -> dict[str, Sheet]:
    """The sheets that have cells, by name."""
    with _damage_named(kind), CalamineWorkbook.from_filelike(BytesIO(content)) as book:
        sheets = {name: Sheet(book.get_sheet_by_name(name), kind) for name in book.sheet_names}
        return {name: sheet for name, sheet in sheets.items() if any(True for _ in sheet)}


@contextmanager
def _damage_named(kind: str) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        # Damage that the Rust code did not expect is a PanicException, which is no Exception and cannot be imported.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise SpreadsheetFile(
            f"The Excel workbook ({kind}) is damaged or of a kind that cannot be read. Open it in a spreadsheet "
            "program, save the sheet as CSV and upload that."
        ) from error


def _tables(sheets: dict[str, Sheet], mappings: Sequence[CsvMapping]) -> Iterator[Table]:
    """The tables of known dialects; raises ``UnknownCsvShape`` when no sheet has one."""
    unknown: UnknownCsvShape | None = None
    found = False
    for name, rows in sheets.items():
        try:
            header, profile = find_header([*_candidates(rows), *_absent(rows)], mappings)
        except UnknownCsvShape as error:
            unknown = unknown if unknown is not None and len(unknown.header) >= len(error.header) else error
            continue
        found = True
        yield Table(
            header,
            profile,
            partial(_rows, rows, header, profile.amount.decimal),
            "\n".join(";".join(f'"{cell_text(cell)}"' for cell in row) for row in islice(rows, max(header.line, 0))),
            preamble=[
                (number, [cell_text(cell, decimal=profile.amount.decimal) for cell in row])
                for number, row in enumerate(islice(rows, max(header.line, 0)), 1)
                if any(cell_text(cell).strip() for cell in row)
            ],
            place="row" if len(sheets) == 1 else f'sheet "{name}", row',
        )
    if not found and unknown is not None:
        raise unknown


def _candidates(rows: Sheet) -> Iterator[Header]:
    for number, row in enumerate(islice(rows, _SEARCHED_ROWS)):
        header = header_of([cell_text(cell) for cell in row], line=number, delimiter=_BETWEEN)
        if header is not None:
            yield header


def _absent(rows: Sheet) -> list[Header]:
    """The header that stands for a missing one; else none."""
    texts = [[cell_text(cell) for cell in row] for row in islice(rows, _SEARCHED_ROWS)]
    first = next((number for number, row in enumerate(texts) if any(cell.strip() for cell in row)), None)
    if first is None:
        return []
    header = absent_header(first, _BETWEEN, [row for row in texts[first:] if any(cell.strip() for cell in row)])
    return [header] if header else []


def _rows(rows: Sheet, header: Header, decimal: str) -> Iterator[NumberedRow]:
    """The rows below the header, with as many cells as it has and more only where they are not empty."""
    width = len(header.cells)
    names = [cell.strip() for cell in header.cells]
    for number, row in enumerate(islice(rows, header.line + 1, None), start=header.line + 2):
        cells = [cell_text(cell, decimal=decimal) for cell in row]
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if not any(cell.strip() for cell in cells) or [cell.strip() for cell in cells] == names:
            continue
        yield number, cells + [""] * (width - len(cells))

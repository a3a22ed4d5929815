"""The one entrance: bytes of an uploaded file in, statements out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO

from data_processing.errors import EmptyFile, UnknownFormat
from data_processing.formats.delimited.mapping import CsvMapping
from data_processing.formats.delimited.proposal import ProposedMapping
from data_processing.formats.delimited.reader import DelimitedFormat
from data_processing.formats.excel.reader import ExcelFormat
from data_processing.formats.registry import Format, detect
from data_processing.formats.source import Source
from data_processing.recognition import refuse_foreign_bytes, refuse_web_page, unknown_text
from data_processing.statement import StatementFile


def read_statement_file(
    content: bytes | Path | IO[bytes],
    *,
    filename: str | None = None,
    today: date | None = None,
    profiles: Sequence[CsvMapping] = (),
) -> StatementFile:
    """The statements of a file, in whatever known format its content is.

    Rows that cannot be read are refused one by one (``Statement.refused``); nothing is guessed. Amounts are exact.

    Args:
        content: the file's bytes, its path, or an open binary file that can be read from its start more than once.
        filename: its name, for messages; the format is told from the content alone.
        today: the day of reading (default: today in UTC); it settles the century of two-digit years.
        profiles: the user's own mappings of tables; one with the header of the file comes before the known dialects.

    Raises:
        StatementFileError: the file as a whole cannot be read; nothing of it may be booked.
        InvalidMapping: the mapping with the header of the file cannot be used.

    >>> file = read_statement_file(b"Date,Description,Amount,Currency\\n2026-04-02,Coffee,-2.80,EUR\\n")
    >>> file.format, file.statements[0].entries[0].amount
    ('csv/generic', Decimal('-2.80'))
    """
    source, known = recognised(content, filename=filename, today=today, profiles=profiles)
    return known.read(source)


def propose_mapping(
    content: bytes | Path | IO[bytes], *, filename: str | None = None, today: date | None = None
) -> ProposedMapping:
    """How a table (CSV, TSV, Excel) of any shape might be read, for the user to confirm or to correct.

    Nothing of it may be booked before that: give the confirmed ``mapping`` to ``read_statement_file`` as one of its
    ``profiles``. Tables of known banks have a proposal too.

    Raises:
        StatementFileError: the file is no table that could be read.

    >>> content = b"When;What;How much\\n13.04.2026;Tea;-2,80\\n14.04.2026;Rent;-900,00\\n"
    >>> found = propose_mapping(content)
    >>> [(column.name, column.role.value) for column in found.columns]
    [('When', 'booking_date'), ('What', 'text'), ('How much', 'amount')]
    >>> read_statement_file(content, profiles=[found.mapping]).format
    'csv/own'
    """
    source, known = recognised(content, filename=filename, today=today, profiles=())
    proposal = known.propose(source) if isinstance(known, ExcelFormat | DelimitedFormat) else None
    if proposal is None:
        raise UnknownFormat(
            "The file has no header row that names its columns, so no mapping can be proposed. Add a first row with "
            "the names of the columns (such as Date, Description, Amount, Currency), or export another format."
        )
    return proposal


def recognised(
    file: bytes | Path | IO[bytes], *, filename: str | None, today: date | None, profiles: Sequence[CsvMapping]
) -> tuple[Source, Format]:
    """The file and its format; raises ``EmptyFile`` or an ``UnknownFormat``."""
    source = Source(file, today or datetime.now(tz=UTC).date(), filename, profiles)
    if not any(piece.strip() for piece in source.pieces()):
        raise EmptyFile("The file is empty. Export the statement again; the download may have been cut off.")
    if source.workbook is None:
        refuse_foreign_bytes(source.start if source.start[:2] != b"PK" else source.content)
        refuse_web_page(source.head)
    known = detect(source)
    if known is None:
        raise unknown_text(source.head)
    return source, known

"""The one entrance: bytes of an uploaded file in, statements out."""

from __future__ import annotations

from datetime import UTC, date, datetime

from data_processing.errors import EmptyFile
from data_processing.formats.excel.container import workbook_kind
from data_processing.formats.registry import detect
from data_processing.formats.source import Source
from data_processing.recognition import refuse_foreign_bytes, refuse_web_page, unknown_text
from data_processing.statement import StatementFile


def read_statement_file(content: bytes, *, filename: str | None = None, today: date | None = None) -> StatementFile:
    """The statements of a file, in whatever known format its content is.

    Rows that cannot be read are refused one by one (``Statement.refused``); nothing is guessed. Amounts are exact.

    Args:
        content: the whole file.
        filename: its name, for messages; the format is told from the content alone.
        today: the day of reading (default: today in UTC); it settles the century of two-digit years.

    Raises:
        StatementFileError: the file as a whole cannot be read; nothing of it may be booked.

    >>> file = read_statement_file(b"Date,Description,Amount,Currency\\n2026-04-02,Coffee,-2.80,EUR\\n")
    >>> file.format, file.statements[0].entries[0].amount
    ('csv/generic', Decimal('-2.80'))
    """
    if not content.strip():
        raise EmptyFile("The file is empty. Export the statement again; the download may have been cut off.")
    source = Source(content, today or datetime.now(tz=UTC).date(), filename)
    if workbook_kind(content) is None:
        refuse_foreign_bytes(content)
        refuse_web_page(source.head)
    known = detect(source)
    if known is None:
        raise unknown_text(source.head)
    return known.read(source)

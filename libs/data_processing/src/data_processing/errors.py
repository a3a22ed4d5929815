"""Why a file as a whole cannot be read. A file that raises one of these has yielded nothing."""

# ruff: noqa: N818 - the classes are named after what the file is, which reads better than EmptyFileError
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from data_processing.formats.delimited.proposal import ProposedMapping


class StatementFileError(Exception):
    """A file that is not a statement, or a broken one; ``code`` is stable, ``detail`` is a sentence for the user."""

    code: ClassVar[str] = "statement_file_error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class EmptyFile(StatementFileError):
    """The file has no content."""

    code = "empty_file"


class UnknownFormat(StatementFileError):
    """The content is none of the formats that can be read."""

    code = "unknown_format"


class ArchiveFile(UnknownFormat):
    """A zip or another archive."""

    code = "archive_file"


class SpreadsheetFile(UnknownFormat):
    """An Excel or OpenDocument workbook."""

    code = "spreadsheet_file"


class PdfFile(UnknownFormat):
    """A PDF document."""

    code = "pdf_file"


class HtmlPage(UnknownFormat):
    """A web page, mostly the bank's error or login page saved under a statement's name."""

    code = "html_page"


class BinaryFile(UnknownFormat):
    """Bytes that are no text."""

    code = "binary_file"


class WrongEncoding(StatementFileError):
    """The text is damaged: its bytes do not fit the encoding that the rest of the file is in."""

    code = "wrong_encoding"


class UnknownCsvShape(StatementFileError):
    """A table whose header belongs to no known dialect; ``header`` is the row that looks most like one.

    ``proposal`` is how it might be read, for the user to confirm; None where no row looks like a header.
    """

    code = "unknown_csv_shape"

    def __init__(self, detail: str, *, header: Sequence[str], dialects: Sequence[str]) -> None:
        super().__init__(detail)
        self.header = tuple(header)
        self.dialects = tuple(dialects)
        self.proposal: ProposedMapping | None = None


class BrokenFile(StatementFileError):
    """The file's structure is damaged, so rows may be missing or wrong."""

    code = "broken_file"


class TruncatedFile(BrokenFile):
    """The file stops before its end."""

    code = "truncated_file"


class UnsafeFile(BrokenFile):
    """A file built to exhaust the reader: entity definitions, a zip bomb, a sheet of billions of cells."""

    code = "unsafe_file"


class UnclearAmounts(StatementFileError):
    """The file's amounts contradict each other about the decimal mark."""

    code = "unclear_amounts"


class UnclearDates(StatementFileError):
    """The file's dates can be read in two ways, or contradict each other."""

    code = "unclear_dates"


class NoStatements(StatementFileError):
    """A well-formed file without any statement."""

    code = "no_statements"


class BankError(StatementFileError):
    """The bank put an error message where the statement should be."""

    code = "bank_error"

    def __init__(self, detail: str, *, bank_code: str, bank_message: str) -> None:
        super().__init__(detail)
        self.bank_code = bank_code
        self.bank_message = bank_message

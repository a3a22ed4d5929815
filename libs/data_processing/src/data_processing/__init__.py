"""Statement files turned into clean, identified ledger rows."""

from data_processing.errors import (
    ArchiveFile,
    BankError,
    BinaryFile,
    BrokenFile,
    EmptyFile,
    HtmlPage,
    NoStatements,
    PdfFile,
    SpreadsheetFile,
    StatementFileError,
    TruncatedFile,
    UnclearAmounts,
    UnclearDates,
    UnknownCsvShape,
    UnknownFormat,
    UnsafeFile,
    WrongEncoding,
)
from data_processing.frames import ENTRY_SCHEMA, frame
from data_processing.identity import fingerprints
from data_processing.ledger import LEDGER_SCHEMA, LEDGER_SCHEMA_VERSION
from data_processing.reading import read_statement_file
from data_processing.reconciliation import Gap, Reconciliation, reconcile
from data_processing.statement import (
    AccountReference,
    Balance,
    Entry,
    EntryDetail,
    RefusedRow,
    Statement,
    StatementFile,
)

__all__ = [
    "ENTRY_SCHEMA",
    "LEDGER_SCHEMA",
    "LEDGER_SCHEMA_VERSION",
    "AccountReference",
    "ArchiveFile",
    "Balance",
    "BankError",
    "BinaryFile",
    "BrokenFile",
    "EmptyFile",
    "Entry",
    "EntryDetail",
    "Gap",
    "HtmlPage",
    "NoStatements",
    "PdfFile",
    "Reconciliation",
    "RefusedRow",
    "SpreadsheetFile",
    "Statement",
    "StatementFile",
    "StatementFileError",
    "TruncatedFile",
    "UnclearAmounts",
    "UnclearDates",
    "UnknownCsvShape",
    "UnknownFormat",
    "UnsafeFile",
    "WrongEncoding",
    "fingerprints",
    "frame",
    "read_statement_file",
    "reconcile",
]

"""Statement files turned into clean, identified ledger rows."""

from importlib import import_module
from typing import TYPE_CHECKING

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
from data_processing.identity import fingerprints
from data_processing.ledger_version import LEDGER_SCHEMA_VERSION
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

if TYPE_CHECKING:
    from data_processing.frames import ENTRY_SCHEMA, frame
    from data_processing.ledger import LEDGER_SCHEMA

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

# Polars takes longer to import than everything else here together, and who reads statement files needs none of it.
_WITH_POLARS = {
    "ENTRY_SCHEMA": "data_processing.frames",
    "LEDGER_SCHEMA": "data_processing.ledger",
    "frame": "data_processing.frames",
}


def __getattr__(name: str) -> object:
    """Import what works on frames when it is asked for."""
    if name not in _WITH_POLARS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WITH_POLARS[name]), name)

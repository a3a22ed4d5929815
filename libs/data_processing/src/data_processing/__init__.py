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
from data_processing.formats.delimited.mapping import (
    ColumnRole,
    CsvMapping,
    InvalidMapping,
    MappedColumn,
    MappingProblem,
)
from data_processing.formats.delimited.mapping_json import mapping_from_json
from data_processing.formats.delimited.proposal import ProposedColumn, ProposedMapping, SignRule
from data_processing.formats.parts import StatementPart
from data_processing.identity import Fingerprinter, content_hash, contents, fingerprints, identities, identity
from data_processing.investment_identity import investment_identities
from data_processing.investments import (
    InvestmentEntry,
    InvestmentKind,
    Position,
    Security,
    SecurityKind,
    SecurityPrice,
)
from data_processing.ledger_version import LEDGER_SCHEMA_VERSION
from data_processing.reading import propose_mapping, read_statement_file
from data_processing.reconciliation import Gap, Reconciler, Reconciliation, reconcile
from data_processing.statement import (
    AccountReference,
    Balance,
    Deletion,
    Entry,
    EntryDetail,
    RefusedRow,
    Statement,
    StatementFile,
)
from data_processing.streaming import StatementReader, open_statement_file

if TYPE_CHECKING:
    from data_processing.frames import (
        ENTRY_SCHEMA,
        INVESTMENT_SCHEMA,
        POSITION_SCHEMA,
        frame,
        investment_frame,
        ledger_frame,
        position_frame,
    )
    from data_processing.ledger import LEDGER_SCHEMA

__all__ = [
    "ENTRY_SCHEMA",
    "INVESTMENT_SCHEMA",
    "LEDGER_SCHEMA",
    "LEDGER_SCHEMA_VERSION",
    "POSITION_SCHEMA",
    "AccountReference",
    "ArchiveFile",
    "Balance",
    "BankError",
    "BinaryFile",
    "BrokenFile",
    "ColumnRole",
    "CsvMapping",
    "Deletion",
    "EmptyFile",
    "Entry",
    "EntryDetail",
    "Fingerprinter",
    "Gap",
    "HtmlPage",
    "InvalidMapping",
    "InvestmentEntry",
    "InvestmentKind",
    "MappedColumn",
    "MappingProblem",
    "NoStatements",
    "PdfFile",
    "Position",
    "ProposedColumn",
    "ProposedMapping",
    "Reconciler",
    "Reconciliation",
    "RefusedRow",
    "Security",
    "SecurityKind",
    "SecurityPrice",
    "SignRule",
    "SpreadsheetFile",
    "Statement",
    "StatementFile",
    "StatementFileError",
    "StatementPart",
    "StatementReader",
    "TruncatedFile",
    "UnclearAmounts",
    "UnclearDates",
    "UnknownCsvShape",
    "UnknownFormat",
    "UnsafeFile",
    "WrongEncoding",
    "content_hash",
    "contents",
    "fingerprints",
    "frame",
    "identities",
    "identity",
    "investment_frame",
    "investment_identities",
    "ledger_frame",
    "mapping_from_json",
    "open_statement_file",
    "position_frame",
    "propose_mapping",
    "read_statement_file",
    "reconcile",
]

# Polars takes longer to import than everything else here together, and who reads statement files needs none of it.
_WITH_POLARS = {
    "ENTRY_SCHEMA": "data_processing.frames",
    "INVESTMENT_SCHEMA": "data_processing.frames",
    "POSITION_SCHEMA": "data_processing.frames",
    "LEDGER_SCHEMA": "data_processing.ledger",
    "frame": "data_processing.frames",
    "investment_frame": "data_processing.frames",
    "ledger_frame": "data_processing.frames",
    "position_frame": "data_processing.frames",
}


def __getattr__(name: str) -> object:
    """Import what works on frames when it is asked for."""
    if name not in _WITH_POLARS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WITH_POLARS[name]), name)

"""The form of an archive: its tables and columns, its files and its manifest. `docs/archive.md` describes it.

Everything is derived from the models: a new table with a `user_id` is part of every archive from then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache, cached_property
from types import UnionType
from typing import Any, Final, get_args, get_origin

from api_common.columns import Money, UtcDateTime
from data_processing import InvestmentKind, SecurityKind
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import JSON, BigInteger, Boolean, Column, Date, Float, Integer, String, Uuid
from sqlalchemy import Table as DatabaseTable
from sqlmodel import AutoString

from transaction_service.categories.defaults import CategoryKind
from transaction_service.identity.suspicion import Reason
from transaction_service.models import (
    AccountType,
    ChosenBy,
    ImportStatus,
    JournalAction,
    ProposalStatus,
    Table,
    TransferStatus,
)
from transaction_service.rules.language import Match

FORMAT: Final = 1
"""Rises when an older Purser could no longer read an archive right."""

MEDIA_TYPE: Final = "application/zip"
MANIFEST: Final = "manifest.json"
README: Final = "README.txt"
LEDGER_CSV: Final = "ledger.csv"
LEDGER_PARQUET: Final = "ledger.parquet"

LEFT_OUT: Final[Mapping[str, str]] = {
    "ledgers": "the lock and the revision of the ledger in one database; they are not the user's data",
    "idempotency_keys": "answers kept for a day, in case a request is repeated",
}
"""Tables with a `user_id` that no archive holds, and why."""

WORKED_OUT: Final = frozenset({"search_words"})
"""Columns that follow from others, and are worked out anew when rows are read back."""

_OWNER = "user_id"


class Kind(StrEnum):
    """What a column holds, and how `data/*.jsonl` writes it."""

    ID = "id"
    TEXT = "text"
    MONEY = "money"
    DATE = "date"
    TIMESTAMP = "timestamp"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    JSON = "json"


# The first that fits: some types are subclasses of others.
_KINDS: Final = (
    (Uuid, Kind.ID),
    (Money, Kind.MONEY),
    (UtcDateTime, Kind.TIMESTAMP),
    (Date, Kind.DATE),
    (Boolean, Kind.BOOLEAN),
    (JSON, Kind.JSON),
    (Float, Kind.NUMBER),
    (Integer, Kind.INTEGER),
    ((String, AutoString), Kind.TEXT),
)


_CHOICES: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("accounts", "type"): frozenset(AccountType),
    ("categories", "kind"): frozenset(CategoryKind),
    ("imports", "status"): frozenset(ImportStatus),
    ("investment_entries", "kind"): frozenset(InvestmentKind),
    ("journal_entries", "action"): frozenset(JournalAction),
    ("proposals", "decided_by"): frozenset({"user", "proof"}),
    ("proposals", "reason"): frozenset(Reason),
    ("proposals", "status"): frozenset(ProposalStatus),
    ("rules", "match"): frozenset(Match),
    ("securities", "kind"): frozenset(SecurityKind),
    ("transaction_tags", "tagged_by"): frozenset(ChosenBy),
    ("transactions", "categorised_by"): frozenset(ChosenBy),
    ("transactions", "merchant_by"): frozenset(ChosenBy),
    ("transactions", "note_by"): frozenset(ChosenBy),
    ("transactions", "transfer_by"): frozenset(ChosenBy),
    ("transfers", "decided_by"): frozenset(ChosenBy),
    ("transfers", "status"): frozenset(TransferStatus),
}


@dataclass(frozen=True)
class ArchivedColumn:
    """A column of a table as an archive holds it."""

    column: Column[Any]
    kind: Kind

    @property
    def name(self) -> str:
        """The column's name."""
        return str(self.column.name)

    @property
    def longest(self) -> int | None:
        """The most characters that a text may have; None where there is no limit."""
        return getattr(self.column.type, "length", None)

    @property
    def choices(self) -> frozenset[str] | None:
        """The only texts that it may hold; None where there is no list of them."""
        return _CHOICES.get((str(self.column.table.name), self.name))

    @cached_property
    def container(self) -> type | None:
        """Whether a JSON value is an object (dict) or an array (list), as its model says; None for other kinds."""
        if self.kind is not Kind.JSON:
            return None
        models = (model for model in Table.__subclasses__() if getattr(model, "__table__", None) is self.column.table)
        annotation = next(models).model_fields[self.name].annotation
        options = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
        return list if any(get_origin(option) is list for option in options) else dict

    @property
    def is_long(self) -> bool:
        """Whether an integer may need more than 32 bits."""
        return isinstance(self.column.type, BigInteger)


@dataclass(frozen=True)
class ArchivedTable:
    """A table of the user's rows; the column that says whose they are is left out of archives."""

    table: DatabaseTable
    columns: tuple[ArchivedColumn, ...]

    @property
    def name(self) -> str:
        """The table's name."""
        return str(self.table.name)

    @property
    def data_file(self) -> str:
        """The archive's file that holds the rows, and that an import reads."""
        return f"data/{self.name}.jsonl"

    @property
    def parquet_file(self) -> str:
        """The archive's file that holds the same rows for analysts."""
        return f"parquet/{self.name}.parquet"

    @property
    def is_root(self) -> bool:
        """Whether its rows hang on no others."""
        return not self.table.foreign_keys


@cache
def archived_tables() -> Sequence[ArchivedTable]:
    """All tables with rows of users, those that others refer to first."""
    return tuple(
        ArchivedTable(table, tuple(ArchivedColumn(c, _kind(c)) for c in table.columns if _is_kept(c)))
        for table in Table.metadata.sorted_tables
        if _OWNER in table.columns and table.name not in LEFT_OUT
    )


def _is_kept(column: Column[Any]) -> bool:
    return column.name not in {_OWNER, *WORKED_OUT} and column.computed is None


def _kind(column: Column[Any]) -> Kind:
    for kind_of_type, kind in _KINDS:
        if isinstance(column.type, kind_of_type):
            return kind
    raise TypeError(f"{column} is of type {column.type!r}, which archives do not know: add it to archive_format.Kind.")


class ManifestTable(BaseModel):
    """What an archive says of one table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int = Field(ge=0)
    columns: dict[str, Kind]


class ManifestFile(BaseModel):
    """What an archive says of one file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """The file `manifest.json`: everything else in the archive stands in it."""

    model_config = ConfigDict(frozen=True)

    format: int
    service: str
    service_version: str
    created_at: datetime
    tables: dict[str, ManifestTable]
    files: dict[str, ManifestFile]


READ_ME: Final = """\
This is everything that Purser's ledger holds of one user.

manifest.json      what is in this archive: version, tables, columns, number of rows, size and SHA-256 of every file
data/*.jsonl       every table, one row per line, as JSON: the exact data, and the only part that an import reads
parquet/*.parquet  the same tables once more, typed, for analysts; columns of kind "json" are JSON texts
ledger.parquet     the ledger in the published columns that GET /v1/ledger gives: categories by name, transfers marked
ledger.csv         the same for people and spreadsheets

In data/*.jsonl money is an exact decimal text, a date is YYYY-MM-DD, a timestamp is UTC with microseconds, and ids are
UUIDs. A category id without a row in data/categories.jsonl is one of the categories that are part of Purser.

POST /v1/archive imports the archive into an empty ledger. The format is described in docs/archive.md.
"""

"""Imports as clients read them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from transaction_service.amounts import ExactAmount
from transaction_service.models import ImportStatus
from transaction_service.schemas.transactions import TransactionSchema
from transaction_service.schemas.transfers import TransfersFound


class RefusalSchema(BaseModel):
    """A row of the file that was not booked, where it stands, and why."""

    place: str = Field(examples=["line 17", "transaction 3 (FITID 0017)"])
    reason: str
    bank_id: str | None


class ImportedAccount(BaseModel):
    """What the import did to one account. `sum` is that of the account's rows in the file."""

    account_id: UUID
    name: str
    currency: str
    created: bool
    booked: int
    repeated: int
    sum: ExactAmount


class CurrencySum(BaseModel):
    """The sum of all rows of the file in one currency."""

    currency: str
    amount: ExactAmount


class StatedBalance(BaseModel):
    """A balance that the file states."""

    account_id: UUID
    kind: str = Field(examples=["closing"])
    amount: ExactAmount
    currency: str
    date: date | None


class StatementGap(BaseModel):
    """Money that a statement's balances know of and its rows do not, between two dates."""

    amount: ExactAmount
    start: date | None
    end: date | None
    place: str


class StatementReconciliation(BaseModel):
    """Whether a statement's rows explain its own balances; `unproven` when it states too few of them."""

    status: Literal["adds_up", "gap", "unproven"]
    opening: ExactAmount | None
    closing: ExactAmount | None
    gaps: list[StatementGap]


class ImportCounts(BaseModel):
    """Which file an import read, and how many rows came of it."""

    id: UUID
    status: ImportStatus
    format: str
    filename: str | None
    sha256: str
    statements: int
    read: int
    booked: int
    repeated: int
    replaced: int
    refused: int


class ImportSchema(ImportCounts):
    """An import. `read` = `booked` + `repeated` + `replaced` + `refused`.

    `repeated` rows stand in the ledger already, `replaced` ones stood there as pending and are booked by this import.
    """

    refusals: list[RefusalSchema]
    accounts: list[ImportedAccount]
    sums: list[CurrencySum]
    balances: list[StatedBalance]
    reconciliations: list[StatementReconciliation] = Field(description="One per statement of the file.")
    transfers: TransfersFound = Field(
        default=TransfersFound(linked=0, proposed=0),
        description="Transfers between own accounts that it brought to light.",
    )
    notes: list[str] = Field(description="What the file says beside its rows, for people.")
    started_at: datetime
    finished_at: datetime
    undone_at: datetime | None


class ImportSummary(ImportCounts):
    """An import in a list: the counts without the reasons."""

    started_at: datetime
    finished_at: datetime
    undone_at: datetime | None


class ImportUndone(BaseModel):
    """What undoing removed, and the rows that stayed because the user has edited them since."""

    id: UUID
    status: ImportStatus = ImportStatus.UNDONE
    removed: int
    handed_over: int = Field(description="Rows that stay because another import brought them too.")
    kept: list[TransactionSchema]

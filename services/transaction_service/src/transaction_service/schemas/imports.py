"""Imports as clients read them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from transaction_service.amounts import ExactAmount
from transaction_service.models import ImportStatus
from transaction_service.schemas.transactions import TransactionSchema
from transaction_service.schemas.transfers import PreviewedTransfer, TransfersFound


class RefusalSchema(BaseModel):
    """A row of the file that was not booked, where it stands, and why."""

    place: str = Field(examples=["line 17", "transaction 3 (FITID 0017)"])
    reason: str
    bank_id: str | None


class StatementPeriod(BaseModel):
    """One statement of the file about one account: which days it is about, and whether its rows explain its balances.

    `opening` and `closing` are the balances before its first and after its last row, as the file states them or prints
    them with its rows. Where both are known and it adds up, it proves which rows of its days the ledger lacks or has.
    """

    position: int = Field(description="The statement's place in the file, from 0.")
    starts: date | None
    ends: date | None
    opening: ExactAmount | None
    closing: ExactAmount | None
    status: Literal["adds_up", "gap", "unproven"]


class ImportedAccount(BaseModel):
    """What the import did to one account. `sum` is that of the account's rows in the file.

    `proved` of the `repeated` rows came under other ids than before, and balances have shown that they are the same.
    `trusts_bank_ids` is false once the bank is known to change its ids: its rows are then told by their wording.
    """

    account_id: UUID
    name: str
    currency: str
    created: bool
    booked: int
    repeated: int
    replaced: int = 0
    proposed: int = 0
    proved: int = 0
    trusts_bank_ids: bool = True
    sum: ExactAmount
    statements: list[StatementPeriod] = []


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
    proposed: int


class PreviewedProposal(BaseModel):
    """A row of the file that would be proposed, and the row of the ledger that it may be."""

    account_id: UUID
    place: str
    booking_date: date
    amount: ExactAmount
    description: str
    transaction_id: UUID
    reason: str


class ImportSchema(ImportCounts):
    """An import. `read` = `booked` + `repeated` + `replaced` + `refused` + `proposed`.

    `repeated` rows stand in the ledger already, `replaced` ones stood there as pending and are booked by this import.
    `proposed` ones may be rows of the ledger and are not booked: they wait for the user (`/v1/imports/{id}/proposals`).
    `proved` of the repeated rows came under other ids than before, and balances have shown that they are the same.
    """

    proved: int = 0
    proposals: list[PreviewedProposal] = Field(
        default=[], description="Only in a preview: what would be proposed, the first hundred."
    )

    refusals: list[RefusalSchema]
    accounts: list[ImportedAccount]
    sums: list[CurrencySum]
    balances: list[StatedBalance]
    reconciliations: list[StatementReconciliation] = Field(description="One per statement of the file.")
    transfers: TransfersFound | None = Field(
        default=None,
        description="Transfers between own accounts that it brought to light, or would, for a preview. A preview of a "
        "file of more than 50,000 new rows, or of investments, does not look for them, and has null.",
    )
    previewed_transfers: list[PreviewedTransfer] = Field(
        default=[], description="Only in a preview: the transfers that would be linked or proposed, the first hundred."
    )
    corrected: int = Field(
        default=0, description="Rows that the bank has taken back, by this file or by one that came before it."
    )
    investments: int = Field(default=0, description="Entries of investment accounts that were not known.")
    positions: int = Field(default=0, description="Positions that the file states.")
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

"""Transfers as clients send and read them."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from transaction_service.amounts import ExactAmount
from transaction_service.models import ChosenBy, TransferStatus
from transaction_service.transfers.evidence import TransferReason


class TransferLink(BaseModel):
    """The two rows that are one transfer, in any order."""

    model_config = ConfigDict(extra="forbid")

    transaction_ids: list[UUID] = Field(min_length=2, max_length=2)


class TransferSideSchema(BaseModel):
    """One of the two rows, in short."""

    transaction_id: UUID
    account_id: UUID
    booking_date: date
    value_date: date | None
    amount: ExactAmount
    currency: str
    description: str
    counterparty: str | None


class TransferSchema(BaseModel):
    """Two rows of different accounts that are (`linked`), may be (`proposed`) or are not (`rejected`) one transfer."""

    id: UUID
    status: TransferStatus
    decided_by: ChosenBy = Field(description="`user`, or `none` where the evidence decided.")
    reasons: list[TransferReason] = Field(description="What speaks for it.")
    rate: str | None = Field(description="The incoming amount for one outgoing unit, where the currencies differ.")
    outgoing: TransferSideSchema
    incoming: TransferSideSchema
    version: int
    created_at: datetime
    decided_at: datetime | None


class PreviewedSide(BaseModel):
    """One of the two rows; without `transaction_id` it is a row of the file."""

    transaction_id: UUID | None
    account_id: UUID
    booking_date: date
    amount: ExactAmount
    currency: str
    description: str


class PreviewedTransfer(BaseModel):
    """A transfer that an import would link, or propose."""

    status: TransferStatus
    reasons: list[TransferReason] = Field(description="What speaks for it.")
    rate: str | None
    outgoing: PreviewedSide
    incoming: PreviewedSide


class TransfersFound(BaseModel):
    """What a search for transfers came to: links that are certain, and proposals that wait for the user."""

    linked: int
    proposed: int

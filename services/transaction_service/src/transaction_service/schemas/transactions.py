"""Rows of the ledger as clients send and read them."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from api_common.fields import Day
from pydantic import BaseModel, ConfigDict, Field

from transaction_service.amounts import Amount, ExactAmount
from transaction_service.models import ChosenBy, Transaction
from transaction_service.schemas.fields import Change, Currency, Line, LongText


class TransactionCreate(BaseModel):
    """A row entered by hand. `id` may be the client's own; sending the same again books nothing twice."""

    model_config = ConfigDict(extra="forbid")

    id: UUID | None = None
    account_id: UUID
    booking_date: Day
    value_date: Day | None = None
    amount: Amount
    currency: Currency | None = Field(default=None, description="The account's currency, which is also the default.")
    description: LongText = ""
    counterparty: Line | None = None
    category_id: UUID | None = None
    note: LongText | None = None


class TransactionChange(Change):
    """The fields to change. `category_id: null` gives the row back to the rules."""

    clearable = frozenset({"value_date", "counterparty", "merchant", "category_id", "note"})

    booking_date: Day | None = None
    value_date: Day | None = None
    amount: Amount | None = None
    description: LongText | None = Field(default=None, description="Only of rows that were entered by hand.")
    counterparty: Line | None = None
    merchant: Line | None = None
    category_id: UUID | None = None
    note: LongText | None = None


class TransactionSchema(BaseModel):
    """One row. `description` is the bank's own text, kept as it came."""

    id: UUID
    account_id: UUID
    import_id: UUID | None
    booking_date: date
    value_date: date | None
    amount: ExactAmount
    currency: str
    pending: bool
    description: str
    counterparty: str | None
    counterparty_account: str | None
    reference: str | None
    bank_category: str | None
    merchant: str | None
    note: str | None
    category_id: UUID | None
    categorised_by: ChosenBy
    version: int
    created_at: datetime
    edited_at: datetime | None


def transaction_schema(row: Transaction) -> TransactionSchema:
    """The answer that shows a row."""
    return TransactionSchema.model_construct(
        **{name: getattr(row, name) for name in _SAME_NAMES},
        description=row.text,
        categorised_by=ChosenBy(row.categorised_by),
    )


_SAME_NAMES = tuple(TransactionSchema.model_fields.keys() - {"description", "categorised_by"})

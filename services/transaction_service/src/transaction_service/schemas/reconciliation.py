"""An account's known balances beside the ledger's, and balances that the user asserts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from transaction_service.amounts import Amount, ExactAmount
from transaction_service.reconciliation.gap_causes import Cause
from transaction_service.reconciliation.timeline import BalanceSource
from transaction_service.schemas.fields import Change, KeptDay, LongText


class AssertionCreate(BaseModel):
    """What the account held at the end of a day. `id` may be the client's own."""

    model_config = ConfigDict(extra="forbid")

    id: UUID | None = None
    date: KeptDay
    amount: Amount
    note: LongText | None = None


class AssertionChange(Change):
    """The fields to change."""

    clearable = frozenset({"note"})

    date: KeptDay | None = None
    amount: Amount | None = None
    note: LongText | None = None


class AssertionSchema(BaseModel):
    """A balance that the user asserts, in the account's currency."""

    id: UUID
    account_id: UUID
    date: date
    amount: ExactAmount
    note: str | None
    version: int
    created_at: datetime


class AnchorSchema(BaseModel):
    """Where the ledger's own balance starts: at the account's opening balance, or at the first balance known of it.

    `amount` is the balance from which the rows are counted: before all rows when `date` is null.
    """

    source: Literal["opening_balance", "first_balance"]
    date: date | None
    amount: ExactAmount


class LikelyCauseSchema(BaseModel):
    """A row, proposal or import that may have made a gap."""

    cause: Cause
    booking_date: date | None
    amount: ExactAmount | None
    description: str
    transaction_id: UUID | None
    proposal_id: UUID | None
    import_id: UUID | None
    rows: int = Field(description="How many rows it may be about.")


class GapSchema(BaseModel):
    """Money that the balances know of and the rows do not.

    It arose after the end of `after` and by the end of `until`; a negative amount left the account without a row, or
    came in by a row too many.
    """

    amount: ExactAmount
    after: date | None
    until: date
    likely: list[LikelyCauseSchema]


class BalancePoint(BaseModel):
    """A known balance beside the ledger's own at that time.

    `difference` = `stated` - `ledger`. `status` tells whether they agree; a closing is `superseded`, and no gap, where
    a file that came later closes the same day with what the ledger holds, or where a report within the day states it
    and the day's end is known otherwise. `gap` is there where they begin to differ, or begin to differ otherwise.
    """

    date: date
    source: BalanceSource
    stated: ExactAmount
    ledger: ExactAmount
    difference: ExactAmount
    status: Literal["adds_up", "gap", "superseded"]
    gap: GapSchema | None
    import_id: UUID | None
    assertion_id: UUID | None


class ReconciliationSchema(BaseModel):
    """The timeline of an account's known balances, oldest first.

    `next_from` is the `from` of the next page, null on the last.
    """

    account_id: UUID
    currency: str
    anchor: AnchorSchema | None = Field(description="Null when no balance of the account is known.")
    items: list[BalancePoint]
    next_from: date | None


class AccountReconciliation(BaseModel):
    """Whether an account agrees with the latest balance that is known of it.

    `unproven` when no balance is known, or only the one from which the rows are counted.
    """

    account_id: UUID
    name: str
    currency: str
    status: Literal["adds_up", "gap", "unproven"]
    last_agreed: date | None = Field(description="The latest day on which a known balance agreed with the ledger.")
    last_known: date | None = Field(description="The latest day of which a balance is known.")
    difference: ExactAmount | None = Field(description="What the ledger lacks on that day.")


class ReconciliationList(BaseModel):
    """All accounts, in the order of their creation."""

    items: list[AccountReconciliation]

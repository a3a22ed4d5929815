"""Proposals as clients read them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from transaction_service.amounts import ExactAmount
from transaction_service.identity.proposed import row_from_json
from transaction_service.identity.suspicion import Reason
from transaction_service.models import Proposal, ProposalStatus, Transaction

_PLAIN_WORDS = {
    Reason.SAME_ROW_OTHER_ID: "The ledger has a row of the same day, amount and wording under another id, and the file "
    "does not bring that one.",
    Reason.ALIKE: "The ledger has a row of the same amount with a similar date and wording, and the file does not "
    "bring that one.",
    Reason.SAME_DAY_AND_AMOUNT: "The file brings this row instead of one that the ledger has for the same day with the "
    "same amount.",
    Reason.ENTERED_BY_HAND: "You have entered a row of the same amount, a similar date and a similar wording by hand.",
    Reason.OTHER_FORMAT: "The ledger has a row of the same amount with a similar date from a file of another format, "
    "and neither file brings both: formats may date and word a row differently.",
    Reason.ANNOUNCED: "The bank had announced just this row, but has booked it on another day or with another amount, "
    "and the file does not bring that booking.",
}

MOST_IDS = 10_000
"""So many proposals one request may name."""


class ProposedRow(BaseModel):
    """The row as the file has it. It is not booked."""

    place: str
    bank_id: str | None
    booking_date: date
    value_date: date | None
    amount: ExactAmount
    currency: str
    description: str
    counterparty: str | None
    counterparty_account: str | None
    reference: str | None
    balance: ExactAmount | None


class SuspectedRow(BaseModel):
    """The row of the ledger that it may be, with date and amount as they stand; `deleted` when the user deleted it."""

    id: UUID
    import_id: UUID | None
    booking_date: date
    value_date: date | None
    amount: ExactAmount
    currency: str
    description: str
    counterparty: str | None
    counterparty_account: str | None
    reference: str | None
    balance: ExactAmount | None
    note: str | None
    deleted: bool


class ProposalSchema(BaseModel):
    """A row of a file that may be one of the ledger's. While it is `waiting` it is not booked.

    `accepted` says that it is the ledger's row, `rejected` that it is a row of its own, which was then booked as
    `booked_as`. `decided_by` is the user, or the balances of a later statement (`proof`).
    """

    id: UUID
    status: ProposalStatus
    account_id: UUID
    import_id: UUID
    reason: Reason
    explanation: str = Field(description="The reason in plain words.")
    proposed: ProposedRow
    suspected: SuspectedRow
    decided_by: Literal["user", "proof"] | None
    decided_at: datetime | None
    proved_by: UUID | None = Field(description="The import whose balances have decided.")
    booked_as: UUID | None
    created_at: datetime


class BulkDecision(BaseModel):
    """Which proposals, by `ids` or by the import that brought them, and what they are decided to be.

    Of an import those are decided that wait, and with `anew` also those that were decided the other way.
    """

    model_config = ConfigDict(extra="forbid")

    decision: Literal[ProposalStatus.ACCEPTED, ProposalStatus.REJECTED]
    ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_IDS)] | None = None
    import_id: UUID | None = None
    anew: bool = Field(default=False, description="Decide them anew, although they were decided the other way.")

    @model_validator(mode="after")
    def _names_proposals_one_way(self) -> Self:
        if (self.ids is None) == (self.import_id is None):
            raise ValueError("send either ids or import_id")
        return self


class BulkDecided(BaseModel):
    """What deciding many proposals did.

    matched: proposals that the request names
    decided: those of them that were not decided so before
    booked:  rows that are booked by it
    removed: rows that had been booked because their proposals were rejected, and that go again
    """

    decision: ProposalStatus
    matched: int
    decided: int
    booked: int
    removed: int
    journal_entry_id: UUID | None


def proposal_schema(proposal: Proposal, row: Transaction) -> ProposalSchema:
    """The answer that shows a proposal beside the ledger's row."""
    entry = row_from_json(proposal.row).entry
    same = (name for name in ProposedRow.model_fields if name not in {"currency", "description"})
    shown = (name for name in SuspectedRow.model_fields if name not in {"description", "deleted"})
    return ProposalSchema(
        id=proposal.id,
        status=ProposalStatus(proposal.status),
        account_id=proposal.account_id,
        import_id=proposal.import_id,
        reason=Reason(proposal.reason),
        explanation=_PLAIN_WORDS[Reason(proposal.reason)],
        proposed=ProposedRow(
            currency=row.currency, description=entry.text, **{name: getattr(entry, name) for name in same}
        ),
        suspected=SuspectedRow(
            description=row.text, deleted=row.deleted_at is not None, **{name: getattr(row, name) for name in shown}
        ),
        decided_by=proposal.decided_by,
        decided_at=proposal.decided_at,
        proved_by=proposal.proved_by,
        booked_as=proposal.booked_as,
        created_at=proposal.created_at,
    )

"""What every import and edit changed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from api_common.columns import Owned, UtcDateTime, now
from sqlalchemy import JSON, Index
from sqlmodel import Field

from transaction_service.models.base import Table


class JournalAction(StrEnum):
    """What was done to the ledger."""

    IMPORT_BOOKED = "import_booked"
    IMPORT_UNDONE = "import_undone"
    ROW_ENTERED = "row_entered"
    ROW_CHANGED = "row_changed"
    ROW_DELETED = "row_deleted"
    ROW_RESTORED = "row_restored"
    ROWS_CHANGED = "rows_changed"
    TAG_RENAMED = "tag_renamed"
    TAG_DELETED = "tag_deleted"
    RULES_APPLIED = "rules_applied"
    PROPOSAL_ACCEPTED = "proposal_accepted"
    PROPOSAL_REJECTED = "proposal_rejected"
    TRANSFER_LINKED = "transfer_linked"
    TRANSFER_UNLINKED = "transfer_unlinked"
    TRANSFER_REJECTED = "transfer_rejected"
    BALANCE_ASSERTED = "balance_asserted"
    ASSERTION_CHANGED = "assertion_changed"
    ASSERTION_DELETED = "assertion_deleted"
    ACCOUNT_DELETED = "account_deleted"
    CATEGORY_DELETED = "category_deleted"


class JournalEntry(Table, Owned, table=True):
    """One change of the ledger. `summary` holds its counts; the rows it changed are `JournalChange`s."""

    __tablename__ = "journal_entries"
    __table_args__ = (Index(None, "user_id", "id"),)

    user_id: UUID = Field(index=False)
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    action: str = Field(max_length=40)
    import_id: UUID | None = None
    rule_id: UUID | None = None
    rows: int = 0
    summary: dict[str, object] = Field(default_factory=dict, sa_type=JSON)


class JournalChange(Table, table=True):
    """The fields of one row before and after a change. It outlives the row, hence no foreign key to it."""

    __tablename__ = "journal_changes"

    entry_id: UUID = Field(foreign_key="journal_entries.id", primary_key=True, ondelete="CASCADE")
    transaction_id: UUID = Field(primary_key=True, index=True)
    user_id: UUID = Field(index=True)
    before: dict[str, object] = Field(default_factory=dict, sa_type=JSON)
    after: dict[str, object] = Field(default_factory=dict, sa_type=JSON)

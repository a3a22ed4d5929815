"""Rows of the ledger, and what the user hangs on them: tags, splits, transfers."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from api_common.columns import Money, Owned, UtcDateTime, Versioned, now
from sqlalchemy import JSON, Index, Text, UniqueConstraint
from sqlalchemy import text as sql_text
from sqlmodel import Field

from transaction_service.models.base import Table


class ChosenBy(StrEnum):
    """Who chose a field of a row. Neither rules nor models ever touch what the user chose."""

    NONE = "none"
    RULE = "rule"
    MODEL = "model"
    USER = "user"


class TransferStatus(StrEnum):
    """Whether two rows are the two sides of one transfer."""

    PROPOSED = "proposed"
    LINKED = "linked"
    REJECTED = "rejected"


def _of_few(name: str, condition: str) -> Index:
    """An index of the few rows for which a condition holds; the others cost nothing."""
    where = sql_text(condition)
    return Index(name, "user_id", "booking_date", "id", sqlite_where=where, postgresql_where=where)


class Transaction(Table, Owned, Versioned, table=True):
    """One row of the ledger.

    `identity` is what makes the row recognisable when a file brings it again; it never changes, whatever the user
    edits; `content` is the hash of what the bank wrote (date, amount, currency, wording), empty for rows entered by
    hand, and `stated_date` and `stated_amount` keep the bank's own where the user has changed them. A deleted row stays
    behind as a tombstone (`deleted_at`), so that its identity still stands in the unique constraint and no later import
    books it again; so does a pending row that the bank has booked, with the id of the booked row in `replaced_by`.

    `search_text` is the folded text of all texts of the row, tags included, and `search_words` the words of it by which
    the row is searched; their index, and the one over the merchant, are made by hand in a migration. `balance` is the
    account's balance after the row, where the file prints one. `details` are the parts of a batch. `categorised_by`,
    `merchant_by`, `note_by` and `transfer_by` say who chose the category, the merchant's name, the note and
    `marked_transfer`; `rule_id` is the rule that gave the category, `confidence` the model's.
    """

    __tablename__ = "transactions"
    __table_args__ = (
        UniqueConstraint("account_id", "identity"),
        # Lists in any order, and what is filtered and summed most without reading the rows themselves.
        Index(
            "ix_transactions_booking_date",
            "user_id",
            "booking_date",
            "id",
            "amount",
            "currency",
            "account_id",
            "category_id",
            "pending",
            "deleted_at",
        ),
        Index("ix_transactions_amount", "user_id", "amount", "id"),
        Index("ix_transactions_created_at", "user_id", "created_at", "id"),
        Index("ix_transactions_category", "user_id", "category_id", "booking_date", "id"),
        _of_few("ix_transactions_deleted", "deleted_at IS NOT NULL"),
        _of_few("ix_transactions_pending", "pending"),
        _of_few("ix_transactions_with_note", "note IS NOT NULL"),
        _of_few("ix_transactions_marked", "marked_transfer"),
        _of_few("ix_transactions_by_user", "categorised_by = 'user'"),
        Index(None, "account_id", "booking_date", "id"),
        # Rows whose date the user has changed are looked for under the bank's own; few have one.
        Index(
            None,
            "account_id",
            "stated_date",
            sqlite_where=sql_text("stated_date IS NOT NULL"),
            postgresql_where=sql_text("stated_date IS NOT NULL"),
        ),
        # The balances that rows carry: those of most files carry none.
        Index(
            "ix_transactions_balance",
            "account_id",
            "booking_date",
            sqlite_where=sql_text("balance IS NOT NULL"),
            postgresql_where=sql_text("balance IS NOT NULL"),
        ),
    )

    user_id: UUID = Field(index=False)
    # What searches look at: a column costs by how many stand before it in the row.
    account_id: UUID = Field(foreign_key="accounts.id", ondelete="CASCADE")
    booking_date: date
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    pending: bool = False
    marked_transfer: bool = False
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    category_id: UUID | None = Field(default=None)
    amount: Decimal = Field(sa_type=Money)
    currency: str = Field(max_length=3)
    search_words: str = Field(default="", sa_type=Text)
    categorised_by: str = Field(default=ChosenBy.NONE, max_length=10)
    merchant: str | None = Field(default=None, sa_type=Text)
    note: str | None = Field(default=None, sa_type=Text)
    # What only those look at who read the row.
    import_id: UUID | None = Field(default=None, foreign_key="imports.id", index=True)
    identity: str = Field(sa_type=Text)
    content: str = Field(default="", max_length=40)
    value_date: date | None = None
    stated_date: date | None = None
    stated_amount: Decimal | None = Field(default=None, sa_type=Money)
    original_amount: Decimal | None = Field(default=None, sa_type=Money)
    original_currency: str | None = Field(default=None, max_length=3)
    exchange_rate: str | None = Field(default=None, max_length=40)
    balance: Decimal | None = Field(default=None, sa_type=Money)
    text: str = Field(default="", sa_type=Text)
    counterparty: str | None = Field(default=None, sa_type=Text)
    counterparty_account: str | None = Field(default=None, sa_type=Text)
    reference: str | None = Field(default=None, sa_type=Text)
    bank_category: str | None = Field(default=None, sa_type=Text)
    details: list[dict[str, object]] | None = Field(default=None, sa_type=JSON)
    merchant_by: str = Field(default=ChosenBy.NONE, max_length=10)
    note_by: str = Field(default=ChosenBy.NONE, max_length=10)
    search_text: str = Field(default="", sa_type=Text)
    rule_id: UUID | None = None
    confidence: float | None = None
    transfer_by: str = Field(default=ChosenBy.NONE, max_length=10)
    edited_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    replaced_by: UUID | None = None


class Tag(Table, table=True):
    """A tag of a row, as the user wrote it on the row or, when `tagged_by` is `rule`, in a rule."""

    __tablename__ = "transaction_tags"
    __table_args__ = (Index(None, "user_id", "tag"),)

    transaction_id: UUID = Field(foreign_key="transactions.id", primary_key=True, ondelete="CASCADE")
    tag: str = Field(primary_key=True, max_length=60)
    user_id: UUID
    tagged_by: str = Field(default=ChosenBy.USER, max_length=10)


class Split(Table, Owned, table=True):
    """A part of a row with a category of its own; the parts of a row sum to its amount."""

    __tablename__ = "splits"

    transaction_id: UUID = Field(foreign_key="transactions.id", index=True, ondelete="CASCADE")
    position: int
    amount: Decimal = Field(sa_type=Money)
    category_id: UUID | None = None
    note: str | None = Field(default=None, sa_type=Text)


def _once_linked(name: str, side: str) -> Index:
    """A row may be proposed for several transfers, and be linked in one."""
    where = sql_text("status = 'linked'")
    return Index(name, side, unique=True, sqlite_where=where, postgresql_where=where)


class Transfer(Table, Owned, Versioned, table=True):
    """Two rows of different accounts of the user's that are, or may be, the sides of one transfer.

    `rate` is the incoming amount for one unit of the outgoing one, as text, where the currencies differ.
    """

    __tablename__ = "transfers"
    __table_args__ = (
        UniqueConstraint("outgoing_id", "incoming_id"),
        _once_linked("uq_transfers_linked_outgoing", "outgoing_id"),
        _once_linked("uq_transfers_linked_incoming", "incoming_id"),
    )

    outgoing_id: UUID = Field(foreign_key="transactions.id", ondelete="CASCADE")
    incoming_id: UUID = Field(foreign_key="transactions.id", index=True, ondelete="CASCADE")
    status: str = Field(max_length=10)
    decided_by: str = Field(default=ChosenBy.NONE, max_length=10)
    reason: str = Field(default="", max_length=200)
    rate: str | None = Field(default=None, max_length=40)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

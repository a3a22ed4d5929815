"""The tables of the ledger. They are never answers of the API: those are in `schemas`."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from api_common.columns import Money, Owned, UtcDateTime, Versioned, now
from api_common.database import NAMING_CONVENTION
from api_common.idempotency import idempotency_table
from sqlalchemy import JSON, BigInteger, Index, MetaData, Text, UniqueConstraint
from sqlmodel import Field, SQLModel


class AccountType(StrEnum):
    """What an account is."""

    CHECKING = "checking"
    SAVINGS = "savings"
    CREDIT_CARD = "credit_card"
    CASH = "cash"
    INVESTMENT = "investment"
    LOAN = "loan"
    OTHER = "other"


class CategorisedBy(StrEnum):
    """Who chose a row's category. Rules never touch what the user chose."""

    NONE = "none"
    RULE = "rule"
    USER = "user"


class ImportStatus(StrEnum):
    """Whether an import's rows stand in the ledger; a preview is never stored."""

    PREVIEW = "preview"
    BOOKED = "booked"
    UNDONE = "undone"


class Table(SQLModel):
    """The base of this service's tables."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


idempotency_table(Table.metadata)


class Ledger(Table, table=True):
    """One user's ledger. Its revision grows with every write transaction, and its row is what a writer locks.

    It is closed when the user is deleted: an access token that outlives its user for minutes writes nothing any more.
    """

    __tablename__ = "ledgers"

    user_id: UUID = Field(primary_key=True)
    revision: int = Field(default=0, sa_type=BigInteger)
    closed: bool = False


class Account(Table, Owned, Versioned, table=True):
    """An account of the user's, kept in one currency for ever."""

    __tablename__ = "accounts"

    name: str = Field(max_length=200)
    type: str = Field(max_length=20)
    currency: str = Field(max_length=3)
    opening_balance: Decimal = Field(default=Decimal(0), sa_type=Money)
    opening_date: date | None = None
    archived: bool = False
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class AccountReference(Table, Owned, table=True):
    """One way in which statement files name an account: by number (perhaps with the bank), or by name.

    `key` is the comparable form. The same key may stand for several accounts only when their currencies differ, as at
    banks that keep several currencies under one number.
    """

    __tablename__ = "account_references"
    __table_args__ = (UniqueConstraint("user_id", "key", "bank_key", "currency"),)

    account_id: UUID = Field(foreign_key="accounts.id", index=True, ondelete="CASCADE")
    key: str = Field(max_length=220)
    bank_key: str = Field(default="", max_length=100)
    currency: str = Field(max_length=3)
    number: str | None = Field(default=None, max_length=100)
    bank: str | None = Field(default=None, max_length=100)
    name: str | None = Field(default=None, max_length=200)


class Category(Table, Owned, Versioned, table=True):
    """A category of the user's own. Its parent may be one of these or a built-in one, hence no foreign key."""

    __tablename__ = "categories"

    parent_id: UUID | None = None
    name: str = Field(max_length=100)
    kind: str = Field(max_length=10)


class Rule(Table, Owned, Versioned, table=True):
    """Rows whose text contains `contains` get the category; of several rules the lowest position decides."""

    __tablename__ = "rules"

    contains: str = Field(max_length=200)
    category_id: UUID
    position: int


class StatementImport(Table, Owned, table=True):
    """One upload of a statement file. `report` keeps the lists of the answer: refusals, accounts, sums, balances."""

    __tablename__ = "imports"
    status: str = Field(default=ImportStatus.BOOKED, max_length=10)
    format: str = Field(max_length=60)
    filename: str | None = Field(default=None, max_length=255)
    sha256: str = Field(max_length=64)
    statements: int
    read: int
    booked: int
    repeated: int
    replaced: int
    refused: int
    report: dict[str, object] = Field(sa_type=JSON)
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime = Field(sa_type=UtcDateTime)
    undone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RepeatedRow(Table, table=True):
    """A row that an import brought and that stood in the ledger already.

    It stays when the import that booked it is undone, as this one brings it too.
    """

    __tablename__ = "repeated_rows"
    __table_args__ = {"sqlite_with_rowid": False}  # a file uploaded again writes one for each of its rows

    import_id: UUID = Field(foreign_key="imports.id", primary_key=True, ondelete="CASCADE")
    transaction_id: UUID = Field(foreign_key="transactions.id", primary_key=True, index=True, ondelete="CASCADE")
    user_id: UUID


class StatementBalance(Table, Owned, table=True):
    """A balance that a statement states for an account."""

    __tablename__ = "statement_balances"

    account_id: UUID = Field(foreign_key="accounts.id", index=True, ondelete="CASCADE")
    import_id: UUID = Field(foreign_key="imports.id", index=True, ondelete="CASCADE")
    kind: str = Field(max_length=20)
    amount: Decimal = Field(sa_type=Money)
    currency: str = Field(max_length=3)
    balance_date: date | None = None


class Transaction(Table, Owned, Versioned, table=True):
    """One row of the ledger.

    `identity` is what makes the row recognisable when a file brings it again; it never changes, whatever the user
    edits. A deleted row stays behind as a tombstone (`deleted_at`), so that its identity still stands in the unique
    constraint and no later import books it again; so does a pending row that the bank has booked, with the id of the
    booked row in `replaced_by`. `search_text` is the folded text of all texts of the row.
    """

    __tablename__ = "transactions"
    __table_args__ = (
        UniqueConstraint("account_id", "identity"),
        Index(None, "user_id", "booking_date", "id"),
        Index(None, "account_id", "booking_date", "id"),
    )

    user_id: UUID = Field(index=False)
    account_id: UUID = Field(foreign_key="accounts.id", ondelete="CASCADE")
    import_id: UUID | None = Field(default=None, foreign_key="imports.id", index=True)
    identity: str = Field(sa_type=Text)
    booking_date: date
    value_date: date | None = None
    amount: Decimal = Field(sa_type=Money)
    currency: str = Field(max_length=3)
    pending: bool = False
    text: str = Field(default="", sa_type=Text)
    counterparty: str | None = Field(default=None, sa_type=Text)
    counterparty_account: str | None = Field(default=None, sa_type=Text)
    reference: str | None = Field(default=None, sa_type=Text)
    bank_category: str | None = Field(default=None, sa_type=Text)
    merchant: str | None = Field(default=None, sa_type=Text)
    note: str | None = Field(default=None, sa_type=Text)
    search_text: str = Field(default="", sa_type=Text)
    category_id: UUID | None = Field(default=None)
    categorised_by: str = Field(default=CategorisedBy.NONE, max_length=10)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    edited_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    replaced_by: UUID | None = None

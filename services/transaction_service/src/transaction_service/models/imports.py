"""Uploads of statement files, what their statements state, and what they leave for the user to decide."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from api_common.columns import Money, Owned, UtcDateTime, Versioned, now
from sqlalchemy import JSON, Text, UniqueConstraint
from sqlmodel import Field

from transaction_service.models.base import Table


class ImportStatus(StrEnum):
    """Whether an import's rows stand in the ledger; a preview is never stored."""

    PREVIEW = "preview"
    BOOKED = "booked"
    UNDONE = "undone"


class ProposalStatus(StrEnum):
    """Whether a suspected repeat is one: `accepted` says it is, `rejected` that it is a row of its own."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


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
    proposed: int = 0
    report: dict[str, object] = Field(sa_type=JSON)
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime = Field(sa_type=UtcDateTime)
    undone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RepeatedRow(Table, table=True):
    """A row that an import brought and that stood in the ledger already.

    It stays when the import that booked it is undone, as this one brings it too.
    """

    __tablename__ = "repeated_rows"
    # A file uploaded again writes one for each of its rows.
    __table_args__: ClassVar[dict[str, object]] = {"sqlite_with_rowid": False}

    import_id: UUID = Field(foreign_key="imports.id", primary_key=True, ondelete="CASCADE")
    transaction_id: UUID = Field(foreign_key="transactions.id", primary_key=True, index=True, ondelete="CASCADE")
    user_id: UUID


class RowIdentity(Table, table=True):
    """A further identity of a row: one under which an import brought it after its bank had changed the row's id.

    Each import keeps its own, so that undoing one takes back what that one has taught, and nothing else.
    """

    __tablename__ = "row_identities"

    account_id: UUID = Field(foreign_key="accounts.id", primary_key=True, ondelete="CASCADE")
    identity: str = Field(primary_key=True, sa_type=Text)
    import_id: UUID = Field(foreign_key="imports.id", primary_key=True, index=True, ondelete="CASCADE")
    transaction_id: UUID = Field(foreign_key="transactions.id", index=True, ondelete="CASCADE")
    user_id: UUID = Field(index=True)


class Proposal(Table, Owned, table=True):
    """A row of a file that may be one of the ledger's, and is not booked until the user or a balance decides.

    `row` holds the row as it would be booked. `also_in` are further imports that brought it, as texts. `proved_by` is
    the import whose statement has decided instead of the user; undoing that one opens the question again.
    """

    __tablename__ = "proposals"
    __table_args__ = (UniqueConstraint("account_id", "identity"),)

    import_id: UUID = Field(foreign_key="imports.id", index=True, ondelete="CASCADE")
    account_id: UUID = Field(foreign_key="accounts.id", ondelete="CASCADE")
    transaction_id: UUID = Field(foreign_key="transactions.id", index=True, ondelete="CASCADE")
    identity: str = Field(sa_type=Text)
    row: dict[str, object] = Field(sa_type=JSON)
    reason: str = Field(max_length=40)
    status: str = Field(default=ProposalStatus.WAITING, max_length=10)
    decided_by: str | None = Field(default=None, max_length=10)
    booked_as: UUID | None = None
    also_in: list[str] = Field(default_factory=list, sa_type=JSON)
    proved_by: UUID | None = None
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Statement(Table, Owned, table=True):
    """One statement of a file about one account: its period, its balances and whether its rows explain them.

    `starts` and `ends` are the first and the last booking day that the statement is complete for, as far as it says.
    """

    __tablename__ = "statements"

    account_id: UUID = Field(foreign_key="accounts.id", index=True, ondelete="CASCADE")
    import_id: UUID = Field(foreign_key="imports.id", index=True, ondelete="CASCADE")
    position: int
    starts: date | None = None
    ends: date | None = None
    opening: Decimal | None = Field(default=None, sa_type=Money)
    closing: Decimal | None = Field(default=None, sa_type=Money)
    status: str = Field(max_length=10)


class StatementBalance(Table, Owned, table=True):
    """A balance that a statement states for an account."""

    __tablename__ = "statement_balances"

    account_id: UUID = Field(foreign_key="accounts.id", index=True, ondelete="CASCADE")
    import_id: UUID = Field(foreign_key="imports.id", index=True, ondelete="CASCADE")
    kind: str = Field(max_length=20)
    amount: Decimal = Field(sa_type=Money)
    currency: str = Field(max_length=3)
    balance_date: date | None = None


class CsvProfile(Table, Owned, Versioned, table=True):
    """How the user has said that files with a certain header are to be read."""

    __tablename__ = "csv_profiles"
    __table_args__ = (UniqueConstraint("user_id", "header_key"),)

    name: str = Field(max_length=100)
    header_key: str = Field(max_length=64)
    mapping: dict[str, object] = Field(sa_type=JSON)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)

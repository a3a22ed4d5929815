"""What all tables of this service share, and the ledger's own row, which every writer locks."""

from __future__ import annotations

from uuid import UUID

from api_common.database import NAMING_CONVENTION
from api_common.idempotency import idempotency_table
from sqlalchemy import BigInteger, MetaData
from sqlmodel import Field, SQLModel


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

"""What banks take back of what they have stated before."""

from __future__ import annotations

from uuid import UUID

from api_common.columns import Owned
from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field

from transaction_service.models.base import Table


class Correction(Table, Owned, table=True):
    """A statement's word that the account's earlier row with this bank's id is replaced or void.

    `transaction_id` is that row, a tombstone; none while no file has brought it. `replaced_by` is the row in its place,
    and `linked_to` the other side of the transfer that the user had made of it.
    """

    __tablename__ = "corrections"
    __table_args__ = (UniqueConstraint("account_id", "bank_id", "import_id"),)

    account_id: UUID = Field(foreign_key="accounts.id", ondelete="CASCADE")
    import_id: UUID = Field(foreign_key="imports.id", index=True, ondelete="CASCADE")
    bank_id: str = Field(sa_type=Text)
    transaction_id: UUID | None = Field(default=None, foreign_key="transactions.id", index=True, ondelete="SET NULL")
    replaced_by: UUID | None = Field(default=None, foreign_key="transactions.id", index=True, ondelete="SET NULL")
    linked_to: UUID | None = Field(default=None, foreign_key="transactions.id", index=True, ondelete="SET NULL")

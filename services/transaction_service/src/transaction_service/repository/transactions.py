"""Rows of the ledger, one by one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from api_common.repository import Repository
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlmodel import col

from transaction_service.errors import TransactionNotFound
from transaction_service.models import Split, Transaction
from transaction_service.repository.by_ids import of_user


class TransactionRepository(Repository[Transaction]):
    """The user's rows. Tombstones of deleted rows are seen only where a method says so."""

    model = Transaction
    not_found = TransactionNotFound

    def mine(self) -> Select[Transaction]:
        """Start a query: the user's rows without tombstones."""
        return super().mine().where(col(Transaction.deleted_at).is_(None))

    async def get(self, row_id: UUID) -> Transaction:
        """The row with this id. Raises TransactionNotFound, which says where a row is that does not stand."""
        row = await self.get_or_none(row_id)
        if row is not None:
            return row
        gone = await self.with_tombstones(row_id)
        if gone is None or gone.user_id != self.user_id:
            raise TransactionNotFound(f"There is no transaction {row_id}.")
        if gone.replaced_by is not None:
            raise TransactionNotFound(f"The bank put {gone.replaced_by} in the place of the transaction {row_id}.")
        raise TransactionNotFound(
            f"The transaction {row_id} is in the trash. POST /v1/transactions/{row_id}/restore brings it back."
        )

    async def named(self, row_ids: Collection[UUID]) -> Sequence[Transaction]:
        """The rows with these ids, tombstones included, as far as they are there; of a short list."""
        statement = select(Transaction).where(of_user(self.user_id), col(Transaction.id).in_(row_ids))
        return (await self.session.scalars(statement)).all()

    async def with_tombstones(self, row_id: UUID) -> Transaction | None:
        """The row with this id, deleted or not, of whichever user: an id is used only once."""
        return await self.session.get(Transaction, row_id)

    def of_category(self, category_id: UUID) -> ColumnElement[bool]:
        """The condition that a row, or a part of it, has exactly this category."""
        parts = select(col(Split.transaction_id)).where(
            col(Split.user_id) == self.user_id, col(Split.category_id) == category_id
        )
        return or_(col(Transaction.category_id) == category_id, col(Transaction.id).in_(parts))

    async def in_category(self, category_id: UUID) -> int:
        """How many rows have exactly this category, or parts with it."""
        found = self.mine().where(self.of_category(category_id))
        return int(await self.session.scalar(select(func.count()).select_from(found.subquery())) or 0)

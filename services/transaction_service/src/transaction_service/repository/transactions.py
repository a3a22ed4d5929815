"""Rows of the ledger: one by one, and by rules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from api_common.repository import Repository
from sqlalchemy import (
    Executable,
    Select,
    func,
    literal,
    select,
    update,
)
from sqlmodel import col

from transaction_service.errors import TransactionNotFound
from transaction_service.models import (
    ChosenBy,
    Transaction,
)


class TransactionRepository(Repository[Transaction]):
    """The user's rows. Tombstones of deleted rows are seen only where a method says so."""

    model = Transaction
    not_found = TransactionNotFound

    def mine(self) -> Select[Transaction]:
        """Start a query: the user's rows without tombstones."""
        return super().mine().where(col(Transaction.deleted_at).is_(None))

    async def named(self, row_ids: Collection[UUID]) -> Sequence[Transaction]:
        """The rows with these ids, as far as they are there; of a short list."""
        return (await self.session.scalars(self.mine().where(col(Transaction.id).in_(row_ids)))).all()

    async def with_tombstones(self, row_id: UUID) -> Transaction | None:
        """The row with this id, deleted or not, of whichever user: an id is used only once."""
        return await self.session.get(Transaction, row_id)

    async def reassign_category(self, category_id: UUID, to: UUID | None) -> int:
        """Move all rows of a category to another one, or to none; gives their number."""
        by = col(Transaction.categorised_by) if to is not None else literal(str(ChosenBy.NONE))
        statement = (
            update(Transaction)
            .where(col(Transaction.user_id) == self.user_id, col(Transaction.category_id) == category_id)
            .values(category_id=to, categorised_by=by, version=col(Transaction.version) + 1)
            .execution_options(synchronize_session=False)
        )
        return await self._rowcount(statement)

    async def in_category(self, category_id: UUID) -> int:
        """How many rows have exactly this category."""
        statement = select(func.count()).select_from(
            self.mine().where(col(Transaction.category_id) == category_id).subquery()
        )
        return int(await self.session.scalar(statement) or 0)

    async def _rowcount(self, statement: Executable) -> int:
        result = await self.session.execute(statement)
        return int(getattr(result, "rowcount", 0))

"""Rows of the ledger: one by one, and by rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from api_common.repository import Repository
from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    case,
    func,
    literal,
    null,
    select,
    update,
)
from sqlmodel import col

from transaction_service.errors import TransactionNotFound
from transaction_service.models import (
    ChosenBy,
    Rule,
    Transaction,
)
from transaction_service.repository.listing import contains


class TransactionRepository(Repository[Transaction]):
    """The user's rows. Tombstones of deleted rows are seen only where a method says so."""

    model = Transaction
    not_found = TransactionNotFound

    def mine(self) -> Select[Transaction]:
        """Start a query: the user's rows without tombstones."""
        return super().mine().where(col(Transaction.deleted_at).is_(None))

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

    async def apply_rules(self, rules: Sequence[Rule]) -> tuple[int, int, int]:
        """Categorise all rows by the rules, in one statement, except those that the user categorised.

        Gives how many rows a rule fits, how many changed their category, and how many lost it because no rule fits.
        """
        fits = [(contains(rule.contains), rule) for rule in rules]
        chosen: ColumnElement[Any] = (
            case(*((condition, literal(rule.category_id)) for condition, rule in fits), else_=null())
            if fits
            else null()
        )
        open_to_rules = [
            col(Transaction.user_id) == self.user_id,
            col(Transaction.deleted_at).is_(None),
            col(Transaction.categorised_by) != str(ChosenBy.USER),
        ]
        counts = (
            await self.session.execute(
                select(
                    func.count().filter(chosen.is_not(None)),
                    func.count().filter(chosen.is_(None), col(Transaction.category_id).is_not(None)),
                ).where(*open_to_rules)
            )
        ).one()
        statement = (
            update(Transaction)
            .where(*open_to_rules, chosen.is_distinct_from(col(Transaction.category_id)))
            .values(
                category_id=chosen,
                categorised_by=case((chosen.is_not(None), str(ChosenBy.RULE)), else_=str(ChosenBy.NONE)),
                version=col(Transaction.version) + 1,
            )
            .execution_options(synchronize_session=False)
        )
        return int(counts[0]), await self._rowcount(statement), int(counts[1])

    async def _rowcount(self, statement: Executable) -> int:
        result = await self.session.execute(statement)
        return int(getattr(result, "rowcount", 0))

"""The user's rules, and the history that they are applied to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from api_common.pagination import Keyset, PageQuery, Slice
from api_common.repository import Repository
from sqlalchemy import Row, func, select, update
from sqlmodel import col

from transaction_service.errors import RuleNotFound
from transaction_service.models import Rule, Table, Transaction
from transaction_service.rules.language import accounts_named
from transaction_service.rules.runs import READ

BATCH = 5000
"""So many rows of the history are held at once."""

IN_ORDER = Keyset(col(Rule.position).asc(), col(Rule.id).asc())
NEWEST_FIRST = Keyset(col(Transaction.booking_date).desc(), col(Transaction.id).desc())


class RuleRepository(Repository[Rule]):
    """The user's rules."""

    model = Rule
    not_found = RuleNotFound

    async def list(self, page: PageQuery) -> Slice[Rule]:
        """One page of the rules, in the order in which they are tried."""
        return await self.page(self.mine(), IN_ORDER, page)

    async def ordered(self) -> Sequence[Rule]:
        """All rules in the order in which they are tried."""
        return (await self.session.scalars(self.mine().order_by(*IN_ORDER.order))).all()

    async def count(self, *, category_id: UUID | None = None) -> int:
        """How many rules there are, or how many give this category."""
        statement = select(func.count()).select_from(Rule).where(col(Rule.user_id) == self.user_id)
        if category_id is not None:
            statement = statement.where(col(Rule.category_id) == category_id)
        return int(await self.session.scalar(statement) or 0)

    async def disable_naming(self, account_id: UUID) -> Sequence[UUID]:
        """Disable the rules with a condition on an account, and give the ids of those that were enabled."""
        naming = [
            rule for rule in await self.ordered() if rule.enabled and account_id in accounts_named(rule.conditions)
        ]
        for rule in naming:
            rule.enabled = False
        await self.session.flush()
        return [rule.id for rule in naming]

    async def last_position(self) -> int:
        """The highest position in use, -1 when there is no rule."""
        highest = await self.session.scalar(select(func.max(Rule.position)).where(col(Rule.user_id) == self.user_id))
        return -1 if highest is None else int(highest)

    async def reassign_category(self, category_id: UUID, to: UUID) -> None:
        """Let all rules of a category give another one."""
        await self.session.execute(
            update(Rule)
            .where(col(Rule.user_id) == self.user_id, col(Rule.category_id) == category_id)
            .values(category_id=to, version=col(Rule.version) + 1)
            .execution_options(synchronize_session=False)
        )

    async def history(self, cursor: str | None = None) -> AsyncIterator[Sequence[Row[Any]]]:
        """The user's rows in batches, newest first, from a cursor of `NEWEST_FIRST` on; tombstones are left out.

        Raises InvalidCursor.
        """
        table = Table.metadata.tables["transactions"]
        statement = (
            select(*(table.c[name] for name in READ))
            .where(table.c.user_id == self.user_id, table.c.deleted_at.is_(None))
            .order_by(*NEWEST_FIRST.order)
            .limit(BATCH)
        )
        while True:
            after = () if cursor is None else (NEWEST_FIRST.after(cursor),)
            rows = (await self.session.execute(statement.where(*after))).all()
            if rows:
                yield rows
            if len(rows) < BATCH:
                return
            cursor = NEWEST_FIRST.cursor(rows[-1])

"""The tags that the user's rows have."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api_common.pagination import Keyset, PageQuery, Slice
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from transaction_service.models import Tag, Transaction

_BY_NAME = Keyset(col(Tag.tag).asc())


class TagRepository:
    """The tags of one user's rows."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self.session = session
        self.user_id = user_id

    async def list(self, page: PageQuery) -> Slice[dict[str, Any]]:
        """One page of the tags of rows that stand, by name, each with the number of its rows."""
        statement = (
            select(col(Tag.tag), func.count().label("rows"))
            .join(Transaction, col(Transaction.id) == col(Tag.transaction_id))
            .where(col(Tag.user_id) == self.user_id, col(Transaction.deleted_at).is_(None))
            .group_by(col(Tag.tag))
            .order_by(*_BY_NAME.order)
            .limit(page.limit + 1)
        )
        if page.cursor is not None:
            statement = statement.where(_BY_NAME.after(page.cursor))
        rows = (await self.session.execute(statement)).all()
        items = rows[: page.limit]
        cursor = _BY_NAME.cursor(items[-1]) if len(rows) > page.limit else None
        return Slice([row._asdict() for row in items], cursor)

    async def count(self, tag: str) -> int:
        """How many rows have exactly this tag, deleted ones included."""
        statement = select(func.count()).where(col(Tag.user_id) == self.user_id, col(Tag.tag) == tag)
        return int(await self.session.scalar(statement) or 0)

    def tagged(self, tag: str) -> ColumnElement[bool]:
        """The condition that a row has exactly this tag."""
        rows = select(col(Tag.transaction_id)).where(col(Tag.user_id) == self.user_id, col(Tag.tag) == tag)
        return col(Transaction.id).in_(rows)

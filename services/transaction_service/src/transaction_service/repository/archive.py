"""Rows of every table of one user, as archives read and write them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any
from uuid import UUID

from api_common.bulk import bulk_insert
from api_common.database import WriteSession
from sqlalchemy import Column, ColumnElement, Select, Uuid, collate, exists, func, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.expression import UnaryExpression
from sqlalchemy.sql.operators import custom_op
from sqlmodel import col

from transaction_service.archive.format import ArchivedTable, archived_tables
from transaction_service.archive.values import selected
from transaction_service.errors import ArchiveBroken
from transaction_service.models import Split, Transaction
from transaction_service.repository.exact_sums import joined, units_and_millionths

BATCH_ROWS = 20_000
_IDS_AT_ONCE = 10_000


class ArchiveRepository:
    """All that one user's ledger holds, table by table."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self.session = session
        self.user_id = user_id

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.session.get_bind().dialect.name

    async def counts(self) -> dict[str, int]:
        """How many rows the user has, by table; only tables that have any."""
        found = {
            archived.name: int(await self.session.scalar(self._count(archived)) or 0) for archived in archived_tables()
        }
        return {name: count for name, count in found.items() if count}

    async def batches(self, archived: ArchivedTable) -> AsyncIterator[Sequence[Sequence[object]]]:
        """The rows of a table in the order of its primary key, some thousands at a time."""
        key = list(archived.table.primary_key)
        order = [self._ordered(column) for column in key]
        statement = select(*(selected(column, self.dialect) for column in archived.columns))
        # The key once more, as values to go on from.
        statement = statement.add_columns(*key).order_by(*order).limit(BATCH_ROWS)
        is_large = int(await self.session.scalar(self._count(archived)) or 0) > BATCH_ROWS
        statement = statement.where(self._mine(archived, by_key=is_large))
        last: Sequence[Any] | None = None
        while True:
            page = statement if last is None else statement.where(tuple_(*order) > tuple(last))
            rows = (await self.session.execute(page)).all()
            if not rows:
                return
            yield [row[: -len(key)] for row in rows]
            if len(rows) < BATCH_ROWS:
                return
            last = rows[-1][-len(key) :]

    async def is_taken(self, archived: ArchivedTable, ids: Sequence[UUID]) -> bool:
        """Whether one of the ids is taken in a table, whoever's it is."""
        column = archived.table.c.id
        for start in range(0, len(ids), _IDS_AT_ONCE):
            taken = select(column).where(column.in_(ids[start : start + _IDS_AT_ONCE])).limit(1)
            if await self.session.scalar(taken) is not None:
                return True
        return False

    async def insert(self, archived: ArchivedTable, columns: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
        """Insert rows with the values of these columns.

        Raises ArchiveBroken for rows that contradict one another.
        """
        values = ((self.user_id, *row) for row in rows)
        try:
            await bulk_insert(WriteSession(self.session), archived.table, ["user_id", *columns], values)
        except IntegrityError as error:
            raise ArchiveBroken(
                f"Rows of {archived.name} repeat one another, or refer to rows that the archive does not hold."
            ) from error

    async def check_references(self) -> None:
        """See that no row refers to another user's. Raises ArchiveBroken."""
        for archived in archived_tables():
            for constraint in archived.table.foreign_keys:
                child, parent = constraint.parent, constraint.column
                owned = exists().where(parent == child, parent.table.c.user_id == self.user_id)
                strange = select(child).where(self._mine(archived), child.is_not(None), ~owned).limit(1)
                if await self.session.scalar(strange) is not None:
                    raise ArchiveBroken(
                        f"{archived.name}.{child.name} refers to a row of {parent.table.name} that the archive "
                        "does not hold."
                    )

    async def check_splits(self) -> None:
        """See that the parts of every row sum to it. Raises ArchiveBroken."""
        units, millionths = units_and_millionths(self.session, col(Split.amount))
        sums = (
            select(col(Transaction.id), col(Transaction.amount), func.sum(units), func.sum(millionths))
            .join(Split, col(Split.transaction_id) == col(Transaction.id))
            .where(col(Split.user_id) == self.user_id)
            .group_by(col(Transaction.id), col(Transaction.amount))
        )
        async for row_id, amount, whole, rest in await self.session.stream(sums):
            if (total := joined(whole, rest)) != amount:
                raise ArchiveBroken(f"The parts of the row {row_id} sum to {total}, and the row is {amount}.")

    async def used_categories(self) -> set[UUID]:
        """The categories that the user's rows refer to."""
        found: set[UUID] = set()
        for archived in archived_tables():
            for column in archived.columns:
                if column.name in {"category_id", "parent_id"}:
                    used = select(column.column).where(self._mine(archived), column.column.is_not(None)).distinct()
                    found.update((await self.session.scalars(used)).all())
        return found

    def _count(self, archived: ArchivedTable) -> Select[int]:
        return select(func.count()).select_from(archived.table).where(self._mine(archived))

    def _mine(self, archived: ArchivedTable, *, by_key: bool = False) -> ColumnElement[bool]:
        owner: ColumnElement[UUID] = archived.table.c.user_id
        if by_key and self.dialect == "sqlite":
            # The plus keeps SQLite from sorting all of the user's rows for each batch: it walks along the key instead.
            owner = UnaryExpression(owner, operator=custom_op("+"), type_=Uuid())
        return owner == self.user_id

    def _ordered(self, column: Column[Any]) -> ColumnElement[Any]:
        # PostgreSQL would order texts by the rules of a language, and SQLite by their characters.
        is_text = self.dialect == "postgresql" and column.type.python_type is str
        return collate(column, "C") if is_text else column

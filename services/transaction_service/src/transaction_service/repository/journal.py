"""The journal: what every import and edit changed, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from api_common.bulk import bulk_insert
from api_common.columns import UtcDateTime
from api_common.database import WriteSession
from api_common.pagination import Keyset, PageQuery, Slice
from api_common.repository import Repository
from sqlalchemy import ColumnElement, literal, select
from sqlmodel import col

from transaction_service.errors import JournalEntryNotFound
from transaction_service.models import JournalAction, JournalChange, JournalEntry

_NEWEST = Keyset(col(JournalEntry.id).desc())
_BY_ROW = Keyset(col(JournalChange.transaction_id).asc())
_NEWEST_CHANGE = Keyset(col(JournalChange.entry_id).desc())
_CHANGE_COLUMNS = ("entry_id", "transaction_id", "user_id", "before", "after")


@dataclass(frozen=True, kw_only=True)
class JournalFilter:
    """Which entries a list shows; what is None or empty does not limit it. Days are UTC and inclusive."""

    actions: Sequence[JournalAction] = ()
    import_id: UUID | None = None
    transaction_id: UUID | None = None
    from_date: date | None = None
    to_date: date | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on the table."""
        found: list[ColumnElement[bool]] = []
        if self.actions:
            found.append(col(JournalEntry.action).in_([str(action) for action in self.actions]))
        if self.import_id is not None:
            found.append(col(JournalEntry.import_id) == self.import_id)
        if self.transaction_id is not None:
            of_row = select(col(JournalChange.entry_id)).where(col(JournalChange.transaction_id) == self.transaction_id)
            found.append(col(JournalEntry.id).in_(of_row))
        if self.from_date is not None:
            found.append(col(JournalEntry.at) >= _midnight(self.from_date))
        if self.to_date is not None and self.to_date < date.max:
            found.append(col(JournalEntry.at) < _midnight(self.to_date + timedelta(days=1)))
        return found


class JournalRepository(Repository[JournalEntry]):
    """The user's journal."""

    model = JournalEntry
    not_found = JournalEntryNotFound

    async def list(self, wanted: JournalFilter, page: PageQuery) -> Slice[JournalEntry]:
        """One page of the entries, newest first."""
        return await self.page(self.mine().where(*wanted.conditions()), _NEWEST, page)

    async def keep_changes(self, entry_id: UUID, changes: Sequence[tuple[UUID, object, object]]) -> None:
        """Store what an entry changed: row, fields before, fields after."""
        values = [(entry_id, row_id, self.user_id, before, after) for row_id, before, after in changes]
        await bulk_insert(WriteSession(self.session), JournalChange, _CHANGE_COLUMNS, values)

    async def changes(self, entry_id: UUID, page: PageQuery) -> Slice[dict[str, Any]]:
        """One page of the rows that an entry changed."""
        return await self._changes(col(JournalChange.entry_id) == entry_id, _BY_ROW, page)

    async def history(self, transaction_id: UUID, page: PageQuery) -> Slice[dict[str, Any]]:
        """One page of what happened to a row, newest first."""
        return await self._changes(col(JournalChange.transaction_id) == transaction_id, _NEWEST_CHANGE, page)

    async def knows(self, transaction_id: UUID) -> bool:
        """Whether anything of the row's past is kept."""
        statement = select(literal(1)).where(
            col(JournalChange.user_id) == self.user_id, col(JournalChange.transaction_id) == transaction_id
        )
        return await self.session.scalar(statement.limit(1)) is not None

    async def _changes(self, chosen: ColumnElement[bool], keyset: Keyset, page: PageQuery) -> Slice[dict[str, Any]]:
        statement = (
            select(
                col(JournalChange.entry_id),
                col(JournalChange.transaction_id),
                col(JournalEntry.at),
                col(JournalEntry.action),
                col(JournalEntry.import_id),
                col(JournalEntry.rule_id),
                col(JournalChange.before),
                col(JournalChange.after),
            )
            .join(JournalEntry, col(JournalEntry.id) == col(JournalChange.entry_id))
            .where(col(JournalChange.user_id) == self.user_id, chosen)
            .order_by(*keyset.order)
            .limit(page.limit + 1)
        )
        if page.cursor is not None:
            statement = statement.where(keyset.after(page.cursor))
        rows = (await self.session.execute(statement)).all()
        items = rows[: page.limit]
        cursor = keyset.cursor(items[-1]) if len(rows) > page.limit else None
        return Slice([row._asdict() for row in items], cursor)


def _midnight(day: date) -> ColumnElement[datetime]:
    return literal(datetime.combine(day, time(), UTC), UtcDateTime)

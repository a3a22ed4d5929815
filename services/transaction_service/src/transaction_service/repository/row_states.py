"""Rows as states: read with their tags and parts, and written back by what an edit changed, few or very many."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from api_common.bulk import bulk_insert
from api_common.columns import now
from api_common.database import WriteSession
from sqlalchemy import ColumnElement, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from transaction_service.models import Split, Table, Tag, Transaction
from transaction_service.repository.by_ids import of_user
from transaction_service.repository.transfers import TransferRepository
from transaction_service.rows.state import (
    COLUMNS,
    RowPart,
    RowState,
    RowTag,
    changed_columns,
    ends_transfer,
    texts_differ,
)
from transaction_service.search.words import search_words

T = TypeVar("T")
StateChange = tuple[RowState, RowState]
"""A row before and after an edit."""

_AT_ONCE = 10_000
"""So many ids go into one statement: SQLite takes 32 766 parameters, PostgreSQL twice as many."""

_TABLE = Table.metadata.tables["transactions"]
_SEARCHED = ("search_text", "search_words")


class RowStateRepository:
    """The states of one user's rows."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self.session = session
        self.user_id = user_id

    async def of(self, rows: Sequence[Transaction]) -> list[RowState]:
        """The states of rows that were read already, in their order."""
        return await self._with_parts([RowState.of(row) for row in rows])

    async def matching(self, conditions: Iterable[ColumnElement[bool]], *, most: int) -> list[RowState]:
        """The states of the rows that fulfil the conditions, oldest first; of more than `most` one too many."""
        return await self._states([_TABLE.c.user_id == self.user_id, *conditions], most)

    async def _states(self, conditions: Iterable[ColumnElement[bool]], most: int) -> list[RowState]:
        statement = (
            select(*(_TABLE.c[name] for name in COLUMNS))
            .where(*conditions)
            .order_by(_TABLE.c.booking_date, _TABLE.c.id)
            .limit(most + 1)
        )
        found = await self.session.execute(statement)
        return await self._with_parts([RowState(**row._asdict()) for row in found])

    async def named(self, row_ids: Collection[UUID], *, trash: bool = False) -> list[RowState]:
        """The states of the rows with these ids, oldest first: of those that stand, or of those in the trash."""
        deleted = _TABLE.c.deleted_at
        stand = [deleted.is_not(None), _TABLE.c.replaced_by.is_(None)] if trash else [deleted.is_(None)]
        states: list[RowState] = []
        for ids in _batches(list(row_ids)):
            states += await self._states([of_user(self.user_id), _TABLE.c.id.in_(ids), *stand], len(ids))
        return sorted(states, key=lambda state: (state.booking_date, state.id))

    async def tags(self, row_ids: Collection[UUID]) -> dict[UUID, tuple[RowTag, ...]]:
        """The tags of rows, in the order in which a row shows them; rows without tags are left out."""
        found: dict[UUID, list[RowTag]] = {}
        for ids in _batches(list(row_ids)):
            statement = select(col(Tag.transaction_id), col(Tag.tag), col(Tag.tagged_by)).where(
                of_user(self.user_id, col(Tag.user_id)), col(Tag.transaction_id).in_(ids)
            )
            for row_id, tag, tagged_by in await self.session.execute(statement):
                found.setdefault(row_id, []).append(RowTag(tag, tagged_by))
        return {row_id: tuple(sorted(tags, key=lambda tag: tag.name)) for row_id, tags in found.items()}

    async def splits(self, row_ids: Collection[UUID]) -> dict[UUID, tuple[RowPart, ...]]:
        """The parts of split rows, in their order; rows that are whole are left out."""
        found: dict[UUID, list[RowPart]] = {}
        for ids in _batches(list(row_ids)):
            statement = (
                select(
                    col(Split.transaction_id), col(Split.id), col(Split.amount), col(Split.category_id), col(Split.note)
                )
                .where(of_user(self.user_id, col(Split.user_id)), col(Split.transaction_id).in_(ids))
                .order_by(col(Split.position))
            )
            for row_id, part_id, amount, category_id, note in await self.session.execute(statement):
                found.setdefault(row_id, []).append(RowPart(part_id, amount, category_id, note))
        return {row_id: tuple(parts) for row_id, parts in found.items()}

    async def write(self, changes: Sequence[StateChange], *, edited: bool = True) -> None:
        """Store what differs between the states; `edited` says that the user did it, and not a rule."""
        await self._write_columns(changes, edited=edited)
        await self.write_parts(changes)
        await TransferRepository(self.session, self.user_id).dissolve(
            [after.id for before, after in changes if ends_transfer(before, after)]
        )

    async def write_parts(self, changes: Sequence[StateChange]) -> None:
        """Store the tags and parts that differ between the states."""
        await self._write_tags([change for change in changes if change[0].tags != change[1].tags])
        await self._write_splits([change for change in changes if change[0].splits != change[1].splits])

    async def _write_tags(self, changes: Sequence[StateChange]) -> None:
        if changes:
            await self._forget(Tag, [before.id for before, _ in changes if before.tags])
            values = [(after.id, tag.name, self.user_id, tag.by) for _, after in changes for tag in after.tags]
            await bulk_insert(
                WriteSession(self.session), Tag, ("transaction_id", "tag", "user_id", "tagged_by"), values
            )

    async def _write_splits(self, changes: Sequence[StateChange]) -> None:
        if changes:
            await self._forget(Split, [before.id for before, _ in changes if before.splits])
            values = [
                (part.id, self.user_id, after.id, position, part.amount, part.category_id, part.note)
                for _, after in changes
                for position, part in enumerate(after.splits)
            ]
            columns = ("id", "user_id", "transaction_id", "position", "amount", "category_id", "note")
            await bulk_insert(WriteSession(self.session), Split, columns, values)

    async def _write_columns(self, changes: Sequence[StateChange], *, edited: bool) -> None:
        if not changes:
            return
        names = sorted({name for before, after in changes for name in changed_columns(before, after)})
        # The index of words follows every write of a row's words, so that they are written only where they may differ.
        found_by = _SEARCHED if any(texts_differ(before, after) for before, after in changes) else ()
        statement = (
            update(_TABLE)
            .where(_TABLE.c.id == bindparam("row_id"), _TABLE.c.user_id == self.user_id)
            .values(
                version=_TABLE.c.version + 1,
                **({"edited_at": now()} if edited else {}),
                **{name: bindparam(f"new_{name}") for name in (*names, *found_by)},
            )
        )
        await self.session.execute(statement, [_parameters(after, names, found_by) for _, after in changes])

    async def _forget(self, model: type[Tag | Split], row_ids: Sequence[UUID]) -> None:
        for ids in _batches(row_ids):
            await self.session.execute(
                delete(model).where(of_user(self.user_id, col(model.user_id)), col(model.transaction_id).in_(ids))
            )

    async def _with_parts(self, states: list[RowState]) -> list[RowState]:
        ids = [state.id for state in states]
        tags, splits = await self.tags(ids), await self.splits(ids)
        return [
            replace(state, tags=tags.get(state.id, ()), splits=splits.get(state.id, ()))
            if state.id in tags or state.id in splits
            else state
            for state in states
        ]


def _parameters(after: RowState, names: Sequence[str], found_by: Sequence[str]) -> Mapping[str, Any]:
    found: dict[str, Any] = {f"new_{name}": getattr(after, name) for name in names}
    if found_by:
        search_text = after.search_text()
        found |= {"new_search_text": search_text, "new_search_words": search_words(search_text)}
    return {**found, "row_id": after.id}


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE))

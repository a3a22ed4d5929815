"""Changing all rows that have something, however many, with one entry in the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from api_common.compute import offload
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.models import JournalAction
from transaction_service.repository.row_states import RowStateRepository
from transaction_service.rows import edits
from transaction_service.rows.edits import Edit
from transaction_service.rows.state import RowState
from transaction_service.service.journal import Journal, RowChange

_AT_ONCE = 10_000


class ManyRows:
    """Very many rows of one user's ledger, of which few are held at once."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._states = RowStateRepository(session, user_id)
        self._journal = Journal(session, user_id)

    async def change(
        self,
        having: ColumnElement[bool],
        edit: Callable[[RowState], RowState],
        action: JournalAction,
        summary: Mapping[str, object],
        *,
        edited: bool,
    ) -> int:
        """Edit all rows that fulfil a condition, tombstones included, and give their number.

        The edit must take away what the condition asks for, since the rest is found as what still has it. `edited` says
        that the rows are thereby the user's work, which undoing their import names.
        """
        entry_id = await self._journal.record(action, summary=summary)
        rows = 0
        while states := (await self._states.matching([having], most=_AT_ONCE))[:_AT_ONCE]:
            changes = await offload(_edited, states, edit)
            await self._states.write(changes, edited=edited)
            await self._journal.extend(entry_id, [RowChange.between(*change) for change in changes])
            rows += len(changes)
        return rows

    async def hand_parts_on(self, pairs: Iterable[tuple[UUID, UUID]]) -> None:
        """Split rows as others were in whose place they are booked (first and second of a pair), if they are as large.

        Of a row whose amount has moved, nobody but the user can say which part the difference belongs to.
        """
        successors = dict(pairs)
        splits = await self._states.splits(successors)
        if not splits:
            return
        by_successor = {successors[row_id]: parts for row_id, parts in splits.items()}
        changes = []
        for state in await self._states.named(by_successor):
            wanted = by_successor[state.id]
            if sum(part.amount for part in wanted) == state.amount:
                copies = edits.parts([(part.amount, part.category_id, part.note) for part in wanted], ())
                changes.append((state, edits.edited(state, Edit(splits=copies), edits.no_rules)))
        await self._states.write(changes, edited=False)


def _edited(states: list[RowState], edit: Callable[[RowState], RowState]) -> list[tuple[RowState, RowState]]:
    return [(state, edit(state)) for state in states]

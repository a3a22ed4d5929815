"""Editing many rows at once: all of them, or, when anything is wrong, none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast
from uuid import UUID

from api_common.columns import now
from api_common.compute import offload, uncollected
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.errors import RowsUnknown, TooManyRows
from transaction_service.models import JournalAction
from transaction_service.repository.corrections import CorrectionRepository
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.repository.row_states import RowStateRepository, StateChange
from transaction_service.repository.transactions import TransactionRepository
from transaction_service.rows import edits
from transaction_service.rows.edits import Decide, Edit
from transaction_service.rows.state import RowState
from transaction_service.schemas.bulk import MOST_ROWS, BulkEdit, BulkEdited, BulkRow
from transaction_service.schemas.listing import Filters
from transaction_service.service.journal import Journal, RowChange, plain
from transaction_service.service.listing import Listing
from transaction_service.service.transactions import Transactions

MOST_SHOWN = 20
"""So many of the rows that differ are shown."""
MOST_NAMED = 10
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class _Plan:
    """What an edit does to the rows that it reaches."""

    matched: int
    split: int
    changes: Sequence[StateChange]


class BulkEdits:
    """Edits of many rows of one user's ledger."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._user_id = user_id
        self._states = RowStateRepository(session, user_id)
        self._stored = TransactionRepository(session, user_id)
        self._transactions = Transactions(session, user_id)
        self._listing = Listing(session, user_id)
        self._corrections = CorrectionRepository(session, user_id)
        self._ledger = LedgerRepository(session, user_id)
        self._journal = Journal(session, user_id)

    async def preview(self, wanted: BulkEdit) -> BulkEdited:
        """What `apply` would do. Raises the same problems."""
        return await self._answer(await self._plan(wanted), preview=True)

    async def apply(self, wanted: BulkEdit) -> BulkEdited:
        """Carry the edit out, with one entry in the journal that names every row.

        Raises AccountNotFound, CategoryNotFound, RowsUnknown, TooManyRows, TooManyTags.
        """
        await self._ledger.begin_change()
        plan = await self._plan(wanted)
        # The answer shows rows as they stand before, and so is made before.
        answer = await self._answer(plan, preview=False)
        if not plan.changes:
            return answer
        if wanted.changes.restore:
            await self._corrections.let_stand([state for state, _ in plan.changes])
        summary = {"changes": wanted.changes.model_dump(mode="json", exclude_unset=True), "matched": plan.matched}
        entry_id = await self._journal.record(JournalAction.ROWS_CHANGED, summary=summary)
        for start in range(0, len(plan.changes), _AT_ONCE):
            batch = plan.changes[start : start + _AT_ONCE]
            await self._states.write(batch, edited=not (wanted.changes.delete or wanted.changes.restore))
            await self._journal.extend(entry_id, await offload(_for_journal, batch))
        return answer.model_copy(update={"journal_entry_id": entry_id})

    async def _plan(self, wanted: BulkEdit) -> _Plan:
        changes = wanted.changes
        await self._transactions.check_categories([changes.category_id])
        trash = bool(changes.restore)
        if wanted.ids is not None:
            states = await self._named(wanted.ids, trash=trash)
        else:
            states = await self._matching(wanted.filter or Filters(), trash=trash)
        if changes.delete:
            at = now()
            return _Plan(len(states), 0, [(state, edits.deleted(state, at)) for state in states])
        if trash:
            # What the bank has replaced since stays in the trash, where it would stand twice.
            replaced = await self._corrections.stand_ins(states)
            back = [(state, edits.restored(state)) for state in states if state.id not in replaced]
            return _Plan(len(states), 0, back)
        edit = cast("Edit", changes.given())
        decide = await self._transactions.decide() if edits.asks_rules(edit) else edits.no_rules
        plan = await offload(_planned, states, edit, decide)
        return replace(plan, changes=await self._transactions.as_statements_mark(plan.changes))

    async def _named(self, ids: Sequence[UUID], *, trash: bool) -> list[RowState]:
        states = await self._states.named(set(ids), trash=trash)
        known = {state.id for state in states}
        unknown = [str(row_id) for row_id in dict.fromkeys(ids) if row_id not in known]
        if unknown:
            place = "trash" if trash else "ledger"
            named = ", ".join(unknown[:MOST_NAMED]) + (", …" if len(unknown) > MOST_NAMED else "")
            raise RowsUnknown(
                f"{len(unknown)} of {len(ids)} ids are no rows of the {place}: {named}. Nothing was changed.",
                unknown=unknown,
            )
        return states

    async def _matching(self, wanted: Filters, *, trash: bool) -> list[RowState]:
        rows = await self._listing.resolved(wanted.wanted("/body/filter"), category_id=wanted.category)
        conditions = replace(rows, deleted=trash).conditions(self._user_id)
        states = await self._states.matching(conditions, most=MOST_ROWS)
        if len(states) > MOST_ROWS:
            raise TooManyRows(f"The filter matches more than {MOST_ROWS} rows. Narrow it, for instance year by year.")
        return states

    async def _answer(self, plan: _Plan, *, preview: bool) -> BulkEdited:
        first = plan.changes[:MOST_SHOWN]
        rows = await self._transactions.shown(await self._stored.named([before.id for before, _ in first]))
        by_id = {row.id: row for row in rows}
        shown = [
            BulkRow(transaction=by_id[change.transaction_id], before=plain(change.before), after=plain(change.after))
            for change in _for_journal(first)
        ]
        return BulkEdited(
            preview=preview,
            matched=plan.matched,
            changed=len(plan.changes),
            unchanged=plan.matched - len(plan.changes),
            split=plan.split,
            journal_entry_id=None,
            rows=shown,
        )


@uncollected()
def _planned(states: Sequence[RowState], edit: Edit, decide: Decide) -> _Plan:
    """What an edit does to rows. Slow for many: runs in a thread."""
    whole_only = "category_id" in edit
    for_split = cast("Edit", {name: value for name, value in edit.items() if name != "category_id"})
    changes: list[StateChange] = []
    split = 0
    for state in states:
        is_split = whole_only and bool(state.splits)
        split += is_split
        after = edits.edited(state, for_split if is_split else edit, decide)
        if after != state:
            changes.append((state, after))
    return _Plan(len(states), split, changes)


def _for_journal(changes: Sequence[StateChange]) -> list[RowChange]:
    return [RowChange.between(before, after) for before, after in changes]

"""Keeping and reading the journal: what every import and edit changed.

Values in the journal are what JSON can hold: amounts and ids as text, days in ISO form. Applying `before` to a row
whose state is `after` gives the row as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from api_common.columns import new_id
from api_common.pagination import PageQuery, Slice
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.amounts import amount_text
from transaction_service.errors import TransactionNotFound
from transaction_service.models import JournalAction, JournalEntry
from transaction_service.repository.journal import JournalFilter, JournalRepository
from transaction_service.repository.transactions import TransactionRepository
from transaction_service.rows.state import RowState, journal_fields


@dataclass(frozen=True, slots=True)
class RowChange:
    """The fields of one row that a change touched, before and after; `before` is empty for a row that was made."""

    transaction_id: UUID
    before: Mapping[str, object] = field(default_factory=dict)
    after: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def between(cls, before: RowState, after: RowState) -> RowChange:
        """What differs between two states of a row."""
        return cls(before.id, *journal_fields(before, after))


class Journal:
    """One user's journal."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._user_id = user_id
        self._journal = JournalRepository(session, user_id)
        self._transactions = TransactionRepository(session, user_id)

    async def record(
        self,
        action: JournalAction,
        *,
        rows: int = 0,
        summary: Mapping[str, object] | None = None,
        import_id: UUID | None = None,
        rule_id: UUID | None = None,
        changes: Sequence[RowChange] = (),
    ) -> UUID:
        """Keep one entry, in the caller's unit of work, and give its id.

        rows:    how many rows the change touched; by default as many as `changes` names
        summary: counts and names that tell what was done
        changes: the rows with their fields before and after, at most one for each row
        """
        entry = JournalEntry(
            id=new_id(),
            user_id=self._user_id,
            action=action,
            import_id=import_id,
            rule_id=rule_id,
            rows=rows or len(changes),
            summary=plain(summary or {}),
        )
        await self._journal.add(entry)
        await self._keep(entry.id, changes)
        return entry.id

    async def extend(
        self, entry_id: UUID, changes: Sequence[RowChange] = (), *, summary: Mapping[str, object] | None = None
    ) -> None:
        """Add rows, or a summary, to an entry of the same unit of work: very many rows are not held at once.

        Raises JournalEntryNotFound.
        """
        entry = await self._journal.get(entry_id)
        entry.rows += len(changes)
        if summary is not None:
            entry.summary = plain(summary)
        await self._keep(entry_id, changes)

    async def _keep(self, entry_id: UUID, changes: Sequence[RowChange]) -> None:
        if changes:
            await self._journal.keep_changes(
                entry_id, [(c.transaction_id, plain(c.before), plain(c.after)) for c in changes]
            )

    async def list(self, wanted: JournalFilter, page: PageQuery) -> Slice[JournalEntry]:
        """One page of the entries that pass the filter, newest first."""
        return await self._journal.list(wanted, page)

    async def get(self, entry_id: UUID, page: PageQuery) -> tuple[JournalEntry, Slice[dict[str, Any]]]:
        """One entry, and one page of the rows that it changed. Raises JournalEntryNotFound."""
        entry = await self._journal.get(entry_id)
        return entry, await self._journal.changes(entry_id, page)

    async def history(self, transaction_id: UUID, page: PageQuery) -> Slice[dict[str, Any]]:
        """One page of what was done to a row, deleted or not, newest first. Raises TransactionNotFound."""
        row = await self._transactions.with_tombstones(transaction_id)
        known = row is not None and row.user_id == self._user_id
        if not known and not await self._journal.knows(transaction_id):
            raise TransactionNotFound(f"There is no transaction {transaction_id}.")
        return await self._journal.history(transaction_id, page)


def plain(fields: Mapping[str, object]) -> dict[str, object]:
    """Fields as JSON can hold them, written as the answers of the API write them."""
    return {name: _value(value) for name, value in fields.items()}


def _value(value: object) -> object:
    match value:
        case Decimal():
            return amount_text(value)
        case UUID():
            return str(value)
        case date() | datetime():
            return value.isoformat().replace("+00:00", "Z")
        case Mapping():
            return {str(name): _value(inner) for name, inner in value.items()}
        case str():
            return str(value)
        case list() | tuple() | set() | frozenset():
            return [_value(inner) for inner in value]
        case _:
            return value

"""Rows of the ledger as imports see them: which stand already, which wait, which go when an import is undone."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from api_common.columns import now
from api_common.repository import Repository
from sqlalchemy import Executable, Select, String, bindparam, delete, func, insert, literal, select, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col

from transaction_service.errors import TransactionNotFound
from transaction_service.import_plan import PendingRow
from transaction_service.models import ChosenBy, ImportStatus, RepeatedRow, StatementImport, Table, Transaction
from transaction_service.repository.imports import Settled
from transaction_service.repository.row_states import RowStateRepository
from transaction_service.row_state import RowTag
from transaction_service.rule_effects import Chosen

_PUT_ASIDE = "~announced"
"""Ends the identity of a pending row whose booking carries the same: of two rows only one may have it."""

_OLDEST_FIRST = (col(Transaction.booking_date), col(Transaction.id))


class BookingRepository(Repository[Transaction]):
    """The user's rows, tombstones included, for booking imports and undoing them."""

    model = Transaction
    not_found = TransactionNotFound

    async def standing(self, identities: Mapping[UUID, Sequence[str]]) -> dict[UUID, dict[str, bool]]:
        """Which of the identities rows of the account carry, tombstones included, and whether the row is pending.

        One query for each account.
        """
        found: dict[UUID, dict[str, bool]] = {}
        for account_id, wanted in identities.items():
            statement = select(col(Transaction.identity), col(Transaction.pending)).where(
                col(Transaction.user_id) == self.user_id,
                col(Transaction.account_id) == account_id,
                col(Transaction.identity).in_(self._listed(wanted)),
            )
            found[account_id] = {row.identity: row.pending for row in await self.session.execute(statement)}
        return found

    async def keep_repeated(self, account_id: UUID, identities: Sequence[str], import_id: UUID) -> None:
        """Remember that the import, too, brings the account's rows with these identities."""
        if not identities:
            return
        rows = select(literal(import_id), col(Transaction.id), literal(self.user_id)).where(
            col(Transaction.user_id) == self.user_id,
            col(Transaction.account_id) == account_id,
            col(Transaction.identity).in_(self._listed(identities)),
        )
        columns = ["import_id", "transaction_id", "user_id"]
        await self.session.execute(
            insert(RepeatedRow).from_select(columns, rows.order_by(col(Transaction.id)), include_defaults=False)
        )

    async def pending(self, account_ids: Collection[UUID]) -> Sequence[PendingRow]:
        """The pending rows of these accounts, oldest first."""
        statement = self.mine().where(
            col(Transaction.deleted_at).is_(None),
            col(Transaction.account_id).in_(account_ids),
            col(Transaction.pending).is_(True),
        )
        rows = (await self.session.scalars(statement.order_by(*_OLDEST_FIRST))).all()
        tags = await RowStateRepository(self.session, self.user_id).tags([row.id for row in rows])
        return [
            PendingRow(
                id=row.id,
                account_id=row.account_id,
                identity=row.identity,
                booking_date=row.booking_date,
                amount=row.amount,
                text=row.text,
                counterparty=row.counterparty,
                edited=row.edited_at is not None,
                chosen=_chosen(row, tags.get(row.id, ())),
            )
            for row in rows
        ]

    async def put_aside(self, settled: Sequence[Settled]) -> None:
        """Turn pending rows into tombstones, as an import is about to insert their bookings."""
        if not settled:
            return
        table = Table.metadata.tables["transactions"]
        statement = (
            update(table)
            .where(table.c.id == bindparam("row_id"), table.c.user_id == self.user_id)
            .values(
                deleted_at=now(),
                replaced_by=bindparam("booked_by"),
                identity=table.c.identity + bindparam("mark", type_=String),
                version=table.c.version + 1,
            )
        )
        changes = [
            {"row_id": s.pending_id, "booked_by": s.booked_id, "mark": _PUT_ASIDE if s.same_identity else ""}
            for s in settled
        ]
        await self.session.execute(statement, changes)

    async def hand_over(self, import_id: UUID) -> int:
        """Give rows of the import that other imports bring too to the earliest of these; gives their number."""
        others = (
            select(col(RepeatedRow.import_id))
            .where(col(RepeatedRow.user_id) == self.user_id, col(RepeatedRow.transaction_id) == col(Transaction.id))
            .order_by(col(RepeatedRow.import_id))
            .limit(1)
        )
        statement = (
            update(Transaction)
            .where(
                col(Transaction.user_id) == self.user_id,
                col(Transaction.import_id) == import_id,
                others.exists(),
            )
            .values(import_id=others.scalar_subquery(), version=col(Transaction.version) + 1)
            .execution_options(synchronize_session=False)
        )
        return await self._rowcount(statement)

    async def remove_import(self, import_id: UUID, *, edited: bool) -> int:
        """Delete the rows that an import booked, tombstones and edited rows only when `edited`; gives their number.

        Pending rows that they had replaced stand again, unless the import that brought those is undone too.
        """
        doomed = [
            col(Transaction.user_id) == self.user_id,
            col(Transaction.import_id) == import_id,
            # The tombstone of a pending row goes with its booking, not before: the pending row is still repeated.
            col(Transaction.replaced_by).is_(None),
        ]
        if not edited:
            doomed += [col(Transaction.edited_at).is_(None), col(Transaction.deleted_at).is_(None)]
        waiting = (
            await self.session.scalars(
                select(Transaction).where(
                    col(Transaction.user_id) == self.user_id,
                    col(Transaction.replaced_by).in_(select(col(Transaction.id)).where(*doomed)),
                )
            )
        ).all()
        removed = await self._rowcount(delete(Transaction).where(*doomed))
        await self._bring_back(waiting)
        return removed

    async def _bring_back(self, announced: Sequence[Transaction]) -> None:
        imports = select(col(StatementImport.id)).where(
            col(StatementImport.user_id) == self.user_id, col(StatementImport.status) == ImportStatus.BOOKED
        )
        standing = set((await self.session.scalars(imports)).all()) if announced else set()
        for row in announced:
            if row.import_id not in standing:
                await self.session.delete(row)
                continue
            row.deleted_at = row.replaced_by = None
            row.identity = row.identity.removesuffix(_PUT_ASIDE)
        await self.session.flush()

    async def of_import(self, import_id: UUID) -> Sequence[Transaction]:
        """The rows that an import booked and that stand in the ledger."""
        statement = self.mine().where(col(Transaction.deleted_at).is_(None), col(Transaction.import_id) == import_id)
        return (await self.session.scalars(statement.order_by(*_OLDEST_FIRST))).all()

    async def _rowcount(self, statement: Executable) -> int:
        result = await self.session.execute(statement)
        return int(getattr(result, "rowcount", 0))

    def _listed(self, values: Sequence[str]) -> Select[tuple[str]]:
        """A subquery of any number of texts: one parameter, where a list of parameters is limited to thousands."""
        document = json.dumps(values)
        if self.session.get_bind().dialect.name == "postgresql":
            return select(
                func.jsonb_array_elements_text(sql_cast(literal(document, String), JSONB)).column_valued("value")
            )
        return select(func.json_each(document).table_valued("value").c.value)


def _chosen(row: Transaction, tags: Sequence[RowTag]) -> Chosen:
    return Chosen(
        category_id=row.category_id if row.categorised_by == ChosenBy.USER else None,
        merchant=row.merchant if row.merchant_by == ChosenBy.USER else None,
        note=row.note if row.note_by != ChosenBy.RULE else None,
        marked_transfer=row.marked_transfer if row.transfer_by == ChosenBy.USER else None,
        tags=tuple(tag.name for tag in tags if tag.by != ChosenBy.RULE),
    )

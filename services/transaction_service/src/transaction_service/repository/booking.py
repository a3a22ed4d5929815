"""Rows of the ledger as imports see them: which stand already, which wait, which go when an import is undone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from api_common.bulk import bulk_insert, referring
from api_common.columns import now
from api_common.database import WriteSession
from api_common.repository import Repository
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Executable,
    SQLColumnExpression,
    String,
    Uuid,
    any_,
    bindparam,
    delete,
    insert,
    literal,
    select,
    type_coerce,
    update,
)
from sqlmodel import col

from transaction_service.errors import TransactionNotFound
from transaction_service.identity.pending import PendingRow
from transaction_service.models import (
    ChosenBy,
    Correction,
    ImportStatus,
    Proposal,
    ProposalStatus,
    RepeatedRow,
    RowIdentity,
    StatementImport,
    Table,
    Transaction,
)
from transaction_service.repository.by_ids import of_user
from transaction_service.repository.imports import Settled
from transaction_service.repository.recognition import PUT_ASIDE, among, pending_row, with_identities
from transaction_service.repository.row_states import RowStateRepository
from transaction_service.rows.state import RowTag
from transaction_service.rules.effects import Chosen

_OLDEST_FIRST = (col(Transaction.booking_date), col(Transaction.id))


class BookingRepository(Repository[Transaction]):
    """The user's rows, tombstones included, for booking imports and undoing them."""

    model = Transaction
    not_found = TransactionNotFound

    async def keep_repeated(self, account_id: UUID, identities: Sequence[str], import_id: UUID) -> None:
        """Remember that the import, too, brings the account's rows with these identities."""
        if not identities:
            return
        of_account = (col(Transaction.user_id) == self.user_id, col(Transaction.account_id) == account_id)
        found = with_identities(self.session, (col(Transaction.id),), of_account, identities).subquery()
        rows = select(literal(import_id), found.c.id, literal(self.user_id))
        columns = ["import_id", "transaction_id", "user_id"]
        async with referring(await self.session.connection()):
            await self.session.execute(
                insert(RepeatedRow).from_select(columns, rows.order_by(found.c.id), include_defaults=False)
            )

    async def keep_same(self, row_ids: Collection[UUID], import_ids: Sequence[UUID]) -> None:
        """Remember that the imports, too, bring these rows, unless that is known."""
        if not row_ids:
            return
        for import_id in import_ids:
            known = select(col(RepeatedRow.transaction_id)).where(col(RepeatedRow.import_id) == import_id)
            rows = select(literal(import_id), col(Transaction.id), literal(self.user_id)).where(
                col(Transaction.user_id) == self.user_id,
                self._is_one_of(row_ids),
                col(Transaction.import_id).is_distinct_from(import_id),
                col(Transaction.id).not_in(known),
            )
            columns = ["import_id", "transaction_id", "user_id"]
            await self.session.execute(
                insert(RepeatedRow).from_select(columns, rows.order_by(col(Transaction.id)), include_defaults=False)
            )

    async def keep_identities(self, taught: Iterable[tuple[UUID, str, UUID, UUID]]) -> None:
        """Keep further identities of rows: account, identity, import and row of each, once."""
        columns = ("account_id", "identity", "import_id", "transaction_id", "user_id")
        rows = {key[:3]: (*key, self.user_id) for key in taught}
        await bulk_insert(WriteSession(self.session), RowIdentity, columns, list(rows.values()))

    async def forget_identities(self, import_id: UUID) -> set[UUID]:
        """Forget the identities that an import has taught; gives the accounts that had any."""
        taught = (col(RowIdentity.user_id) == self.user_id, col(RowIdentity.import_id) == import_id)
        accounts = set((await self.session.scalars(select(col(RowIdentity.account_id)).where(*taught))).all())
        if accounts:
            await self.session.execute(delete(RowIdentity).where(*taught))
        return accounts

    async def taught_by(self, account_id: UUID, identity: str) -> list[UUID]:
        """The imports that brought a row of the account under this further identity."""
        statement = select(col(RowIdentity.import_id)).where(
            col(RowIdentity.user_id) == self.user_id,
            col(RowIdentity.account_id) == account_id,
            col(RowIdentity.identity) == identity,
        )
        return list((await self.session.scalars(statement)).all())

    async def take_back_identities(self, account_id: UUID, identities: Sequence[str], import_id: UUID) -> None:
        """Forget further identities of rows that an import taught, and that it brought these rows."""
        taught = (
            col(RowIdentity.user_id) == self.user_id,
            col(RowIdentity.account_id) == account_id,
            col(RowIdentity.import_id) == import_id,
            among(self.session, col(RowIdentity.identity), identities),
        )
        await self.session.execute(
            delete(RepeatedRow).where(
                col(RepeatedRow.user_id) == self.user_id,
                col(RepeatedRow.import_id) == import_id,
                col(RepeatedRow.transaction_id).in_(select(col(RowIdentity.transaction_id)).where(*taught)),
            )
        )
        await self.session.execute(delete(RowIdentity).where(*taught))

    async def forget_same(self, row_id: UUID, import_ids: Collection[UUID]) -> None:
        """Forget that these imports, too, bring a row."""
        await self.session.execute(
            delete(RepeatedRow).where(
                col(RepeatedRow.user_id) == self.user_id,
                col(RepeatedRow.transaction_id) == row_id,
                col(RepeatedRow.import_id).in_(import_ids),
            )
        )

    async def brought_again_by(self, row_id: UUID) -> list[UUID]:
        """The imports that brought a row beside the one that booked it."""
        statement = select(col(RepeatedRow.import_id)).where(
            col(RepeatedRow.user_id) == self.user_id, col(RepeatedRow.transaction_id) == row_id
        )
        return list((await self.session.scalars(statement)).all())

    async def merge(self, row_id: UUID, *, into: UUID) -> None:
        """Remove a row that is another one's double: what brought it has brought the other one."""
        row = await self.get_or_none(row_id)
        if row is None:
            return
        imports = await self.brought_again_by(row_id)
        mine = col(RowIdentity.user_id) == self.user_id
        await self.session.execute(
            update(RowIdentity).where(mine, col(RowIdentity.transaction_id) == row_id).values(transaction_id=into)
        )
        await self.session.execute(
            update(Transaction)
            .where(col(Transaction.user_id) == self.user_id, col(Transaction.replaced_by) == row_id)
            .values(replaced_by=into, version=col(Transaction.version) + 1)
            .execution_options(synchronize_session=False)
        )
        await self.forget_same(row_id, imports)
        await self.delete(row)
        await self.keep_same([into], imports)

    async def pending(self, account_ids: Collection[UUID]) -> Sequence[PendingRow]:
        """The pending rows of these accounts, oldest first, with those that the user has deleted."""
        statement = self.mine().where(
            col(Transaction.account_id).in_(account_ids),
            col(Transaction.pending).is_(True),
            col(Transaction.replaced_by).is_(None),
        )
        return await self.as_pending((await self.session.scalars(statement.order_by(*_OLDEST_FIRST))).all())

    async def as_pending(self, rows: Sequence[Transaction]) -> Sequence[PendingRow]:
        """Rows in whose place others are to be booked, with what the user chose of them."""
        tags = await RowStateRepository(self.session, self.user_id).tags([row.id for row in rows])
        return [pending_row(row, _chosen(row, tags.get(row.id, ()))) for row in rows]

    async def is_taken(self, account_id: UUID, identity: str) -> bool:
        """Whether a row of the account, a tombstone perhaps, carries this identity."""
        statement = self.mine().where(col(Transaction.account_id) == account_id, col(Transaction.identity) == identity)
        return await self.session.scalar(statement) is not None

    async def identities_of(self, row_ids: Collection[UUID]) -> dict[UUID, str]:
        """The identities of these rows."""
        statement = select(col(Transaction.id), col(Transaction.identity)).where(
            col(Transaction.user_id) == self.user_id, self._is_one_of(row_ids)
        )
        return {row.id: row.identity for row in await self.session.execute(statement)}

    async def with_ids(self, row_ids: Collection[UUID]) -> Sequence[Transaction]:
        """The rows with these ids, tombstones included."""
        statement = select(Transaction).where(of_user(self.user_id), col(Transaction.id).in_(row_ids))
        return (await self.session.scalars(statement)).all()

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
            {"row_id": s.pending_id, "booked_by": s.booked_id, "mark": PUT_ASIDE if s.same_identity else ""}
            for s in settled
        ]
        await self.session.execute(statement, changes)

    async def forget_repeated(self, import_id: UUID) -> None:
        """Forget which standing rows an import brought again."""
        await self.session.execute(
            delete(RepeatedRow).where(col(RepeatedRow.user_id) == self.user_id, col(RepeatedRow.import_id) == import_id)
        )

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
        doomed = self._doomed(import_id, edited=edited)
        waiting = (
            await self.session.scalars(
                self.mine().where(col(Transaction.replaced_by).in_(select(col(Transaction.id)).where(*doomed)))
            )
        ).all()
        removed = await self._rowcount(delete(Transaction).where(*doomed))
        if edited:
            await self._drop_edits(import_id)
        await self._bring_back(waiting, undone=import_id)
        return removed

    async def suspects_among(self, import_id: UUID, *, edited: bool) -> Sequence[Proposal]:
        """The waiting proposals that suspect a row which `remove_import` would delete, oldest first."""
        doomed = select(col(Transaction.id)).where(*self._doomed(import_id, edited=edited))
        statement = (
            select(Proposal)
            .where(
                col(Proposal.user_id) == self.user_id,
                col(Proposal.status) == ProposalStatus.WAITING,
                col(Proposal.transaction_id).in_(doomed),
            )
            .order_by(col(Proposal.id))
        )
        return (await self.session.scalars(statement)).all()

    def _doomed(self, import_id: UUID, *, edited: bool) -> list[ColumnElement[bool]]:
        """The conditions that a row goes when an import is undone."""
        doomed = [
            col(Transaction.user_id) == self.user_id,
            col(Transaction.import_id) == import_id,
            # The tombstone of a pending row goes with its booking, not before: the pending row is still repeated.
            col(Transaction.replaced_by).is_(None),
        ]
        if not edited:
            doomed += [col(Transaction.edited_at).is_(None), col(Transaction.deleted_at).is_(None)]
        return doomed

    async def _drop_edits(self, import_id: UUID) -> None:
        """Let edits not keep the import's rows that others stand in for, once those go."""
        statement = (
            update(Transaction)
            .where(
                col(Transaction.user_id) == self.user_id,
                col(Transaction.import_id) == import_id,
                col(Transaction.replaced_by).is_not(None),
                col(Transaction.edited_at).is_not(None),
            )
            .values(edited_at=None, version=col(Transaction.version) + 1)
        )
        await self.session.execute(statement)

    async def _bring_back(self, announced: Sequence[Transaction], *, undone: UUID) -> None:
        gone = {row.id for row in await self.adopt(announced)}
        taken_back = await self._taken_back(announced, besides=undone)
        for row in announced:
            if row.id in gone:
                await self.session.delete(row)
                continue
            row.identity = row.identity.removesuffix(PUT_ASIDE)
            row.replaced_by = taken_back.get(row.id)
            if row.id not in taken_back:
                row.deleted_at = None
        await self.session.flush()

    async def _taken_back(self, rows: Sequence[Transaction], *, besides: UUID) -> dict[UUID, UUID | None]:
        """Those of the rows that their bank takes back by another import too, and the row that is to replace each."""
        statement = (
            select(col(Correction.transaction_id), col(Correction.replaced_by))
            .where(
                of_user(self.user_id, col(Correction.user_id)),
                col(Correction.import_id) != besides,
                self._is_one_of([row.id for row in rows], col(Correction.transaction_id)),
            )
            .order_by(col(Correction.id))
        )
        found: dict[UUID, UUID | None] = {}
        for row_id, replaced_by in await self.session.execute(statement) if rows else ():
            if row_id is not None:
                found[row_id] = found.get(row_id) or replaced_by
        return found

    async def adopt(self, tombstones: Sequence[Transaction]) -> list[Transaction]:
        """Give tombstones of undone imports, as they are about to stand again, to the earliest import that brings them.

        Gives those that no import brings and that the user has not edited: these are not to stand.
        """
        if not tombstones:
            return []
        booked = (col(StatementImport.user_id) == self.user_id, col(StatementImport.status) == ImportStatus.BOOKED)
        standing = set((await self.session.scalars(select(col(StatementImport.id)).where(*booked))).all())
        orphans = [row for row in tombstones if row.import_id not in standing]
        repeated = (
            select(col(RepeatedRow.transaction_id), col(RepeatedRow.import_id))
            .where(
                col(RepeatedRow.user_id) == self.user_id,
                self._is_one_of([row.id for row in orphans], col(RepeatedRow.transaction_id)),
            )
            .order_by(col(RepeatedRow.import_id).desc())
        )
        heirs = {row_id: heir for row_id, heir in await self.session.execute(repeated) if heir in standing}
        for row in orphans:
            row.import_id = heirs.get(row.id, row.import_id)
        return [row for row in orphans if row.id not in heirs and row.edited_at is None]

    async def of_import(self, import_id: UUID) -> Sequence[Transaction]:
        """The rows that an import booked and that stand in the ledger."""
        statement = self.mine().where(col(Transaction.deleted_at).is_(None), col(Transaction.import_id) == import_id)
        return (await self.session.scalars(statement.order_by(*_OLDEST_FIRST))).all()

    def _is_one_of(
        self,
        row_ids: Collection[UUID],
        column: SQLColumnExpression[UUID] | SQLColumnExpression[UUID | None] | None = None,
    ) -> ColumnElement[bool]:
        named = col(Transaction.id) if column is None else column
        if self.session.get_bind().dialect.name == "postgresql":
            return named == any_(literal(list(row_ids), ARRAY(Uuid)))
        return among(self.session, type_coerce(named, String), [row_id.hex for row_id in row_ids])

    async def _rowcount(self, statement: Executable) -> int:
        result = await self.session.execute(statement)
        return int(getattr(result, "rowcount", 0))


def _chosen(row: Transaction, tags: Sequence[RowTag]) -> Chosen:
    return Chosen(
        category_id=row.category_id if row.categorised_by == ChosenBy.USER else None,
        merchant=row.merchant if row.merchant_by == ChosenBy.USER else None,
        note=row.note if row.note_by != ChosenBy.RULE else None,
        marked_transfer=row.marked_transfer if row.transfer_by == ChosenBy.USER else None,
        tags=tuple(tag.name for tag in tags if tag.by != ChosenBy.RULE),
    )

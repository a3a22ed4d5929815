"""Finding and keeping the transfers between the user's own accounts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from api_common.columns import now
from api_common.logging import get_logger
from api_common.pagination import PageQuery, Slice
from api_common.preconditions import Precondition
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.amounts import amount_text
from transaction_service.errors import AlreadyLinked, AmountsDiffer, RowPending, SameAccount, SameSign
from transaction_service.models import ChosenBy, JournalAction, Transaction, Transfer, TransferStatus
from transaction_service.repository.accounts import AccountRepository
from transaction_service.repository.imports import ImportRepository
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.repository.transactions import TransactionRepository
from transaction_service.repository.transfers import TransferRepository
from transaction_service.schemas.transfers import TransferSchema, TransfersFound, TransferSideSchema
from transaction_service.service.journal import Journal, RowChange
from transaction_service.service.transfer_search import TransferSearch
from transaction_service.transfers.evidence import TransferReason, exchange_rate

log = get_logger()


class Transfers:
    """The transfers of one user."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._user_id = user_id
        self._transfers = TransferRepository(session, user_id)
        self._search = TransferSearch(session, user_id)
        self._transactions = TransactionRepository(session, user_id)
        self._accounts = AccountRepository(session, user_id)
        self._imports = ImportRepository(session, user_id)
        self._ledger = LedgerRepository(session, user_id)
        self._journal = Journal(session, user_id)

    async def list(
        self,
        page: PageQuery,
        *,
        status: TransferStatus | None = None,
        account_id: UUID | None = None,
        transaction_id: UUID | None = None,
    ) -> Slice[TransferSchema]:
        """One page of the transfers, newest first. Raises AccountNotFound, TransactionNotFound."""
        if account_id is not None:
            await self._accounts.get(account_id)
        if transaction_id is not None:
            await self._transactions.get(transaction_id)
        found = await self._transfers.list(page, status=status, account_id=account_id, transaction_id=transaction_id)
        return Slice(await self._described(found.items), found.next_cursor)

    async def get(self, transfer_id: UUID) -> TransferSchema:
        """One transfer. Raises TransferNotFound."""
        return await self._describe(await self._transfers.get(transfer_id))

    async def search(self, import_id: UUID | None) -> TransfersFound:
        """Look for transfers in the whole history, or around the rows of one import. Raises ImportNotFound."""
        await self._ledger.begin_change()
        if import_id is not None:
            await self._imports.get(import_id)
        return await self.find(import_id)

    async def find(self, import_id: UUID | None = None) -> TransfersFound:
        """Link what is certain and propose what is likely, within a change that has begun.

        import_id: look only for pairs with a row of this import; its partner may be any row of the ledger
        """
        linked, proposed = await self._search.pairs(import_id)
        if not linked and not proposed:
            return TransfersFound(linked=0, proposed=0)
        await self._transfers.withdraw_proposals([row.id for pair in linked for row in (pair.outgoing, pair.incoming)])
        ids = await self._transfers.keep(linked, TransferStatus.LINKED)
        await self._transfers.keep(proposed, TransferStatus.PROPOSED)
        if linked:
            changes = [
                RowChange(row.id, {"transfer_id": None}, {"transfer_id": transfer_id})
                for transfer_id, pair in zip(ids, linked, strict=True)
                for row in (pair.outgoing, pair.incoming)
            ]
            await self._journal.record(
                JournalAction.TRANSFER_LINKED,
                summary={"linked": len(linked), "proposed": len(proposed)},
                import_id=import_id,
                changes=changes,
            )
        log.info("transfers_found", linked=len(linked), proposed=len(proposed))
        return TransfersFound(linked=len(linked), proposed=len(proposed))

    async def link(self, transaction_ids: Sequence[UUID]) -> TransferSchema:
        """Link two rows by hand; what was proposed for them otherwise is withdrawn.

        Raises TransactionNotFound, SameAccount, SameSign, AmountsDiffer, RowPending, AlreadyLinked.
        """
        await self._ledger.begin_change()
        return await self._describe(await self._linked(*[await self._transactions.get(i) for i in transaction_ids]))

    async def restore(self, transaction_ids: tuple[UUID, UUID]) -> bool:
        """Link two rows that the user had linked, within a change that has begun, if they are what they were.

        Gives whether both stand. A row that is part of another transfer by now stays in that one.
        """
        rows = [await self._transactions.get_or_none(row_id) for row_id in transaction_ids]
        standing = [row for row in rows if row is not None]
        if len(standing) < 2:
            return False
        with suppress(SameSign, AmountsDiffer, RowPending, AlreadyLinked):
            await self._linked(*standing)
        return True

    async def _linked(self, one: Transaction, other: Transaction) -> Transfer:
        outgoing, incoming = _sides(one, other)
        known = await self._transfers.of_pair(outgoing.id, incoming.id)
        if known is not None and known.status == TransferStatus.LINKED:
            return known
        if known is None:
            across = outgoing.currency != incoming.currency
            known = Transfer(
                user_id=self._user_id,
                outgoing_id=outgoing.id,
                incoming_id=incoming.id,
                status=TransferStatus.PROPOSED,
                reason=TransferReason.CHOSEN,
                rate=f"{exchange_rate(outgoing.amount, incoming.amount):f}" if across else None,
            )
            await self._transfers.add(known)
        await self._link(known)
        return known

    async def accept(self, transfer_id: UUID) -> TransferSchema:
        """Link a pair that was proposed, or rejected by mistake.

        Raises TransferNotFound, TransactionNotFound, AmountsDiffer, SameSign, RowPending, AlreadyLinked.
        """
        await self._ledger.begin_change()
        transfer = await self._transfers.get(transfer_id)
        if transfer.status == TransferStatus.LINKED:
            return await self._describe(transfer)
        _sides(
            await self._transactions.get(transfer.outgoing_id),
            await self._transactions.get(transfer.incoming_id),
        )
        await self._link(transfer)
        return await self._describe(transfer)

    async def reject(self, transfer_id: UUID) -> TransferSchema:
        """Say that a pair is no transfer; it is never linked or proposed again. Raises TransferNotFound."""
        await self._ledger.begin_change()
        transfer = await self._transfers.get(transfer_id)
        if transfer.status != TransferStatus.REJECTED:
            was_linked = transfer.status == TransferStatus.LINKED
            await self._decide(transfer, TransferStatus.REJECTED)
            await self._record(JournalAction.TRANSFER_REJECTED, transfer, unlinked=was_linked)
        return await self._describe(transfer)

    async def delete(self, transfer_id: UUID, expected: Precondition) -> None:
        """Forget a transfer: its rows stand alone, and a search of the whole history may find it again.

        Raises TransferNotFound, Stale.
        """
        await self._ledger.begin_change()
        transfer = await self._transfers.get(transfer_id)
        expected.check(transfer.version)
        if transfer.status == TransferStatus.LINKED:
            await self._record(JournalAction.TRANSFER_UNLINKED, transfer, unlinked=True)
        await self._transfers.delete(transfer)

    async def _link(self, transfer: Transfer) -> None:
        rows = (transfer.outgoing_id, transfer.incoming_id)
        others = [other for other in await self._transfers.linked(rows) if other.id != transfer.id]
        if others:
            other = others[0]
            taken = next(row for row in rows if row in (other.outgoing_id, other.incoming_id))
            raise AlreadyLinked(
                f"The row {taken} is part of the transfer {other.id} already. Delete or reject that one first.",
                transfer_id=str(other.id),
            )
        await self._decide(transfer, TransferStatus.LINKED)
        await self._transfers.withdraw_proposals(rows)
        await self._record(JournalAction.TRANSFER_LINKED, transfer)

    async def _decide(self, transfer: Transfer, status: TransferStatus) -> None:
        transfer.status, transfer.decided_by, transfer.decided_at = status, ChosenBy.USER, now()
        await self._transfers.session.flush()

    async def _record(self, action: JournalAction, transfer: Transfer, *, unlinked: bool = False) -> None:
        changes: list[RowChange] = []
        if unlinked or action is JournalAction.TRANSFER_LINKED:
            before, after = (transfer.id, None) if unlinked else (None, transfer.id)
            changes = [
                RowChange(row_id, {"transfer_id": before}, {"transfer_id": after})
                for row_id in (transfer.outgoing_id, transfer.incoming_id)
            ]
        await self._journal.record(action, rows=2, summary={"transfer_id": transfer.id}, changes=changes)

    async def _describe(self, transfer: Transfer) -> TransferSchema:
        return (await self._described([transfer]))[0]

    async def _described(self, transfers: Sequence[Transfer]) -> Sequence[TransferSchema]:
        sides = await self._transfers.sides({row for t in transfers for row in (t.outgoing_id, t.incoming_id)})
        return [
            TransferSchema(
                id=t.id,
                status=TransferStatus(t.status),
                decided_by=ChosenBy(t.decided_by),
                reasons=[TransferReason(reason) for reason in t.reason.split()],
                rate=t.rate,
                outgoing=TransferSideSchema.model_validate(sides[t.outgoing_id], from_attributes=True),
                incoming=TransferSideSchema.model_validate(sides[t.incoming_id], from_attributes=True),
                version=t.version,
                created_at=t.created_at,
                decided_at=t.decided_at,
            )
            for t in transfers
        ]


def _sides(one: Transaction, other: Transaction) -> tuple[Transaction, Transaction]:
    """The outgoing and the incoming row; raises what keeps them from being one transfer."""
    if one.account_id == other.account_id:
        raise SameAccount("Both rows are of one account. A transfer has a row in each of two accounts.")
    outgoing, incoming = (one, other) if one.amount < other.amount else (other, one)
    amounts = (
        f"{amount_text(outgoing.amount)} {outgoing.currency} and {amount_text(incoming.amount)} {incoming.currency}"
    )
    if outgoing.amount >= 0 or incoming.amount <= 0:
        raise SameSign(f"The rows are {amounts}. One side of a transfer is money out, the other money in.")
    if outgoing.currency == incoming.currency and outgoing.amount != -incoming.amount:
        raise AmountsDiffer(f"The rows are {amounts}. The sides of a transfer in one currency sum to zero.")
    if outgoing.pending or incoming.pending:
        raise RowPending("One of the rows is not booked yet, and will give way to its booking. Link them then.")
    return outgoing, incoming

"""Transfers, and the rows among which they are looked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from api_common.bulk import bulk_insert
from api_common.columns import new_id, now
from api_common.database import WriteSession
from api_common.pagination import Keyset, PageQuery, Slice
from api_common.repository import Repository
from sqlalchemy import (
    ColumnElement,
    delete,
    exists,
    or_,
    select,
)
from sqlmodel import col

from transaction_service.errors import TransferNotFound
from transaction_service.models import (
    ChosenBy,
    JournalAction,
    JournalEntry,
    Transaction,
    Transfer,
    TransferStatus,
)
from transaction_service.repository.by_ids import of_user
from transaction_service.repository.journal import JournalRepository
from transaction_service.transfers.evidence import Candidate, TransferPartner
from transaction_service.transfers.matching import Pair

_NEWEST = Keyset(col(Transfer.id).desc())
_CHUNK = 5000


@dataclass(frozen=True, slots=True)
class TransferSide:
    """One row of a transfer."""

    transaction_id: UUID
    account_id: UUID
    booking_date: date
    value_date: date | None
    amount: Decimal
    currency: str
    description: str
    counterparty: str | None


class TransferRepository(Repository[Transfer]):
    """The user's transfers."""

    model = Transfer
    not_found = TransferNotFound

    async def list(
        self, page: PageQuery, *, status: TransferStatus | None, account_id: UUID | None, transaction_id: UUID | None
    ) -> Slice[Transfer]:
        """One page of the transfers, newest first."""
        statement = self.mine()
        if status is not None:
            statement = statement.where(col(Transfer.status) == status)
        if transaction_id is not None:
            statement = statement.where(_touches([transaction_id]))
        if account_id is not None:
            sides = col(Transaction.id).in_([col(Transfer.outgoing_id), col(Transfer.incoming_id)])
            statement = statement.where(exists().where(sides, col(Transaction.account_id) == account_id))
        return await self.page(statement, _NEWEST, page)

    async def sides(self, row_ids: Collection[UUID]) -> dict[UUID, TransferSide]:
        """The rows of transfers by their ids."""
        statement = select(
            col(Transaction.id),
            col(Transaction.account_id),
            col(Transaction.booking_date),
            col(Transaction.value_date),
            col(Transaction.amount),
            col(Transaction.currency),
            col(Transaction.text),
            col(Transaction.counterparty),
        ).where(of_user(self.user_id), col(Transaction.id).in_(row_ids))
        return {row.id: TransferSide(*row) for row in await self.session.execute(statement)}

    async def of_pair(self, outgoing_id: UUID, incoming_id: UUID) -> Transfer | None:
        """The transfer of exactly these two rows, of any status."""
        statement = self.mine().where(
            col(Transfer.outgoing_id) == outgoing_id, col(Transfer.incoming_id) == incoming_id
        )
        found: Transfer | None = await self.session.scalar(statement)
        return found

    async def linked(self, row_ids: Collection[UUID]) -> Sequence[Transfer]:
        """The linked transfers that one of the rows is part of."""
        statement = select(Transfer).where(
            self._named(), _touches(row_ids), col(Transfer.status) == TransferStatus.LINKED
        )
        return (await self.session.scalars(statement)).all()

    async def partners(self, row_ids: Collection[UUID]) -> dict[UUID, TransferPartner]:
        """The transfers that the rows are linked in, and the other account; rows that are in none are left out."""
        found: dict[UUID, TransferPartner] = {}
        for chunk in _chunks(row_ids):
            for side, other in (
                (col(Transfer.outgoing_id), col(Transfer.incoming_id)),
                (col(Transfer.incoming_id), col(Transfer.outgoing_id)),
            ):
                statement = (
                    select(side, col(Transfer.id), col(Transaction.account_id))
                    .join(Transaction, col(Transaction.id) == other)
                    .where(self._named(), col(Transfer.status) == TransferStatus.LINKED, side.in_(chunk))
                )
                for row_id, transfer_id, account_id in await self.session.execute(statement):
                    found[row_id] = TransferPartner(transfer_id, account_id)
        return found

    async def chosen_partners(self, row_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """The other sides of the transfers that the user has made of these rows."""
        chosen = [transfer for transfer in await self.linked(row_ids) if transfer.decided_by == ChosenBy.USER]
        sides = [(transfer.outgoing_id, transfer.incoming_id) for transfer in chosen]
        partners = dict(sides) | {incoming: outgoing for outgoing, incoming in sides}
        return {row_id: partners[row_id] for row_id in row_ids if row_id in partners}

    async def undecided(self) -> dict[Pair, TransferStatus]:
        """All pairs that are proposed, and those that the user has rejected."""
        statement = select(col(Transfer.outgoing_id), col(Transfer.incoming_id), col(Transfer.status)).where(
            col(Transfer.user_id) == self.user_id, col(Transfer.status) != TransferStatus.LINKED
        )
        return {(row[0], row[1]): TransferStatus(row[2]) for row in await self.session.execute(statement)}

    async def withdraw_proposals(self, row_ids: Collection[UUID]) -> None:
        """Delete the proposals that one of the rows is part of."""
        for chunk in _chunks(row_ids):
            await self.session.execute(
                delete(Transfer).where(self._named(), col(Transfer.status) == TransferStatus.PROPOSED, _touches(chunk))
            )

    async def dissolve(self, row_ids: Collection[UUID]) -> int:
        """Delete the links and proposals of rows that are no longer what they were; gives the number of links.

        The journal keeps what was linked. What the user has rejected stays rejected.
        """
        ended: dict[UUID, Pair] = {}
        for chunk in _chunks(row_ids):
            links = (
                delete(Transfer)
                .where(self._named(), col(Transfer.status) == TransferStatus.LINKED, _touches(chunk))
                .returning(col(Transfer.id), col(Transfer.outgoing_id), col(Transfer.incoming_id))
            )
            ended |= {row[0]: (row[1], row[2]) for row in await self.session.execute(links)}
        await self.withdraw_proposals(row_ids)
        if ended:
            await self._keep_ended(ended)
        return len(ended)

    def _named(self) -> ColumnElement[bool]:
        """The condition that transfers are the user's, beside one that names their rows."""
        return of_user(self.user_id, col(Transfer.user_id))

    async def _keep_ended(self, ended: Mapping[UUID, Pair]) -> None:
        journal = JournalRepository(self.session, self.user_id)
        entry = JournalEntry(
            user_id=self.user_id,
            action=JournalAction.TRANSFER_UNLINKED,
            rows=2 * len(ended),
            summary={"unlinked": len(ended)},
        )
        await journal.add(entry)
        changes = [
            (row_id, {"transfer_id": str(transfer_id)}, {"transfer_id": None})
            for transfer_id, pair in ended.items()
            for row_id in pair
        ]
        await journal.keep_changes(entry.id, changes)

    async def keep(self, pairs: Iterable[Candidate], status: TransferStatus) -> Sequence[UUID]:
        """Store pairs that were found; gives the ids of the transfers."""
        at = now()
        rows = [
            (
                new_id(),
                self.user_id,
                pair.outgoing.id,
                pair.incoming.id,
                str(status),
                str(ChosenBy.NONE),
                " ".join(pair.reasons),
                None if pair.rate is None else f"{pair.rate:f}",
                1,
                at,
                at if status is TransferStatus.LINKED else None,
            )
            for pair in pairs
        ]
        columns = ("id", "user_id", "outgoing_id", "incoming_id", "status", "decided_by", "reason", "rate", "version")
        await bulk_insert(WriteSession(self.session), Transfer, (*columns, "created_at", "decided_at"), rows)
        return [row[0] for row in rows]


def _touches(row_ids: Collection[UUID]) -> ColumnElement[bool]:
    return or_(col(Transfer.outgoing_id).in_(row_ids), col(Transfer.incoming_id).in_(row_ids))


def _chunks(row_ids: Collection[UUID]) -> Iterator[Sequence[UUID]]:
    ids = list(row_ids)
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))

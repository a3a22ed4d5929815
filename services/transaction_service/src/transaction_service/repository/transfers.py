"""Transfers, and the rows among which they are looked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from api_common.bulk import bulk_insert
from api_common.columns import new_id, now
from api_common.database import WriteSession
from api_common.pagination import Keyset, PageQuery, Slice
from api_common.repository import Repository
from sqlalchemy import ColumnElement, Row, SQLColumnExpression, delete, exists, false, func, literal, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from transaction_service.errors import TransferNotFound
from transaction_service.models import (
    Account,
    AccountReference,
    ChosenBy,
    Transaction,
    Transfer,
    TransferStatus,
)
from transaction_service.own_accounts import OwnAccount, comparable_number
from transaction_service.search_text import folded
from transaction_service.transfer_evidence import Candidate, TransferPartner
from transaction_service.transfer_matching import Pair

_NEWEST = Keyset(col(Transfer.id).desc())
_CHUNK = 5000

_MATCHED: tuple[SQLColumnExpression[Any], ...] = (
    col(Transaction.id),
    col(Transaction.account_id),
    col(Transaction.import_id),
    col(Transaction.currency),
    col(Transaction.booking_date),
    col(Transaction.value_date),
    col(Transaction.amount),
    col(Transaction.original_amount),
    col(Transaction.original_currency),
    col(Transaction.exchange_rate),
    col(Transaction.counterparty_account),
    col(Transaction.counterparty),
    col(Transaction.text),
    col(Transaction.category_id),
    col(Transaction.marked_transfer),
    col(Transaction.transfer_by),
)


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


def linked_transfer() -> ColumnElement[UUID]:
    """The linked transfer of the row of an enclosing query on transactions, as a column."""
    sides = (
        select(col(Transfer.id))
        .where(side == col(Transaction.id), col(Transfer.status) == literal(str(TransferStatus.LINKED)))
        .correlate(Transaction)
        .scalar_subquery()
        for side in (col(Transfer.outgoing_id), col(Transfer.incoming_id))
    )
    return func.coalesce(*sides)


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
        ).where(col(Transaction.user_id) == self.user_id, col(Transaction.id).in_(row_ids))
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
        statement = self.mine().where(_touches(row_ids), col(Transfer.status) == TransferStatus.LINKED)
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
                    .where(
                        col(Transfer.user_id) == self.user_id,
                        col(Transfer.status) == TransferStatus.LINKED,
                        side.in_(chunk),
                    )
                )
                for row_id, transfer_id, account_id in await self.session.execute(statement):
                    found[row_id] = TransferPartner(transfer_id, account_id)
        return found

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
                delete(Transfer).where(
                    col(Transfer.user_id) == self.user_id,
                    col(Transfer.status) == TransferStatus.PROPOSED,
                    _touches(chunk),
                )
            )

    async def dissolve(self, row_ids: Collection[UUID]) -> int:
        """Delete the links and proposals of rows that are no longer what they were; gives the number of links.

        What the user has rejected stays rejected.
        """
        dissolved = 0
        for chunk in _chunks(row_ids):
            links = delete(Transfer).where(
                col(Transfer.user_id) == self.user_id, col(Transfer.status) == TransferStatus.LINKED, _touches(chunk)
            )
            dissolved += int(getattr(await self.session.execute(links), "rowcount", 0))
        await self.withdraw_proposals(row_ids)
        return dissolved

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


class MatchingRepository:
    """What the search for transfers reads."""

    def __init__(self, repository: TransferRepository) -> None:
        self.session = repository.session
        self.user_id = repository.user_id

    async def own_accounts(self) -> Sequence[OwnAccount]:
        """The user's accounts with the numbers and names that rows may call them by."""
        accounts = (
            await self.session.execute(
                select(col(Account.id), col(Account.currency), col(Account.name)).where(
                    col(Account.user_id) == self.user_id
                )
            )
        ).all()
        numbers: dict[UUID, set[str]] = {row.id: set() for row in accounts}
        names: dict[UUID, set[str]] = {row.id: {folded(row.name)} for row in accounts}
        references = select(
            col(AccountReference.account_id), col(AccountReference.number), col(AccountReference.name)
        ).where(col(AccountReference.user_id) == self.user_id)
        for account_id, number, name in await self.session.execute(references):
            if number:
                numbers[account_id].add(comparable_number(number))
            if name:
                names[account_id].add(folded(name))
        return [OwnAccount(a.id, a.currency, frozenset(numbers[a.id] - {""}), frozenset(names[a.id])) for a in accounts]

    async def own_names(self) -> set[str]:
        """Folded counterparties that both sides of a linked transfer name: the user."""
        outgoing, incoming = aliased(Transaction), aliased(Transaction)
        statement = (
            select(func.max(outgoing.counterparty))
            .join(Transfer, col(Transfer.outgoing_id) == outgoing.id)
            .join(incoming, col(Transfer.incoming_id) == incoming.id)
            .where(
                col(Transfer.user_id) == self.user_id,
                col(Transfer.status) == TransferStatus.LINKED,
                func.lower(outgoing.counterparty) == func.lower(incoming.counterparty),
            )
            .group_by(func.lower(outgoing.counterparty))
        )
        return {folded(name) for name in (await self.session.scalars(statement)).all() if name}

    async def span(self, import_id: UUID | None) -> tuple[date, date] | None:
        """The first and the last booking date of an import's rows, or of the ledger's."""
        dates = select(func.min(Transaction.booking_date), func.max(Transaction.booking_date)).where(*self._standing())
        if import_id is not None:
            dates = dates.where(col(Transaction.import_id) == import_id)
        first, last = (await self.session.execute(dates)).one()
        return None if first is None else (first, last)

    async def several_accounts(self, first: date, last: date) -> bool:
        """Whether more than one account has rows between the days."""
        rows = exists().where(
            col(Transaction.account_id) == col(Account.id), col(Transaction.booking_date).between(first, last)
        )
        statement = select(col(Account.id)).where(col(Account.user_id) == self.user_id, rows).limit(2)
        return len((await self.session.scalars(statement)).all()) > 1

    async def rows(
        self, first: date, last: date, *, import_id: UUID | None, any_amount: bool
    ) -> Sequence[Row[tuple[Any, ...]]]:
        """The rows between the days that may be part of a transfer, without those that are linked.

        Of rows in one currency these are the ones whose amount went out of one account and into another, once with
        the import; `any_amount` gives all rows.
        """
        conditions = [*self._standing(), col(Transaction.booking_date).between(first, last)]
        statement = select(*_MATCHED).where(*conditions)
        if not any_amount:
            size = func.abs(col(Transaction.amount))
            moved = select(size).where(*conditions).group_by(size)
            moved = moved.having(func.min(col(Transaction.amount)) < 0, func.max(col(Transaction.amount)) > 0)
            moved = moved.having(func.count(col(Transaction.account_id).distinct()) > 1)
            if import_id is not None:
                moved = moved.having(func.count().filter(col(Transaction.import_id) == import_id) > 0)
            statement = statement.where(size.in_(moved))
        linked = exists().where(
            col(Transfer.status) == literal(str(TransferStatus.LINKED)),
            or_(col(Transfer.outgoing_id) == col(Transaction.id), col(Transfer.incoming_id) == col(Transaction.id)),
        )
        found: Sequence[Row[tuple[Any, ...]]] = (await self.session.execute(statement.where(~linked))).all()
        return found

    def _standing(self) -> list[ColumnElement[bool]]:
        return [
            col(Transaction.user_id) == self.user_id,
            col(Transaction.deleted_at).is_(None),
            col(Transaction.pending) == false(),
        ]


def _touches(row_ids: Collection[UUID]) -> ColumnElement[bool]:
    return or_(col(Transfer.outgoing_id).in_(row_ids), col(Transfer.incoming_id).in_(row_ids))


def _chunks(row_ids: Collection[UUID]) -> Iterator[Sequence[UUID]]:
    ids = list(row_ids)
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))

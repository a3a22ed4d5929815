"""Looking for transfers in a ledger of any size."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from itertools import chain
from typing import Any
from uuid import UUID

from api_common.compute import offload, uncollected
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.categories.defaults import CategoryKind
from transaction_service.models import ChosenBy, TransferStatus
from transaction_service.repository.categories import CategoryRepository
from transaction_service.repository.transfer_search import DriverRow, TransferSearchRepository
from transaction_service.repository.transfers import TransferRepository
from transaction_service.transfers.evidence import (
    MOST_DAYS,
    Candidate,
    MatchRow,
    Rates,
    TransferReason,
    observed_rates,
)
from transaction_service.transfers.matching import REACH, Pair, find_transfers
from transaction_service.transfers.own_accounts import OwnAccounts
from transaction_service.transfers.planned import NOTHING_PLANNED, PlannedRow, PlannedRows
from transaction_service.transfers.sieve import BareRow, sifted

_WINDOW = timedelta(days=365)
"""So much of the ledger is searched at a time, so that memory does not grow with it."""
_MARGIN = 2 * REACH
"""What must be known around a window: the rivals of the partners of its rows."""
_MOST_NAMES = 30

MatchedRow = Row[*tuple[Any, ...]] | PlannedRow
"""A row with all that is matched, booked or not."""


class TransferSearch:
    """The search for one user's transfers."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._transfers = TransferRepository(session, user_id)
        self._rows = TransferSearchRepository(session, user_id)
        self._categories = CategoryRepository(session, user_id)

    async def pairs(
        self, import_id: UUID | None, planned: PlannedRows = NOTHING_PLANNED
    ) -> tuple[Sequence[Candidate], Sequence[Candidate]]:
        """The pairs to link and those to propose that are not known yet.

        import_id: only pairs with a row of this import
        planned:   rows of this import that are not booked yet

        The history is searched window by window; a pair belongs to the window of its outgoing row.
        """
        linked: list[Candidate] = []
        proposed: list[Candidate] = []
        days = [row.booking_date for row in planned.rows.values()]
        span = (min(days), max(days)) if days else await self._rows.span(import_id)
        if span is None or not await self._several_accounts(span[0] - REACH, span[1] + REACH, planned):
            return linked, proposed
        own = OwnAccounts(planned.named(await self._rows.own_accounts()), await self._rows.own_names())
        kinds = {node.id: node.kind for node in await self._categories.tree()}
        known = await self._transfers.undecided()
        apart = {pair for pair, status in known.items() if status is TransferStatus.REJECTED}
        taken = await self._rows.taken_rows() | planned.replaced
        for first, last in _windows(span[0] - REACH, span[1] + REACH):
            if not await self._several_accounts(first - _MARGIN, last + _MARGIN, planned):
                continue
            rows, rates = await self._candidates(first - _MARGIN, last + _MARGIN, own, import_id, planned)
            free = (row for row in rows if row.id not in taken and not _is_denied(row))
            matched = (_match_row(row, own, kinds, import_id) for row in free)
            found = await offload(partial(find_transfers, matched, rates=rates, apart=apart))
            certain, doubtful = await self._without_returns(found.linked, taken, planned)
            linked += [pair for pair in certain if first <= pair.outgoing.booking_date <= last]
            taken |= {row.id for pair in linked for row in (pair.outgoing, pair.incoming)}
            proposed += [pair for pair in (*found.proposed, *doubtful) if first <= pair.outgoing.booking_date <= last]
        return linked, [pair for pair in proposed if _is_new(pair, known, taken)]

    async def _several_accounts(self, first: date, last: date, planned: PlannedRows) -> bool:
        """Whether more than one account has rows between the days, or would have."""
        found = await self._rows.some_accounts(first, last)
        return len(found) > 1 or len(found | planned.accounts_between(first, last)) > 1

    async def _without_returns(
        self, pairs: Sequence[Candidate], taken: Collection[UUID], planned: PlannedRows
    ) -> tuple[Sequence[Candidate], Sequence[Candidate]]:
        """The pairs, and apart those of which one row alone tells and whose money came back where it went out.

        A transfer that failed stands twice in its own account, and a row of the other one is like it by chance. Where
        the row that came back has an other side as well, the money went to and fro.
        """
        told_once = {
            row.id: pair
            for pair in pairs
            if TransferReason.ACCOUNT_NUMBER in pair.reasons
            for row in (pair.outgoing, pair.incoming)
        }
        paired = {row.id for pair in pairs for row in (pair.outgoing, pair.incoming)}
        returned = {
            told_once[row_id].outgoing.id
            for row_id, back_id in await self._rows.returns(told_once, timedelta(days=MOST_DAYS), planned.rows)
            if back_id not in paired and back_id not in taken
        }
        certain = [pair for pair in pairs if pair.outgoing.id not in returned]
        return certain, [pair for pair in pairs if pair.outgoing.id in returned]

    async def _candidates(
        self, first: date, last: date, own: OwnAccounts, import_id: UUID | None, planned: PlannedRows
    ) -> tuple[Sequence[MatchedRow], Rates]:
        across = len({account.currency for account in own.accounts.values()}) > 1
        new = [row for row in planned.rows.values() if first <= row.booking_date <= last]
        bare = list(await (self._all if across else self._likely)(first, last, own, import_id, new))
        ids, rates = await offload(_sift, bare, own, across)
        booked = await self._rows.rows([row_id for row_id in ids if row_id not in planned.rows])
        return [*booked, *(planned.rows[row_id] for row_id in ids if row_id in planned.rows)], rates

    async def _all(
        self, first: date, last: date, own: OwnAccounts, import_id: UUID | None, new: Sequence[PlannedRow]
    ) -> Iterable[DriverRow]:
        names = sorted({name for account in own.accounts.values() for name in account.names | account.numbers})
        names = names[:_MOST_NAMES]
        booked = await self._rows.bare_rows(first, last, import_id=import_id, names=names)
        return chain(booked, (self._rows.as_driver_gives(row, names) for row in new))

    async def _likely(
        self, first: date, last: date, _own: OwnAccounts, import_id: UUID | None, new: Sequence[PlannedRow]
    ) -> Iterable[DriverRow]:
        """All but the rows of the largest account whose opposite amount is in no other: most of a ledger, often."""
        largest = await self._rows.largest_account(first, last)
        others: list[DriverRow] = [self._rows.as_driver_gives(row) for row in new]
        if largest is not None:
            others += await self._rows.bare_rows(first, last, import_id=import_id, besides=largest)
        amounts = {-row[3] for row in others}
        if largest is None or not amounts:
            return others
        return chain(others, await self._rows.bare_rows(first, last, import_id=import_id, only=(largest, amounts)))


def _windows(first: date, last: date) -> Iterable[tuple[date, date]]:
    while first <= last:
        yield first, min(first + _WINDOW - timedelta(days=1), last)
        first += _WINDOW


def _is_new(pair: Candidate, known: Collection[Pair], taken: Collection[UUID]) -> bool:
    outgoing, incoming = pair.outgoing.id, pair.incoming.id
    return (outgoing, incoming) not in known and outgoing not in taken and incoming not in taken


@uncollected()
def _sift(rows: Sequence[DriverRow], own: OwnAccounts, across: bool) -> tuple[list[UUID], Rates]:
    """The rows that may be part of a transfer, and the rates that all rows show. Runs in a thread: slow for many."""
    ordinals: dict[date | str, int] = {}
    bare = []
    for row_id, account_id, day, *others in rows:
        ordinal = ordinals.get(day)
        if ordinal is None:
            ordinal = ordinals[day] = (date.fromisoformat(day) if isinstance(day, str) else day).toordinal()
        bare.append(BareRow(row_id, account_id, ordinal, *others))
    ids = [UUID(row_id) for row_id in sorted(sifted(bare, own, across=across))]
    rates = observed_rates((r.currency, r.amount, r.original_currency, r.original) for r in bare) if across else {}
    return ids, rates


def _is_denied(row: MatchedRow) -> bool:
    """Whether the user has said that the row is no transfer: it is none, unless the user links it."""
    return bool(row.transfer_by == ChosenBy.USER and not row.marked_transfer)


def _match_row(
    row: MatchedRow, own: OwnAccounts, kinds: Mapping[UUID, CategoryKind], import_id: UUID | None
) -> MatchRow:
    kind = None if row.category_id is None else kinds.get(row.category_id)
    points_to = own.pointed(row.counterparty_account)
    if not row.counterparty_account:
        points_to = own.mentioned(row.counterparty, row.text) - {row.account_id}
    return MatchRow(
        id=row.id,
        account_id=row.account_id,
        currency=row.currency,
        booking_date=row.booking_date,
        value_date=row.value_date,
        amount=row.amount,
        original_amount=row.original_amount,
        original_currency=row.original_currency,
        exchange_rate=_rate(row.exchange_rate),
        points_to=points_to - {row.account_id},
        foreign=bool(row.counterparty_account) and not points_to,
        names=own.named(row.counterparty, row.text) - {row.account_id},
        own_name=own.is_own_name(row.counterparty),
        marked=row.marked_transfer or kind is CategoryKind.TRANSFER,
        categorised=kind in (CategoryKind.INCOME, CategoryKind.EXPENSE),
        fresh=import_id is None or row.import_id == import_id,
    )


def _rate(text: str | None) -> Decimal | None:
    try:
        rate = Decimal(text) if text else None
    except InvalidOperation:
        return None
    return rate if rate is None or rate.is_finite() else None

"""Comparing the ledger with all balances that are known of an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.models import Account
from transaction_service.reconciliation.gap_causes import LikelyCause
from transaction_service.reconciliation.timeline import (
    BalanceGap,
    BalanceSource,
    CheckedBalance,
    KnownBalance,
    LedgerBalances,
    anchor_of,
    anchored,
    carried_difference,
    check_balances,
    last_difference,
)
from transaction_service.repository.accounts import AccountRepository
from transaction_service.repository.reconciliation import ReconciliationRepository
from transaction_service.schemas.reconciliation import (
    AccountReconciliation,
    AnchorSchema,
    BalancePoint,
    GapSchema,
    LikelyCauseSchema,
    ReconciliationList,
    ReconciliationSchema,
)
from transaction_service.service.gaps import GapSearch

MOST_EXPLAINED = 20
"""So many gaps of one answer are explained, the first ones."""
_LATELY = timedelta(days=400)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class _Anchor:
    """What the ledger's sums start from, and the first day that they are compared on."""

    schema: AnchorSchema
    before_all_rows: Decimal
    compares_from: date


class Reconciliation:
    """The reconciliation of one user's accounts."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._accounts = AccountRepository(session, user_id)
        self._balances = ReconciliationRepository(session, user_id)
        self._gaps = GapSearch(session, user_id)

    async def timeline(
        self, account_id: UUID, *, first: date | None, last: date | None, limit: int
    ) -> ReconciliationSchema:
        """The account's known balances between the days, on at most `limit` days, beside the ledger's own.

        Raises AccountNotFound.
        """
        account = await self._accounts.get(account_id)
        stated = (await self._balances.stated([account.id]))[account.id]
        anchor = await self._anchor(account, stated)
        if anchor is None:
            return ReconciliationSchema(
                account_id=account.id, currency=account.currency, anchor=None, items=[], next_from=None
            )
        first = max(first, anchor.compares_from) if first is not None else anchor.compares_from
        days, next_from = await self._days(account, stated, first, last, limit)
        checked: list[CheckedBalance] = []
        if days:
            difference, after = await self._known_before(account, stated, anchor, days[0])
            known = await self._known(account, stated, days[0], days[-1])
            ledger = await self._ledger(account, anchor, days[0], days[-1])
            checked = check_balances(known, ledger, difference=difference, after=after)
        return ReconciliationSchema(
            account_id=account.id,
            currency=account.currency,
            anchor=anchor.schema,
            items=await self._points(account, checked),
            next_from=next_from,
        )

    async def overview(self) -> ReconciliationList:
        """Of each account, whether it agrees with the latest balance that is known of it."""
        accounts = list(await self._accounts.book())
        stated = await self._balances.stated([account.id for account in accounts])
        return ReconciliationList(items=[await self._in_short(account, stated[account.id]) for account in accounts])

    async def _in_short(self, account: Account, stated: Sequence[KnownBalance]) -> AccountReconciliation:
        anchor = await self._anchor(account, stated)
        checked: list[CheckedBalance] = []
        if anchor is not None:
            newest = await self._balances.running_days(account.id, None, None, limit=1, newest=True)
            running = await self._balances.running(account.id, newest[0] - _LATELY, newest[0]) if newest else []
            known = [balance for balance in (*stated, *running) if balance.day >= anchor.compares_from]
            if known:
                days = [balance.day for balance in known]
                checked = check_balances(known, await self._ledger(account, anchor, min(days), max(days)))
        is_proven = len(checked) > 1 or (anchor is not None and anchor.schema.source == "opening_balance" and checked)
        status: Literal["adds_up", "gap", "unproven"] = "unproven"
        if is_proven:
            status = "gap" if last_difference(checked) else "adds_up"
        return AccountReconciliation(
            account_id=account.id,
            name=account.name,
            currency=account.currency,
            status=status,
            last_agreed=next((item.known.day for item in reversed(checked) if not item.difference), None),
            last_known=checked[-1].known.day if checked else None,
            difference=last_difference(checked) if checked else None,
        )

    async def _anchor(self, account: Account, stated: Sequence[KnownBalance]) -> _Anchor | None:
        """The account's opening balance where it has one, else the first balance that is known."""
        if account.opening_date is not None or account.opening_balance:
            schema = AnchorSchema(source="opening_balance", date=account.opening_date, amount=account.opening_balance)
            opened = account.opening_date
            return _Anchor(schema, account.opening_balance, opened - _ONE_DAY if opened is not None else date.min)
        days = await self._balances.running_days(account.id, None, None, limit=1)
        first = min([*days, *(balance.day for balance in stated[:1])], default=None)
        if first is None:
            return None
        # The balance that follows tells how the date of an opening is to be read.
        following = next((b.day for b in stated if b.source is not BalanceSource.OPENING), first)
        known = await self._known(account, stated, first, following)
        if not known:
            return None
        ledger = LedgerBalances(
            await self._balances.sum_before(account, first), await self._balances.day_sums(account, first, following)
        )
        anchor = anchor_of(known)
        schema = AnchorSchema(source="first_balance", date=anchor.day, amount=anchor.amount)
        return _Anchor(schema, anchored(known, ledger), first)

    async def _days(
        self, account: Account, stated: Sequence[KnownBalance], first: date, last: date | None, limit: int
    ) -> tuple[list[date], date | None]:
        """The first days with a known balance, and the one after them."""
        running = await self._balances.running_days(account.id, first, last, limit=limit + 1)
        days = {b.day for b in stated if b.day >= first and (last is None or b.day <= last)} | set(running)
        ordered = sorted(days)[: limit + 1]
        return ordered[:limit], ordered[limit] if len(ordered) > limit else None

    async def _known_before(
        self, account: Account, stated: Sequence[KnownBalance], anchor: _Anchor, day: date
    ) -> tuple[Decimal, date | None]:
        """What the ledger lacks before a day, and since which day that is known."""
        yesterday = day - _ONE_DAY
        running = await self._balances.running_days(account.id, None, yesterday, limit=1, newest=True)
        earlier = [b.day for b in stated if b.day <= yesterday] + list(running)
        latest = max(earlier, default=None)
        if latest is None or latest < anchor.compares_from:
            return Decimal(0), None
        known = await self._known(account, stated, latest, latest)
        checked = check_balances(known, await self._ledger(account, anchor, latest, latest))
        return (carried_difference(checked), checked[-1].as_of) if checked else (Decimal(0), None)

    async def _known(
        self, account: Account, stated: Sequence[KnownBalance], first: date, last: date
    ) -> list[KnownBalance]:
        within = [balance for balance in stated if first <= balance.day <= last]
        closed = {(b.day, b.amount) for b in within if b.source is BalanceSource.CLOSING}
        running = await self._balances.running(account.id, first, last)
        # A statement closes with the running balance of its last row: one balance, stated twice.
        return sorted([*within, *(b for b in running if (b.day, b.amount) not in closed)], key=lambda b: b.order)

    async def _ledger(self, account: Account, anchor: _Anchor, first: date, last: date) -> LedgerBalances:
        before = anchor.before_all_rows + await self._balances.sum_before(account, first)
        return LedgerBalances(before, await self._balances.day_sums(account, first, last))

    async def _points(self, account: Account, checked: Sequence[CheckedBalance]) -> list[BalancePoint]:
        gaps = [item.gap for item in checked if item.gap is not None]
        likely = await self._gaps.causes(account.id, gaps[:MOST_EXPLAINED])
        return [
            BalancePoint(
                date=item.known.day,
                source=item.known.source,
                stated=item.known.amount,
                ledger=item.ledger,
                difference=item.difference,
                status=_status(item),
                gap=_gap_schema(item.gap, likely.get(item.gap, ())) if item.gap is not None else None,
                import_id=item.known.import_id,
                assertion_id=item.known.assertion_id,
            )
            for item in checked
        ]


def _status(item: CheckedBalance) -> Literal["adds_up", "gap", "superseded"]:
    if item.superseded:
        return "superseded"
    return "gap" if item.difference else "adds_up"


def _gap_schema(gap: BalanceGap, likely: Sequence[LikelyCause]) -> GapSchema:
    return GapSchema(
        amount=gap.amount,
        after=gap.after,
        until=gap.until,
        likely=[LikelyCauseSchema.model_validate(cause, from_attributes=True) for cause in likely],
    )

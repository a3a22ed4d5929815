"""The few rows among very many that may be a side of a transfer, told by amounts and dates alone. No database.

Works on the driver's own values, because making Python objects of every row takes longer than all the rest.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from transaction_service.transfers.matching import REACH
from transaction_service.transfers.own_accounts import OwnAccounts


class BareRow(NamedTuple):
    """A row as the driver gives it: ids as text, amounts in millionths, the day as a number.

    `original` is the original amount in millionths. `has_hint` says that the row names another own account, or a rate;
    it matters only across currencies, like all that follows it.
    """

    id: str
    account_id: str
    day: int
    amount: int
    fresh: bool
    currency: str = ""
    original: int | None = None
    original_currency: str | None = None
    counterparty_account: str | None = None
    has_hint: bool = False


def sifted(rows: Iterable[BareRow], own: OwnAccounts, *, across: bool) -> set[str]:
    """The ids of rows that have an opposite row of another account in reach, of an equal amount or across currencies.

    across: whether the accounts have several currencies

    Of rows without a fresh row among those of their amount nothing is kept.
    """
    by_amount: dict[tuple[str, int], list[BareRow]] = defaultdict(list)
    hinted: list[BareRow] = []
    everything: list[BareRow] = []
    for row in rows:
        by_amount[(row.currency, abs(row.amount))].append(row)
        if across:
            everything.append(row)
            if row.original and row.original_currency and row.original_currency != row.currency:
                by_amount[(row.original_currency, abs(row.original))].append(row)
            if row.has_hint or own.pointed(row.counterparty_account):
                hinted.append(row)
    found: set[str] = set()
    for alike in by_amount.values():
        if len(alike) > 1 and _may_pair(alike):
            found |= _with_opposite(alike, alike)
    if hinted:
        found |= _with_opposite(hinted, everything, other_currency=True)
    return found


def _may_pair(rows: Sequence[BareRow]) -> bool:
    """Whether money went both ways, in more than one account, at least once by a fresh row."""
    first = rows[0]
    return (
        any((row.amount > 0) != (first.amount > 0) for row in rows)
        and any(row.account_id != first.account_id for row in rows)
        and any(row.fresh for row in rows)
    )


def _with_opposite(some: Sequence[BareRow], others: Sequence[BareRow], *, other_currency: bool = False) -> set[str]:
    """The rows of both kinds that have an opposite one of another account in reach."""
    by_side: dict[tuple[str, bool], list[BareRow]] = defaultdict(list)
    for row in others:
        by_side[(row.account_id, row.amount > 0)].append(row)
    if len(by_side) < 2:
        return set()
    sides = {side: sorted(members, key=lambda row: row.day) for side, members in by_side.items()}
    days = {side: [row.day for row in members] for side, members in sides.items()}
    found: set[str] = set()
    for row in some:
        for (account_id, incoming), members in sides.items():
            if account_id == row.account_id or incoming == (row.amount > 0):
                continue
            if other_currency and members[0].currency == row.currency:
                continue
            first = bisect_left(days[(account_id, incoming)], row.day - REACH.days)
            last = bisect_right(days[(account_id, incoming)], row.day + REACH.days)
            if first < last:
                found.add(row.id)
                found.update(other.id for other in members[first:last])
    return found

"""Rows that a bank has announced, and the bookings that take their place."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import TypeVar
from uuid import UUID

from data_processing import Entry

from transaction_service.identity.pairing import ALIKE, KnownRow, LedgerRow, likeness
from transaction_service.rules.effects import UNTOUCHED, Chosen
from transaction_service.search.text import folded

LONGEST_PENDING = timedelta(days=14)
"""So long after its announcement a booking is still taken for the announced row."""

_SMALL_CHANGE = Decimal(1)
_LARGEST_CHANGE = Decimal("0.2")
"""By so much, or by this part of it, an amount may move between announcement and booking: a tip, a rate, a deposit."""


@dataclass(frozen=True, slots=True)
class PendingRow:
    """A row that the bank has announced, with date and amount as the bank stated them.

    `chosen` is what the user chose of it, which the booking takes over; so does `counterparty` where the user has
    `edited` the row. A `deleted` one stays deleted when the bank books it.
    """

    id: UUID
    account_id: UUID
    identity: str
    content: str
    booking_date: date
    amount: Decimal
    text: str
    counterparty: str | None
    edited: bool
    deleted: bool = False
    chosen: Chosen = UNTOUCHED

    @property
    def known(self) -> KnownRow:
        """The row, as far as it takes to recognise it."""
        return KnownRow(self.id, self.identity, pending=True)

    def worded_like(self, entry: Entry) -> bool:
        """Whether amount and wording are the entry's, whatever the user has made of the counterparty."""
        if self.amount != entry.amount or folded(self.text) != folded(entry.text):
            return False
        return self.edited or folded(self.counterparty or "") == folded(entry.counterparty or "")

    def like(self, entry: Entry) -> bool:
        """Whether the entry may be the row with a moved amount or another wording."""
        if not moved_a_little(self.amount, entry.amount):
            return False
        texts = likeness(entry, self.text, None if self.edited else self.counterparty)
        return texts >= ALIKE


_MOST_CHOICES = 200
"""Where a row has more rows of about its amount, it could be several of them."""

T = TypeVar("T", PendingRow, LedgerRow)


def moved_a_little(announced: Decimal, booked: Decimal) -> bool:
    """Whether the booking's amount is still the announced one's."""
    if (announced < 0) != (booked < 0):
        return False
    return abs(booked - announced) <= _change(announced)


def _change(announced: Decimal) -> Decimal:
    return max(_SMALL_CHANGE, _LARGEST_CHANGE * abs(announced))


def in_time(announced: date, booked: date) -> bool:
    """Whether a booking on that day may be the announced one: on the same day or a little later."""
    return timedelta(0) <= booked - announced <= LONGEST_PENDING


@dataclass(frozen=True, slots=True)
class Reach:
    """The days and amounts among which the booking of an announced row is."""

    first: date
    last: date
    lowest: Decimal
    highest: Decimal


def reach_of(row: PendingRow) -> Reach:
    """Where the booking of the row is, if there is one."""
    day, amount, change = row.booking_date, row.amount, _change(row.amount)
    return Reach(day, day + LONGEST_PENDING, amount - change, amount + change)


def bookings_of(waiting: Sequence[PendingRow], booked: Sequence[tuple[int, Entry]]) -> dict[int, PendingRow]:
    """Which of the booked entries (by number) take the place of which announced rows.

    The oldest announced row with the very amount and wording goes first. Of the others, those pairs whose amount moved
    by no more than a tip, or whose text did, and that could be no other pair.
    """
    found: dict[int, PendingRow] = {}
    by_wording: dict[tuple[Decimal, str], list[PendingRow]] = defaultdict(list)
    for row in waiting:
        by_wording[row.amount, folded(row.text)].append(row)
    for number, entry in booked:
        alike = by_wording.get((entry.amount, folded(entry.text)), [])
        same = next((p for p in alike if in_time(p.booking_date, entry.booking_date) and p.worded_like(entry)), None)
        if same is not None:
            alike.remove(same)
            found[number] = same
    for fit in (_equal_amount, _moved_amount):
        taken = {row.id for row in found.values()}
        left = [row for row in waiting if row.id not in taken]
        found |= _unambiguous([(number, entry) for number, entry in booked if number not in found], left, fit)
    return found


def _equal_amount(entry: Entry, row: PendingRow) -> bool:
    return row.amount == entry.amount and _moved_amount(entry, row)


def _moved_amount(entry: Entry, row: PendingRow) -> bool:
    return in_time(row.booking_date, entry.booking_date) and row.like(entry)


def announced_again(announced: Sequence[tuple[int, Entry]], waiting: Sequence[PendingRow]) -> dict[int, PendingRow]:
    """Which announced entries (by number) are rows that were announced before in other words."""
    return _unambiguous(announced, waiting, _announced_alike)


def _announced_alike(entry: Entry, row: PendingRow) -> bool:
    return (row.booking_date, row.amount) == (entry.booking_date, entry.amount) and row.like(entry)


def bookings_before(announced: Sequence[tuple[int, Entry]], booked: Sequence[LedgerRow]) -> dict[int, LedgerRow]:
    """Which announced entries (by number) the ledger holds as booked already, under another date or amount."""
    found: dict[int, LedgerRow] = {}
    by_wording: dict[tuple[Decimal, str, str], list[LedgerRow]] = defaultdict(list)
    for row in booked:
        by_wording[row.amount, folded(row.text), folded(row.counterparty or "")].append(row)
    for number, entry in announced:
        alike = by_wording.get((entry.amount, folded(entry.text), folded(entry.counterparty or "")), [])
        same = next((row for row in alike if _announces(entry, row)), None)
        if same is not None:
            alike.remove(same)
            found[number] = same
    left = [row for alike in by_wording.values() for row in alike]
    rest = [(number, entry) for number, entry in announced if number not in found]
    return found | _unambiguous(rest, left, lambda entry, row: _announces(entry, row) and _like(entry, row))


def _announces(entry: Entry, row: LedgerRow) -> bool:
    return in_time(entry.booking_date, row.day) and moved_a_little(entry.amount, row.amount)


def _like(entry: Entry, row: LedgerRow) -> bool:
    return likeness(entry, row.text, row.counterparty) >= ALIKE


def _unambiguous(
    entries: Sequence[tuple[int, Entry]], rows: Sequence[T], fit: Callable[[Entry, T], bool]
) -> dict[int, T]:
    """The pairs of which neither side fits anything else."""
    ordered = sorted(rows, key=_amount_of)
    amounts = [row.amount for row in ordered]
    fitting: dict[int, list[int]] = {}
    fits = [0] * (len(ordered) + 1)
    crowded = [0] * (len(ordered) + 1)
    for number, entry in entries:
        # No less than moved_a_little allows: an announced amount is up to a fifth of itself away.
        change = max(_SMALL_CHANGE, abs(entry.amount) / 2)
        first = bisect_left(amounts, entry.amount - change)
        last = bisect_right(amounts, entry.amount + change)
        if last - first > _MOST_CHOICES:
            crowded[first] += 1
            crowded[last] -= 1
            continue
        fitting[number] = [place for place in range(first, last) if fit(entry, ordered[place])]
        for place in fitting[number]:
            fits[place] += 1
    among_many = list(accumulate(crowded))
    return {
        number: ordered[places[0]]
        for number, places in fitting.items()
        if len(places) == 1 and fits[places[0]] == 1 and not among_many[places[0]]
    }


def _amount_of(row: PendingRow | LedgerRow) -> Decimal:
    return row.amount

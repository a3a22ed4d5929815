"""What balances prove about days: for which of them a statement has every row.

A statement that states (or prints with its rows) the balances before its first and after its last row, and whose rows
explain the difference, holds every booking between these two moments. All days between its first and its last are
complete. On the first and the last day themselves there may be rows before its opening or after its closing, so what
holds for these days needs a second statement to tell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

from data_processing import Entry, Statement, reconcile

from transaction_service.statements.rows import Section

ADDS_UP = "adds_up"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which days a statement is about, with the balances before its first and after its last row."""

    starts: date | None
    ends: date | None
    opening: Decimal | None
    closing: Decimal | None
    status: str

    @property
    def proved(self) -> bool:
        """Whether the statement holds every booking between its opening and its closing."""
        known = self.opening is not None and self.closing is not None and self.starts is not None
        return known and self.status == ADDS_UP

    def covers(self, day: date) -> bool:
        """Whether the day lies in the statement's time, its first and last day included."""
        return self.starts is not None and self.ends is not None and self.starts <= day <= self.ends

    def proves(self, day: date) -> bool:
        """Whether the statement holds every booking of the day."""
        if not self.proved or self.starts is None or self.ends is None:
            return False
        return self.starts < day < self.ends


def coverage(section: Section) -> Coverage:
    """What a statement of a file says about its own completeness."""
    booked = [row.entry for row in section.rows if not row.entry.pending]
    found = section.reconciliation
    if found is None:
        plain = tuple(entry if entry.account is None else replace(entry, account=None) for entry in booked)
        found = reconcile(Statement(entries=plain, balances=tuple(section.balances)))
    days = [entry.booking_date for entry in booked]
    stated = [balance.date for balance in section.balances if balance.kind in {"opening", "closing"}]
    known = [day for day in (*days, *stated, section.period_start, section.period_end) if day is not None]
    opening, closing = found.opening, found.closing
    if found.status == ADDS_UP and (opening is None or closing is None):
        first, last = _ends_of_chain(booked)
        if first is not None:
            opening, closing = first, last
    return Coverage(min(known, default=None), max(known, default=None), opening, closing, found.status)


def _ends_of_chain(entries: Sequence[Entry]) -> tuple[Decimal | None, Decimal | None]:
    """The balances before and after all entries, when each carries one and they follow one another."""
    if not entries or any(entry.balance is None for entry in entries):
        return None, None
    for ordered in (entries, entries[::-1]):
        if all(_after(earlier, later) for earlier, later in pairwise(ordered)):
            first, last = ordered[0], ordered[-1]
            return _before(first), last.balance
    return None, None


def _before(entry: Entry) -> Decimal | None:
    return None if entry.balance is None else entry.balance - entry.amount


def _after(earlier: Entry, later: Entry) -> bool:
    return earlier.balance is not None and earlier.balance == _before(later)


def linked_balances(section: Section) -> set[Decimal]:
    """The running balances of a statement that a neighbouring row explains.

    A column that shows the same balance in every row, or one that has nothing to do with the rows, proves nothing.
    """
    balanced = [row.entry for row in section.rows if row.entry.balance is not None and not row.entry.pending]
    if len(balanced) == 1:
        return {balanced[0].balance} if balanced[0].balance is not None else set()
    after = {entry.balance for entry in balanced}
    before = {_before(entry) for entry in balanced}
    return {
        entry.balance
        for entry in balanced
        if entry.balance is not None and entry.amount and (entry.balance in before or _before(entry) in after)
    }


@dataclass(frozen=True, slots=True)
class ProvedDays:
    """The days for which balances decide which rows of a statement of a file are rows of the ledger.

    `complete` are days of which the file's statement has every row, as far as it can be told; `following` are days
    that the file's statement begins or ends with where the ledger's one ends or begins, so that their rows differ.
    """

    of_file: Coverage
    of_ledger: Sequence[Coverage]
    shared: Collection[date]
    following: Collection[date]

    def decides(self, day: date) -> bool:
        """Whether a row of the day that the ledger does not know must be one of its rows, or else is new."""
        return self.complete(day) or any(known.proves(day) for known in self.of_ledger)

    def complete(self, day: date) -> bool:
        """Whether the file's statement has every row of the day that the ledger has."""
        return self.of_file.proves(day) or day in self.shared


def touching_days(of_file: Iterable[Coverage], of_ledger: Collection[Coverage]) -> set[date]:
    """The days on which a statement of the file begins where one of the ledger ends, or ends where one begins."""
    proved = [known for known in of_ledger if known.proved]
    begins, ends = {known.starts for known in proved}, {known.ends for known in proved}
    found = [known for known in of_file if known.proved]
    days = {known.starts for known in found} & ends | {known.ends for known in found} & begins
    return {day for day in days if day is not None}


def proved_days(of_file: Coverage, of_ledger: Iterable[Coverage], sums: Mapping[date, Decimal]) -> ProvedDays:
    """Compare a file's statement with those that the ledger holds.

    Two statements that begin (or end) on one day with the same balance begin (or end) at the same moment, so that one
    of them holds all that the other has of that day. Where one ends on the day on which the other begins, the balance
    tells whether the later one begins before or after the day's rows; `sums` are those of the ledger's rows by day.
    """
    shared: set[date] = set()
    following: set[date] = set()
    proved = [known for known in of_ledger if known.proved]
    for known in proved if of_file.proved else ():
        if (of_file.starts, of_file.opening) == (known.starts, known.opening) and of_file.starts:
            shared.add(of_file.starts)
        if (of_file.ends, of_file.closing) == (known.ends, known.closing) and of_file.ends:
            shared.add(of_file.ends)
        for early, late in ((known, of_file), (of_file, known)):
            day = early.ends
            if day is None or day != late.starts or late.opening is None or early.closing is None:
                continue
            moved = sums.get(day, Decimal(0))
            if not moved:
                continue
            if early.closing == late.opening:
                following.add(day)
            elif late.opening + moved == early.closing:
                shared.add(day)
    return ProvedDays(of_file, proved, shared, following - shared)

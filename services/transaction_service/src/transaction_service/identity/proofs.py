"""What balances prove about days: for which of them a statement has every row.

A statement that states (or prints with its rows) the balances before its first and after its last row, and whose rows
explain the difference, holds every booking between these two moments. All days between its first and its last are
complete. On the first and the last day themselves there may be rows before its opening or after its closing, so what
holds for these days needs a second statement to tell.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate

from data_processing import Entry, Reconciler, Reconciliation, Statement

from transaction_service.statements.rows import MOST_GAPS, Section
from transaction_service.statements.spool import FileRows, Numbers, numbers

ADDS_UP = "adds_up"

_NO_TIME = timedelta(0)


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

    def covers(self, day: date, *, margin: timedelta = _NO_TIME) -> bool:
        """Whether the day lies in the statement's time, its first and last day and a margin around them included."""
        if self.starts is None or self.ends is None:
            return False
        return self.starts - margin <= day <= self.ends + margin

    def surrounds(self, day: date) -> bool:
        """Whether the whole day lies in the statement's time: on the first and the last day it may begin or end."""
        return self.starts is not None and self.ends is not None and self.starts < day < self.ends

    def proves(self, day: date) -> bool:
        """Whether the statement holds every booking of the day."""
        return self.proved and self.surrounds(day)

    def overlap(self, other: Coverage) -> timedelta:
        """The time that both statements are about; none or less where they are not about the same days."""
        if self.starts is None or self.ends is None or other.starts is None or other.ends is None:
            return _NO_TIME
        return min(self.ends, other.ends) - max(self.starts, other.starts)


def chains(coverages: Sequence[Coverage]) -> Numbers:
    """For each statement of a file the place of the first of its chain.

    Statements that add up have no row in common where one begins with the balance that the one beside it ends with. One
    that ends as it begins may do so by chance, and one between balances that stood before may be there twice.
    """
    firsts = numbers()
    ends: set[tuple[Decimal | None, Decimal | None]] = set()
    before: Coverage | None = None
    for place, found in enumerate(coverages):
        moved = found.proved and found.opening != found.closing
        beside = before is not None and (before.closing == found.opening or found.closing == before.opening)
        if moved and beside and (found.opening, found.closing) not in ends:
            firsts.append(firsts[-1])
        else:
            firsts.append(place)
            ends.clear()
        ends.add((found.opening, found.closing))
        before = found if moved else None
    return firsts


def coverage(section: Section, rows: FileRows) -> Coverage:
    """What a statement of a file says about its own completeness."""
    booked = numbers(number for number in section.rows if not rows.pending[number])
    found = section.reconciliation or _reconciled(section, rows.entries(booked))
    stated = [balance.date for balance in section.balances if balance.kind in {"opening", "closing"}]
    known = [
        day
        for day in (*rows.first_and_last_day(booked), *stated, section.period_start, section.period_end)
        if day is not None
    ]
    opening, closing = found.opening, found.closing
    if found.status == ADDS_UP and (opening is None or closing is None):
        first, last = _ends_of_chain(rows.entries(booked))
        if first is not None:
            opening, closing = first, last
    return Coverage(min(known, default=None), max(known, default=None), opening, closing, found.status)


def _reconciled(section: Section, booked: Iterable[Entry]) -> Reconciliation:
    passing = Reconciler(most_gaps=MOST_GAPS)
    for entry in booked:
        passing.add(entry)
    return passing.result(Statement(balances=tuple(section.balances)))


def _ends_of_chain(entries: Iterable[Entry]) -> tuple[Decimal | None, Decimal | None]:
    """The balances before and after all entries, when each carries one and they follow one another."""
    first = last = None
    forward = backward = True
    for entry in entries:
        if last is not None:
            forward, backward = forward and _after(last, entry), backward and _after(entry, last)
        if entry.balance is None or not (forward or backward):
            return None, None
        first, last = first or entry, entry
    if first is None or last is None:
        return None, None
    return (_before(first), last.balance) if forward else (_before(last), first.balance)


def _before(entry: Entry) -> Decimal | None:
    return None if entry.balance is None else entry.balance - entry.amount


def _after(earlier: Entry, later: Entry) -> bool:
    return earlier.balance is not None and earlier.balance == _before(later)


def linked_balances(section: Section, rows: FileRows, wanted: Collection[Decimal]) -> set[Decimal]:
    """Those of the running balances of a statement that a neighbouring row explains.

    A column that shows the same balance in every row, or one that has nothing to do with the rows, proves nothing.
    """
    carriers: set[tuple[Decimal, Decimal]] = set()
    count = 0
    for balance, before in _balanced(section, rows):
        count += 1
        if balance in wanted:
            carriers.add((balance, before))
    if count == 1:
        return {balance for balance, _ in carriers}
    ends = {end for carrier in carriers for end in carrier}
    befores: set[Decimal] = set()
    afters: set[Decimal] = set()
    for balance, before in _balanced(section, rows) if carriers else ():
        if balance in ends:
            afters.add(balance)
        if before in ends:
            befores.add(before)
    return {balance for balance, before in carriers if balance != before and (balance in befores or before in afters)}


def _balanced(section: Section, rows: FileRows) -> Iterable[tuple[Decimal, Decimal]]:
    """The balances after and before each booked row that carries one."""
    for entry in rows.entries(section.rows):
        if entry.balance is not None and not entry.pending:
            yield entry.balance, entry.balance - entry.amount


class ProvedStatements:
    """The statements of the ledger that hold every booking of their time, found by their days: there may be many."""

    def __init__(self, statements: Iterable[Coverage]) -> None:
        proved = [(known.starts, known.ends, known) for known in statements if known.proved]
        spans = sorted((starts, ends) for starts, ends, _ in proved if starts is not None and ends is not None)
        self._starts = [starts for starts, _ in spans]
        self._latest_ends = list(accumulate((ends for _, ends in spans), max))
        self._at_edge: dict[date | None, list[Coverage]] = defaultdict(list)
        for starts, ends, known in proved:
            for day in {starts, ends}:
                self._at_edge[day].append(known)

    def prove(self, day: date) -> bool:
        """Whether one of them holds every booking of the day."""
        before = bisect_left(self._starts, day)
        return before > 0 and self._latest_ends[before - 1] > day

    def touching(self, other: Coverage) -> Iterator[Coverage]:
        """Those that begin or end on the first or the last day of another statement."""
        for day in {other.starts, other.ends} - {None}:
            yield from self._at_edge.get(day, ())


@dataclass(frozen=True, slots=True)
class ProvedDays:
    """The days for which balances decide which rows of a statement of a file are rows of the ledger.

    `complete` are days of which the file's statement has every row, as far as it can be told; `following` are days
    that the file's statement begins or ends with where the ledger's one ends or begins, so that their rows differ.
    """

    of_file: Coverage
    of_ledger: ProvedStatements
    shared: Collection[date]
    following: Collection[date]

    def decides(self, day: date) -> bool:
        """Whether a row of the day that the ledger does not know must be one of its rows, or else is new."""
        return self.complete(day) or self.of_ledger.prove(day)

    def whole(self, day: date) -> bool:
        """Whether a statement that begins before the day and ends after it has every row of it."""
        return self.of_file.proves(day) or self.of_ledger.prove(day)

    def complete(self, day: date) -> bool:
        """Whether the file's statement has every row of the day that the ledger has."""
        return self.of_file.proves(day) or day in self.shared


def continues_day(of_file: Coverage, of_ledger: Iterable[Coverage], moved: Decimal) -> bool:
    """Whether a statement about a part of one day has none of the rows that the ledger has of it.

    So it is when it begins, or ends, with the balance with which such a part that the ledger holds ends, or begins, and
    when these parts together explain all that the ledger's rows have `moved` on the day.
    """
    day, part = of_file.starts, (of_file.opening, of_file.closing)
    of_day = (known for known in of_ledger if known.proved and known.starts == known.ends == day)
    parts = {(k.opening, k.closing) for k in of_day if k.opening is not None and k.closing is not None}
    if not of_file.proved or of_file.ends != day or part in parts:
        return False
    touches = any(closing == of_file.opening or opening == of_file.closing for opening, closing in parts)
    return touches and sum((closing - opening for opening, closing in parts), Decimal(0)) == moved


def touching_days(of_file: Iterable[Coverage], of_ledger: Collection[Coverage]) -> set[date]:
    """The days on which a statement of the file begins where one of the ledger ends, or ends where one begins."""
    proved = [known for known in of_ledger if known.proved]
    begins, ends = {known.starts for known in proved}, {known.ends for known in proved}
    found = [known for known in of_file if known.proved]
    days = {known.starts for known in found} & ends | {known.ends for known in found} & begins
    return {day for day in days if day is not None}


def proved_days(
    of_file: Coverage, of_ledger: ProvedStatements, sums: Mapping[date, Decimal], *, apart: bool = False
) -> ProvedDays:
    """Compare a file's statement with those that the ledger holds.

    Two statements that begin (or end) on one day with the same balance begin (or end) at the same moment, so that one
    of them holds all that the other has of that day. Where one ends on the day on which the other begins, the balance
    tells whether the later one begins before or after the day's rows; `sums` are those of the ledger's rows by day. A
    statement that is `apart` (`continues_day`) has none of the ledger's rows.
    """
    shared: set[date] = set()
    following: set[date] = set()
    if apart and of_file.starts is not None:
        return ProvedDays(of_file, of_ledger, shared, {of_file.starts})
    for known in of_ledger.touching(of_file) if of_file.proved else ():
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
    return ProvedDays(of_file, of_ledger, shared, following - shared)

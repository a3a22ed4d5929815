"""Does a statement add up? Opening balance plus entries against closing balance, and each running balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Literal

from data_processing.statement import AccountReference, BalanceKind, Entry, Statement


@dataclass(frozen=True, slots=True)
class Gap:
    """Money that the balances know of and the rows do not: ``amount`` is missing between the two dates.

    A negative amount means that money left the account without a row, or that a row is there twice with money in.
    """

    amount: Decimal
    start: date | None
    end: date | None
    place: str
    account: AccountReference | None = None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What the statement's balances prove.

    ``status`` is ``adds_up`` when at least one pair of balances was checked and none contradicts, ``gap`` when one
    does, and ``unproven`` when the file has no two balances to check with. ``checks`` counts the pairs.
    """

    status: Literal["adds_up", "gap", "unproven"]
    entries_sum: Decimal
    opening: Decimal | None
    closing: Decimal | None
    checks: int
    gaps: tuple[Gap, ...]


def reconcile(statement: Statement) -> Reconciliation:
    """Check a statement against its own balances; pending entries do not count.

    Where every row carries a balance, the balance before each row must be the balance after another one, in whatever
    order the rows stand, but for the first and the last. Else two neighbours that both carry one must differ by the
    amount of the later; rows may stand oldest or newest first, and rows in no date order prove nothing. Accounts in one
    file are checked apart.

    >>> from decimal import Decimal
    >>> from data_processing import Balance
    >>> rows = (Entry("line 2", date(2026, 4, 2), Decimal("-2.80"), "Coffee"),)
    >>> balances = (Balance("opening", Decimal("10.00")), Balance("closing", Decimal("7.20")))
    >>> reconcile(Statement(entries=rows, balances=balances)).status
    'adds_up'
    """
    booked = [entry for entry in statement.entries if not entry.pending]
    total = sum((entry.amount for entry in booked), Decimal(0))
    opening, closing = _balance(statement, "opening"), _balance(statement, "closing")
    checks, gaps = 0, []
    if opening is not None and closing is not None:
        checks += 1
        if missing := closing - opening - total:
            gaps.append(Gap(missing, statement.period_start, statement.period_end, "opening to closing balance"))
    for rows in _by_account(booked):
        running, found = _running(rows)
        checks += running
        gaps += found
    status: Literal["adds_up", "gap", "unproven"] = "gap" if gaps else "adds_up" if checks else "unproven"
    return Reconciliation(status, total, opening, closing, checks, tuple(gaps))


def _balance(statement: Statement, kind: BalanceKind) -> Decimal | None:
    found = [balance.amount for balance in statement.balances if balance.kind == kind]
    return found[0] if len(found) == 1 else None


def _by_account(entries: Sequence[Entry]) -> list[list[Entry]]:
    def name(entry: Entry) -> str:
        return repr(entry.account)

    return [list(rows) for _, rows in groupby(sorted(entries, key=name), key=name)]


def _running(rows: Sequence[Entry]) -> tuple[int, list[Gap]]:
    """The pairs of running balances that were checked, and the gaps among them."""
    if len(rows) > 1 and _chained(rows):
        return len(rows) - 1, []
    dates = [row.booking_date for row in rows]
    ascending = all(earlier <= later for earlier, later in pairwise(dates))
    descending = all(earlier >= later for earlier, later in pairwise(dates))
    forward = _check(rows) if ascending else None
    backward = _check(rows[::-1]) if descending else None
    readings = [reading for reading in (forward, backward) if reading is not None]
    return min(readings, key=lambda reading: len(reading[1]), default=(0, []))


def _chained(rows: Sequence[Entry]) -> bool:
    """Whether the balances before and after the rows link up, but for one start and one end."""
    after = Counter(row.balance for row in rows if row.balance is not None)
    before = Counter(row.balance - row.amount for row in rows if row.balance is not None)
    return after.total() == len(rows) and (after - before).total() <= 1


def _check(rows: Sequence[Entry]) -> tuple[int, list[Gap]]:
    checks, gaps = 0, []
    for earlier, later in pairwise(rows):
        if earlier.balance is None or later.balance is None:
            continue
        checks += 1
        missing = later.balance - earlier.balance - later.amount
        if missing:
            gaps.append(Gap(missing, earlier.booking_date, later.booking_date, later.place, later.account))
    return checks, gaps

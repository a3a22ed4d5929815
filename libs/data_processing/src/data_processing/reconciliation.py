"""Does a statement add up? Opening balance plus entries against closing balance, and each running balance."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from data_processing.statement import AccountReference, BalanceKind, Entry, Statement

_MOST_LOOSE: Final = 100_000
"""With so many balances that link up with no other row, the rows are in no order that could prove anything."""


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
    passing = Reconciler(most_gaps=len(statement.entries) + 1)
    for entry in statement.entries:
        passing.add(entry)
    return passing.result(statement)


class Reconciler:
    """Checks a statement while its entries pass by, as ``reconcile`` does: for statements too large to be held.

    Of each account in the statement it keeps the balances that do not link up with another row yet, which for rows in
    any order of dates are those of a day, and so many gaps.

    >>> from decimal import Decimal
    >>> passing = Reconciler()
    >>> passing.add(Entry("line 2", date(2026, 4, 2), Decimal("-2.80"), "Coffee", balance=Decimal("7.20")))
    >>> passing.add(Entry("line 3", date(2026, 4, 2), Decimal("-7.20"), "Cake", balance=Decimal("0.00")))
    >>> passing.result(Statement()).status
    'adds_up'
    """

    def __init__(self, *, most_gaps: int = 100) -> None:
        self._most_gaps = most_gaps
        self._total = Decimal(0)
        self._accounts: dict[AccountReference | None, _RunningBalances] = {}
        self._last: tuple[AccountReference | None, _RunningBalances] | None = None

    def add(self, entry: Entry) -> None:
        """The next entry of the statement."""
        if entry.pending:
            return
        self._total += entry.amount
        if self._last is None or self._last[0] is not entry.account:
            running = self._accounts.get(entry.account)
            if running is None:
                running = self._accounts[entry.account] = _RunningBalances(self._most_gaps)
            self._last = entry.account, running
        self._last[1].add(entry)

    def result(self, statement: Statement) -> Reconciliation:
        """What the balances prove, given those that the statement states; its entries are not looked at."""
        opening, closing = _balance(statement, "opening"), _balance(statement, "closing")
        checks, gaps = 0, []
        if opening is not None and closing is not None:
            checks += 1
            if missing := closing - opening - self._total:
                gaps.append(Gap(missing, statement.period_start, statement.period_end, "opening to closing balance"))
        for _, running in sorted(self._accounts.items(), key=lambda item: repr(item[0])):
            more, found = running.result()
            checks += more
            gaps += found
        status: Literal["adds_up", "gap", "unproven"] = "gap" if gaps else "adds_up" if checks else "unproven"
        return Reconciliation(status, self._total, opening, closing, checks, tuple(gaps[: self._most_gaps]))


def _balance(statement: Statement, kind: BalanceKind) -> Decimal | None:
    found = [balance.amount for balance in statement.balances if balance.kind == kind]
    return found[0] if len(found) == 1 else None


class _RunningBalances:
    """The running balances of one account's rows, read oldest first and newest first at once."""

    def __init__(self, most_gaps: int) -> None:
        self._rows = 0
        self._balances = 0
        # How often each balance stands after a row less how often before one; those that even out are gone.
        self._loose: dict[Decimal, int] | None = {}
        self._last: Entry | None = None
        self._ascending = self._descending = True
        self._checks = self._forward = self._backward = 0
        self._gaps_forward: list[Gap] = []
        self._gaps_backward: deque[Gap] = deque(maxlen=most_gaps)
        self._most_gaps = most_gaps

    def add(self, entry: Entry) -> None:
        """The next row."""
        self._rows += 1
        if entry.balance is not None:
            self._balances += 1
            self._link(entry.balance, 1)
            self._link(entry.balance - entry.amount, -1)
        last, self._last = self._last, entry
        if last is None:
            return
        if last.booking_date != entry.booking_date:
            if last.booking_date < entry.booking_date:
                self._descending = False
            else:
                self._ascending = False
        if last.balance is None or entry.balance is None:
            return
        self._checks += 1
        if self._ascending and (missing := entry.balance - last.balance - entry.amount):
            self._forward += 1
            if len(self._gaps_forward) < self._most_gaps:
                self._gaps_forward.append(_gap(missing, last, entry))
        if self._descending and (missing := last.balance - entry.balance - last.amount):
            self._backward += 1
            self._gaps_backward.append(_gap(missing, entry, last))

    def result(self) -> tuple[int, list[Gap]]:
        """The pairs of running balances that were checked, and the gaps among them."""
        if self._rows > 1 and self._chained():
            return self._rows - 1, []
        if self._ascending and (not self._descending or self._forward <= self._backward):
            return self._checks, self._gaps_forward
        if self._descending:
            return self._checks, list(reversed(self._gaps_backward))
        return 0, []

    def _chained(self) -> bool:
        """Whether the balances before and after the rows link up, but for one start and one end."""
        if self._loose is None or self._balances < self._rows:
            return False
        return sum(count for count in self._loose.values() if count > 0) <= 1

    def _link(self, balance: Decimal, count: int) -> None:
        if self._loose is None:
            return
        if left := self._loose.get(balance, 0) + count:
            self._loose[balance] = left
            if len(self._loose) > _MOST_LOOSE:
                self._loose = None
        else:
            del self._loose[balance]


def _gap(missing: Decimal, earlier: Entry, later: Entry) -> Gap:
    return Gap(missing, earlier.booking_date, later.booking_date, later.place, later.account)

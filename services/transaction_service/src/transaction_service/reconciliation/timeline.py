"""Whether the ledger agrees with every balance that is known of an account, and from when on not. No database."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate, groupby
from uuid import UUID


class BalanceSource(StrEnum):
    """Who states a balance: a statement at its opening or closing, a row with the balance after it, or the user."""

    OPENING = "opening"
    RUNNING = "running"
    CLOSING = "closing"
    ASSERTION = "assertion"


_ORDER = {source: place for place, source in enumerate(BalanceSource)}


@dataclass(frozen=True, slots=True)
class KnownBalance:
    """A balance at the end of a day, or, for an opening, at its start.

    Banks date an opening either by the first day of the statement or by the day before, whose end it then is. An
    `interim` closing is that of a report within the day, after which more may have been booked.
    """

    day: date
    source: BalanceSource
    amount: Decimal
    import_id: UUID | None = None
    assertion_id: UUID | None = None
    interim: bool = False

    @property
    def order(self) -> tuple[date, int, str, Decimal]:
        """Its place in the timeline; of several closings of one day that of the latest import is the last."""
        return self.day, _ORDER[self.source], str(self.import_id or self.assertion_id or ""), self.amount


@dataclass(frozen=True, slots=True)
class BalanceGap:
    """Money that the balances know of and the rows do not, between the end of `after` and that of `until`.

    A negative amount says that money left the account without a row, or came in by a row too many.
    """

    amount: Decimal
    after: date | None
    until: date


@dataclass(frozen=True, slots=True)
class CheckedBalance:
    """A known balance beside the ledger's at that time; `gap` where the two begin to differ, or differ otherwise.

    `as_of` is the day at whose end it was: for most openings the day before. It is `superseded` where a later file
    closes the same day with another balance, with which the ledger agrees: more was booked after the first was made. An
    interim one is superseded by whatever else is known of the day's end, whichever file came first.
    """

    known: KnownBalance
    as_of: date
    ledger: Decimal
    gap: BalanceGap | None
    superseded: bool = False

    @property
    def difference(self) -> Decimal:
        """What the ledger lacks; zero where they agree."""
        return self.known.amount - self.ledger


class LedgerBalances:
    """The ledger's own balance at any time: what was before the first day, and the sums of the days."""

    def __init__(self, before: Decimal, sums: Mapping[date, Decimal]) -> None:
        self._days = sorted(sums)
        self._totals = list(accumulate((sums[day] for day in self._days), initial=before))

    def at_start(self, day: date) -> Decimal:
        """Before the rows of the day."""
        return self._totals[bisect_left(self._days, day)]

    def at_end(self, day: date) -> Decimal:
        """After the rows of the day."""
        return self._totals[bisect_right(self._days, day)]

    def compared(self, known: KnownBalance, difference: Decimal) -> tuple[date, Decimal]:
        """The day at whose end a known balance was, and the ledger's then; of an opening's two readings what fits.

        difference: what the ledger is known to lack by then
        """
        end = self.at_end(known.day)
        if known.source is not BalanceSource.OPENING or known.amount - end == difference:
            return known.day, end
        return known.day - timedelta(days=1), self.at_start(known.day)


def check_balances(
    known: Iterable[KnownBalance],
    ledger: LedgerBalances,
    *,
    difference: Decimal = Decimal(0),
    after: date | None = None,
) -> list[CheckedBalance]:
    """The timeline of the balances, each beside the ledger's.

    difference: what the ledger lacks before the first of them, known from the day `after`

    Of several balances for one time the one that agrees with what came before is believed, else the last. Of several
    closings of one day those of earlier files are superseded by a later one that is believed, and interim ones by any.
    """
    found: list[CheckedBalance] = []
    ordered = sorted(known, key=lambda balance: balance.order)
    for _, same_time in groupby(ordered, key=_time):
        checked = []
        for balance in same_time:
            as_of, own = ledger.compared(balance, difference)
            arisen = balance.amount - own - difference
            gap = BalanceGap(arisen, after, as_of) if arisen else None
            checked.append(CheckedBalance(balance, as_of, own, gap))
        checked = _settled(checked)
        found += checked
        difference = _believed(checked)
        after = checked[-1].as_of
    return found


def _settled(same_time: Sequence[CheckedBalance]) -> list[CheckedBalance]:
    """The balances, with those superseded that differ as they were stated before the day's end.

    These are the closings of files that a later file closes with what the ledger holds, and the interim ones of days
    whose end is known.
    """
    closings = [item for item in same_time if item.known.source is BalanceSource.CLOSING and not item.known.interim]
    agreed = [item.known.import_id for item in closings if not item.gap]
    latest = max((import_id for import_id in agreed if import_id is not None), default=None)
    is_known = any(not item.known.interim for item in same_time)
    return [
        replace(item, gap=None, superseded=True)
        if item.gap and ((is_known and item.known.interim) or (latest is not None and _earlier(item, latest)))
        else item
        for item in same_time
    ]


def _earlier(item: CheckedBalance, import_id: UUID) -> bool:
    known = item.known
    return known.source is BalanceSource.CLOSING and known.import_id is not None and known.import_id < import_id


def _believed(same_time: Sequence[CheckedBalance]) -> Decimal:
    standing = [item for item in same_time if not item.superseded]
    counting = [item for item in standing if not item.known.interim] or standing
    agreeing = (item.difference for item in counting if item.gap is None)
    return next(agreeing, counting[-1].difference)


def last_difference(checked: Sequence[CheckedBalance]) -> Decimal:
    """What the ledger lacks by the last balance of the timeline; zero only where all of that day agree."""
    last = checked[-1]
    return next(
        (
            item.difference
            for item in reversed(checked)
            if item.as_of == last.as_of and not item.superseded and item.difference
        ),
        Decimal(0),
    )


def carried_difference(checked: Sequence[CheckedBalance]) -> Decimal:
    """What the ledger is known to lack after the timeline, against which what follows is compared."""
    last = checked[-1].known
    return _believed([item for item in checked if _time(item.known) == _time(last)])


def _time(known: KnownBalance) -> tuple[date, bool]:
    return known.day, known.source is not BalanceSource.OPENING


def anchor_of(known: Sequence[KnownBalance]) -> KnownBalance:
    """The first of the balances, and of several such ones what the latest import states, if it may not be interim."""
    ordered = sorted(known, key=lambda balance: balance.order)
    first = [b for b in ordered if (b.day, b.source) == (ordered[0].day, ordered[0].source)]
    return ([b for b in first if not b.interim] or first)[-1]


def anchored(known: Sequence[KnownBalance], ledger: LedgerBalances) -> Decimal:
    """What to add to the ledger's sums so that it agrees with the first of the balances.

    An opening is read as the start of its day, unless only the other reading agrees with the balance that follows.
    """
    ordered = sorted(known, key=lambda balance: balance.order)
    first = anchor_of(known)
    at_end = first.amount - ledger.at_end(first.day)
    if first.source is not BalanceSource.OPENING:
        return at_end
    at_start = first.amount - ledger.at_start(first.day)
    following = next((balance for balance in ordered if balance.source is not BalanceSource.OPENING), None)
    if following is not None and following.amount - ledger.at_end(following.day) == at_end:
        return at_end
    return at_start

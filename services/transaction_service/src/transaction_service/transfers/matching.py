"""Which rows of a user's accounts are the two sides of one transfer. No database.

A pair is certain when the rows name each other's account by number, or one does, and nothing else could be meant; it is
linked. A pair with a weaker reason, or one of several possible ones, is proposed. Equal amounts alone are a reason only
within three days and when no other row could be meant on either side.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID

from transaction_service.transfers.evidence import MOST_DAYS, Candidate, MatchRow, Rates, Strength, weigh

REACH = timedelta(days=2 * MOST_DAYS)
"""How far apart the booking dates of two rows may be whose value dates are near each other."""
_CROWD = 40
"""A row with more possible partners than this is ambiguous, whatever else."""
_MOST_PROPOSALS = 3
"""So many proposals name one row at most."""

_NO_RATES: Rates = MappingProxyType({})

Pair = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Found:
    """The pairs to link and those to propose. No row is in two links, none is linked and proposed."""

    linked: tuple[Candidate, ...]
    proposed: tuple[Candidate, ...]


def find_transfers(rows: Iterable[MatchRow], *, rates: Rates = _NO_RATES, apart: Collection[Pair] = ()) -> Found:
    """The transfers among the rows, of which at least one side is fresh.

    rates: what currencies are worth in each other, as far as that is known (`observed_rates`)
    apart: pairs of outgoing and incoming row of which the user has said that they are none

    The order of the rows does not matter.
    """
    ordered = sorted((row for row in rows if row.amount), key=lambda row: (row.booking_date, row.id))
    candidates = []
    # Sorted by ids without regard to the side, so that neither order nor sign decides which proposals are left out.
    for (out_id, in_id), (outgoing, incoming) in sorted(_pairs(ordered).items(), key=lambda item: sorted(item[0])):
        if (out_id, in_id) not in apart and (found := weigh(outgoing, incoming, rates)) is not None:
            candidates.append(found)
    linked: list[Candidate] = []
    for least in (Strength.BOTH_SIDES, Strength.ONE_SIDE):
        linked += _certain(candidates, least)
        taken = {row.id for pair in linked for row in (pair.outgoing, pair.incoming)}
        candidates = [c for c in candidates if c.outgoing.id not in taken and c.incoming.id not in taken]
    proposed = [*_best(candidates), *_lonely(candidates)]
    return Found(_fresh(linked), _fresh(proposed))


def _fresh(pairs: Iterable[Candidate]) -> tuple[Candidate, ...]:
    return tuple(pair for pair in pairs if pair.outgoing.fresh or pair.incoming.fresh)


def _pairs(rows: Sequence[MatchRow]) -> dict[Pair, tuple[MatchRow, MatchRow]]:
    """Outgoing and incoming rows near each other, of equal amounts or across currencies with a hint."""
    pairs: dict[Pair, tuple[MatchRow, MatchRow]] = {}
    by_amount: dict[tuple[str, Decimal], list[MatchRow]] = defaultdict(list)
    for row in rows:
        by_amount[(row.currency, abs(row.amount))].append(row)
        if row.original_amount and row.original_currency and row.original_currency != row.currency:
            by_amount[(row.original_currency, abs(row.original_amount))].append(row)
    for alike in by_amount.values():
        if len(alike) > 1:
            pairs.update(((out.id, inc.id), (out, inc)) for out, inc in _near(alike, alike))
    if len({row.currency for row in rows}) > 1:
        hinted = [row for row in rows if row.points_to or row.names or row.exchange_rate is not None]
        across = ((out, inc) for out, inc in _near(hinted, rows) if out.currency != inc.currency)
        pairs.update(((out.id, inc.id), (out, inc)) for out, inc in across)
    return pairs


def _near(some: Iterable[MatchRow], others: Iterable[MatchRow]) -> Iterator[tuple[MatchRow, MatchRow]]:
    """Pairs of opposite sign and different accounts whose booking dates are in reach; none of rows in a crowd."""
    by_side: dict[tuple[UUID, bool], tuple[list[date], list[MatchRow]]] = defaultdict(lambda: ([], []))
    for row in others:
        dates, side = by_side[(row.account_id, row.amount > 0)]
        dates.append(row.booking_date)
        side.append(row)
    for row in some:
        found: list[MatchRow] = []
        for (account_id, incoming), (dates, side) in by_side.items():
            elsewhere = row.points_to and account_id not in row.points_to
            if account_id == row.account_id or incoming == (row.amount > 0) or elsewhere:
                continue
            first = bisect_left(dates, row.booking_date - REACH)
            last = bisect_right(dates, row.booking_date + REACH)
            found += side[first : min(last, first + _CROWD + 1)]
        if len(found) <= _CROWD:
            for partner in found:
                yield (partner, row) if row.amount > 0 else (row, partner)


def _certain(candidates: Sequence[Candidate], least: Strength) -> list[Candidate]:
    """The pairs that nothing else could be meant by.

    As many outgoing as incoming rows of the same two accounts are paired in the order of their dates: they are all
    transfers, and no figure depends on which belongs to which.
    """
    linked: list[Candidate] = []
    hinted: dict[UUID, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        if candidate.strength >= Strength.HINT:
            hinted[candidate.outgoing.id].append(candidate)
            hinted[candidate.incoming.id].append(candidate)
    for group in _groups([c for c in candidates if c.strength >= least]):
        outgoing = _by_date({c.outgoing.id: c.outgoing for c in group})
        incoming = _by_date({c.incoming.id: c.incoming for c in group})
        accounts = {(c.outgoing.account_id, c.incoming.account_id) for c in group}
        by_pair = {(c.outgoing.id, c.incoming.id): c for c in group}
        in_order = [by_pair.get((out.id, inc.id)) for out, inc in zip(outgoing, incoming, strict=False)]
        chosen = [candidate for candidate in in_order if candidate is not None]
        if len(accounts) > 1 or len(outgoing) != len(incoming) or len(chosen) != len(outgoing):
            continue
        rows = {row.id for row in (*outgoing, *incoming)}
        rivals = (c for row_id in rows for c in hinted[row_id] if (c.outgoing.id in rows) != (c.incoming.id in rows))
        if least is Strength.BOTH_SIDES or next(rivals, None) is None:
            linked += chosen
    return linked


def _by_date(rows: Mapping[UUID, MatchRow]) -> list[MatchRow]:
    return sorted(rows.values(), key=lambda row: (row.booking_date, row.id))


def _groups(candidates: Iterable[Candidate]) -> list[list[Candidate]]:
    """Candidates that share rows, directly or through others."""
    leader: dict[UUID, UUID] = {}

    def find(row_id: UUID) -> UUID:
        while leader.setdefault(row_id, row_id) != row_id:
            leader[row_id] = row_id = leader[leader[row_id]]
        return row_id

    kept = list(candidates)
    for candidate in kept:
        leader[find(candidate.outgoing.id)] = find(candidate.incoming.id)
    groups: dict[UUID, list[Candidate]] = defaultdict(list)
    for candidate in kept:
        groups[find(candidate.outgoing.id)].append(candidate)
    return list(groups.values())


def _best(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The pairs with a hint that are the best ones of both their rows; equally good ones are all named."""
    hinted = [c for c in candidates if c.strength >= Strength.HINT]
    best: dict[UUID, tuple[int, int]] = {}
    for candidate in hinted:
        for row in (candidate.outgoing, candidate.incoming):
            best[row.id] = max(best.get(row.id, candidate.rank), candidate.rank)
    named: dict[UUID, int] = defaultdict(int)
    chosen = []
    for candidate in hinted:
        outgoing, incoming = candidate.outgoing.id, candidate.incoming.id
        if (
            candidate.rank == best[outgoing] == best[incoming]
            and max(named[outgoing], named[incoming]) < _MOST_PROPOSALS
        ):
            named[outgoing] += 1
            named[incoming] += 1
            chosen.append(candidate)
    return chosen


def _lonely(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The pairs of equal amounts without a hint that no other row of the ledger could be part of."""
    partners: dict[UUID, int] = defaultdict(int)
    for candidate in candidates:
        partners[candidate.outgoing.id] += 1
        partners[candidate.incoming.id] += 1
    return [
        c
        for c in candidates
        if c.strength is Strength.AMOUNT and partners[c.outgoing.id] == 1 == partners[c.incoming.id]
    ]

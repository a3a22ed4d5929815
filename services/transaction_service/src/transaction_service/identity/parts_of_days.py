"""Equal rows without an id, on a day that a file begins or ends with.

Such a file may have a part of the day, and an equal row of another part is another row. Files of which one has all that
the other has of the day are longer and shorter ones about the same rows. Where each has what the other lacks, they are
different parts, and nothing tells whether a row that is in both is there twice. It is counted as a further one, which
the ledger does not have, and which is asked about.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import chain, count
from typing import NamedTuple
from uuid import UUID

from api_common.columns import to_micros

from transaction_service.identity.identities import columns_of
from transaction_service.identity.pairing import MOST_COMPARISONS
from transaction_service.identity.plan import AccountPlan
from transaction_service.statements.spool import Numbers

_OCCURRENCE = re.compile(r"row:[0-9a-f]{32}#([1-9][0-9]*)")


class BroughtRow(NamedTuple):
    """A row that an import has brought; one that `waits` for the user is not the ledger's yet."""

    import_id: UUID
    day: date
    amount: Decimal
    content: str
    identity: str
    waits: bool = False


@dataclass(slots=True)
class _Part:
    """What an import has brought of a day: the amounts, and of each content which of the equal rows."""

    amounts: Counter[int] = field(default_factory=Counter)
    occurrences: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def cut_days(plan: AccountPlan) -> dict[tuple[int, date], list[int]]:
    """The booked rows without an id on the first and last days of statements without a proof, by statement and day.

    Those days are left out of which no row is known, or very many are.
    """
    if not plan.by_identity:
        return {}
    found = enumerate(plan.coverages)
    edges = {(place, day) for place, c in found if not c.proved for day in (c.starts, c.ends) if day is not None}
    known = _on_edges(plan, plan.decisions.standing, edges)
    unknown = _on_edges(plan, plan.unknown, edges) if known else {}
    return {key: sorted([*rows, *unknown.get(key, ())]) for key, rows in known.items() if len(rows) <= MOST_COMPARISONS}


def _on_edges(
    plan: AccountPlan, wanted: Numbers, edges: Set[tuple[int, date]], *, ids: bool = False
) -> dict[tuple[int, date], list[int]]:
    """The booked ones of these rows by statement and day, where that is an edge; those with `ids` only if asked for."""
    found: dict[tuple[int, date], list[int]] = defaultdict(list)
    for number in columns_of(plan.rows).on_days(wanted, {day for _, day in edges})[0] if wanted and edges else ():
        key = plan.section_of(number), date.fromordinal(plan.rows.days[number])
        if key in edges and not plan.rows.pending[number] and (ids or not plan.rows.has_id[number]):
            found[key].append(number)
    return found


def tell_equal_rows(
    plan: AccountPlan, days: Mapping[tuple[int, date], Sequence[int]], brought: Iterable[BroughtRow]
) -> None:
    """Say of the rows of cut days which of several equal ones they are, going by what each import has brought."""
    of_day: dict[date, list[BroughtRow]] = defaultdict(list)
    for found in brought:
        of_day[found.day].append(found)
    changed: dict[int, int] = {}
    there: set[int] = set()
    in_file = _on_edges(plan, plan.chosen, days.keys(), ids=True)
    for key, rows in days.items():
        parts = _parts(of_day[key[1]])
        of_file = Counter(plan.rows.amounts[number] for number in in_file[key])
        booked: dict[str, set[int]] = defaultdict(set)
        for found in of_day[key[1]]:
            if not found.waits:
                booked[found.content].add(_occurrence(found.identity))
        alike: dict[str, list[int]] = defaultdict(list)
        for number, row in zip(rows, plan.rows.of(rows), strict=True):
            alike[row.content].append(number)
        for content, equal in alike.items():
            for number, occurrence in zip(equal, _told(content, of_file, parts), strict=False):
                if plan.identities.occurrence(number) != occurrence:
                    changed[number] = occurrence
                if occurrence in booked[content]:
                    there.add(number)
    plan.count_anew(changed, there)


def _parts(rows: Iterable[BroughtRow]) -> list[_Part]:
    parts: dict[UUID, _Part] = defaultdict(_Part)
    for row in rows:
        part = parts[row.import_id]
        part.amounts[to_micros(row.amount)] += 1
        part.occurrences[row.content].append(_occurrence(row.identity))
    return list(parts.values())


def _occurrence(identity: str) -> int:
    """Which of the equal rows has the identity; 0 where that does not say so."""
    found = _OCCURRENCE.fullmatch(identity)
    return int(found[1]) if found else 0


def _told(content: str, of_file: Counter[int], parts: Sequence[_Part]) -> Iterator[int]:
    """Which of the equal rows the file has, in order; nothing where it has to stay as it is."""
    with_it = [part for part in parts if content in part.occurrences]
    known = {occurrence for part in with_it for occurrence in part.occurrences[content]}
    if not known or 0 in known:
        return iter(())
    fitting = [part for part in with_it if part.amounts <= of_file or of_file <= part.amounts]
    if not fitting:
        return count(max(known) + 1)
    nearest = max(fitting, key=lambda part: (part.amounts == of_file, -min(part.occurrences[content])))
    own = sorted(nearest.occurrences[content])
    return chain(own, (occurrence for occurrence in count(1) if occurrence not in own))

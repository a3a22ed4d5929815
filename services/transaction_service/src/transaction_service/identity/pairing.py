"""How alike two rows are worded, and which rows of a file go with which rows of the ledger, one to one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from data_processing import Entry
from rapidfuzz import fuzz

from transaction_service.search.text import folded

ALIKE = 75.0
"""From this score on, of 100, two wordings are taken to be about the same thing."""

MOST_COMPARISONS = 20_000
"""In a larger group of equal amounts on one day not all rows are compared by their wording."""

MANUAL = "manual:"
"""Begins the identity of a row that the user has entered."""
OF_BANK = "bank:"
"""Begins the identity of a row that has an id from its bank."""


@dataclass(frozen=True, slots=True)
class KnownRow:
    """A row of the ledger, as far as it takes to recognise it."""

    id: UUID
    identity: str
    pending: bool


class LedgerRow(NamedTuple):
    """A row of the ledger as its bank stated it, whatever the user has made of date and amount since."""

    id: UUID
    identity: str
    content: str
    day: date
    amount: Decimal
    balance: Decimal | None
    text: str
    counterparty: str | None
    pending: bool
    deleted: bool
    import_id: UUID | None

    @property
    def manual(self) -> bool:
        """Whether the user has entered it."""
        return self.identity.startswith(MANUAL)


def likeness(entry: Entry, text: str, counterparty: str | None) -> float:
    """How alike an entry and a row are worded, from 0 to 100; the order of words and words in between do not matter.

    A row without any wording is like every other: it says nothing that could differ.
    """
    one = folded(f"{entry.counterparty or ''} {entry.text}")
    other = folded(f"{counterparty or ''} {text}")
    if not one or not other or one == other:
        return 100.0
    return fuzz.token_set_ratio(one, other)


def bank_id(identity: str) -> str | None:
    """The bank's id in an identity, None where there is none."""
    return identity.removeprefix(OF_BANK).rsplit("#", 1)[0] if identity.startswith(OF_BANK) else None


def under_other_id(identity: str, other: str) -> bool:
    """Whether both identities hold a bank's id, and not the same."""
    one, another = bank_id(identity), bank_id(other)
    return one is not None and another is not None and one != another


def paired(rows: Sequence[tuple[int, str, Entry]], candidates: Sequence[LedgerRow]) -> list[tuple[int, LedgerRow]]:
    """Pair rows (number, content, entry) with candidates of the same date and amount, as many as there can be.

    The same content goes first, then the more alike wording, then the order.
    """
    found: list[tuple[int, LedgerRow]] = []
    by_content: dict[str, list[LedgerRow]] = defaultdict(list)
    for candidate in reversed(candidates):
        by_content[candidate.content].append(candidate)
    left: list[tuple[int, str, Entry]] = []
    for row in rows:
        if same := by_content.get(row[1]):
            found.append((row[0], same.pop()))
        else:
            left.append(row)
    taken = {candidate.id for _, candidate in found}
    free = [candidate for candidate in candidates if candidate.id not in taken]
    return found + _by_wording(left, free)


def _by_wording(rows: Sequence[tuple[int, str, Entry]], candidates: Sequence[LedgerRow]) -> list[tuple[int, LedgerRow]]:
    if len(rows) * len(candidates) <= 1 or len(rows) * len(candidates) > MOST_COMPARISONS:
        return [(row[0], candidate) for row, candidate in zip(rows, candidates, strict=False)]
    scores = sorted(
        (-likeness(entry, candidate.text, candidate.counterparty), place, other)
        for place, (_, _, entry) in enumerate(rows)
        for other, candidate in enumerate(candidates)
    )
    found: list[tuple[int, LedgerRow]] = []
    taken_rows: set[int] = set()
    taken_candidates: set[int] = set()
    for _, place, other in scores:
        if place not in taken_rows and other not in taken_candidates:
            taken_rows.add(place)
            taken_candidates.add(other)
            found.append((rows[place][0], candidates[other]))
    return found

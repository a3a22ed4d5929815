"""Reversals that have the direction of the original: against the standard, and seen in files of German banks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from data_processing.formats.camt.details import Payment
from data_processing.formats.camt.elements import Record
from data_processing.statement import Balance, Entry

_MOST_KEPT: Final = 1000
_OTHER_DIRECTION: Final = {"CRDT": "DBIT", "DBIT": "CRDT"}

Maker = Callable[[Record, Sequence[Payment], str, str | None], Entry]
"""Makes the entry of a record with its payments, its place and its id."""


class _Reversal(NamedTuple):
    number: int
    record: Record
    payments: Sequence[Payment]


class Reversals:
    """The reversals of a statement, until its balances tell in which direction they moved money."""

    def __init__(self) -> None:
        self.count = 0
        self._kept: list[_Reversal] = []

    def add(self, number: int, record: Record, payments: Sequence[Payment]) -> None:
        """One more reversal: the entry of this number in its statement, from 0."""
        self.count += 1
        if self.count <= _MOST_KEPT:
            self._kept.append(_Reversal(number, record, payments))

    def turned(self, entries: Sequence[Entry], balances: Sequence[Balance], make: Maker) -> dict[int, Entry]:
        """The reversals with the opposite sign, by their numbers, where only that explains the balances."""
        ends = [next((b.amount for b in balances if b.kind == kind), None) for kind in ("opening", "closing")]
        if ends[0] is None or ends[1] is None or len(self._kept) < self.count:
            return {}
        unexplained = ends[1] - ends[0] - sum((entry.amount for entry in entries if not entry.pending), Decimal(0))
        moved = sum((entries[kept.number].amount for kept in self._booked(entries)), Decimal(0))
        if not moved or unexplained != -2 * moved:
            return {}
        found = {}
        for number, record, payments in self._booked(entries):
            for texts in (record.texts, *(payment.record.texts for payment in payments)):
                if "CdtDbtInd" in texts:
                    texts["CdtDbtInd"] = _OTHER_DIRECTION.get(texts["CdtDbtInd"], "")
            found[number] = make(record, payments, entries[number].place, entries[number].bank_id)
        return found

    def _booked(self, entries: Sequence[Entry]) -> list[_Reversal]:
        return [kept for kept in self._kept if not entries[kept.number].pending]

"""Questions about all rows of a file at once, answered from the columns that are in memory of them.

Imported where it is needed: NumPy takes a fifth of a second, and only imports use it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from decimal import Decimal
from math import ceil, floor

import numpy as np
from api_common.columns import MICROS_PER_UNIT, from_micros, to_micros
from numpy.typing import NDArray

from transaction_service.identity.pending import Reach
from transaction_service.statements.spool import FileRows, Numbers, numbers

_Column = NDArray[np.integer]


class Columns:
    """The columns of a file's rows."""

    def __init__(self, rows: FileRows) -> None:
        self._rows = rows

    def count_equal(
        self, wanted: Numbers, chains: Numbers, section_of: Numbers, occurrences: Numbers
    ) -> Iterator[list[int]]:
        """Write down which of the equal rows of its chain of sections each row is, from 1; 0 for one with a bank's id.

        Gives the rows of each chain that share the bank's id and everything that stands in their identity.
        """
        chosen, has_id = np.asarray(wanted), np.asarray(self._rows.has_id)
        chain = np.asarray(chains)[np.asarray(section_of)[chosen]]
        ordered, starts = _grouped(chosen, chain, *_halves(self._rows.keys, chosen))
        lengths = np.diff(starts, append=np.uint32(len(ordered)))
        counts = np.arange(1, len(ordered) + 1, dtype=np.uint32) - np.repeat(starts, lengths)
        np.asarray(occurrences)[ordered] = np.where(has_id[ordered], 0, counts)
        several = (lengths > 1) & (has_id[ordered[starts]] > 0)
        for start, length in zip(starts[several], lengths[several], strict=True):
            yield ordered[start : start + length].tolist()

    def one_of_each(self, keys: bytearray, occurrences: Numbers, wanted: Numbers) -> Numbers:
        """One row for each identity: the first, or the first booked one where the first is pending; as they stand."""
        chosen = np.asarray(wanted)
        counts, pending = np.asarray(occurrences)[chosen], np.asarray(self._rows.pending)[chosen]
        ordered, starts = _grouped(chosen, *_halves(keys, chosen), counts, then=pending)
        return _numbers(np.sort(ordered[starts]))

    def by_identity(self, keys: bytearray, occurrences: Numbers, wanted: Numbers) -> Numbers:
        """The rows in the order of their keys and occurrences."""
        chosen = np.asarray(wanted)
        high, low = _halves(keys, chosen)
        return _numbers(chosen[np.lexsort((np.asarray(occurrences)[chosen], low, high))])

    def by_days(self, wanted: Numbers, *, most: int) -> Iterator[Numbers]:
        """The rows by their days, some whole days at a time: about so many rows, or all of one day."""
        chosen = np.asarray(wanted)
        days = np.asarray(self._rows.days)[chosen]
        ordered, starts = _grouped(chosen, days)
        first = 0
        for end in (*starts.tolist()[1:], len(ordered)):
            if end - first >= most or first < end == len(ordered):
                yield _numbers(ordered[first:end])
                first = end

    def on_days(self, wanted: Numbers, days: Collection[date]) -> tuple[Numbers, Numbers]:
        """The rows of these days, and the others."""
        chosen = np.asarray(wanted)
        found = np.isin(np.asarray(self._rows.days)[chosen], [day.toordinal() for day in days])
        return _numbers(chosen[found]), _numbers(chosen[~found])

    def booked_and_pending(self, wanted: Numbers) -> tuple[Numbers, Numbers]:
        """The rows that are booked, and those that are pending."""
        chosen = np.asarray(wanted)
        pending = np.asarray(self._rows.pending)[chosen] > 0
        return _numbers(chosen[~pending]), _numbers(chosen[pending])

    def near(self, wanted: Numbers, stated: Iterable[tuple[date, Decimal]], *, days: int = 0) -> Numbers:
        """The rows that have one of the amounts, on its day or so many days before or after it."""
        ordinals: dict[int, set[int]] = defaultdict(set)
        for day, amount in stated:
            ordinals[to_micros(amount)].update(range(day.toordinal() - days, day.toordinal() + days + 1))
        chosen = np.asarray(wanted)
        amounts = np.asarray(self._rows.amounts)[chosen]
        alike = _numbers(chosen[np.isin(amounts, np.fromiter(ordinals, dtype=np.int64, count=len(ordinals)))])
        return numbers(n for n in alike if self._rows.days[n] in ordinals[self._rows.amounts[n]])

    def within(self, wanted: Numbers, reaches: Iterable[Reach]) -> Numbers:
        """The rows that lie in one of the reaches."""
        chosen = np.asarray(wanted)
        days, amounts = np.asarray(self._rows.days)[chosen], np.asarray(self._rows.amounts)[chosen]
        found = np.zeros(len(chosen), dtype=bool)
        for reach in reaches:
            dated = (days >= reach.first.toordinal()) & (days <= reach.last.toordinal())
            lowest, highest = floor(reach.lowest * MICROS_PER_UNIT), ceil(reach.highest * MICROS_PER_UNIT)
            found |= dated & (amounts >= lowest) & (amounts <= highest)
        return _numbers(chosen[found])

    def extent(self, wanted: Numbers, *, most: int) -> tuple[date, date, set[Decimal]]:
        """The first and the last day of the rows, and their amounts, or some more than so many of them."""
        chosen = np.asarray(wanted)
        days = np.asarray(self._rows.days)[chosen]
        amounts = np.unique(np.asarray(self._rows.amounts)[chosen])[: most + 1]
        first, last = (date.fromordinal(int(day)) for day in (days.min(), days.max()))
        return first, last, {from_micros(amount) for amount in amounts.tolist()}

    @staticmethod
    def in_order(*several: Numbers) -> Numbers:
        """All of the numbers, in order."""
        return _numbers(np.sort(np.concatenate([np.asarray(some) for some in several])))

    @staticmethod
    def without(wanted: Numbers, others: Iterable[int]) -> Numbers:
        """The numbers that are not among the others."""
        left_out = np.fromiter(others, dtype=np.uint32)
        if not len(left_out):
            return wanted
        chosen = np.asarray(wanted)
        return _numbers(chosen[~np.isin(chosen, left_out)])


def _numbers(found: _Column) -> Numbers:
    result = numbers()
    result.frombytes(np.ascontiguousarray(found, dtype=np.uint32).tobytes())
    return result


def _halves(keys: bytearray, chosen: _Column) -> tuple[_Column, _Column]:
    """The keys as two numbers each, which are in the order of the bytes."""
    halves = np.frombuffer(keys, dtype=">u8").reshape(-1, 2)
    return halves[chosen, 0].astype(np.uint64), halves[chosen, 1].astype(np.uint64)


def _grouped(chosen: _Column, *columns: _Column, then: _Column | None = None) -> tuple[_Column, _Column]:
    """The rows sorted by the columns, and `then` by one more; and where runs of equal values in the columns start."""
    order = np.lexsort((*(() if then is None else (then,)), *reversed(columns)))
    differs = np.zeros(len(chosen), dtype=bool)
    differs[:1] = True
    for column in columns:
        ordered = column[order]
        differs[1:] |= ordered[1:] != ordered[:-1]
    return chosen[order], np.flatnonzero(differs).astype(np.uint32)

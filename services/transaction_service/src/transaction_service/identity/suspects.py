"""Which rows of the ledger a row of a file is compared with before it is taken for new."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence

from api_common.columns import to_micros

from transaction_service.identity.pairing import MOST_COMPARISONS, LedgerRow
from transaction_service.statements.spool import FileRows, Numbers

MOST_BESIDE = 20
"""With so many rows about its place a row is compared where all of its amount would be too many."""


class Suspects:
    """The rows of the ledger that some rows of a file may be, by amount and day.

    A row is compared with all that have its amount, on its day or so many `days` from it. Where these are very many,
    such as fees of one day, it is compared with those of the same content and those about its place in the order, and
    others are `passed_over`.
    """

    def __init__(self, rows: FileRows, near: Numbers, of_ledger: Iterable[LedgerRow], *, days: int) -> None:
        self.passed_over = False
        self._rows = rows
        self._shifts = sorted(range(-days, days + 1), key=abs)
        self._in_file = Counter(map(self._key, near))
        self._by_day: dict[tuple[int, int], list[LedgerRow]] = defaultdict(list)
        self._by_content: dict[str, list[LedgerRow]] = defaultdict(list)
        self._asked: Counter[Hashable] = Counter()
        for row in of_ledger:
            self._by_day[to_micros(row.amount), row.day.toordinal()].append(row)
            self._by_content[row.content].append(row)

    def of(self, number: int, content: str) -> Iterator[tuple[int, LedgerRow]]:
        """The rows to compare with, nearest first, and how many days they are apart; asked once for each row."""
        amount, day = key = self._key(number)
        place, occurrence = self._asked[key], self._asked[content]
        self._asked.update((key, content))
        for shift in self._shifts:
            rows: Sequence[LedgerRow] = self._by_day.get((amount, day + shift), ())
            if len(rows) * self._in_file[key] > MOST_COMPARISONS:
                self.passed_over = True
                same = () if shift else self._by_content.get(content, ())
                rows = [*_beside(same, occurrence), *_beside(rows, place)]
            for row in rows:
                yield abs(shift), row

    def _key(self, number: int) -> tuple[int, int]:
        return self._rows.amounts[number], self._rows.days[number]


def _beside(rows: Sequence[LedgerRow], place: int) -> Sequence[LedgerRow]:
    first = max(0, min(place - MOST_BESIDE // 2, len(rows) - MOST_BESIDE))
    return rows[first : first + MOST_BESIDE]

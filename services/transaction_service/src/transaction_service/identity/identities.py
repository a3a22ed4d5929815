"""The identities of a file's rows, of which no more is kept than it takes to make them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from data_processing import identities, identity

from transaction_service.statements.spool import KEY_BYTES, FileRows, Numbers, Row, bounded, key_of, numbers

if TYPE_CHECKING:
    from transaction_service.identity.columns import Columns

_OF_CONTENT = re.compile(r"row:([0-9a-f]{32})#([1-9][0-9]*)")


def columns_of(rows: FileRows) -> Columns:
    """The columns of rows. NumPy is imported here: it takes a fifth of a second, and only imports need it."""
    from transaction_service.identity.columns import Columns

    return Columns(rows)


class Identities:
    """The identity of each row, by its number; they are told account by account.

    In memory are a row's key and which of several equal rows it is. The text is made when it is asked for: of these
    two, or, for a row with an id of its bank, of the row itself.
    `section_of` is the place of the row's statement among those of its account.
    """

    def __init__(self, rows: FileRows) -> None:
        self.section_of = numbers([0]) * len(rows)
        self._rows = rows
        self._keys = rows.keys
        self._occurrences = numbers([0]) * len(rows)
        self._by_wording: dict[int, str] = {}

    def __getitem__(self, number: int) -> str:
        if self._rows.has_id[number]:
            return self.of_row(number, self._rows[number])
        content, occurrence = self._place(number)
        return f"row:{content.hex()}#{occurrence}"

    def of(self, wanted: Iterable[int]) -> list[str]:
        """The identities of these rows."""
        return [self[number] for number in wanted]

    def of_row(self, number: int, row: Row) -> str:
        """The identity of a row that has been read already."""
        found = self._by_wording.get(number)
        return bounded(found or identity(row.entry, row.content, self._occurrences[number]))

    def tell(self, wanted: Numbers, chains: Numbers) -> Numbers:
        """Tell the identities of an account's rows; gives one row for each of them.

        Equal rows are counted over the statements that have the same number in `chains`, by their places.
        """
        columns = columns_of(self._rows)
        for alike in columns.count_equal(wanted, chains, self.section_of, self._occurrences):
            for pending in (False, True):
                self._tell_apart([number for number in alike if self._rows.pending[number] == pending])
        return columns.one_of_each(self._keys, self._occurrences, wanted)

    def _tell_apart(self, alike: list[int]) -> None:
        """Tell rows with one bank's id apart by their wordings."""
        if len(alike) < 2:
            return
        rows = list(self._rows.of(alike))
        found = identities([row.entry for row in rows], [row.content for row in rows])
        for number, row, own in zip(alike, rows, found, strict=True):
            if own != identity(row.entry, row.content):
                if self._keys is self._rows.keys:
                    self._keys = self._keys.copy()
                self._by_wording[number] = own
                self._keys[number * KEY_BYTES : (number + 1) * KEY_BYTES] = key_of(bounded(own))

    def occurrence(self, number: int) -> int:
        """Which of several equal rows the row is, from 1; 0 where it has an id of its bank."""
        return self._occurrences[number]

    def count_anew(self, occurrences: Mapping[int, int]) -> None:
        """Let rows without an id be other ones of several equal rows."""
        for number, occurrence in occurrences.items():
            self._occurrences[number] = occurrence

    def sorted(self, wanted: Numbers) -> Numbers:
        """The rows in the order in which `find` looks for them."""
        return columns_of(self._rows).by_identity(self._keys, self._occurrences, wanted)

    def find(self, text: str, among: Numbers) -> int | None:
        """The row with this identity among `sorted` rows."""
        of_content = _OF_CONTENT.fullmatch(text)
        wanted = (bytes.fromhex(of_content[1]), int(of_content[2])) if of_content else (key_of(text), 0)
        place = bisect_left(among, wanted, key=self._place)
        return among[place] if place < len(among) and self._place(among[place]) == wanted else None

    def _place(self, number: int) -> tuple[bytes, int]:
        start = number * KEY_BYTES
        return bytes(self._keys[start : start + KEY_BYTES]), self._occurrences[number]

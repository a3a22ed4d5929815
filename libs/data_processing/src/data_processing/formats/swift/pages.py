"""The pages of a statement: messages of which each begins with the balance that the one before ended with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from data_processing.formats.row_checks import ids_that_tell_rows_apart
from data_processing.statement import Balance, Statement

_OPENS, _GOES_ON, _ENDS_PAGE = "opening", "60M", "62M"


class Pages:
    """Puts the pages of a statement together, so that its equal rows are counted as rows of one statement."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes
        self._pages: list[Statement] = []

    def add(self, statement: Statement) -> Iterator[Statement]:
        """One more message; gives the statements that are whole."""
        if self._pages and not _continues(self._pages[-1], statement):
            yield from self.rest()
        self._pages.append(statement)
        if _page_end(statement) is None:
            yield from self.rest()

    def rest(self) -> Iterator[Statement]:
        """The statement of the pages so far, if there are any."""
        pages, self._pages = self._pages, []
        if len(pages) > 1:
            entries, notes = ids_that_tell_rows_apart(
                [entry for page in pages for entry in page.entries], name="The bank's reference"
            )
            self._notes += notes
            yield replace(
                pages[0],
                entries=tuple(entries),
                refused=tuple(chain.from_iterable(page.refused for page in pages)),
                balances=tuple(_of_whole(pages)),
                period_end=pages[-1].period_end,
            )
        else:
            yield from pages


def _continues(page: Statement, following: Statement) -> bool:
    end = _page_end(page)
    start = next((found for found in following.balances if found.kind == _OPENS), None)
    return (
        end is not None
        and start is not None
        and start.code == _GOES_ON
        and (start.amount, start.currency) == (end.amount, end.currency)
        and following.account == page.account
    )


def _page_end(statement: Statement) -> Balance | None:
    return next((found for found in statement.balances if found.code == _ENDS_PAGE), None)


def _of_whole(pages: Sequence[Statement]) -> Iterator[Balance]:
    """The balances without those with which one page ends and the next begins."""
    for number, page in enumerate(pages):
        for found in page.balances:
            begins = found.kind == _OPENS and number > 0
            ends = found.code == _ENDS_PAGE and number < len(pages) - 1
            if not begins and not ends:
                yield found

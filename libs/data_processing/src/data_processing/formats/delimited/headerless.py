"""Tables without a header row: told by their first line, which is a row already."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

from data_processing.dates import looks_like_a_date
from data_processing.formats.delimited.column_facts import ColumnFacts, facts_of, looks_like_a_number
from data_processing.formats.delimited.header import Header

_LOOKED_AT: Final = 200
_FEWEST_CELLS: Final = 3
_MOST_COLUMNS: Final = 100


def absent_header(line: int, delimiter: str, rows: Sequence[Sequence[str]]) -> Header | None:
    """The header that stands for the missing one, if the rows are those of a statement; ``line`` is that of the first.

    The columns are named by their places and by what they hold, ``Column 1: day``, so that the mapping of one bank
    is not taken for the files of another.
    """
    rows = list(islice(rows, _LOOKED_AT))
    width = max(map(len, rows[:1]), default=0)
    if not _FEWEST_CELLS <= width <= _MOST_COLUMNS or not is_a_row(rows[0]):
        return None
    alike = [row for row in rows if len(row) == width and is_a_row(row)]
    if len(alike) * 2 <= len(rows):
        return None
    facts = facts_of(alike, width)
    while facts and not facts[-1].filled:
        facts.pop()
    cells = tuple(f"Column {number}{_kind(fact)}" for number, fact in enumerate(facts, 1))
    return Header(line - 1, delimiter, cells, tuple(cell.casefold() for cell in cells), absent=True)


def is_a_row(cells: Sequence[str]) -> bool:
    """Whether one cell is a day and another one a figure."""
    texts = [cell.strip() for cell in cells]
    return any(map(looks_like_a_date, texts)) and any(
        looks_like_a_number(text) and not looks_like_a_date(text) for text in texts
    )


def _kind(fact: ColumnFacts) -> str:
    if fact.is_date:
        return ": day"
    return ": figure" if fact.is_number and fact.decimals * 2 > fact.filled else ""

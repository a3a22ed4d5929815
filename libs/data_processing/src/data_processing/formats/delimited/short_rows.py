"""Rows that are not whole: all lack the last cells of the header, or one row of the bank is several of the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

_LOOKED_AT: Final = 200


def cells_lacking(rows: Iterable[list[str]], width: int) -> int:
    """How many cells all rows lack at their end; 0 as soon as one row is whole, as then a shorter one is broken."""
    widest = 0
    for cells in islice(rows, _LOOKED_AT):
        if len(cells) >= width:
            return 0
        widest = max(widest, len(cells))
    return width - widest if widest * 2 > width else 0


def padded(cells: list[str], width: int, lacking: int) -> list[str]:
    """The row with the cells that it lacks, if it lacks exactly those that all rows do."""
    return [*cells, *[""] * lacking] if lacking and len(cells) == width - lacking else cells


def joined(
    rows: Iterable[tuple[int, list[str]]], *, given: Sequence[int], text: Sequence[int]
) -> Iterator[tuple[int, list[str]]]:
    """The rows with the texts of those that continue them.

    Args:
        rows: the line and the cells of each row.
        given: the columns of dates and amounts, of which a row that continues another has none.
        text: the columns whose texts are put together.
    """
    last: tuple[int, list[str]] | None = None
    for line, cells in rows:
        more = ["" if at >= len(cells) else cells[at].strip() for at in text]
        named = any(cells[at].strip() for at in given if at < len(cells))
        if last is None or named or not any(more) or len(cells) > len(last[1]) or max(text) >= len(last[1]):
            if last is not None:
                yield last
            last = line, cells
            continue
        above = list(last[1])
        for position, continued in zip(text, more, strict=True):
            above[position] = f"{above[position].strip()} {continued}".strip()
        last = last[0], above
    if last is not None:
        yield last


def gathered(cells: list[str], width: int, text: int) -> list[str]:
    """The row with the cells behind the last column put to its text."""
    if len(cells) <= width:
        return cells
    whole = cells[:width]
    whole[text] = " ".join(part for cell in (whole[text], *cells[width:]) if (part := cell.strip()))
    return whole

"""Where the header of an unknown table stands, and by which delimiter its rows are cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from data_processing.dates import looks_like_a_date
from data_processing.formats.delimited.header import Header
from data_processing.formats.delimited.short_rows import cells_lacking
from data_processing.formats.delimited.vocabulary import header_scores

_LOOKED_AT = 40
_LONGEST_NAME = 180
"""A mapping holds names of up to 200 characters, with the number of a column that shares its name."""
_MOST_COLUMNS = 500


def likeliest_header(candidates: Iterable[tuple[Header, Sequence[Sequence[str]]]]) -> Header | None:
    """The row that is most like a header; None where no row is.

    Each candidate comes with rows below it, cut as the candidate is. A header names its columns in known words, holds
    no dates and numbers, and the rows below are as wide as it.
    """
    best: tuple[float, int, Header] | None = None
    for header, below in candidates:
        score = _likeness(header, below)
        # Of two equally good rows the upper one is the header.
        if score > 0 and (best is None or (score, -header.line) > (best[0], -best[1])):
            best = score, header.line, header
    return best[2] if best else None


def _likeness(header: Header, below: Sequence[Sequence[str]]) -> float:
    cells = header.cells
    if len(cells) > _MOST_COLUMNS or any(len(cell) > _LONGEST_NAME for cell in cells):
        return 0.0
    if any(looks_like_a_date(cell.strip()) or _numeric(cell) for cell in cells):
        return 0.0
    rows = [row for row in islice(below, _LOOKED_AT) if any(cell.strip() for cell in row)]
    if not rows:
        return 0.0
    width = len(cells) - cells_lacking([list(row) for row in rows], len(cells))
    wide = sum(len(row) >= width and not any(cell.strip() for cell in row[len(cells) :]) for row in rows)
    dated = sum(any(looks_like_a_date(cell.strip()) for cell in row) for row in rows)
    known = sum(max(header_scores(cell).values(), default=0.0) for cell in cells)
    named = sum(bool(cell.strip()) for cell in cells) / len(cells)
    return (wide / len(rows)) ** 2 * (0.2 + dated / len(rows)) * (0.5 + known) * named


def _numeric(cell: str) -> bool:
    text = cell.strip().lstrip("+-")
    return text[:1].isdigit() and text.replace(".", "").replace(",", "").replace(" ", "").isdigit()

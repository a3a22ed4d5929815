"""The header row of a table: where it stands, and whose dialect it is."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice

from data_processing.amounts import shortened
from data_processing.errors import UnknownCsvShape
from data_processing.formats.delimited.mapping import CsvMapping, header_key
from data_processing.formats.delimited.names import CURRENCY_IN_BRACKETS, column_name
from data_processing.formats.delimited.profile import Profile, profiles

DELIMITERS = (",", ";", "\t", "|")
_SEARCHED_LINES = 60
_MOST_COLUMNS = 500


@dataclass(frozen=True, slots=True)
class Header:
    """A header row: its line index from 0, its delimiter, its cells, and the names the cells are known by.

    A column without a name is called ``Column 3`` after its place. A file may have no header at all: then the line is
    that above the first row, -1 if there is none, and the names say where dates and amounts are.
    """

    line: int
    delimiter: str
    cells: tuple[str, ...]
    names: tuple[str, ...]
    absent: bool = False

    def position(self, column: str) -> int | None:
        """Where the column stands; None where the file does not have it."""
        try:
            return self.names.index(column_name(column))
        except ValueError:
            return None

    @property
    def key(self) -> str:
        """The hash by which a user's mapping knows the header."""
        return header_key(self.names)

    def currency(self, column: str) -> str | None:
        """The currency code in brackets in the column's name."""
        position = self.position(column)
        found = CURRENCY_IN_BRACKETS.search(self.cells[position]) if position is not None else None
        return found[1] if found else None


def find_header(found: Iterable[Header], mappings: Sequence[CsvMapping] = ()) -> tuple[Header, Profile]:
    """The header row among the candidates, and its dialect: the user's own mappings come before the known banks.

    Raises ``UnknownCsvShape`` with the row that looks most like a header when no dialect has it, and ``InvalidMapping``
    when the mapping of the header cannot be used.
    """
    rows = list(found)
    own = {mapping.header_key: mapping for mapping in mappings}
    for header in rows if own else ():
        if mapping := own.get(header.key):
            return header, mapping.profile()
    for header in rows:
        fitting = [profile for profile in profiles() if _fits(profile, header)]
        if fitting:
            return header, max(fitting, key=lambda profile: len(profile.header))
    absent = next((header for header in rows if header.absent), None)
    raise _unknown(absent or max(rows, key=lambda header: len(header.cells), default=None))


def looks_like_a_table(head: str) -> bool:
    """Whether the text has lines cut by one of the known delimiters."""
    lines = [line for line in islice(_lines(head), _SEARCHED_LINES) if line.strip()]
    for delimiter in DELIMITERS:
        counts = [count for line in lines if (count := line.count(delimiter))]
        if len(counts) >= 2 or (counts and max(counts) >= 2):
            return True
    return False


def _lines(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start:end]
        start = end + 1


def candidates(text: str) -> Iterator[Header]:
    """Every row near the start of a text that may be a header, by each delimiter that it holds."""
    for number, line in enumerate(islice(_lines(text), _SEARCHED_LINES)):
        if len(line) > 10_000:
            continue
        for delimiter in DELIMITERS:
            if delimiter in line:
                cells = next(csv.reader([line], delimiter=delimiter), [])
                if header := header_of(cells, line=number, delimiter=delimiter):
                    yield header


def header_of(cells: list[str], *, line: int, delimiter: str) -> Header | None:
    """The row as a header; None where it has one cell or hundreds. Empty cells at its end do not count."""
    while cells and not cells[-1].strip():
        cells.pop()
    return Header(line, delimiter, tuple(cells), _unique(cells)) if 1 < len(cells) <= _MOST_COLUMNS else None


def _unique(cells: Sequence[str]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    names: list[str] = []
    for number, cell in enumerate(cells, 1):
        name = column_name(cell) or f"column {number}"
        seen[name] += 1
        names.append(f"{name} #{seen[name]}" if seen[name] > 1 else name)
    return tuple(names)


@cache
def _name_sets(profile: Profile) -> tuple[frozenset[str], frozenset[str]]:
    required = frozenset(map(column_name, profile.header))
    return required, required | frozenset(map(column_name, profile.optional))


def _fits(profile: Profile, header: Header) -> bool:
    required, known = _name_sets(profile)
    names = frozenset(header.names)
    return required <= names and (profile.any_columns or names <= known)


def _unknown(header: Header | None) -> UnknownCsvShape:
    titles = tuple(profile.title for profile in profiles())
    if header is not None and header.absent:
        return UnknownCsvShape(
            "The file has no header row: its first line is a row already, and only its owner can tell what the columns "
            "mean. Confirm or correct the mapping that is proposed for them, or export as OFX (Money, Quicken, QFX).",
            header=header.cells,
            dialects=titles,
        )
    if header is None:
        return UnknownCsvShape(
            "The file has no header row that could be recognised. Add a first row that names the columns (such as "
            "Date, Description, Amount, Currency), or export as OFX (Money, Quicken, QFX).",
            header=(),
            dialects=titles,
        )
    shown = shortened(" | ".join(cell.strip() for cell in header.cells), 400)
    near = _nearest(header)
    return UnknownCsvShape(
        f"No known bank writes a CSV with this header (line {header.line + 1}): {shown}. {near}"
        "Confirm or correct the mapping that is proposed for it where there is one, or export as OFX (Money, "
        "Quicken, QFX).",
        header=header.cells,
        dialects=titles,
    )


def _nearest(header: Header) -> str:
    names = frozenset(header.names)
    best = max(
        profiles(), key=lambda profile: len(names & _name_sets(profile)[1]) - len(_name_sets(profile)[0] - names)
    )
    required, known = _name_sets(best)
    if len(names & required) * 2 < len(required):
        return ""
    lacking, foreign = sorted(required - names), sorted(names - known)
    parts = [f"lacks {', '.join(lacking)}"] if lacking else []
    parts += [f"has in addition {', '.join(foreign)}"] if foreign else []
    return f"It is nearest to {best.title}, but {' and '.join(parts)}. "

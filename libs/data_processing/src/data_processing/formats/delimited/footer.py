"""Lines of a table that are no rows: what stands above the header, below the last row, or between header and first row.

Such a line is told and not refused. But a broken row must never pass for one: a line with a date or a figure is no row
only where its first words say that it states a balance or describes the file, or where they say that it is a total and
its figures are those of the rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from data_processing.amounts import shortened
from data_processing.dates import DateReader, looks_like_a_date
from data_processing.formats.delimited.column_facts import CURRENCY_CODES, looks_like_a_number
from data_processing.formats.delimited.header import Header
from data_processing.formats.delimited.profile import BalanceLine
from data_processing.formats.delimited.vocabulary import cell_words, words
from data_processing.formats.row_checks import MAX_FIELD
from data_processing.statement import Balance, Entry

_FILLERS: Final = cell_words("line_fillers")
"""Words that may stand behind those that say what a line is, as in *Kontostand vom 30.04.2026*."""
_PARTS = re.compile(r"[,;|\t]")
_AMOUNT_AT_END = re.compile(r"(?:^|\s)[+-]?[0-9][0-9.,']*[.,][0-9]{2}-?\s*(?:[€$£]|[A-Z]{3})?$").search
_CODE_BESIDE = re.compile(r"^[A-Z]{3}(?=[\s0-9+-])|(?<=[\s0-9.,-])[A-Z]{3}$")
_SIGNS: Final = str.maketrans("", "", "€$£¥₹ \u00a0\u202f")
_LONGEST_FIGURE: Final = 24
_LONGEST_LABEL: Final = 60
_MOST_LETTERS: Final = 3
_MOST_SHOWN: Final = 20
_LONGEST_SHOWN: Final = 300

Cells = Sequence[str]


class LineKind(StrEnum):
    """Why a line is no row."""

    TEXT = "text"
    BALANCE = "balance"
    TOTAL = "total"
    ABOUT = "about"


@dataclass(frozen=True, slots=True)
class Aside:
    """A line that is no row: where it stands, and its cells."""

    place: str
    cells: tuple[str, ...]

    def text(self, delimiter: str) -> str:
        """The line as the file has it, without the empty cells at its end."""
        return delimiter.join(cell.strip() for cell in self.cells).rstrip(f"{delimiter} ")


@dataclass(frozen=True, slots=True)
class LineForm:
    """What must be known of a table to tell its rows from other lines.

    ``booking`` are the columns of dates, ``amounts`` those of money, ``balances`` those in which a line beside the rows
    states a balance; ``number`` reads a number as the dialect writes it.
    """

    width: int
    booking: tuple[int, ...]
    amounts: tuple[int, ...]
    balances: tuple[int, ...]
    number: Callable[[str], Decimal]

    def kind_of(self, cells: Cells) -> LineKind | None:
        """Why the line is no row; None where it may be a broken one. A total must still be proved."""
        if max(map(len, cells), default=0) > MAX_FIELD:
            return None
        full = len(cells) >= self.width
        dated = full and any(looks_like_a_date(cells[position].strip()) for position in self.booking)
        moved = full and any(_has_digit(cells[position]) for position in self.amounts)
        if dated and moved:
            return None
        if full and not dated and not moved and any(_has_digit(cells[position]) for position in self.balances):
            return LineKind.BALANCE
        filled = [text for cell in cells if (text := cell.strip())]
        named = [text for text in filled if not looks_like_a_date(text)]
        if full and not dated and not moved and named and all(map(_figure_like, named)):
            return LineKind.TOTAL
        kind = _label(named[0]) if named else None
        if kind in (LineKind.BALANCE, LineKind.TOTAL):
            return kind if all(map(_goes_with_a_figure, named[1:])) else None
        if dated:
            return None
        if kind is LineKind.ABOUT:
            return None if moved or any(map(_ends_with_an_amount, named[1:])) else kind
        return LineKind.TEXT if filled and not moved and all(map(_plain_text, filled)) else None

    def figures(self, cells: Cells) -> list[Decimal]:
        """The figures of a line, without their signs; raises ``ValueError`` for one that cannot be read."""
        texts = [cell.partition(":")[2] if _label(cell) else cell for cell in cells]
        return [
            abs(self.number(_CODE_BESIDE.sub("", text.strip()).translate(_SIGNS).strip("()+")))
            for text in texts
            if _has_digit(text) and not looks_like_a_date(text.strip())
        ]


def figures_of_the_rows(entries: Iterable[Entry]) -> frozenset[Decimal]:
    """Every figure that a total below these rows may state, without its sign: sums, counts, first and last balance."""
    received, paid = [Decimal(0), Decimal(0)], [Decimal(0), Decimal(0)]
    count = booked = 0
    balances: list[Decimal] = []
    for entry in entries:
        sums = received if entry.amount > 0 else paid
        sums[0] += entry.amount
        count += 1
        if not entry.pending:
            sums[1] += entry.amount
            booked += 1
        if entry.balance is not None:
            balances[2:] = [entry.balance - entry.amount, entry.balance]
            balances[:2] = balances[:2] or balances[2:]
    both = [incoming + outgoing for incoming, outgoing in zip(received, paid, strict=True)]
    return frozenset(map(abs, (*received, *paid, *both, *balances, Decimal(count), Decimal(booked))))


def stated_balances(
    asides: Sequence[Aside],
    patterns: Sequence[BalanceLine],
    header: Header,
    number: Callable[[str], Decimal],
    dates: DateReader,
    currency: str | None,
) -> tuple[Balance, ...]:
    """The balances that lines beside the rows state, each by the first line that its pattern fits."""
    found: list[Balance] = []
    for pattern in patterns:
        written = next((written for aside in asides if (written := _written(aside, pattern, header))), None)
        if written is None:
            continue
        amount, day = written
        try:
            exact = number(_CODE_BESIDE.sub("", amount.strip()).translate(_SIGNS))
            found.append(Balance(pattern.kind, exact, currency, dates.read(day) if day else None))
        except ValueError:
            continue  # the line itself is told, so nothing is lost
    return tuple(found)


def _written(aside: Aside, pattern: BalanceLine, header: Header) -> tuple[str, str | None] | None:
    """The amount and the date of a balance, as the line has them."""
    if pattern.column:
        position = header.position(pattern.column)
        found = position is not None and position < len(aside.cells) and aside.cells[position].strip()
        return (found, None) if found else None
    match = re.search(pattern.line, aside.text(header.delimiter))
    return (match["amount"], match.groupdict().get("date")) if match else None


def told(asides: Sequence[Aside], where: str, delimiter: str) -> list[str]:
    """The note that tells lines which are no rows, with the place and the text of each."""
    if not asides:
        return []
    shown = ", ".join(
        f'{aside.place} "{shortened(aside.text(delimiter), _LONGEST_SHOWN)}"' for aside in asides[:_MOST_SHOWN]
    )
    more = f" and {len(asides) - _MOST_SHOWN} more" if len(asides) > _MOST_SHOWN else ""
    count = "1 line is" if len(asides) == 1 else f"{len(asides)} lines are"
    return [f"{count} {where} and no row{'' if len(asides) == 1 else 's'}: {shown}{more}."]


def balances_told(rows: Iterable[Cells]) -> list[str]:
    """The cells of rows that say a balance, each once, in the order of the rows."""
    short = (cell for cells in rows for cell in cells if len(cell) <= _LONGEST_LABEL)
    return [cell for cell in dict.fromkeys(short) if _label(cell) is LineKind.BALANCE]


def _label(text: str) -> LineKind | None:
    """What the first words of a line say it is."""
    found = words(text.partition(":")[0]).split()
    for count in range(len(found), 0, -1):
        phrase, rest = " ".join(found[:count]), found[count:]
        for kind, known in (
            (LineKind.BALANCE, cell_words("balance_lines")),
            (LineKind.TOTAL, cell_words("total_lines")),
            (LineKind.ABOUT, cell_words("about_lines")),
        ):
            if phrase in known:
                return kind if all(map(_filler, rest)) else None
    return None


def _filler(word: str) -> bool:
    return not word or word in _FILLERS or _has_digit(word) or word in CURRENCY_CODES


def _has_digit(text: str) -> bool:
    return any(letter.isdigit() for letter in text)


def _figure_like(text: str) -> bool:
    """Whether the cell may have been meant as a number or a date."""
    letters = sum(letter.isalpha() for letter in text)
    return looks_like_a_number(text) or (_has_digit(text) and letters <= _MOST_LETTERS and len(text) <= _LONGEST_FIGURE)


def _goes_with_a_figure(text: str) -> bool:
    """Whether the cell may stand behind the words for a balance or a total: a figure, a currency, such words."""
    return _figure_like(text) or text.casefold() in CURRENCY_CODES or _filler(words(text)) or _label(text) is not None


def _ends_with_an_amount(text: str) -> bool:
    return bool(_AMOUNT_AT_END(text))


def _plain_text(text: str) -> bool:
    """Whether the cell is words alone: no figure, no date, and no row that was not cut into cells."""
    if _figure_like(text) or looks_like_a_date(text) or _ends_with_an_amount(text):
        return False
    parts = [part.strip() for part in _PARTS.split(text)]
    return not any(looks_like_a_date(part) or _ends_with_an_amount(part) for part in parts)

"""What the cells of a column look like, whatever the column is called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from data_processing.amounts import accounting_reader, amount_reader
from data_processing.dates import looks_like_a_date
from data_processing.formats.delimited.mapping import CURRENCY_SIGNS
from data_processing.formats.delimited.vocabulary import cell_words
from data_processing.formats.row_checks import currency_code

CURRENCY_CODES: Final = cell_words("currency_codes")
"""The currency codes that are looked for beside amounts."""
_CODES: Final = "|".join(sorted(CURRENCY_CODES)).upper()
_NUMBER = re.compile(
    rf"(?:(?P<before>{_CODES})\s?)?(?P<sign>[(+-]?)\s*[{CURRENCY_SIGNS}]?\s*(?P<inner>[+-]?)\s*"
    rf"(?P<number>[0-9][0-9 .,']*|[.,][0-9]+)\s*[{CURRENCY_SIGNS}]?\s*(?P<last>[)-]?)(?:\s?(?P<after>{_CODES}))?"
).fullmatch
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{2,4}){3,8}").fullmatch
_SPACES: Final = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2212": "-", "\u2019": "'"})
_MOST_DISTINCT: Final = 200
_LONGEST: Final = 200


class ColumnFacts:
    """Counts over the cells of one column."""

    def __init__(self) -> None:
        self.cells = self.filled = self.dates = self.numbers = self.codes = self.ibans = 0
        self.negative = self.nonzero = self.letters = self.decimals = 0
        self.length = 0
        self.distinct: Counter[str] = Counter()
        self._several = False

    def add(self, cell: str) -> None:
        """One more cell."""
        self.cells += 1
        text = cell.strip()
        if not text:
            return
        self.filled += 1
        self.length += min(len(text), _LONGEST)
        if len(self.distinct) < _MOST_DISTINCT or text in self.distinct:
            self.distinct[text[:_LONGEST]] += 1
        else:
            self._several = True
        if looks_like_a_date(text):
            self.dates += 1
        elif number := _NUMBER(text.translate(_SPACES)):
            self.numbers += 1
            self.negative += "-" in (number["sign"], number["inner"], number["last"]) or number["sign"] == "("
            self.nonzero += any(digit in "123456789" for digit in number["number"])
            self.decimals += bool(re.search(r"[.,][0-9]{1,2}\s*$", number["number"]))
        else:
            self.codes += currency_code(text) is not None and text.isupper()
            self.ibans += _IBAN(text) is not None
            self.letters += any(letter.isalpha() for letter in text)

    def share(self, count: int) -> float:
        """The count as a share of the cells that are not empty."""
        return count / self.filled if self.filled else 0.0

    @property
    def fullness(self) -> float:
        """The share of cells that are not empty."""
        return self.filled / self.cells if self.cells else 0.0

    @property
    def is_date(self) -> bool:
        """Whether the cells are dates."""
        return self.share(self.dates) > 0.9

    @property
    def mostly_date(self) -> bool:
        """Whether most cells are dates: others may stand in a footer, or say that a row is pending."""
        return self.share(self.dates) > 0.6

    @property
    def mostly_number(self) -> bool:
        """Whether most cells are numbers: others may stand in a footer."""
        return self.share(self.numbers) > 0.6

    @property
    def is_number(self) -> bool:
        """Whether the cells are numbers."""
        return self.share(self.numbers) > 0.9

    @property
    def few_words(self) -> bool:
        """Whether the cells repeat a few words, as a status or a direction does."""
        return bool(self.filled) and not self._several and len(self.distinct) <= 12

    @property
    def every_one_differs(self) -> bool:
        """Whether no two cells are equal, as far as was counted."""
        return self.filled > 1 and all(count == 1 for count in self.distinct.values())

    @property
    def mean_length(self) -> float:
        """The mean length of the cells that are not empty."""
        return self.share(self.length)


def looks_like_a_number(text: str) -> bool:
    """Whether the text is written like an amount, in any of the usual ways."""
    return bool(_NUMBER(text.translate(_SPACES)))


def facts_of(rows: Iterable[Sequence[str]], width: int) -> list[ColumnFacts]:
    """The facts of each column, by position; rows of another width do not count."""
    facts = [ColumnFacts() for _ in range(width)]
    for cells in rows:
        if len(cells) >= width:
            for column, cell in zip(facts, cells, strict=False):
                column.add(cell)
    return facts


@dataclass(slots=True)
class NumberForms:
    """How the numbers of a file are written, told from all of them.

    ``points`` and ``commas`` hold the first number that proves the mark to be the decimal one; ``unsettled`` one that
    can be read in two ways.
    """

    points: str = ""
    commas: str = ""
    unsettled: str = ""
    thousands: str = ""
    signs: str = ""
    codes: tuple[str, ...] = ()

    @property
    def decimal(self) -> str:
        """The decimal mark; empty where the numbers do not tell it or contradict each other."""
        return "" if bool(self.points) == bool(self.commas) else "." if self.points else ","

    def add(self, written: str) -> None:
        """One more number."""
        text = written.translate(_SPACES)
        match = _NUMBER(text.strip())
        if match is None:
            return
        for code in (match["before"], match["after"]):
            if code is not None and code not in self.codes:
                self.codes += (code,)
        for sign in set(text) & set(CURRENCY_SIGNS):
            if sign not in self.signs:
                self.signs += sign
        number = match["number"].strip()
        for mark in " '":
            if mark in number:
                self._group(mark)
        last = max(number.rfind("."), number.rfind(","))
        if last < 0:
            return
        mark, other = number[last], "," if number[last] == "." else "."
        if other in number:
            self._decimal(mark, written)
            self._group(other)
        elif number.count(mark) > 1:
            self._decimal(other, written)
            self._group(mark)
        elif len(number) - last - 1 != 3 or number.startswith(("0", ".", ",")) or last > 3:
            self._decimal(mark, written)
        else:
            self.unsettled = self.unsettled or written.strip()

    def _decimal(self, mark: str, written: str) -> None:
        if mark == ".":
            self.points = self.points or written.strip()
        else:
            self.commas = self.commas or written.strip()

    def _group(self, mark: str) -> None:
        if mark not in self.thousands:
            self.thousands += mark


def balance_agreement(
    rows: Sequence[tuple[str, str]], *, decimal: str, thousands: str, signs: str, code: str
) -> tuple[float, float]:
    """How many of the steps between balances are the row's amount, and how many its opposite, as shares of all steps.

    ``rows`` are pairs of amount and balance, as written, oldest or newest first.
    """
    plain = amount_reader(decimal=decimal or ".", thousands=thousands.replace(decimal or ".", ""), currency_signs=signs)
    number = accounting_reader(plain, code=code)
    pairs: list[tuple[Decimal, Decimal]] = []
    for amount, balance in rows:
        try:
            pairs.append((number(amount.strip() or "0"), number(balance)))
        except ValueError:
            continue
    steps = len(pairs) - 1
    if steps < 2:
        return 0.0, 0.0
    best = (0.0, 0.0)
    for shift in (1, 0):
        changes = [(pairs[i + 1][1] - pairs[i][1], pairs[i + shift][0]) for i in range(steps)]
        if not shift:
            changes = [(-change, amount) for change, amount in changes]
        moved = [(change, amount) for change, amount in changes if amount]
        if len(moved) < 2:
            continue
        straight = sum(change == amount for change, amount in moved) / len(moved)
        turned = sum(change == -amount for change, amount in moved) / len(moved)
        best = max(best, (straight, turned), key=max)
    return best

"""Dates as QIF files write them: years of one to four digits, first or last, which only the whole file shows."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from data_processing.errors import UnclearDates

_DATE = re.compile(r"([0-9]{1,2})\s*[-/.]\s*([0-9]{1,2})\s*([-/.'])\s*([0-9]{1,4})")
_TWO_DIGITS = re.compile(r"([0-9]{2})\s*[-/.]\s*([0-9]{1,2})\s*[-/.]\s*([0-9]{1,2})")
_NUMBERS = re.compile(r"[0-9]+")
_ENOUGH_DATES: Final = 3
_FIRST_YEAR: Final = 1970


class WrittenDates:
    """The dates of a file as they are written, and how they are to be read, which only all of them show."""

    def __init__(self, *, today: date) -> None:
        self._today = today
        self._written: dict[str, None] = {}

    def add(self, text: str) -> None:
        """One more date text."""
        self._written.setdefault(text)

    def plain(self) -> dict[str, str]:
        """Each text with four digits for the year, as ``DateReader`` reads it.

        Raises ``UnclearDates`` where the years may well stand first, in two digits, and nothing proves it.
        """
        by_year = {text: _year_first(text, today=self._today) for text in self._written}
        if by_year and None not in by_year.values():
            if any(_must_have_the_year_first(text) for text in self._written):
                return {text: str(day) for text, day in by_year.items()}
            self._refuse_doubtful_years([day for day in by_year.values() if day is not None])
        return {text: plain_date(text, today=self._today) for text in self._written}

    def _refuse_doubtful_years(self, by_year: list[date]) -> None:
        """Files have their rows in order: where only years at the front give one, the other reading is in doubt."""
        if len(by_year) < _ENOUGH_DATES or not _in_order([(day.year, day.month, day.day) for day in by_year]):
            return
        numbers = [[int(number) for number in _NUMBERS.findall(text)] for text in self._written]
        month_first = [(year, month, day) for month, day, year in numbers]
        day_first = [(year, month, day) for day, month, year in numbers]
        if not _in_order(month_first) and not _in_order(day_first):
            raise UnclearDates(
                f'The years of dates such as "{next(iter(self._written))}" may stand first or last, and the rows are '
                "in order only if they stand first. Export the file again with four digits for the year."
            )


def plain_date(text: str, *, today: date) -> str:
    """The date with four digits for the year, as ``settle`` reads it.

    ``2/14'2020``, ``2/14'20`` and ``2/14' 4`` mean years from 2000 on. A year of three digits counts from 1900. Two
    digits without an apostrophe are a year of this century unless that lies ahead.
    """
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return text
    return f"{match[1]}/{match[2]}/{_year(match[4], apostrophe=match[3] == chr(39), today=today):04}"


def _year_first(text: str, *, today: date) -> date | None:
    """The day where the first two digits are its year; None where that cannot be."""
    match = _TWO_DIGITS.fullmatch(text.strip())
    if match is None:
        return None
    year = _year(match[1], apostrophe=False, today=today)
    try:
        return date(year, int(match[2]), int(match[3])) if year >= _FIRST_YEAR else None
    except ValueError:
        return None


def _must_have_the_year_first(text: str) -> bool:
    """Whether the first number can be no day, or the last, having one digit, no year."""
    numbers = _NUMBERS.findall(text)
    return int(numbers[0]) > 31 or len(numbers[2]) == 1


def _in_order(days: list[tuple[int, int, int]]) -> bool:
    ascending = sorted(days)
    return days in (ascending, ascending[::-1])


def _year(digits: str, *, apostrophe: bool, today: date) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    if len(digits) == 3:
        return 1900 + year
    if apostrophe or 2000 + year <= today.year + 1:
        return 2000 + year
    return 1900 + year

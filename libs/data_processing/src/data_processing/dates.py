"""Dates as tables write them: year first, day first or month first, settled for a whole file at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Final, Literal

from data_processing.errors import UnclearDates

DateOrder = Literal["day", "month", "either"]
"""Which number comes first in ``03/04/2026``; ``either`` where a dialect is written both ways."""

_TIME = r"(?:,?[T ]+[0-9]{1,2}:[0-9]{2}.*)?"
_YEAR_FIRST = re.compile(rf"([0-9]{{4}})([-/.])([0-9]{{1,2}})\2([0-9]{{1,2}})\.?{_TIME}")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_YEAR_LAST = re.compile(rf"([0-9]{{1,2}})([-/.])([0-9]{{1,2}})\2([0-9]{{4}}|[0-9]{{2}})(?: as of [0-9/]+)?{_TIME}")
_NAMED_MONTH = re.compile(r"([0-9]{1,2})[ -]([A-Za-z]{3,9})[ -]([0-9]{4}|[0-9]{2})")
_MONTH_NAMED_FIRST = re.compile(rf"([A-Za-z]{{3,9}}) ([0-9]{{1,2}}), ([0-9]{{4}}){_TIME}")
_MOST_KNOWN: Final = 20_000
_LONGEST_KNOWN: Final = 100
_SHORTEST: Final = 6
_SOME_DAY: Final = date(2100, 1, 1)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


class DateReader:
    """Reads the dates of one file, all in one order."""

    def __init__(self, *, day_first: bool, today: date) -> None:
        self._day_first = day_first
        self._today = today
        self._known: dict[str, date] = {}

    def read(self, text: str) -> date:
        """The day; raises ``ValueError`` with a reason that quotes the text."""
        known = self._known.get(text)
        if known is not None:
            return known
        day = self._parse(text.strip())
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        if len(text) <= _LONGEST_KNOWN:
            self._known[text] = day
        return day

    def _parse(self, text: str) -> date:
        if not text:
            raise ValueError("the row has no date")
        if match := _YEAR_FIRST.fullmatch(text):
            year, month, day = int(match[1]), int(match[3]), int(match[4])
        elif match := _COMPACT.fullmatch(text):
            year, month, day = int(match[1]), int(match[2]), int(match[3])
        elif match := _YEAR_LAST.fullmatch(text):
            first, second, year = int(match[1]), int(match[3]), self._year(match[4])
            day, month = (first, second) if self._day_first else (second, first)
        elif (match := _NAMED_MONTH.fullmatch(text)) and (named := _month(match[2])):
            year, month, day = self._year(match[3]), named, int(match[1])
        elif (match := _MONTH_NAMED_FIRST.fullmatch(text)) and (named := _month(match[1])):
            year, month, day = int(match[3]), named, int(match[2])
        else:
            raise ValueError(f'date "{text[:40]}" is not written as a date')
        try:
            return date(year, month, day)
        except ValueError:
            raise ValueError(f'date "{text[:40]}" is no day of the calendar') from None

    def _year(self, digits: str) -> int:
        if len(digits) == 4:
            return int(digits)
        year = self._today.year - self._today.year % 100 + int(digits)
        return year - 100 if year > self._today.year + 1 else year


def _month(name: str) -> int | None:
    """The month of an English name or its first three letters."""
    short = name.lower()
    found = [number for number, month in enumerate(_MONTHS, start=1) if short in (month, month[:3])]
    return found[0] if found else None


class DateSurvey:
    """Which order the dates of a file have, told while they pass by."""

    def __init__(self) -> None:
        self.day_first = self.month_first = self.unsettled = ""
        self._seen: set[str] = set()

    def add(self, text: str) -> None:
        """One more date text."""
        if text in self._seen:
            return
        if len(self._seen) >= _MOST_KNOWN:
            self._seen.clear()
        if len(text) <= _LONGEST_KNOWN:
            self._seen.add(text)
        order = order_of(text)
        if order == "day":
            self.day_first = self.day_first or text
        elif order == "month":
            self.month_first = self.month_first or text
        elif order == "either":
            self.unsettled = self.unsettled or text

    def reader(self, order: DateOrder, *, today: date) -> DateReader:
        """The reader for the file's dates, once all of them agree with the order of its dialect.

        Args:
            order: what the dialect says.
            today: settles the century of two-digit years: at most one year ahead.

        Raises:
            UnclearDates: a date contradicts the dialect's order, or two dates contradict each other, or no date settles
                an order that the dialect leaves open.
        """
        if self.day_first and self.month_first:
            raise UnclearDates(
                f'The file\'s dates contradict each other: "{self.day_first}" has the day first, "{self.month_first}" '
                "the month. A spreadsheet may have rewritten them; export the statement again and upload it unopened."
            )
        wrong = self.month_first if order == "day" else self.day_first if order == "month" else ""
        if wrong:
            raise UnclearDates(
                f'The date "{wrong}" does not have the {order} first, as this dialect writes dates. '
                "A spreadsheet may have rewritten the file; export it again and upload it unopened."
            )
        if order == "either" and self.unsettled and not self.day_first and not self.month_first:
            raise UnclearDates(
                f'The date "{self.unsettled}" can be read with the day or the month first, and no other date of the '
                "file settles it. Export a longer period, choose dates of the form 2026-12-31, or, for a table, "
                "confirm a mapping that says which comes first (date_order)."
            )
        return DateReader(day_first=order == "day" or (order == "either" and bool(self.day_first)), today=today)


def settle(order: DateOrder, dates: Iterable[str], *, today: date) -> DateReader:
    """The reader for all these dates; see ``DateSurvey``."""
    survey = DateSurvey()
    for text in dates:
        survey.add(text)
    return survey.reader(order, today=today)


def order_of(text: str) -> DateOrder | None:
    """Which number of the date must be the day; None where its form or its numbers leave no question."""
    match = _YEAR_LAST.fullmatch(text.strip())
    if match is None:
        return None
    first, second = int(match[1]), int(match[3])
    if first > 12 >= second:
        return "day"
    if second > 12 >= first:
        return "month"
    return "either" if first != second and first <= 12 else None


def looks_like_a_date(text: str) -> bool:
    """Whether the text is written like a day, in either order."""
    if not (text[:1].isdigit() or text[-4:].isdigit()) or not _SHORTEST <= len(text) <= _LONGEST_KNOWN:
        return False
    for day_first in (True, False):
        try:
            DateReader(day_first=day_first, today=_SOME_DAY).read(text)
        except ValueError:
            continue
        return not _COMPACT.fullmatch(text) or text.startswith(("19", "20"))
    return False

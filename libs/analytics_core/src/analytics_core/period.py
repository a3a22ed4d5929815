"""Periods of booking dates."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Period:
    """The booking dates from `start` to `end`, both included.

    Parameters
    ----------
    start, end
        First and last date of the period; None leaves that side open.

    Raises
    ------
    TypeError
        When a bound is not a plain date (a `datetime` is refused: a ledger has dates, not moments).
    ValueError
        When `start` lies after `end`.

    Examples
    --------
    >>> import datetime as dt
    >>> Period.month(2024, 2)
    Period(start=datetime.date(2024, 2, 1), end=datetime.date(2024, 2, 29))
    >>> dt.date(2024, 2, 29) in Period.month(2024, 2)
    True
    >>> dt.date(1999, 1, 1) in Period()
    True
    """

    start: dt.date | None = None
    end: dt.date | None = None

    def __post_init__(self) -> None:
        for name, bound in (("start", self.start), ("end", self.end)):
            if bound is not None and (not isinstance(bound, dt.date) or isinstance(bound, dt.datetime)):
                msg = f"Period {name} must be a datetime.date or None, not {bound!r}"
                raise TypeError(msg)
        if self.start is not None and self.end is not None and self.start > self.end:
            msg = f"Period starts on {self.start} after its end on {self.end}; swap the two dates"
            raise ValueError(msg)

    @classmethod
    def month(cls, year: int, month: int) -> Period:
        """Give the calendar month, from its first to its last day."""
        return cls(dt.date(year, month, 1), dt.date(year, month, calendar.monthrange(year, month)[1]))

    @classmethod
    def year(cls, year: int) -> Period:
        """Give the calendar year, from 1 January to 31 December."""
        return cls(dt.date(year, 1, 1), dt.date(year, 12, 31))

    def __contains__(self, day: dt.date) -> bool:
        return (self.start is None or day >= self.start) and (self.end is None or day <= self.end)


def months_between(first: dt.date, last: dt.date) -> list[dt.date]:
    """List the first days of all months from the month of `first` to that of `last`, both included.

    >>> import datetime as dt
    >>> [str(month) for month in months_between(dt.date(2023, 11, 30), dt.date(2024, 1, 1))]
    ['2023-11-01', '2023-12-01', '2024-01-01']
    """
    span = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [dt.date(number // 12, number % 12 + 1, 1) for number in span]

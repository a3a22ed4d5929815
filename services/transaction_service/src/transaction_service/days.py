"""The days that the ledger keeps: far enough in both directions, and never at the end of the calendar."""

from __future__ import annotations

from datetime import date

FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2199, 12, 31)


def keepable_day(day: date) -> bool:
    """Whether a row, a balance or a statement may have this day."""
    return FIRST_DAY <= day <= LAST_DAY

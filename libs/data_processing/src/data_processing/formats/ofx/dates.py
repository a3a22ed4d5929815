"""Dates as OFX files write them."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_OFX_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9})?(?![0-9]).*", re.DOTALL)
_ISO_DATE = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})(?![0-9]).*", re.DOTALL)
_FIRST_YEAR: Final = 1900
"""Programs write days long before any statement, such as 00010101, where they know none."""


def ofx_date(text: str) -> date:
    """The calendar day of ``YYYYMMDD``, with or without time and zone, as the bank wrote it (never shifted by a zone).

    Raises ``ValueError`` with a reason that quotes the text.

    >>> ofx_date("20090401122017.000[-5:EST]")
    datetime.date(2009, 4, 1)
    """
    if match := _OFX_DATE.fullmatch(text):
        year, month, day = int(match[1]), int(match[2]), int(match[3])
    elif match := _ISO_DATE.fullmatch(text):
        year, month, day = int(match[1]), int(match[3]), int(match[4])
    else:
        raise ValueError(f'date "{text[:40]}" is not of the form YYYYMMDD')
    if year < _FIRST_YEAR:
        raise ValueError(f'date "{text[:40]}" is no day of a statement')
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError(f'date "{text[:40]}" is no day of the calendar') from None


def ofx_date_or_none(text: str) -> date | None:
    """The day, or None where the text is empty or no date."""
    try:
        return ofx_date(text)
    except ValueError:
        return None

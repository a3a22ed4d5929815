"""The statement line (``:61:``) and the balances (``:60F:``, ``:62M:`` …)."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from data_processing.amounts import MAX_DECIMALS, shortened, within_range
from data_processing.statement import Balance, BalanceKind

_LINE = re.compile(
    rf"""\s*
    ([0-9]{{6}}) ([0-9]{{4}}|[ ]{{4}})?+ [ ]*+                # value date, entry date
    ([RE]?[CD]) [ ]*+ [A-Z]?+ \s*+                            # mark, third letter of the currency
    ([0-9]{{1,15}},[0-9]{{0,{MAX_DECIMALS}}}) (?![ ]*[0-9.,]) [ ]*+
    ((?!NONREF)[A-Z][A-Z0-9 ]{{3}})?+                         # type
    ([^/\n]*+ (?:/(?!/)[^/\n]*+)*+) (?://([^\n]*+))?+         # reference, the bank's own behind it
    (?:\n(.*))?+                                              # supplement
    """,
    re.VERBOSE | re.DOTALL,
).fullmatch
_AMOUNT_OF_LINE = re.compile(
    r"\s*[0-9]{6}(?:[0-9]{4}|\s{4})?\s*[RE]?[CD]\s*[A-Z]?\s*([0-9][0-9.,]*+)(?!\s*[0-9])"
).match
_BALANCE = re.compile(r"([CD])\s*([0-9]{6})\s*([A-Z]{3})?\s*([0-9][0-9.,]*)").fullmatch
_CURRENCY = re.compile(r"[CD]\s*[0-9]{6}\s*([A-Z]{3})").match
_AMOUNT = re.compile(rf"[0-9]{{1,15}},[0-9]{{0,{MAX_DECIMALS}}}").fullmatch
_TOO_FINE = re.compile(rf"[0-9]+,[0-9]{{{MAX_DECIMALS + 1},}}").fullmatch
_SURELY_IN_RANGE: Final = 12
_OUT: Final = frozenset({"D", "RC", "ED"})
_KINDS: dict[str, BalanceKind] = {
    "60F": "opening",
    "60M": "opening",
    "62F": "closing",
    "62M": "closing",
    "64": "available",
    "65": "available",
}


def line_parts(text: str) -> tuple[str, ...]:
    """Value date, entry date, mark, amount, type, reference, the bank's reference and supplement of a statement line.

    Banks leave out what stands behind the amount, or shorten it. Raises ``ValueError`` with the reason.
    """
    match = _LINE(text)
    if match is None:
        raise ValueError(_why_no_line(text))
    return match.groups("")


def signed_amount(written: str, mark: str) -> Decimal:
    """The amount of a statement line: D, RC (a credit reversed) and ED are money out, C, RD and EC money in."""
    amount = Decimal(written.replace(",", "."))
    if len(written) > _SURELY_IN_RANGE:
        within_range(amount, written)
    return -amount if mark in _OUT else amount


def _why_no_line(text: str) -> str:
    amount = _AMOUNT_OF_LINE(text)
    try:
        if amount is not None:
            swift_amount(amount[1])
    except ValueError as reason:
        return str(reason)
    return f'the line "{shortened(text.partition(chr(10))[0].strip())}" is no statement line (:61:)'


def balance(tag: str, text: str, *, today: date, currency: str | None) -> Balance:
    """The balance of a field, in ``currency`` where it names none; raises ``ValueError`` with the reason.

    Its date is None where it is no day of the calendar.
    """
    match = _BALANCE(text.strip())
    if match is None:
        raise ValueError(f'"{shortened(text.strip())}" is no balance')
    amount = swift_amount(match[4])
    try:
        day = _day(match[2], "date", [], today=today)
    except ValueError:
        day = None
    return Balance(_KINDS[tag], -amount if match[1] == "D" else amount, match[3] or currency, day, tag)


def balance_currency(text: str) -> str | None:
    """The currency of a balance, also of one whose amount cannot be read."""
    found = _CURRENCY(text.strip())
    return found[1] if found else None


def swift_amount(text: str) -> Decimal:
    """An amount without a sign, with the decimal comma that SWIFT asks for; raises ``ValueError`` with the reason."""
    if _AMOUNT(text):
        amount = Decimal(text.replace(",", "."))
        return amount if len(text) <= _SURELY_IN_RANGE else within_range(amount, text)
    if _TOO_FINE(text):
        raise ValueError(f'amount "{shortened(text)}" has more than {MAX_DECIMALS} decimals')
    raise ValueError(f'amount "{shortened(text)}" has no decimal comma, or is not a number')


@lru_cache(maxsize=4096)
def line_dates(value: str, entry: str, today: date) -> tuple[date, date, tuple[str, ...]]:
    """Value date, booking date, and what was read otherwise than it is written; raises ``ValueError`` with the reason.

    The entry date has no year; it is the one that brings it nearest to the value date. Without one, the value date is
    the booking date. The 29th and 30th of February, which banks write because they count interest by months of thirty
    days, are read as the last day of the month.
    """
    notes: list[str] = []
    value_date = _day(value, "value date", notes, today=today)
    booking_date = _nearest(entry, value_date, notes) if entry.strip() else value_date
    return value_date, booking_date, tuple(notes)


def _day(digits: str, what: str, notes: list[str], *, today: date) -> date:
    year = today.year - today.year % 100 + int(digits[:2])
    if year > today.year + 1:
        year -= 100
    return _calendar_day(year, int(digits[2:4]), int(digits[4:]), what, notes)


def _nearest(digits: str, value_date: date, notes: list[str]) -> date:
    month, day = int(digits[:2]), int(digits[2:])
    found = [(_calendar_day(value_date.year + shift, month, day, "entry date", [])) for shift in (0, -1, 1)]
    best = min(found, key=lambda candidate: abs((candidate - value_date).days))
    return _calendar_day(best.year, month, day, "entry date", notes)


def _calendar_day(year: int, month: int, day: int, what: str, notes: list[str]) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        if month != 2 or day not in (29, 30):
            raise ValueError(f"{what} {year}-{month:02}-{day:02} is no day of the calendar") from None
    last = date(year, month, monthrange(year, month)[1])
    notes.append(f"{what} {day} February {year} is read as {last.day} February")
    return last

"""The statement line (``:61:``) and the balances (``:60F:``, ``:62M:`` …)."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from data_processing.amounts import MAX_DECIMALS, shortened, within_range
from data_processing.quick import quick
from data_processing.statement import Balance, BalanceKind

# Value date, entry date, mark, third letter of the currency, amount, type, reference with the bank's own behind it.
_LINE = re.compile(
    r"([0-9]{6})([0-9]{4}|\s{4})?\s*([RE]?[CD])\s*[A-Z]?\s*([0-9][0-9.,]*+)\s*+(?:([A-Z][A-Z0-9]{3})(.*))?"
)
_BALANCE = re.compile(r"([CD])\s*([0-9]{6})\s*([A-Z]{3})\s*([0-9][0-9.,]*)")
_AMOUNT = re.compile(rf"[0-9]{{1,15}},[0-9]{{0,{MAX_DECIMALS}}}").fullmatch
_TOO_FINE = re.compile(rf"[0-9]+,[0-9]{{{MAX_DECIMALS + 1},}}").fullmatch
_SURELY_IN_RANGE: Final = 12
_OUT: Final = {"D", "RC", "ED"}
_KINDS: dict[str, BalanceKind] = {
    "60F": "opening",
    "60M": "opening",
    "62F": "closing",
    "62M": "closing",
    "64": "available",
    "65": "available",
}


@dataclass(frozen=True, slots=True)
class StatementLine:
    """What a ``:61:`` says; ``notes`` tell what was read otherwise than it is written."""

    value_date: date
    booking_date: date
    amount: Decimal
    mark: str
    kind: str
    reference: str
    bank_reference: str
    notes: tuple[str, ...]


_new_line = quick(StatementLine)


def statement_line(text: str, *, today: date) -> StatementLine:
    """The line, its amount signed: D, RC (a credit reversed) and ED are money out, C, RD and EC money in.

    The entry date has no year; it is the one that brings it nearest to the value date. Without one, the value date is
    the booking date. The 29th and 30th of February, which banks write because they count interest by months of thirty
    days, are read as the last day of the month.

    Raises ``ValueError`` with the reason.
    """
    match = _LINE.fullmatch(text)
    if match is None:
        raise ValueError(f'the line "{shortened(text)}" is no statement line (:61:)')
    value, entry, mark, written, kind, references = match.groups("")
    reference, _, bank_reference = references.partition("//")
    value_date, booking_date, notes = _dates(value, entry.strip(), today)
    amount = swift_amount(written)
    return _new_line(
        value_date,
        booking_date,
        -amount if mark in _OUT else amount,
        mark,
        kind,
        reference.strip(),
        bank_reference.strip(),
        notes,
    )


def balance(tag: str, text: str, *, today: date) -> Balance:
    """The balance of a field; raises ``ValueError`` with the reason."""
    match = _BALANCE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'"{shortened(text.strip())}" is no balance')
    amount = swift_amount(match[4])
    day = _day(match[2], "date", [], today=today)
    return Balance(_KINDS[tag], -amount if match[1] == "D" else amount, match[3], day, tag)


def swift_amount(text: str) -> Decimal:
    """An amount without a sign, with the decimal comma that SWIFT asks for; raises ``ValueError`` with the reason."""
    if _AMOUNT(text):
        amount = Decimal(text.replace(",", "."))
        return amount if len(text) <= _SURELY_IN_RANGE else within_range(amount, text)
    if _TOO_FINE(text):
        raise ValueError(f'amount "{shortened(text)}" has more than {MAX_DECIMALS} decimals')
    raise ValueError(f'amount "{shortened(text)}" has no decimal comma, or is not a number')


@lru_cache(maxsize=4096)
def _dates(value: str, entry: str, today: date) -> tuple[date, date, tuple[str, ...]]:
    """Value date, booking date, and what was read otherwise than it is written."""
    notes: list[str] = []
    value_date = _day(value, "value date", notes, today=today)
    booking_date = _nearest(entry, value_date, notes) if entry else value_date
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

"""What speaks for two rows being the two sides of one transfer, and what speaks against it. No database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import IntEnum, StrEnum
from statistics import median_low
from typing import NamedTuple
from uuid import UUID

MOST_DAYS = 5
"""So far apart the two sides of a transfer may be, counted between the nearest of their booking and value dates."""
MOST_DAYS_WITHOUT_HINT = 3
_ROUNDING = Decimal("0.01")
_RATE_ROUNDING = Decimal("0.0005")
_RATE_DRIFT = Decimal("0.05")


class TransferReason(StrEnum):
    """What speaks for a transfer."""

    ACCOUNT_NUMBERS = "account_numbers"
    ACCOUNT_NUMBER = "account_number"
    ACCOUNT_NAME = "account_name"
    OWN_NAME = "own_name"
    MARKED = "marked"
    BOTH_MARKED = "both_marked"
    EQUAL_AMOUNT = "equal_amount"
    ORIGINAL_AMOUNT = "original_amount"
    STATED_RATE = "stated_rate"
    ESTIMATED_RATE = "estimated_rate"
    CHOSEN = "chosen"


class Strength(IntEnum):
    """How much a pair's evidence says. `RIVAL` is no reason to propose a pair, but makes others ambiguous."""

    RIVAL = 0
    AMOUNT = 1
    HINT = 2
    ONE_SIDE = 3
    BOTH_SIDES = 4


class MatchRow(NamedTuple):
    """A row as it is matched.

    `points_to` are the user's accounts with the number of its counterparty, `names` those that its texts name;
    `foreign` says that its counterparty has a number which is none of the user's. `marked` rows are transfers by
    category, rule or mark; `categorised` ones are in a category of income or spending. Pairs are looked for that hold
    a `fresh` row.
    """

    id: UUID
    account_id: UUID
    currency: str
    booking_date: date
    value_date: date | None
    amount: Decimal
    original_amount: Decimal | None = None
    original_currency: str | None = None
    exchange_rate: Decimal | None = None
    points_to: frozenset[UUID] = frozenset()
    foreign: bool = False
    names: frozenset[UUID] = frozenset()
    own_name: bool = False
    marked: bool = False
    categorised: bool = False
    fresh: bool = True


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two rows that may be a transfer. `rate` is the incoming amount per outgoing unit across currencies."""

    outgoing: MatchRow
    incoming: MatchRow
    strength: Strength
    days: int
    reasons: tuple[TransferReason, ...]
    rate: Decimal | None

    @property
    def rank(self) -> tuple[int, int]:
        """Stronger evidence first, then nearer days."""
        return self.strength, -self.days


@dataclass(frozen=True, slots=True)
class TransferPartner:
    """The transfer that a row is linked in, and the account of its other side; both None for other rows."""

    transfer_id: UUID | None = None
    account_id: UUID | None = None


NO_PARTNER = TransferPartner()

Rates = Mapping[tuple[str, str], Decimal]
"""Units of the second currency for one of the first, as the user's own rows show them."""


def observed_rates(quotes: Iterable[tuple[str, Decimal | int, str | None, Decimal | int | None]]) -> Rates:
    """The median rate between each two currencies, both ways.

    quotes: currency and amount of a row, and the original ones that it states, if any; of one unit of measure
    """
    seen: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    for currency, amount, original_currency, original_amount in quotes:
        if original_amount and original_currency and original_currency != currency and amount:
            own, original = abs(Decimal(amount)), abs(Decimal(original_amount))
            seen[(currency, original_currency)].append(original / own)
            seen[(original_currency, currency)].append(own / original)
    return {currencies: median_low(rates) for currencies, rates in seen.items()}


def weigh(outgoing: MatchRow, incoming: MatchRow, rates: Rates) -> Candidate | None:
    """The pair with what speaks for it, or None when something rules it out."""
    if outgoing.account_id == incoming.account_id or _elsewhere(outgoing, incoming) or _elsewhere(incoming, outgoing):
        return None
    days = days_apart(outgoing, incoming)
    if days > MOST_DAYS:
        return None
    likeness = _likeness(outgoing, incoming, rates)
    if likeness is None:
        return None
    hints = _hints(outgoing, incoming)
    strength = _strength(outgoing, incoming, likeness, hints, days)
    if strength is None:
        return None
    rate = None if outgoing.currency == incoming.currency else exchange_rate(outgoing.amount, incoming.amount)
    return Candidate(outgoing, incoming, strength, days, (*hints, likeness), rate)


def days_apart(one: MatchRow, other: MatchRow) -> int:
    """Days between the nearest of the rows' booking and value dates."""
    return min(
        abs((first - second).days)
        for first in (one.booking_date, one.value_date or one.booking_date)
        for second in (other.booking_date, other.value_date or other.booking_date)
    )


def exchange_rate(outgoing: Decimal, incoming: Decimal) -> Decimal:
    """The incoming amount for one outgoing unit, to ten significant digits."""
    rate = abs(incoming) / abs(outgoing)
    return rate.quantize(Decimal(1).scaleb(rate.adjusted() - 9)).normalize()


def _elsewhere(row: MatchRow, other: MatchRow) -> bool:
    """Whether the row says that its counterparty is another of the user's accounts than that of `other`."""
    return bool(row.points_to) and other.account_id not in row.points_to


def _likeness(outgoing: MatchRow, incoming: MatchRow, rates: Rates) -> TransferReason | None:
    if outgoing.currency == incoming.currency:
        return TransferReason.EQUAL_AMOUNT if outgoing.amount == -incoming.amount else None
    stated = [_states(outgoing, incoming), _states(incoming, outgoing), _same_original(outgoing, incoming)]
    if any(stated):
        return TransferReason.ORIGINAL_AMOUNT
    if False in stated:
        return None
    if _by_stated_rate(outgoing, incoming):
        return TransferReason.STATED_RATE
    known = rates.get((outgoing.currency, incoming.currency))
    expected = abs(outgoing.amount) * known if known else None
    if expected is None or abs(expected - abs(incoming.amount)) <= expected * _RATE_DRIFT:
        return TransferReason.ESTIMATED_RATE
    return None


def _states(row: MatchRow, other: MatchRow) -> bool | None:
    """Whether the row's original amount is the other's amount; None where it says nothing about that currency."""
    if row.original_amount is None or row.original_currency != other.currency:
        return None
    return abs(row.original_amount) == abs(other.amount)


def _same_original(one: MatchRow, other: MatchRow) -> bool | None:
    if one.original_amount is None or other.original_amount is None or one.original_currency != other.original_currency:
        return None
    return abs(one.original_amount) == abs(other.original_amount)


def _by_stated_rate(outgoing: MatchRow, incoming: MatchRow) -> bool:
    paid, got = abs(outgoing.amount), abs(incoming.amount)
    for rate in (outgoing.exchange_rate, incoming.exchange_rate):
        if rate is not None and rate > 0:
            for expected in (paid * rate, paid / rate):
                if abs(expected - got) <= max(_ROUNDING, expected * _RATE_ROUNDING):
                    return True
    return False


def _hints(outgoing: MatchRow, incoming: MatchRow) -> tuple[TransferReason, ...]:
    pointed = (incoming.account_id in outgoing.points_to) + (outgoing.account_id in incoming.points_to)
    marked = outgoing.marked + incoming.marked
    found = {
        TransferReason.ACCOUNT_NUMBERS: pointed == 2,
        TransferReason.ACCOUNT_NUMBER: pointed == 1,
        TransferReason.ACCOUNT_NAME: incoming.account_id in outgoing.names or outgoing.account_id in incoming.names,
        TransferReason.OWN_NAME: outgoing.own_name or incoming.own_name,
        TransferReason.BOTH_MARKED: marked == 2,
        TransferReason.MARKED: marked == 1,
    }
    return tuple(reason for reason, holds in found.items() if holds)


def _strength(
    outgoing: MatchRow, incoming: MatchRow, likeness: TransferReason, hints: tuple[TransferReason, ...], days: int
) -> Strength | None:
    if likeness is TransferReason.ESTIMATED_RATE:
        # An amount that is only about right says little: the rows must name each other's account, and be near.
        tells = {TransferReason.ACCOUNT_NUMBERS, TransferReason.ACCOUNT_NUMBER, TransferReason.ACCOUNT_NAME}
        return Strength.HINT if tells & set(hints) and days <= MOST_DAYS_WITHOUT_HINT else None
    if TransferReason.ACCOUNT_NUMBERS in hints:
        return Strength.BOTH_SIDES
    mutual = _states(outgoing, incoming) and _states(incoming, outgoing)
    foreign = outgoing.foreign or incoming.foreign
    if mutual or TransferReason.BOTH_MARKED in hints or (TransferReason.ACCOUNT_NUMBER in hints and not foreign):
        return Strength.ONE_SIDE
    if hints:
        return Strength.HINT
    contradicted = any(row.foreign or row.categorised for row in (outgoing, incoming))
    return Strength.RIVAL if contradicted or days > MOST_DAYS_WITHOUT_HINT else Strength.AMOUNT

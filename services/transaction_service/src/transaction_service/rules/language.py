"""What a rule can ask of a row, and how a stored condition becomes a test. No database, no HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypeVar
from uuid import UUID

from transaction_service.rules.facts import RowFacts
from transaction_service.rules.text_patterns import TextPattern, text_memory, text_pattern
from transaction_service.search.text import folded

T = TypeVar("T", Decimal, date, int)
V = TypeVar("V")


class RuleField(StrEnum):
    """The fields that conditions look at; `text` is all texts of a row at once."""

    TEXT = "text"
    DESCRIPTION = "description"
    COUNTERPARTY = "counterparty"
    COUNTERPARTY_ACCOUNT = "counterparty_account"
    REFERENCE = "reference"
    MERCHANT = "merchant"
    NOTE = "note"
    BANK_CATEGORY = "bank_category"
    TAG = "tag"
    ACCOUNT = "account_id"
    CURRENCY = "currency"
    DIRECTION = "direction"
    AMOUNT = "amount"
    ABSOLUTE_AMOUNT = "absolute_amount"
    BOOKING_DATE = "booking_date"
    DAY = "day"


class TextOperator(StrEnum):
    """How a text is compared, without regard to case, width and spacing."""

    CONTAINS = "contains"
    EQUALS = "equals"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    MATCHES = "matches"


class AmountOperator(StrEnum):
    """How an amount or a number is compared; `between` includes both ends."""

    EQUALS = "equals"
    LESS = "less"
    MORE = "more"
    BETWEEN = "between"


class DateOperator(StrEnum):
    """How a day is compared; `between` includes both ends."""

    ON = "on"
    BEFORE = "before"
    AFTER = "after"
    BETWEEN = "between"


class MoneyDirection(StrEnum):
    """Where the money goes."""

    IN = "in"
    OUT = "out"


class Match(StrEnum):
    """Whether all conditions of a rule must hold, or any one."""

    ALL = "all"
    ANY = "any"


TextTest = Callable[[str], bool]
TagsTest = Callable[[tuple[str, ...]], bool]
RowTest = Callable[[RowFacts], bool]


class TextCondition(NamedTuple):
    """A test of one text of a row: the one in this place of `RowFacts`, folded; for tags, of all of them.

    `timed` says that the test may be slow. `key` is the text or expression without which the test cannot hold, and
    `memory` the bytes that it may take to look for it.
    """

    place: int
    test: TextTest | TagsTest
    timed: bool = False
    key: str | TextPattern | None = None
    memory: int = 0


TAGS = RowFacts._fields.index("tags")
"""The place of the tags in `RowFacts`."""

_PLACES: Mapping[RuleField, int] = {
    field: RowFacts._fields.index(name)
    for field, name in {
        RuleField.TEXT: "search_text",
        RuleField.DESCRIPTION: "text",
        RuleField.COUNTERPARTY: "counterparty",
        RuleField.COUNTERPARTY_ACCOUNT: "counterparty_account",
        RuleField.REFERENCE: "reference",
        RuleField.MERCHANT: "merchant",
        RuleField.NOTE: "note",
        RuleField.BANK_CATEGORY: "bank_category",
        RuleField.TAG: "tags",
    }.items()
}


def test_of(stored: Mapping[str, object]) -> TextCondition | RowTest:
    """The test of a condition as the database keeps it."""
    field, negated = RuleField(str(stored["field"])), bool(stored.get("negated"))
    place = _PLACES.get(field)
    if place is None:
        fits = _row_test(field, stored)
        return _negated(fits) if negated else fits
    operator, value = TextOperator(str(stored["operator"])), str(stored["value"])
    pattern = text_pattern(value) if operator is TextOperator.MATCHES else None
    test = _text_test(operator, folded(value)) if pattern is None else pattern.fits
    timed, memory = pattern is not None, 0 if pattern is None else pattern.memory
    if place == TAGS:
        of_tags = _any_of(test)
        return TextCondition(place, _negated(of_tags) if negated else of_tags, timed, memory=memory)
    if negated:
        return TextCondition(place, _negated(test), timed, memory=memory)
    key = pattern or folded(value)
    return TextCondition(place, test, timed, key, text_memory(key) if isinstance(key, str) else memory)


def accounts_named(conditions: Iterable[Mapping[str, object]]) -> frozenset[UUID]:
    """The accounts that stored conditions ask for."""
    return frozenset(UUID(str(stored["value"])) for stored in conditions if stored["field"] == RuleField.ACCOUNT)


def _text_test(operator: TextOperator, wanted: str) -> TextTest:
    match operator:
        case TextOperator.EQUALS:
            return lambda text: text == wanted
        case TextOperator.STARTS_WITH:
            return lambda text: text.startswith(wanted)
        case TextOperator.ENDS_WITH:
            return lambda text: text.endswith(wanted)
        case _:
            return lambda text: wanted in text


def _row_test(field: RuleField, stored: Mapping[str, object]) -> RowTest:
    operator, value, upper = str(stored["operator"]), stored["value"], stored.get("to")
    match field:
        case RuleField.ACCOUNT:
            account_id = UUID(str(value))
            return lambda facts: facts.account_id == account_id
        case RuleField.CURRENCY:
            return lambda facts: facts.currency == value
        case RuleField.DIRECTION:
            incoming = MoneyDirection(str(value)) is MoneyDirection.IN
            return lambda facts: facts.amount > 0 if incoming else facts.amount < 0
        case RuleField.AMOUNT:
            signed = _within(operator, Decimal(str(value)), None if upper is None else Decimal(str(upper)))
            return lambda facts: signed(facts.amount)
        case RuleField.ABSOLUTE_AMOUNT:
            size = _within(operator, Decimal(str(value)), None if upper is None else Decimal(str(upper)))
            return lambda facts: size(abs(facts.amount))
        case RuleField.DAY:
            day = _within(operator, int(str(value)), None if upper is None else int(str(upper)))
            return lambda facts: day(facts.booking_date.day)
        case _:
            last = None if upper is None else date.fromisoformat(str(upper))
            booked = _within(operator, date.fromisoformat(str(value)), last)
            return lambda facts: booked(facts.booking_date)


def _within(operator: str, value: T, upper: T | None) -> Callable[[T], bool]:
    match operator:
        case "less" | "before":
            return lambda found: found < value
        case "more" | "after":
            return lambda found: found > value
        case "between":
            last = value if upper is None else upper
            return lambda found: value <= found <= last
        case _:
            return lambda found: found == value


def _any_of(test: TextTest) -> TagsTest:
    return lambda tags: any(test(tag) for tag in tags)


def _negated(test: Callable[[V], bool]) -> Callable[[V], bool]:
    return lambda value: not test(value)

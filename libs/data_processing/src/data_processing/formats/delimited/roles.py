"""Which column of an unknown table means what: by its name in many languages, and by what its cells look like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data_processing.formats.delimited.column_facts import CURRENCY_CODES, ColumnFacts
from data_processing.formats.delimited.header import Header
from data_processing.formats.delimited.mapping import ColumnRole
from data_processing.formats.delimited.vocabulary import cell_words, header_scores, words

_TEXTS = (ColumnRole.TEXT, ColumnRole.COUNTERPARTY)
_NAMED_ONLY = 0.45
"""So sure is a role that nothing but the name of the column tells."""
_FILLED = (
    ColumnRole.BOOKING_DATE,
    ColumnRole.AMOUNT,
    ColumnRole.ACCOUNT,
    ColumnRole.ACCOUNT_NAME,
    ColumnRole.STATUS,
)
_IN_EVERY_ROW = 0.95
"""The user's own account is named in so many rows; what is named in fewer is another one."""


@dataclass(frozen=True, slots=True)
class RoleChoice:
    """The role of a column, and how sure it is, from 0 to 1."""

    role: ColumnRole
    confidence: float


def choose_roles(header: Header, facts: Sequence[ColumnFacts]) -> list[RoleChoice]:
    """One role per column, in the order of the header; what is not understood is ignored."""
    choices: dict[int, RoleChoice] = {}
    scores = [_scores(cell, fact) for cell, fact in zip(header.cells, facts, strict=True)]
    offers = sorted(
        ((score, -position, role) for position, found in enumerate(scores) for role, score in found.items()),
        reverse=True,
    )
    taken: set[ColumnRole] = set()
    for score, behind, role in offers:
        position = -behind
        if position in choices or (role in taken and role is not ColumnRole.TEXT):
            continue
        choices[position] = RoleChoice(role, round(score, 2))
        taken.add(role)
    _without_half_of_a_pair(choices, scores, facts)
    _some_text(choices, facts)
    ignored = RoleChoice(ColumnRole.IGNORED, 1.0)
    result = []
    for position, fact in enumerate(facts):
        empty = RoleChoice(ColumnRole.IGNORED, 1.0 if not fact.filled else 0.5)
        result.append(choices.get(position, empty if not fact.filled or not scores[position] else ignored))
    return result


def _scores(cell: str, fact: ColumnFacts) -> dict[ColumnRole, float]:
    """How well each role fits the column: its name where the cells allow it, else the cells alone."""
    named = header_scores(cell)
    found: dict[ColumnRole, float] = {}
    for role, score in named.items():
        fitting = _fit(role, fact)
        if fitting:
            found[role] = score * fitting
    if ColumnRole.ACCOUNT in named and ColumnRole.ACCOUNT not in found and 0 < fact.fullness < _IN_EVERY_ROW:
        fitting = _fit(ColumnRole.COUNTERPARTY_ACCOUNT, fact)
        found.setdefault(ColumnRole.COUNTERPARTY_ACCOUNT, 0.7 * named[ColumnRole.ACCOUNT] * fitting)
    for role, score in _by_cells(fact).items():
        found[role] = min(1.0, max(found.get(role, 0.0), score) + (0.05 if role in found else 0.0))
    return {role: min(score, 0.99) for role, score in found.items() if score >= 0.3}


def _fit(role: ColumnRole, fact: ColumnFacts) -> float:
    """How well the cells go with a role that the name of the column tells; 0 where they rule it out."""
    if not fact.filled:
        return _NAMED_ONLY if role not in _FILLED else 0.0
    match role:
        case ColumnRole.BOOKING_DATE | ColumnRole.VALUE_DATE:
            return 1.0 if fact.is_date else 0.9 if fact.mostly_date else 0.0
        case ColumnRole.AMOUNT:
            return 1.0 if fact.mostly_number and fact.fullness > 0.6 else 0.0
        case ColumnRole.DEBIT | ColumnRole.CREDIT | ColumnRole.FEE:
            return 1.0 if fact.mostly_number else 0.0
        case ColumnRole.BALANCE:
            return 0.98 if fact.mostly_number else 0.0
        case ColumnRole.CURRENCY:
            return 1.0 if fact.share(fact.codes) > 0.95 else 0.0
        case ColumnRole.DIRECTION:
            return 1.0 if _directions(fact) else 0.0
        case ColumnRole.STATUS:
            return 1.0 if _statuses(fact) else 0.4 if fact.few_words and not fact.is_number else 0.0
        case ColumnRole.ACCOUNT:
            if fact.is_date or fact.decimals or fact.fullness < _IN_EVERY_ROW:
                return 0.0
            return 0.95 if fact.few_words else 0.5
        case ColumnRole.ACCOUNT_NAME:
            return 0.0 if fact.fullness < _IN_EVERY_ROW else 0.9 if fact.few_words and fact.letters else 0.0
        case ColumnRole.COUNTERPARTY_ACCOUNT | ColumnRole.REFERENCE:
            return 0.0 if fact.is_date or fact.decimals else 0.95
        case ColumnRole.BANK_ID:
            return 0.97 if fact.every_one_differs and not fact.is_date and not fact.decimals else 0.0
        case ColumnRole.CATEGORY:
            return 0.0 if fact.is_date or fact.is_number else 0.93
        case _:
            return 0.0 if fact.is_date or (fact.is_number and fact.decimals) else 0.95 if fact.letters else 0.5


def _by_cells(fact: ColumnFacts) -> dict[ColumnRole, float]:
    """What the cells alone suggest."""
    if not fact.filled:
        return {}
    if fact.is_date:
        return {ColumnRole.BOOKING_DATE: 0.6 if fact.fullness > 0.9 else 0.3, ColumnRole.VALUE_DATE: 0.31}
    if fact.is_number:
        if fact.decimals and fact.nonzero:
            return {ColumnRole.AMOUNT: 0.55 if fact.negative and fact.fullness > 0.6 else 0.4}
        return {}
    if fact.share(fact.codes) > 0.95 and fact.few_words:
        known = all(word.casefold() in CURRENCY_CODES for word in fact.distinct)
        return {ColumnRole.CURRENCY: 0.7} if known else {}
    if fact.share(fact.ibans) > 0.8:
        own = len(fact.distinct) == 1 and fact.fullness > _IN_EVERY_ROW
        return {ColumnRole.ACCOUNT if own else ColumnRole.COUNTERPARTY_ACCOUNT: 0.6}
    if _directions(fact):
        return {ColumnRole.DIRECTION: 0.6}
    return {}


def _directions(fact: ColumnFacts) -> bool:
    """Whether the cells are words for money in and money out."""
    found = {words(word) for word in fact.distinct}
    return fact.few_words and len(found) <= 4 and found <= cell_words("directions_out") | cell_words("directions_in")


def _statuses(fact: ColumnFacts) -> bool:
    found = {words(word) for word in fact.distinct}
    known = cell_words("booked") | cell_words("pending") | cell_words("left_out")
    return fact.few_words and bool(found & known)


def _without_half_of_a_pair(
    choices: dict[int, RoleChoice], scores: Sequence[dict[ColumnRole, float]], facts: Sequence[ColumnFacts]
) -> None:
    """Two columns for money out and in go without an amount column, and one of the two without the other is none."""
    at = {choice.role: position for position, choice in choices.items()}
    pair = [at[role] for role in (ColumnRole.DEBIT, ColumnRole.CREDIT) if role in at]
    amount = at.get(ColumnRole.AMOUNT)
    if len(pair) == 1:
        del choices[pair[0]]
        if amount is None and ColumnRole.AMOUNT in scores[pair[0]]:
            choices[pair[0]] = RoleChoice(ColumnRole.AMOUNT, 0.4)
    elif len(pair) == 2 and amount is not None:
        named = choices[amount].confidence
        empty = not any(facts[position].filled for position in pair)
        if empty or (named >= 0.9 and facts[amount].negative):
            for position in pair:
                del choices[position]
        else:
            del choices[amount]
    at = {choice.role: position for position, choice in choices.items()}
    if ColumnRole.DIRECTION in at and ColumnRole.AMOUNT not in at:
        del choices[at[ColumnRole.DIRECTION]]


def _some_text(choices: dict[int, RoleChoice], facts: Sequence[ColumnFacts]) -> None:
    """Where no column is called a text, the one with the longest words is one."""
    if any(choice.role in _TEXTS for choice in choices.values()):
        return
    free = [
        position
        for position, fact in enumerate(facts)
        if position not in choices and fact.letters and not fact.is_date and not fact.is_number
    ]
    if free:
        longest = max(free, key=lambda position: facts[position].mean_length)
        choices[longest] = RoleChoice(ColumnRole.TEXT, 0.5)

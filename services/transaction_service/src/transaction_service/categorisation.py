"""What the user's rules make of a row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from transaction_service.models import Rule
from transaction_service.search_text import folded


class RowFacts(NamedTuple):
    """What rules may look at: what the bank and the user wrote of a row, and never what another rule gave it.

    `search_text` is the folded text of all texts; a tuple, because a file has very many rows.
    """

    search_text: str
    text: str
    counterparty: str | None
    counterparty_account: str | None
    reference: str | None
    merchant: str | None
    note: str | None
    bank_category: str | None
    amount: Decimal
    currency: str
    account_id: UUID
    booking_date: date
    tags: tuple[str, ...] = ()


class Decision(NamedTuple):
    """What the rules give a row. `rule_id` is the rule that gave the category; None and empty give nothing."""

    category_id: UUID | None = None
    rule_id: UUID | None = None
    merchant: str | None = None
    tags: tuple[str, ...] = ()
    note: str | None = None
    transfer: bool = False


NOTHING = Decision()


class Categoriser:
    """The user's rules, ready to be tried on many rows. Of several rules that fit, the lowest position decides."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        ordered = sorted((rule for rule in rules if rule.enabled), key=lambda rule: (rule.position, rule.id))
        self._needles = [(folded(rule.contains), Decision(rule.category_id, rule.id)) for rule in ordered]
        self._known: dict[str, Decision] = {}

    def decide(self, facts: RowFacts) -> Decision:
        """What the rules give a row."""
        if facts.search_text not in self._known:
            fitting = (decision for needle, decision in self._needles if needle in facts.search_text)
            self._known[facts.search_text] = next(fitting, NOTHING)
        return self._known[facts.search_text]

    def category_of(self, search_text: str) -> UUID | None:
        """The category for a row with this (folded) text, None when no rule fits."""
        return next((decision.category_id for needle, decision in self._needles if needle in search_text), None)

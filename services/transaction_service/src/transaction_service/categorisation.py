"""Categories by the user's text rules."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from transaction_service.models import Rule
from transaction_service.search_text import folded


class Categoriser:
    """The user's rules, ready to be tried on many texts. Of several rules that fit, the lowest position decides."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        ordered = sorted(rules, key=lambda rule: (rule.position, rule.id))
        self._needles = [(folded(rule.contains), rule.category_id) for rule in ordered]
        self._known: dict[str, UUID | None] = {}

    def category_of(self, search_text: str) -> UUID | None:
        """The category for a row with this (folded) text, None when no rule fits."""
        if search_text not in self._known:
            fitting = (category_id for needle, category_id in self._needles if needle in search_text)
            self._known[search_text] = next(fitting, None)
        return self._known[search_text]

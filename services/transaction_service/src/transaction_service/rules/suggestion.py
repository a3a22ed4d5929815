"""The rule that rows have in common. No database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple
from uuid import UUID

from transaction_service.models import ChosenBy
from transaction_service.rows.state import RowState
from transaction_service.rules.language import RuleField, TextOperator
from transaction_service.search.text import folded

_FEWEST_LETTERS = 3
_MOST_WORDS = 25
"""So many words of a text are compared."""


class Suggestion(NamedTuple):
    """Conditions that fit the rows, as rules keep them, and the category that the user gave to all of the rows."""

    conditions: Sequence[Mapping[str, object]]
    category_id: UUID | None


def suggested(rows: Sequence[RowState]) -> Suggestion | None:
    """What the rows have in common: the merchant, the counterparty's account, or words of their texts, else None.

    Nothing that a rule gave is looked at.
    """
    facts = [row.facts() for row in rows]
    condition = (
        _same(RuleField.MERCHANT, [row.merchant for row in facts])
        or _same(RuleField.COUNTERPARTY_ACCOUNT, [row.counterparty_account for row in facts])
        or _common_words([row.search_text for row in facts])
    )
    chosen = {row.category_id if row.categorised_by == ChosenBy.USER else None for row in rows}
    return Suggestion([condition], chosen.pop() if len(chosen) == 1 else None) if condition else None


def _same(field: RuleField, values: Sequence[str | None]) -> Mapping[str, object] | None:
    distinct = {folded(value or "") for value in values}
    if len(distinct) > 1 or not values[0] or not distinct.pop():
        return None
    return _condition(field, TextOperator.EQUALS, values[0])


def _common_words(texts: Sequence[str]) -> Mapping[str, object] | None:
    """The longest run of words that stands in all texts."""
    words = min(texts, key=len).split()[:_MOST_WORDS]
    runs = {" ".join(words[start:end]) for start, end in combinations(range(len(words) + 1), 2)}
    in_all = [
        run
        for run in runs
        if sum(map(str.isalpha, run)) >= _FEWEST_LETTERS and all(f" {run} " in f" {text} " for text in texts)
    ]
    if not in_all:
        return None
    return _condition(RuleField.TEXT, TextOperator.CONTAINS, max(in_all, key=lambda run: (len(run), run)))


def _condition(field: RuleField, operator: TextOperator, value: str) -> Mapping[str, object]:
    return {"field": field.value, "operator": operator.value, "value": value[:200].strip()}

"""The rules, tried on rows that stand in the ledger. No database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from transaction_service.models import ChosenBy
from transaction_service.rows.state import COLUMNS, RowState, RowTag
from transaction_service.rules.categorisation import NOTHING, Categoriser, Decision, RowFacts
from transaction_service.rules.effects import ruled

READ: tuple[str, ...] = (*COLUMNS, "search_text")
"""The columns of the table that a run needs."""


@dataclass(slots=True)
class RuleRun:
    """One run over many rows, and what it has counted."""

    categoriser: Categoriser
    matched: int = field(default=0, init=False)
    changed: int = field(default=0, init=False)
    cleared: int = field(default=0, init=False)

    def tried(
        self, rows: Iterable[Row[Any]], tags: Mapping[UUID, tuple[RowTag, ...]]
    ) -> Sequence[tuple[RowState, RowState]]:
        """The rows that the rules change, before and after, in their order. Slow for many: runs in a thread."""
        found = []
        for row in rows:
            change = self._tried(row, tags.get(row.id, ()))
            if change is not None:
                found.append(change)
        return found

    def _tried(self, row: Row[Any], tags: tuple[RowTag, ...]) -> tuple[RowState, RowState] | None:
        if _as_written(row, tags):
            decision = self.categoriser.decide(_facts(row, tags))
            self.matched += decision is not NOTHING
            if _stays(row, decision):
                return None
            before = _state(row, tags)
        else:
            before = _state(row, tags)
            decision = self.categoriser.decide(before.facts())
            self.matched += decision is not NOTHING
        after = ruled(before, decision)
        if after == before:
            return None
        self.changed += 1
        self.cleared += before.category_id is not None and after.category_id is None
        return before, after


def _as_written(row: Row[Any], tags: tuple[RowTag, ...]) -> bool:
    """Whether no rule has had a hand in the row's texts, so that the stored ones are what rules look at."""
    return (
        row.merchant_by != ChosenBy.RULE
        and row.note_by != ChosenBy.RULE
        and all(tag.by != ChosenBy.RULE for tag in tags)
    )


def _facts(row: Row[Any], tags: tuple[RowTag, ...]) -> RowFacts:
    return RowFacts(
        row.search_text,
        row.text,
        row.counterparty,
        row.counterparty_account,
        row.reference,
        row.merchant,
        row.note,
        row.bank_category,
        row.amount,
        row.currency,
        row.account_id,
        row.booking_date,
        tuple([tag.name for tag in tags]),
    )


def _stays(row: Row[Any], decision: Decision) -> bool:
    """Whether a row that no rule's text is in stays as it is, told without making a state of it."""
    if decision.merchant or decision.note or decision.tags:
        return False
    if row.transfer_by != ChosenBy.USER and (decision.transfer or row.transfer_by == ChosenBy.RULE):
        return False
    if row.categorised_by == ChosenBy.USER:
        return True
    if decision.category_id is None:
        return bool(row.categorised_by != ChosenBy.RULE)
    return bool(
        row.categorised_by == ChosenBy.RULE
        and row.category_id == decision.category_id
        and row.rule_id == decision.rule_id
    )


def _state(row: Row[Any], tags: tuple[RowTag, ...]) -> RowState:
    return RowState(**{name: getattr(row, name) for name in COLUMNS}, tags=tags)

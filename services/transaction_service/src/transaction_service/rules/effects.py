"""What a decision of the rules changes in a row: never what the user chose.

The outcome depends on the row's facts and the rules alone, so that applying them twice, or after an import that applied
them, changes nothing: what rules gave and no longer give goes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from transaction_service.models import ChosenBy
from transaction_service.rows.state import MOST_TAGS, RowState, RowTag, in_order
from transaction_service.rules.facts import Decision
from transaction_service.search.text import folded


def ruled(state: RowState, decision: Decision) -> RowState:
    """The row as the rules leave it.

    A rule's category goes before a model's, and a rule's note only into an empty note.
    """
    changes = {
        **_category(state, decision),
        **_merchant(state, decision),
        **_note(state, decision),
        **_transfer(state, decision),
    }
    tags = _tags([tag for tag in state.tags if tag.by != ChosenBy.RULE], decision)
    if tags != state.tags:
        changes["tags"] = tags
    return replace(state, **changes) if changes else state


class Chosen(NamedTuple):
    """What the user chose of a row before it is booked; None and empty where he chose nothing."""

    category_id: UUID | None = None
    merchant: str | None = None
    note: str | None = None
    marked_transfer: bool | None = None
    tags: tuple[str, ...] = ()


UNTOUCHED = Chosen()


class Booked(NamedTuple):
    """What a row that is about to be booked has from the user, the rules and its own texts, and from whom."""

    category_id: UUID | None
    categorised_by: str
    rule_id: UUID | None
    merchant: str | None
    merchant_by: str
    note: str | None
    note_by: str
    marked_transfer: bool
    transfer_by: str
    tags: tuple[RowTag, ...]


def booked(told_merchant: str | None, decision: Decision, chosen: Chosen = UNTOUCHED) -> Booked:
    """What `ruled` makes of a row with the merchant that its texts tell, for very many rows."""
    category_id, categorised_by, rule_id = decision.category_id, ChosenBy.RULE, decision.rule_id
    if chosen.category_id is not None:
        category_id, categorised_by, rule_id = chosen.category_id, ChosenBy.USER, None
    elif category_id is None:
        categorised_by = ChosenBy.NONE
    merchant, merchant_by = _first(chosen.merchant, decision.merchant)
    note, note_by = _first(chosen.note, decision.note)
    transfer, transfer_by = decision.transfer, ChosenBy.RULE if decision.transfer else ChosenBy.NONE
    if chosen.marked_transfer is not None:
        transfer, transfer_by = chosen.marked_transfer, ChosenBy.USER
    return Booked(
        category_id,
        categorised_by,
        rule_id,
        merchant or told_merchant,
        merchant_by,
        note,
        note_by,
        transfer,
        transfer_by,
        _tags([RowTag(name) for name in chosen.tags], decision),
    )


def _first(chosen: str | None, ruled: str | None) -> tuple[str | None, str]:
    if chosen:
        return chosen, ChosenBy.USER
    return (ruled, ChosenBy.RULE) if ruled else (None, ChosenBy.NONE)


def _category(state: RowState, decision: Decision) -> dict[str, Any]:
    if state.categorised_by == ChosenBy.USER:
        return {}
    if decision.category_id is not None:
        ruled_by = {"category_id": decision.category_id, "rule_id": decision.rule_id}
        return {**ruled_by, "categorised_by": ChosenBy.RULE, "confidence": None}
    if state.categorised_by == ChosenBy.MODEL:
        return {}
    return {"category_id": None, "rule_id": None, "categorised_by": ChosenBy.NONE, "confidence": None}


def _merchant(state: RowState, decision: Decision) -> dict[str, Any]:
    if state.merchant_by == ChosenBy.USER:
        return {}
    if decision.merchant:
        return {"merchant": decision.merchant, "merchant_by": ChosenBy.RULE}
    if state.merchant_by == ChosenBy.RULE:
        return {"merchant": state.told_merchant, "merchant_by": ChosenBy.NONE}
    return {}


def _note(state: RowState, decision: Decision) -> dict[str, Any]:
    users = state.note_by == ChosenBy.USER or (state.note is not None and state.note_by != ChosenBy.RULE)
    if users or (not decision.note and state.note_by != ChosenBy.RULE):
        return {}
    return {"note": decision.note, "note_by": ChosenBy.RULE if decision.note else ChosenBy.NONE}


def _transfer(state: RowState, decision: Decision) -> dict[str, Any]:
    known_otherwise = state.marked_transfer and state.transfer_by == ChosenBy.NONE
    if state.transfer_by == ChosenBy.USER or known_otherwise:
        return {}
    if decision.transfer:
        return {"marked_transfer": True, "transfer_by": ChosenBy.RULE}
    if state.transfer_by == ChosenBy.RULE:
        return {"marked_transfer": False, "transfer_by": ChosenBy.NONE}
    return {}


def _tags(others: Sequence[RowTag], decision: Decision) -> tuple[RowTag, ...]:
    if not others and not decision.tags:
        return ()
    kept = {folded(tag.name): tag for tag in others}
    for name in decision.tags:
        if len(kept) < MOST_TAGS:
            kept.setdefault(folded(name), RowTag(name, ChosenBy.RULE))
    return in_order(kept.values())

"""What the user does to rows, as changes of their states: the one place that knows which field follows from which.

A field that the user sets is the user's from then on, and no rule touches it; one that is set to null is the rules'
again. A row that is split has no category of its own: its parts have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import TypedDict
from uuid import UUID

from api_common.columns import new_id
from api_common.problems import FieldError

from transaction_service.amounts import amount_text
from transaction_service.errors import RawTextKept, RowIsSplit, SplitsDiffer, TooManyTags
from transaction_service.models import ChosenBy
from transaction_service.rows.state import MOST_TAGS, RowPart, RowState, RowTag, in_order
from transaction_service.rules.effects import ruled
from transaction_service.rules.facts import NOTHING, Decision, RowFacts
from transaction_service.search.text import folded

Decide = Callable[[RowFacts], Decision]
"""What the user's rules make of a row."""


class Edit(TypedDict, total=False):
    """The fields that the user changes, `text` being the description; None gives a field back to the rules.

    `tags` replaces all tags, where `tags_add` and `tags_remove` leave the others. `splits` replaces all parts; an empty
    one makes the row whole.
    """

    booking_date: date
    value_date: date | None
    amount: Decimal
    text: str
    counterparty: str | None
    merchant: str | None
    note: str | None
    category_id: UUID | None
    marked_transfer: bool | None
    tags: Sequence[str]
    tags_add: Sequence[str]
    tags_remove: Sequence[str]
    splits: tuple[RowPart, ...]


def asks_rules(given: Edit) -> bool:
    """Whether an edit gives something back to the rules, so that they must be at hand."""
    given_back = (given.get(name, name) is None for name in ("category_id", "merchant", "note", "marked_transfer"))
    return any(given_back) or "splits" in given


def no_rules(_facts: RowFacts) -> Decision:
    """What an empty list of rules makes of any row."""
    return NOTHING


def edited(state: RowState, given: Edit, decide: Decide) -> RowState:
    """The row after an edit. The rules are asked for what the user gives back to them.

    Raises RawTextKept, RowIsSplit, SplitsDiffer, TooManyTags.
    """
    if "text" in given and not state.entered_by_hand:
        raise RawTextKept("The description is what the bank wrote and stays as it is. Use note for your own words.")
    new = _with_texts(state, given)
    new = _with_date_and_amount(new, given)
    new = _with_tags(new, given)
    new = _with_note(new, given, decide)
    new = _with_merchant(state, new, given, decide)
    new = _with_transfer(new, given, decide)
    new = _with_splits(new, given)
    return _with_category(state, new, given, decide)


def entered(state: RowState, given: Edit, decide: Decide) -> RowState:
    """A row that is entered by hand, filled in by the rules where the user says nothing. Raises as `edited` does."""
    new = edited(replace(state, merchant=state.told_merchant), given, no_rules)
    return ruled(new, decide(new.facts()))


def with_tag_renamed(state: RowState, tag: str, name: str) -> RowState:
    """The row with another name for one of its tags; where it has that one already, the two are one."""
    kept: dict[str, RowTag] = {}
    for before in state.tags:
        after = replace(before, name=name) if before.name == tag else before
        twin = kept.get(folded(after.name))
        # Of the two the new name stays, and the user's if one of them is the user's.
        users = ChosenBy.USER in (after.by, twin.by if twin else None)
        shown = name if twin is not None else after.name
        kept[folded(after.name)] = RowTag(shown, ChosenBy.USER if users else after.by)
    return replace(state, tags=in_order(kept.values()))


def with_category_replaced(state: RowState, category_id: UUID, to: UUID | None) -> RowState:
    """The row with another category, or none, where it or a part of it has this one."""
    new = state
    if state.category_id == category_id:
        new = replace(new, category_id=to)
        if to is None:
            new = replace(new, categorised_by=ChosenBy.NONE, rule_id=None, confidence=None)
    after = tuple(replace(part, category_id=to) if part.category_id == category_id else part for part in state.splits)
    return new if after == state.splits else replace(new, splits=after)


def deleted(state: RowState, at: datetime) -> RowState:
    """The row as a tombstone."""
    return replace(state, deleted_at=at)


def restored(state: RowState) -> RowState:
    """A tombstone as the row that it was."""
    return replace(state, deleted_at=None)


def parts(wanted: Sequence[tuple[Decimal, UUID | None, str | None]], before: Sequence[RowPart]) -> tuple[RowPart, ...]:
    """Parts of these amounts, categories and notes. The first ones keep the ids of the parts that stood before."""
    ids = [part.id for part in before]
    ids += [new_id() for _ in range(len(wanted) - len(ids))]
    return tuple(RowPart(part_id, *values) for part_id, values in zip(ids, wanted, strict=False))


def _with_texts(state: RowState, given: Edit) -> RowState:
    if "value_date" in given:
        state = replace(state, value_date=given["value_date"])
    if "counterparty" in given:
        state = replace(state, counterparty=given["counterparty"])
    return replace(state, text=given["text"]) if "text" in given else state


def _with_date_and_amount(state: RowState, given: Edit) -> RowState:
    """What a statement file said first is kept, for as long as the user's own differs."""
    new = state
    if "booking_date" in given:
        day = given["booking_date"]
        of_bank = state.stated_date or state.booking_date
        new = replace(new, booking_date=day, stated_date=None if state.entered_by_hand or of_bank == day else of_bank)
    if "amount" in given:
        amount = given["amount"]
        in_file = state.amount if state.stated_amount is None else state.stated_amount
        kept = None if state.entered_by_hand or in_file == amount else in_file
        new = replace(new, amount=amount, stated_amount=kept)
    return new


def _with_tags(state: RowState, given: Edit) -> RowState:
    if not given.keys() & {"tags", "tags_add", "tags_remove"}:
        return state
    gone = {folded(name) for name in given.get("tags_remove", ())}
    before = {folded(tag.name): tag for tag in state.tags}
    kept = {} if "tags" in given else {key: tag for key, tag in before.items() if key not in gone}
    for name in (*given.get("tags", ()), *given.get("tags_add", ())):
        # A tag that a rule gave is the user's own once the user gives it too.
        kept.setdefault(folded(name), RowTag(name))
        kept[folded(name)] = replace(kept[folded(name)], by=ChosenBy.USER)
    if len(kept) > MOST_TAGS:
        raise TooManyTags(f"A row has at most {MOST_TAGS} tags; these are {len(kept)}.")
    return replace(state, tags=in_order(kept.values()))


def _with_note(state: RowState, given: Edit, decide: Decide) -> RowState:
    if "note" not in given:
        return state
    if (wanted := given["note"]) is not None:
        # An empty note is the user's wish for none.
        return replace(state, note=wanted or None, note_by=ChosenBy.USER)
    cleared = replace(state, note=None, note_by=ChosenBy.NONE)
    note = decide(cleared.facts()).note
    return replace(cleared, note=note, note_by=ChosenBy.RULE if note else ChosenBy.NONE)


def _with_merchant(before: RowState, state: RowState, given: Edit, decide: Decide) -> RowState:
    chosen = given.get("merchant")
    if chosen is not None:
        return replace(state, merchant=chosen, merchant_by=ChosenBy.USER)
    if "merchant" in given:
        told = replace(state, merchant=state.told_merchant, merchant_by=ChosenBy.NONE)
        merchant = decide(told.facts()).merchant
        return replace(told, merchant=merchant, merchant_by=ChosenBy.RULE) if merchant else told
    texts_differ = (state.counterparty, state.text) != (before.counterparty, before.text)
    if state.merchant_by == ChosenBy.NONE and texts_differ:
        return replace(state, merchant=state.told_merchant)
    return state


def _with_transfer(state: RowState, given: Edit, decide: Decide) -> RowState:
    if "marked_transfer" not in given:
        return state
    if (wanted := given["marked_transfer"]) is not None:
        return replace(state, marked_transfer=wanted, transfer_by=ChosenBy.USER)
    if state.marked_transfer and state.transfer_by == ChosenBy.NONE:
        # The purchase of a security, say, which its statement has marked: nothing of it is the user's to give back.
        return state
    transfer = decide(state.facts()).transfer
    return replace(state, marked_transfer=transfer, transfer_by=ChosenBy.RULE if transfer else ChosenBy.NONE)


def _with_splits(state: RowState, given: Edit) -> RowState:
    if "splits" in given:
        state = replace(state, splits=given["splits"])
    total = sum((part.amount for part in state.splits), Decimal(0))
    if not state.splits or total == state.amount:
        return state
    amount, difference = amount_text(state.amount), amount_text(state.amount - total)
    if "splits" not in given:
        raise RowIsSplit(
            f"The row is split into {len(state.splits)} parts that sum to {amount_text(total)}. Send splits that sum "
            f"to {amount} together with the new amount, or an empty list to make the row whole."
        )
    raise SplitsDiffer(
        f"The parts sum to {amount_text(total)} and the row is {amount}: the difference is {difference}.",
        errors=[FieldError(pointer="/body/splits", detail=f"differs by {difference}", code="splits_differ")],
    )


def _with_category(before: RowState, state: RowState, given: Edit, decide: Decide) -> RowState:
    chosen = given.get("category_id")
    if state.splits:
        if chosen is not None:
            raise RowIsSplit(
                f"The row is split into {len(state.splits)} parts, and these have the categories. Send splits with the "
                "categories that you want, or an empty list to make the row whole."
            )
        return replace(state, category_id=None, categorised_by=ChosenBy.USER, rule_id=None, confidence=None)
    if chosen is not None:
        return replace(state, category_id=chosen, categorised_by=ChosenBy.USER, rule_id=None, confidence=None)
    if "category_id" not in given and not before.splits:
        return state
    decision = decide(state.facts())
    by = ChosenBy.NONE if decision.category_id is None else ChosenBy.RULE
    return replace(
        state, category_id=decision.category_id, categorised_by=by, rule_id=decision.rule_id, confidence=None
    )

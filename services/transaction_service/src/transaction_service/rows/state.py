"""A row of the ledger as a value: what the user may change of it, its tags and parts, and what the journal says of it.

Edits make a new state from the old one; what differs between the two is what is stored and what the journal keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from analytics_core import merchant_name

from transaction_service.models import ChosenBy, Transaction
from transaction_service.rules.facts import RowFacts
from transaction_service.search.text import searchable

MANUAL = "manual:"
"""Begins the identity of a row that was entered by hand."""
MOST_TAGS = 50
"""So many tags a row may have."""


@dataclass(frozen=True, slots=True)
class RowTag:
    """A tag of a row, and whether the user or a rule gave it."""

    name: str
    by: str = ChosenBy.USER


@dataclass(frozen=True, slots=True)
class RowPart:
    """A part of a split row; the parts of a row sum to its amount."""

    id: UUID
    amount: Decimal
    category_id: UUID | None
    note: str | None

    def plain(self) -> dict[str, object]:
        """The part as the journal and the answers show it."""
        return {"id": self.id, "amount": self.amount, "category_id": self.category_id, "note": self.note}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowState:
    """A row at one moment. The names are those of the table's columns; `tags` and `splits` have tables of their own."""

    id: UUID
    account_id: UUID
    identity: str
    currency: str
    counterparty_account: str | None
    reference: str | None
    bank_category: str | None
    booking_date: date
    value_date: date | None
    amount: Decimal
    stated_date: date | None
    stated_amount: Decimal | None
    text: str
    counterparty: str | None
    merchant: str | None
    merchant_by: str
    note: str | None
    note_by: str
    category_id: UUID | None
    categorised_by: str
    rule_id: UUID | None
    confidence: float | None
    marked_transfer: bool
    transfer_by: str
    deleted_at: datetime | None
    tags: tuple[RowTag, ...] = ()
    splits: tuple[RowPart, ...] = ()

    @classmethod
    def of(cls, row: Transaction, tags: tuple[RowTag, ...] = (), splits: tuple[RowPart, ...] = ()) -> RowState:
        """The state of a stored row, with the tags and parts that it has."""
        return cls(**{name: getattr(row, name) for name in COLUMNS}, tags=tags, splits=splits)

    @property
    def entered_by_hand(self) -> bool:
        """Whether the user, and no statement file, brought the row."""
        return self.identity.startswith(MANUAL)

    @property
    def tag_names(self) -> tuple[str, ...]:
        """The tags, whoever gave them."""
        return tuple(tag.name for tag in self.tags)

    @property
    def told_merchant(self) -> str | None:
        """The merchant's name as the row's texts tell it."""
        return merchant_name(self.counterparty or self.text) or None

    def search_text(self) -> str:
        """The folded text of all texts of the row, in which it is found."""
        return searchable(self.counterparty, self.text, self.reference, self.merchant, self.note, *self.tag_names)

    def facts(self) -> RowFacts:
        """What rules may look at: nothing of it is another rule's doing."""
        merchant = self.merchant if self.merchant_by == ChosenBy.USER else self.told_merchant
        note = None if self.note_by == ChosenBy.RULE else self.note
        tags = tuple(tag.name for tag in self.tags if tag.by != ChosenBy.RULE)
        return RowFacts(
            search_text=searchable(self.counterparty, self.text, self.reference, merchant, note, *tags),
            text=self.text,
            counterparty=self.counterparty,
            counterparty_account=self.counterparty_account,
            reference=self.reference,
            merchant=merchant,
            note=note,
            bank_category=self.bank_category,
            amount=self.amount,
            currency=self.currency,
            account_id=self.account_id,
            booking_date=self.booking_date,
            tags=tags,
        )


COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(RowState) if field.name not in {"tags", "splits"})
"""The columns of the table that a state holds."""

_FIXED = frozenset({"id", "account_id", "identity", "currency", "counterparty_account", "reference", "bank_category"})
CHANGEABLE: tuple[str, ...] = tuple(name for name in COLUMNS if name not in _FIXED)
"""The columns that an edit may change."""

_TEXTS = ("counterparty", "text", "merchant", "note")

_PUBLISHED_NAMES: Mapping[str, str] = {"text": "description"}


def in_order(tags: Iterable[RowTag]) -> tuple[RowTag, ...]:
    """Tags in the order in which a row shows them."""
    return tuple(sorted(tags, key=lambda tag: tag.name))


def changed_columns(before: RowState, after: RowState) -> dict[str, object]:
    """The columns that differ, with their values afterwards."""
    return {name: getattr(after, name) for name in CHANGEABLE if getattr(before, name) != getattr(after, name)}


def texts_differ(before: RowState, after: RowState) -> bool:
    """Whether a text in which rows are found has changed."""
    return before.tags != after.tags or any(getattr(before, name) != getattr(after, name) for name in _TEXTS)


def ends_transfer(before: RowState, after: RowState) -> bool:
    """Whether the row can no longer be the side of a transfer that it was: deleted, of another amount, or denied."""
    denied = after.transfer_by == ChosenBy.USER and not after.marked_transfer
    was_denied = before.transfer_by == ChosenBy.USER and not before.marked_transfer
    return (
        before.amount != after.amount
        or (before.deleted_at is None and after.deleted_at is not None)
        or (denied and not was_denied)
    )


def journal_fields(before: RowState, after: RowState) -> tuple[dict[str, object], dict[str, object]]:
    """What differs between two states, before and after, by the names that the API gives the fields."""
    names = list(changed_columns(before, after))
    old: dict[str, object] = {_PUBLISHED_NAMES.get(name, name): getattr(before, name) for name in names}
    new: dict[str, object] = {_PUBLISHED_NAMES.get(name, name): getattr(after, name) for name in names}
    if before.tags != after.tags:
        old["tags"], new["tags"] = before.tag_names, after.tag_names
    if before.splits != after.splits:
        old["splits"], new["splits"] = _plain_parts(before.splits), _plain_parts(after.splits)
    return old, new


def whole_fields(state: RowState) -> dict[str, object]:
    """All that a row holds, for the journal of a row that was made or that is gone; empty fields are left out."""
    names = ("account_id", "currency", "counterparty_account", "reference", "bank_category", *CHANGEABLE)
    found = {_PUBLISHED_NAMES.get(name, name): getattr(state, name) for name in names}
    found |= {"tags": state.tag_names, "splits": _plain_parts(state.splits)}
    return {name: value for name, value in found.items() if value not in (None, "", (), [])}


def _plain_parts(parts: Iterable[RowPart]) -> list[dict[str, object]]:
    return [part.plain() for part in parts]

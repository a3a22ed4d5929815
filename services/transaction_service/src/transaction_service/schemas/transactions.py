"""Rows of the ledger as clients send and read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from transaction_service.amounts import Amount, ExactAmount
from transaction_service.models import ChosenBy, Transaction
from transaction_service.rows.state import MOST_TAGS, RowPart, RowTag
from transaction_service.schemas.fields import Change, Currency, KeptDay, Line, LongText
from transaction_service.search.text import folded
from transaction_service.transfers.evidence import NO_PARTNER, TransferPartner

MOST_SPLITS = 200
"""So many parts a row may have."""


def _tag_name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        raise ValueError("a tag has at least one character")
    if not name.isprintable():
        raise ValueError("a tag has no control characters")
    return name


def _distinct(names: list[str]) -> list[str]:
    return list({folded(name): name for name in reversed(names)}.values())[::-1]


TagName = Annotated[str, StringConstraints(max_length=60), AfterValidator(_tag_name)]
"""A tag: spaces around it are dropped; up to 60 characters."""
TagNames = Annotated[list[TagName], Field(max_length=MOST_TAGS), AfterValidator(_distinct)]
"""Tags; of those that differ only in case, the first stays."""


class SplitInput(BaseModel):
    """A part of a row; the parts sum to the row's amount."""

    model_config = ConfigDict(extra="forbid")

    amount: Amount
    category_id: UUID | None = None
    note: LongText | None = None


def _several(splits: list[SplitInput]) -> list[SplitInput]:
    if len(splits) == 1:
        raise ValueError("a row is split into at least two parts; send none to make it whole")
    return splits


SplitInputs = Annotated[list[SplitInput], Field(max_length=MOST_SPLITS), AfterValidator(_several)]
"""The parts of a row, at least two, or none to make it whole."""


class SplitSchema(BaseModel):
    """A part of a row, with an id of its own in the exported ledger."""

    id: UUID
    amount: ExactAmount
    category_id: UUID | None
    note: str | None


class SplitsChange(BaseModel):
    """All parts of a row."""

    model_config = ConfigDict(extra="forbid")

    splits: SplitInputs


class TransactionCreate(BaseModel):
    """A row entered by hand. `id` may be the client's own; sending the same again books nothing twice.

    What is left out is filled in by the rules, where they say something about the row.
    """

    model_config = ConfigDict(extra="forbid")

    id: UUID | None = None
    account_id: UUID
    booking_date: KeptDay
    value_date: KeptDay | None = None
    amount: Amount
    currency: Currency | None = Field(default=None, description="The account's currency, which is also the default.")
    original_amount: Amount | None = Field(default=None, description="What was paid in another currency.")
    original_currency: Currency | None = None
    exchange_rate: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,12})?$")] | None = None
    description: LongText = ""
    counterparty: Line | None = None
    merchant: Line | None = None
    category_id: UUID | None = None
    note: LongText | None = None
    tags: TagNames = Field(default_factory=list)
    splits: SplitInputs = Field(default_factory=list)
    marked_transfer: bool | None = None

    @model_validator(mode="after")
    def _original_is_whole(self) -> Self:
        if (self.original_amount is None) != (self.original_currency is None):
            raise ValueError("original_amount and original_currency belong together; send both or neither")
        return self


class TransactionChange(Change):
    """The fields to change; `tags` and `splits` are replaced as a whole.

    A category, merchant, note or transfer mark set to null is the rules' again. An empty note stays empty.
    """

    clearable = frozenset({"value_date", "counterparty", "merchant", "category_id", "note", "marked_transfer"})

    booking_date: KeptDay | None = None
    value_date: KeptDay | None = None
    amount: Amount | None = Field(default=None, description="Of a split row only together with `splits`.")
    description: LongText | None = Field(default=None, description="Only of rows that were entered by hand.")
    counterparty: Line | None = None
    merchant: Line | None = None
    category_id: UUID | None = None
    note: LongText | None = None
    tags: TagNames | None = None
    splits: SplitInputs | None = None
    marked_transfer: bool | None = None


class TransactionSchema(BaseModel):
    """One row. `description` is the bank's own text, kept as it came, as are `stated_date` and `stated_amount`.

    These two are null unless the user has changed `booking_date` or `amount`. `categorised_by`, `merchant_by`,
    `note_by` and `transfer_by` say who chose: the user, a rule (`rule_id`), a model with a `confidence`, or nobody.
    A row with `splits` has no category of its own. `balance` is the account's after the row, where the file prints it;
    `details` are the parts of a batch, as the bank lists them.
    """

    id: UUID
    account_id: UUID
    import_id: UUID | None
    booking_date: date
    value_date: date | None
    amount: ExactAmount
    currency: str
    stated_date: date | None
    stated_amount: ExactAmount | None
    original_amount: ExactAmount | None
    original_currency: str | None
    exchange_rate: str | None
    balance: ExactAmount | None
    pending: bool
    description: str
    counterparty: str | None
    counterparty_account: str | None
    reference: str | None
    bank_category: str | None
    details: list[dict[str, Any]] | None
    merchant: str | None
    merchant_by: ChosenBy
    note: str | None
    note_by: ChosenBy
    category_id: UUID | None
    categorised_by: ChosenBy
    rule_id: UUID | None
    confidence: float | None
    marked_transfer: bool
    transfer_by: ChosenBy
    transfer_id: UUID | None
    transfer_account_id: UUID | None
    tags: list[str]
    splits: list[SplitSchema]
    version: int
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None


def split_schema(part: RowPart) -> SplitSchema:
    """The answer that shows a part."""
    return SplitSchema.model_construct(id=part.id, amount=part.amount, category_id=part.category_id, note=part.note)


def transaction_schema(
    row: Transaction,
    tags: Sequence[RowTag] = (),
    splits: Sequence[RowPart] = (),
    partner: TransferPartner = NO_PARTNER,
) -> TransactionSchema:
    """The answer that shows a row with its tags and parts, and the other side of its transfer."""
    return TransactionSchema.model_construct(
        **{name: getattr(row, name) for name in _SAME_NAMES},
        description=row.text,
        merchant_by=ChosenBy(row.merchant_by),
        note_by=ChosenBy(row.note_by),
        categorised_by=ChosenBy(row.categorised_by),
        transfer_by=ChosenBy(row.transfer_by),
        transfer_id=partner.transfer_id,
        transfer_account_id=partner.account_id,
        tags=[tag.name for tag in tags],
        splits=[split_schema(part) for part in splits],
    )


_SAME_NAMES = tuple(
    TransactionSchema.model_fields.keys()
    - {"description", "tags", "splits", "merchant_by", "note_by", "categorised_by", "transfer_by"}
    - {"transfer_id", "transfer_account_id"}
)

"""Edits of many rows at once, as clients send them and read their effect."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from api_common.fields import Day
from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, model_validator

from transaction_service.amounts import Amount
from transaction_service.schemas.fields import Change, Line, LongText, SearchText
from transaction_service.schemas.transactions import TagNames, TransactionSchema

MOST_ROWS = 50_000
"""So many rows one edit may reach."""

_QUERY_NAMES = {"from_date": "from", "to_date": "to"}


class BulkFilter(BaseModel):
    """Rows that pass all given filters; the names and meanings are those of `GET /v1/transactions`."""

    model_config = ConfigDict(
        extra="forbid",
        validate_by_name=False,
        alias_generator=AliasGenerator(validation_alias=lambda name: _QUERY_NAMES.get(name, name)),
    )

    account_id: list[UUID] = Field(default_factory=list, description="One or several accounts.")
    from_date: Day | None = None
    to_date: Day | None = None
    amount_min: Amount | None = None
    amount_max: Amount | None = None
    category_id: UUID | Literal["uncategorised"] | None = None
    import_id: UUID | None = None
    q: SearchText | None = None


class BulkChange(Change):
    """What becomes of every row. A field set to null is the rules' again.

    A category is not given to split rows, whose parts have categories of their own; the answer counts them.
    """

    clearable = frozenset({"category_id", "merchant", "note", "marked_transfer"})

    category_id: UUID | None = None
    merchant: Line | None = None
    note: LongText | None = None
    marked_transfer: bool | None = None
    tags_add: TagNames | None = None
    tags_remove: TagNames | None = None
    delete: Literal[True] | None = Field(default=None, description="Delete the rows; alone, without other changes.")

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("there is nothing to change; give at least one field")
        if self.delete and self.model_fields_set != {"delete"}:
            raise ValueError("rows are either deleted or changed; send delete alone")
        return self


class BulkEdit(BaseModel):
    """Which rows, by `filter` or by `ids`, and what to do with them; `preview` tells the effect and writes nothing."""

    model_config = ConfigDict(extra="forbid")

    filter: BulkFilter | None = None
    ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_ROWS)] | None = None
    changes: BulkChange
    preview: bool = False

    @model_validator(mode="after")
    def _names_rows_one_way(self) -> Self:
        if (self.filter is None) == (self.ids is None):
            raise ValueError("send either filter or ids; an empty filter means all rows")
        return self


class BulkRow(BaseModel):
    """A row as it stands before the edit, and the fields that differ before and after."""

    transaction: TransactionSchema
    before: dict[str, Any]
    after: dict[str, Any]


class BulkEdited(BaseModel):
    """What an edit of many rows does, or would do for a preview.

    matched: rows that the filter or the ids name
    changed: rows that differ afterwards; the others are `unchanged`
    split: rows that keep the categories of their parts, where a category was to be given
    rows: the first rows that differ, oldest first
    """

    preview: bool
    matched: int
    changed: int
    unchanged: int
    split: int
    journal_entry_id: UUID | None
    rows: list[BulkRow]

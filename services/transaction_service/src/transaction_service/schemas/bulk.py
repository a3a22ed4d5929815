"""Edits of many rows at once, as clients send them and read their effect."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from transaction_service.schemas.fields import Change, Line, LongText
from transaction_service.schemas.listing import Filters
from transaction_service.schemas.transactions import TagNames, TransactionSchema

MOST_ROWS = 50_000
"""So many rows one edit may reach."""


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
    delete: Literal[True] | None = Field(default=None, description="Move the rows to the trash; without other changes.")
    restore: Literal[True] | None = Field(default=None, description="Bring rows of the trash back; likewise.")

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("there is nothing to change; give at least one field")
        if (self.delete or self.restore) and len(self.model_fields_set) > 1:
            raise ValueError("rows are deleted, restored or changed; send delete or restore alone")
        return self


class BulkEdit(BaseModel):
    """Which rows, by `filter` or by `ids`, and what to do with them; `preview` tells the effect and writes nothing.

    The names and meanings of the filter are those of `GET /v1/transactions`.
    """

    model_config = ConfigDict(extra="forbid")

    filter: Filters | None = None
    ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_ROWS)] | None = None
    changes: BulkChange
    preview: bool = False

    @model_validator(mode="after")
    def _names_rows_one_way(self) -> Self:
        if (self.filter is None) == (self.ids is None):
            raise ValueError("send either filter or ids; an empty filter means all rows")
        if self.filter is not None and self.filter.deleted and not self.changes.restore:
            raise ValueError("rows in the trash can only be restored; send restore in changes")
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

"""Categories as clients send and read them."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from transaction_service.categories.defaults import CategoryKind
from transaction_service.schemas.fields import CategoryName, Change


class CategoryCreate(BaseModel):
    """A category of the user's own. Below a parent its kind is the parent's; a root must say its kind."""

    model_config = ConfigDict(extra="forbid")

    id: UUID | None = None
    name: CategoryName
    parent_id: UUID | None = None
    kind: CategoryKind | None = None


class CategoryChange(Change):
    """A new name, a new place in the tree, or both. `parent_id: null` makes the category a root."""

    clearable = frozenset({"parent_id"})

    name: CategoryName | None = None
    parent_id: UUID | None = None


class CategorySchema(BaseModel):
    """One category. `path` is its name with those above it; `version` is null for a built-in one."""

    id: UUID
    parent_id: UUID | None
    name: str
    path: str = Field(examples=["Food > Groceries"])
    kind: CategoryKind
    built_in: bool
    version: int | None


class CategoryList(BaseModel):
    """All categories of the user, parents before their children."""

    items: list[CategorySchema]


class CategoryDeleted(BaseModel):
    """What hung on the deleted category and moved elsewhere."""

    reassigned: dict[str, int]

"""Categories and the rules that give them."""

from __future__ import annotations

from uuid import UUID

from api_common.columns import Owned, Versioned
from sqlalchemy import JSON
from sqlmodel import Field

from transaction_service.models.base import Table


class Category(Table, Owned, Versioned, table=True):
    """A category of the user's own. Its parent may be one of these or a built-in one, hence no foreign key."""

    __tablename__ = "categories"

    parent_id: UUID | None = None
    name: str = Field(max_length=100)
    kind: str = Field(max_length=10)


class Rule(Table, Owned, Versioned, table=True):
    """What is done to rows that fulfil its conditions; rules are tried in the order of `position`.

    `match` says whether `all` of `conditions` must hold or `any` one. `category_id` is the category that the rule
    gives; `actions` holds whatever else it does.
    """

    __tablename__ = "rules"

    name: str = Field(default="", max_length=200)
    enabled: bool = True
    position: int
    match: str = Field(default="all", max_length=3)
    conditions: list[dict[str, object]] = Field(default_factory=list, sa_type=JSON)
    category_id: UUID | None = None
    actions: dict[str, object] = Field(default_factory=dict, sa_type=JSON)

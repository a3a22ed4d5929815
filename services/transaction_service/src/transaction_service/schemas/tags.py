"""Tags as clients read and rename them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from transaction_service.schemas.transactions import TagName


class TagSchema(BaseModel):
    """A tag and the number of rows that have it."""

    tag: str
    rows: int


class TagChange(BaseModel):
    """A new name for a tag; the name of another tag merges the two."""

    model_config = ConfigDict(extra="forbid")

    name: TagName

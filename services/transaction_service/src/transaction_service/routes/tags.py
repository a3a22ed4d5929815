"""/v1/tags."""

from __future__ import annotations

from typing import Annotated

from api_common.pagination import InvalidCursor, Links, Page, Paging
from api_common.problems import responses
from fastapi import APIRouter, Path

from transaction_service.errors import TagNotFound
from transaction_service.routes.access import Reader, Reading, Writer, Writing
from transaction_service.schemas.fields import Storable
from transaction_service.schemas.tags import TagChange, TagSchema
from transaction_service.service.tags import Tags

router = APIRouter(prefix="/v1/tags", tags=["tags"])

TagPath = Annotated[str, Path(max_length=60, description="The tag as the list writes it."), Storable]


@router.get("", responses=responses(InvalidCursor))
async def list_tags(user: Reader, session: Reading, page: Paging, links: Links) -> Page[TagSchema]:
    """List the tags by name, each with the number of its rows."""
    return links.page(await Tags(session, user.user_id).list(page), TagSchema.model_validate)


# A tag may hold a slash.
@router.patch("/{tag:path}", responses=responses(TagNotFound))
async def rename_tag(tag: TagPath, changes: TagChange, user: Writer, session: Writing) -> TagSchema:
    """Rename a tag on all rows and in all rules, or merge it into another one."""
    return await Tags(session, user.user_id).rename(tag, changes.name)


@router.delete("/{tag:path}", responses=responses(TagNotFound))
async def delete_tag(tag: TagPath, user: Writer, session: Writing) -> TagSchema:
    """Take a tag off all rows, and say how many had it."""
    return await Tags(session, user.user_id).delete(tag)

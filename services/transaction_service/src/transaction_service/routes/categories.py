"""/v1/categories."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from api_common import idempotency
from api_common.preconditions import IfMatch, IfMatchMissing, Stale, etag
from api_common.problems import responses
from fastapi import APIRouter, Query, Response

from transaction_service.errors import BuiltInCategory, CategoryInUse, CategoryMisplaced, CategoryNotFound, IdTaken
from transaction_service.routes.access import Once, Reader, Reading, Writer, Writing
from transaction_service.schemas.categories import (
    CategoryChange,
    CategoryCreate,
    CategoryDeleted,
    CategoryList,
    CategorySchema,
)
from transaction_service.service.categories import Categories

router = APIRouter(prefix="/v1/categories", tags=["categories"])


def _headers(category: CategorySchema) -> dict[str, str]:
    tag = {} if category.version is None else {"ETag": etag(category.version)}
    return {"Location": f"/v1/categories/{category.id}", **tag}


@router.get("")
async def list_categories(user: Reader, session: Reading) -> CategoryList:
    """List all categories, the built-in ones and the user's own, parents before their children."""
    return await Categories(session, user.user_id).list()


@router.post(
    "",
    status_code=201,
    response_model=CategorySchema,
    responses=responses(CategoryNotFound, CategoryMisplaced, IdTaken, *idempotency.PROBLEMS),
)
async def create_category(wanted: CategoryCreate, user: Writer, once: Once, session: Writing) -> Response:
    """Create a category of one's own, anywhere in the tree."""
    return await once.once(
        user.user_id,
        status=201,
        model=CategorySchema,
        effect=lambda: Categories(session, user.user_id).create(wanted),
        headers=_headers,
    )


@router.get("/{category_id}", responses=responses(CategoryNotFound))
async def read_category(category_id: UUID, user: Reader, session: Reading, response: Response) -> CategorySchema:
    """Read one category."""
    category = await Categories(session, user.user_id).get(category_id)
    if category.version is not None:
        response.headers["ETag"] = etag(category.version)
    return category


@router.patch(
    "/{category_id}", responses=responses(CategoryNotFound, BuiltInCategory, CategoryMisplaced, Stale, IfMatchMissing)
)
async def change_category(
    category_id: UUID, changes: CategoryChange, user: Writer, if_match: IfMatch, session: Writing, response: Response
) -> CategorySchema:
    """Rename or move a category of one's own."""
    category = await Categories(session, user.user_id).change(category_id, changes, if_match)
    if category.version is not None:
        response.headers["ETag"] = etag(category.version)
    return category


@router.delete(
    "/{category_id}",
    responses=responses(CategoryNotFound, BuiltInCategory, CategoryInUse, CategoryMisplaced, Stale, IfMatchMissing),
)
async def delete_category(
    category_id: UUID,
    user: Writer,
    if_match: IfMatch,
    session: Writing,
    reassign_to: Annotated[
        UUID | Literal["uncategorised"] | None, Query(description="Where its rows and rules go.")
    ] = None,
) -> CategoryDeleted:
    """Delete a category of one's own; its children move up."""
    return await Categories(session, user.user_id).delete(
        category_id,
        if_match,
        reassign_to=reassign_to if isinstance(reassign_to, UUID) else None,
        uncategorise=reassign_to == "uncategorised",
    )

"""User administration."""

from typing import Annotated
from uuid import UUID

from api_common.pagination import InvalidCursor, Links, Page, Paging
from api_common.problems import responses
from fastapi import APIRouter, Query

from auth_service.problems import DataOwnerUnavailable, LastAdministrator, UserNotFound
from auth_service.routes.account import REFUSED_TOKEN
from auth_service.routes.dependencies import AdministrationHere, Administrator, administrator
from auth_service.schemas import DeletionReport, LockRequest, RoleChange, UserDetail
from auth_service.scopes import Role

router = APIRouter(prefix="/v1/users", tags=["users"])

Admin = Annotated[Administrator, administrator()]


@router.get("", responses=responses(*REFUSED_TOKEN, InvalidCursor))
async def list_users(
    _admin: Admin,
    page: Paging,
    links: Links,
    administration: AdministrationHere,
    email: Annotated[str | None, Query(min_length=1, max_length=254, description="Any part of the address.")] = None,
    role: Annotated[Role | None, Query(description="Only users of this role.")] = None,
    locked: Annotated[bool | None, Query(description="Only locked users, or only others.")] = None,
) -> Page[UserDetail]:
    """Give users, the oldest account first."""
    found = await administration.page(page, email=email, role=role, locked=locked)
    return links.page(found, UserDetail.model_validate)


@router.get("/{user_id}", responses=responses(*REFUSED_TOKEN, UserNotFound))
async def read_user(user_id: UUID, _admin: Admin, administration: AdministrationHere) -> UserDetail:
    """Give one user."""
    return UserDetail.model_validate(await administration.get(user_id))


@router.post("/{user_id}/lock", responses=responses(*REFUSED_TOKEN, UserNotFound, LastAdministrator))
async def lock_user(
    user_id: UUID, _admin: Admin, administration: AdministrationHere, body: LockRequest | None = None
) -> UserDetail:
    """Lock an account: no sign-in any more, and all its sessions end."""
    return UserDetail.model_validate(await administration.lock(user_id, reason=body.reason if body else None))


@router.post("/{user_id}/unlock", responses=responses(*REFUSED_TOKEN, UserNotFound))
async def unlock_user(user_id: UUID, _admin: Admin, administration: AdministrationHere) -> UserDetail:
    """Let a locked user sign in again."""
    return UserDetail.model_validate(await administration.unlock(user_id))


@router.put("/{user_id}/role", responses=responses(*REFUSED_TOKEN, UserNotFound, LastAdministrator))
async def give_role(user_id: UUID, body: RoleChange, _admin: Admin, administration: AdministrationHere) -> UserDetail:
    """Make a user an administrator or a member. More rights come with the next sign-in, fewer with the next refresh."""
    return UserDetail.model_validate(await administration.give_role(user_id, body.role))


@router.delete("/{user_id}", responses=responses(*REFUSED_TOKEN, UserNotFound, LastAdministrator, DataOwnerUnavailable))
async def delete_user(user_id: UUID, admin: Admin, administration: AdministrationHere) -> DeletionReport:
    """Delete a user with all data in all services, and report what was deleted; nothing brings it back."""
    return await administration.delete(user_id, token=admin.token)

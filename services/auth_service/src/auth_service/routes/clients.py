"""Service clients: programs that get tokens of their own."""

from typing import Annotated

from api_common.pagination import InvalidCursor, Links, Page, Paging
from api_common.problems import responses
from fastapi import APIRouter, Response

from auth_service.models import ServiceClient
from auth_service.problems import ClientNameTaken, ClientNotFound, UnknownScopes
from auth_service.routes.account import REFUSED_TOKEN
from auth_service.routes.dependencies import Administrator, ProgramsHere, administrator
from auth_service.schemas import ClientDetail, ClientWithSecret, NewClient
from auth_service.scopes import parse_scope

router = APIRouter(prefix="/v1/clients", tags=["service clients"])

Admin = Annotated[Administrator, administrator()]


@router.post("", status_code=201, responses=responses(*REFUSED_TOKEN, ClientNameTaken, UnknownScopes))
async def create_client(body: NewClient, admin: Admin, programs: ProgramsHere, response: Response) -> ClientWithSecret:
    """Make a service client. The answer holds its secret, which cannot be read again."""
    client, secret = await programs.create(body, created_by=admin.user_id)
    response.headers["Cache-Control"] = "no-store"
    return ClientWithSecret(**_detail(client).model_dump(), client_secret=secret)


@router.get("", responses=responses(*REFUSED_TOKEN, InvalidCursor))
async def list_clients(_admin: Admin, page: Paging, links: Links, programs: ProgramsHere) -> Page[ClientDetail]:
    """Give service clients by name, without their secrets."""
    return links.page(await programs.page(page), _detail)


@router.delete("/{client_id}", status_code=204, responses=responses(*REFUSED_TOKEN, ClientNotFound))
async def delete_client(client_id: str, _admin: Admin, programs: ProgramsHere) -> None:
    """Delete a service client: it gets no further token, and those it has end within minutes."""
    await programs.delete(client_id)


def _detail(client: ServiceClient) -> ClientDetail:
    return ClientDetail(
        client_id=client.id,
        name=client.name,
        scopes=sorted(parse_scope(client.scope)),
        created_at=client.created_at,
        last_used_at=client.last_used_at,
    )

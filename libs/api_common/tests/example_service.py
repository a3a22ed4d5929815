"""A small service without a database, as the HTTP tests need it."""

from collections.abc import Sequence
from typing import Annotated, ClassVar
from uuid import UUID

from api_common import Check, Runtime, Service, offload, runtime_of
from api_common.auth import Principal, UserPrincipal, requires, requires_user
from api_common.problems import Conflict, NotFound, TooManyRequests, responses
from api_common.responses import json_bytes
from config import Profile, ServiceSettings
from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

NAME = "example_service"


class Settings(ServiceSettings):
    service_name: ClassVar[str] = NAME


class ShelfFull(Conflict):
    """409: there is no room."""

    code = "shelf_full"
    title = "The shelf is full"


class BookNotFound(NotFound):
    """404: no such book."""

    code = "book_not_found"


class Book(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1)
    pages: int = Field(ge=1)
    author: UUID | None = None


class Filter(BaseModel):
    author: str | None = None
    minimum_pages: int = Field(0, alias="min-pages")


def router() -> APIRouter:
    routes = APIRouter(prefix="/v1/books", tags=["books"])

    @routes.get("/special")
    async def special() -> dict[str, str]:
        return {"title": "special"}

    @routes.get("/search")
    async def search(filters: Annotated[Filter, Query()]) -> list[str]:
        return [f"{filters.author} {filters.minimum_pages}"]

    @routes.get(
        "/by-hand", openapi_extra={"parameters": [{"in": "query", "name": "raw", "schema": {"type": "string"}}]}
    )
    async def by_hand(request: Request) -> dict[str, str]:
        return dict(request.query_params)

    @routes.get("/pages")
    async def pages(limit: Annotated[int, Query(ge=1)] = 5, tag: Annotated[list[str] | None, Query()] = None) -> int:
        return limit + len(tag or [])

    @routes.get("/hot", response_model=list[Book])
    async def hot() -> Response:
        return json_bytes([{"title": "Hot", "pages": 1, "author": UUID(int=1)}], headers={"ETag": '"1"'})

    @routes.get("/{number}", responses=responses(BookNotFound))
    async def book(number: int) -> Book:
        if number == 0:
            raise BookNotFound("Book 0 does not exist.", shelf=7)
        if number == 418:
            raise HTTPException(418, "A teapot.")
        if number == 500:
            raise RuntimeError("password=hunter2")
        return Book(title=f"Book {number}", pages=number)

    @routes.post("", status_code=201, responses=responses(ShelfFull))
    async def add(book: Book) -> Book:
        if book.title == "too much":
            raise ShelfFull("There is room for 3 books.")
        if book.title == "slowly":
            raise TooManyRequests("One book per minute.", retry_after=60)
        return book

    @routes.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    return routes


def account_router() -> APIRouter:
    routes = APIRouter(prefix="/v1/me")

    @routes.get("")
    async def me(user: Annotated[UserPrincipal, requires_user("profile:read", service=NAME)]) -> UUID:
        return user.user_id

    @routes.get("/client")
    async def client(principal: Annotated[Principal, requires("users:admin", service=NAME)]) -> str | None:
        return principal.client_id

    @routes.get("/service")
    async def service(runtime: Annotated[Runtime, Depends(runtime_of(NAME))]) -> str:
        return runtime.service.name

    @routes.get("/digest")
    async def digest() -> int:
        return await offload(sum, [1, 2, 3])

    return routes


def settings(**overrides: object) -> Settings:
    values = {"profile": Profile.TEST, "log_level": "warning", **overrides}
    return Settings.model_validate(values)


def example(checks: Sequence[Check] = (), calls: Sequence[str] = (), **overrides: object) -> Service:
    return Service(
        name=NAME,
        version="1.2.3",
        summary="Books & shelves",
        settings=settings(**overrides),
        routers=[router(), account_router()],
        checks=checks,
        calls=calls,
    )

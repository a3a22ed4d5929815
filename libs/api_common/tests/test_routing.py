"""The index of routes answers as FastAPI's own routing would, whatever the routes look like."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import quote

import httpx2
import pytest
from api_common._route_index import RouteIndex, template_of
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.routing import APIRoute
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

Endpoint = Callable[..., Any]


async def marked(request: Request) -> None:
    request.state.marks = [*getattr(request.state, "marks", []), "router"]


async def who() -> str:
    return "real"


async def somebody_else() -> str:
    return "overridden"


def answering(name: str) -> Endpoint:
    async def endpoint(request: Request, caller: Annotated[str, Depends(who)]) -> dict[str, Any]:
        values = {key: str(value) for key, value in request.path_params.items()}
        return {
            "route": name,
            "template": template_of(request.scope),
            "values": values,
            "marks": getattr(request.state, "marks", []),
            "caller": caller,
        }

    return endpoint


class Loud(APIRoute):
    """A kind of route that changes how its endpoints answer."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Change the status of each answer."""
        quiet = super().get_route_handler()

        async def loud(request: Request) -> Response:
            response = await quiet(request)
            response.status_code = 203
            return response

        return loud


async def plainly(request: Request) -> Response:
    return JSONResponse({"plain": request.url.path, "values": request.path_params})


def books() -> APIRouter:
    router = APIRouter(prefix="/v1/books", tags=["books"], dependencies=[Depends(marked)])
    for path, methods in (
        ("", ["GET"]),
        ("", ["POST"]),
        ("/new", ["GET", "POST"]),
        ("/{number:int}", ["GET"]),
        ("/{name}", ["GET", "DELETE"]),
        ("/fixed", ["GET", "PUT"]),
        ("/{name}/pages/{page:int}", ["GET"]),
        ("/{name}/files/{path:path}", ["GET"]),
        ("/{number:float}/price", ["GET"]),
        ("/ä ö", ["GET"]),
        ("/with/slash/", ["GET"]),
    ):
        router.add_api_route(
            path, answering(f"books {path} {methods}"), methods=methods, status_code=202, include_in_schema=False
        )
    return router


def anything() -> APIRouter:
    inner = APIRouter(dependencies=[Depends(marked)])
    for path in (
        "/{left}/{right}",
        "/v1/{kind}",
        "/v1/{kind}/new",
        "/{only}",
        "/v{version}/books",
        "/deep/{rest:path}",
    ):
        inner.add_api_route(path, answering(f"anything {path}"), methods=["GET", "PATCH"], include_in_schema=False)
    outer = APIRouter()
    outer.include_router(inner, prefix="/x")
    outer.include_router(inner)
    return outer


def shelves() -> APIRouter:
    inner = APIRouter(route_class=Loud, responses={404: {}}, include_in_schema=False)
    inner.add_api_route("/{shelf}", answering("shelf"), methods=["GET", "PUT"])
    inner.add_api_route("/new", answering("new shelf"), methods=["POST"])
    outer = APIRouter(prefix="/v1")
    outer.add_api_route("/fixed", answering("fixed"))
    outer.include_router(inner, prefix="/books", dependencies=[Depends(marked)])
    outer.include_router(inner, prefix="/pages")
    return outer


SHARED = shelves()
"""A router whose routes several applications take over as they are, without including it."""


def late(app: FastAPI) -> None:
    """Add a mounted application and a plain route, and after them routes which they may hide."""
    inside = Starlette(routes=[Route("/{name}", plainly), Route("/v1/inner", plainly)])
    app.router.routes.append(Mount("/mounted", inside))
    app.router.routes.append(Route("/plain/{name}", plainly, methods=["GET"]))
    app.add_api_route("/mounted/hidden", answering("hidden"))
    app.add_api_route("/plain/{name}", answering("hidden too"), methods=["GET", "POST"], include_in_schema=False)
    app.add_api_route("/last", answering("last"))


def build(*parts: str, indexed: bool) -> FastAPI:
    app = FastAPI()
    if indexed:
        app.router.routes.insert(0, RouteIndex(app))
    for part in parts:
        if part == "late":
            late(app)
        elif part == "shared":
            app.router.routes.extend(SHARED.routes)
            app.include_router(SHARED, prefix="/x")
        else:
            app.include_router({"books": books, "anything": anything}[part]())
    app.dependency_overrides[who] = somebody_else
    return app


ORDERS = [
    ("books", "anything"),
    ("anything", "books"),
    ("late", "books", "anything"),
    ("books", "late", "anything"),
    ("shared", "books"),
    ("books", "shared", "late"),
]
PAIRS = [(build(*order, indexed=False), build(*order, indexed=True)) for order in ORDERS]
WORDS = (
    "v1 v2 books new fixed 7 1.5 pages files price x deep with slash last mounted hidden plain inner openapi.json docs"
)
SEGMENTS = st.sampled_from([*WORDS.split(), "", "ä ö", "a/b", "a%b", "☃", ".."])
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"])


async def answer(app: FastAPI, method: str, path: str) -> tuple[int, bytes, str | None, str | None]:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport) as client:
        response = await client.request(method, f"http://testserver{path}")
    return response.status_code, response.content, response.headers.get("location"), response.headers.get("allow")


@pytest.mark.parametrize("pair", PAIRS, ids=["-".join(order) for order in ORDERS])
@settings(max_examples=150, deadline=None)
@given(segments=st.lists(SEGMENTS, max_size=5), method=METHODS)
async def test_every_request_gets_what_fastapi_itself_would_answer(
    pair: tuple[FastAPI, FastAPI], segments: list[str], method: str
) -> None:
    plain, indexed = pair
    path = "/" + "/".join(quote(segment, safe="") for segment in segments)
    assert await answer(indexed, method, path) == await answer(plain, method, path)


async def test_routes_that_applications_share_are_answered_by_each_with_its_own_state() -> None:
    first, second = build("shared", indexed=True), build("shared", "late", indexed=True)
    for app in (first, second, first):
        status, body, *_ = await answer(app, "GET", "/v1/books/7")
        assert (status, b'"marks":["router"]' in body, b'"caller":"real"' in body) == (203, True, True)
        status, body, *_ = await answer(app, "GET", "/x/v1/pages/7")
        assert (status, b'"marks":[]' in body, b'"caller":"overridden"' in body) == (203, True, True)


async def test_the_varied_application_is_answered_by_the_index_and_by_fastapi() -> None:
    plain, indexed = PAIRS[2]
    reached = [await answer(app, "GET", "/v1/books/7") for app in (plain, indexed)]
    assert reached[0] == reached[1]
    assert b'"caller":"overridden"' in reached[0][1]
    assert b'"marks":["router"]' in reached[0][1]
    assert (await answer(indexed, "GET", "/mounted/hidden"))[
        1
    ] == b'{"plain":"/mounted/hidden","values":{"name":"hidden"}}'

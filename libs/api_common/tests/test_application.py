"""The application as a whole: pages, health, life of its services, routing, OpenAPI document."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from api_common import (
    Check,
    ConfigurationError,
    Runtime,
    Service,
    create_app,
    current_runtime,
)
from api_common.problems import Problem, responses
from api_common.responses import encoded_page, json_bytes
from api_common.testing import Issuer, assert_matches_model, client_for
from example_service import NAME, Book, BookNotFound, ShelfFull, example, settings
from fastapi import APIRouter, Request, WebSocket
from fastapi.testclient import TestClient


async def answer(method: str, path: str, **options: object) -> httpx2.Response:
    async with client_for(example()) as client:
        return await client.request(method, path, **options)  # type: ignore[arg-type]  # as httpx2 takes them


async def test_hot_lists_are_what_their_model_says() -> None:
    response = await answer("GET", "/v1/books/hot")
    assert (response.headers["etag"], response.headers["content-type"]) == ('"1"', "application/json")
    assert_matches_model(response.content, list[Book])
    with pytest.raises(TypeError, match="not JSON serializable: complex"):
        json_bytes(1j)
    assert json_bytes([Decimal("1.10")]).body == b'["1.10"]'
    with pytest.raises(AssertionError):
        assert_matches_model(b'[{"title": "x", "pages": "1"}]', list[Book])


def test_a_page_of_texts_is_the_page_of_what_they_say() -> None:
    assert encoded_page([], None).body == b'{"items":[],"next_cursor":null}'
    answer = encoded_page(['{"a":"ü"}', "2"], "next", headers={"Link": "<x>"})
    assert (bytes(answer.body).decode(), answer.headers["link"]) == (
        '{"items":[{"a":"ü"},2],"next_cursor":"next"}',
        "<x>",
    )


async def test_the_start_page_says_who_answers_in_the_form_that_is_asked_for() -> None:
    response = await answer("GET", "/")
    assert response.json()["services"] == [{"name": NAME, "version": "1.2.3", "summary": "Books & shelves"}]
    assert response.json()["links"]["docs"] == "/docs"
    browser = await answer("GET", "/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert browser.headers["content-type"].startswith("text/html")
    assert "Books &amp; shelves" in browser.text
    tool = await answer("GET", "/", headers={"accept": "application/json, text/html"})
    assert tool.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_a_page_needs_nothing_from_outside_and_runs_nothing_else(path: str) -> None:
    async with client_for(example()) as client:
        page = await client.get(path, headers={"accept": "text/html"})
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none';")
        assert not re.search(r"https?:|unsafe|\*", policy)
        for source in re.findall(r"""(?:src|href)=["']([^"']+)""", page.text):
            assert re.match(r"/(?!/)|data:image/", source), source
            if source.startswith("/") and source != "/health":
                assert (await client.get(source)).status_code == 200, source


async def test_the_documentation_brings_its_own_files_and_no_others_of_their_folder() -> None:
    async with client_for(example()) as client:
        page = await client.get("/docs")
        assert 'src="/docs/swagger-ui-bundle.js"' in page.text
        script = await client.get("/docs/swagger-ui-bundle.js")
        assert script.headers["content-type"].startswith(("text/javascript", "application/javascript"))
        assert b"SwaggerUIBundle" in script.content
        known = {"if-none-match": script.headers["etag"]}
        assert (await client.get("/docs/swagger-ui-bundle.js", headers=known)).status_code == 304
        assert (await client.get("/docs/swagger-ui.css")).headers["content-type"].startswith("text/css")
        for other in ("__init__.py", "..%2fmain.py"):
            assert (await client.get(f"/docs/{other}")).json()["code"] == "not_found"


async def test_health_reports_each_dependency_with_its_latency() -> None:
    async def works(_: Runtime) -> None:
        """Always."""

    async def fails(_: Runtime) -> None:
        raise ConnectionError("host db.internal refused")

    async with client_for(example(checks=[Check("queue", works)])) as client:
        health = (await client.get("/health")).json()
        assert health["status"] == "ok"
        assert health["services"][NAME]["checks"]["queue"]["status"] == "ok"
        assert health["services"][NAME]["checks"]["queue"]["latency_ms"] >= 0
        assert (await client.get("/readyz")).status_code == 200
    async with client_for(example(checks=[Check("queue", works), Check("broker", fails)])) as client:
        response = await client.get("/health")
        assert (response.status_code, response.json()["status"]) == (503, "down")
        assert response.json()["services"][NAME]["checks"]["broker"]["detail"] == "ConnectionError"
        assert "db.internal" not in response.text
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/livez")).status_code == 200


async def test_a_check_that_hangs_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs(_: Runtime) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("api_common.health.PROBE_SECONDS", 0.01)
    async with client_for(example(checks=[Check("queue", hangs)])) as client:
        check = (await client.get("/health")).json()["services"][NAME]["checks"]["queue"]
        assert (check["status"], check["detail"]) == ("down", "no answer within 0.01 seconds")


async def test_one_service_that_is_down_degrades_the_application_and_keeps_it_ready() -> None:
    async def fails(_: Runtime) -> None:
        raise ConnectionError

    other = Service("other_service", "1", "Other", settings(), checks=[Check("broker", fails)])
    async with client_for(create_app(example(), other)) as client:
        health = await client.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "degraded")
        assert (await client.get("/readyz")).status_code == 200


async def test_a_service_whose_peer_is_down_stays_ready_to_say_what_it_misses() -> None:
    async def fails(_: Runtime) -> None:
        raise ConnectionError

    async with client_for(example(checks=[Check("ledger", fails)], calls=["ledger"])) as client:
        assert (await client.get("/health")).json()["services"][NAME]["checks"]["ledger"]["status"] == "down"
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["services"][NAME]["checks"]) == (200, {})


async def test_services_are_opened_in_order_and_closed_in_reverse() -> None:
    events: list[str] = []

    def service(name: str) -> Service:
        @asynccontextmanager
        async def lifespan(runtime: Runtime) -> AsyncIterator[None]:
            events.append(f"open {name}")
            runtime.provide(name.encode())
            yield
            events.append(f"close {name}")

        return Service(name, "1", name, settings(), lifespan=lifespan)

    app = create_app(service("first"), service("second"))
    async with client_for(app) as client:
        assert (await client.get("/livez")).json() == {"status": "ok"}
        assert app.state.runtimes["second"].resource(bytes) == b"second"
        with pytest.raises(ConfigurationError, match="provides no dict"):
            app.state.runtimes["second"].resource(dict)
    assert events == ["open first", "open second", "close second", "close first"]


async def test_what_the_lifespan_provides_is_found_by_its_base_class_and_in_routes() -> None:
    class Shelf: ...

    class LongShelf(Shelf): ...

    routes = APIRouter()

    @routes.get("/shelf")
    async def shelf(request: Request) -> str:
        return type(current_runtime(request, "shelves").resource(Shelf)).__name__

    @asynccontextmanager
    async def lifespan(runtime: Runtime) -> AsyncIterator[None]:
        runtime.provide(LongShelf())
        yield

    async with client_for(Service("shelves", "1", "s", settings(), routers=[routes], lifespan=lifespan)) as client:
        assert (await client.get("/shelf")).json() == "LongShelf"


async def test_dependencies_give_the_runtime_and_threads_compute() -> None:
    assert (await answer("GET", "/v1/me/service")).json() == NAME
    assert (await answer("GET", "/v1/me/digest")).json() == 6


def test_an_application_needs_services_of_different_names() -> None:
    with pytest.raises(ConfigurationError, match="at least one service"):
        create_app()
    with pytest.raises(ConfigurationError, match="of a different name"):
        create_app(example(), example())


def test_a_service_without_database_says_so() -> None:
    app = create_app(example())
    with pytest.raises(ConfigurationError, match="has no open database"):
        _ = app.state.runtimes[NAME].database


async def test_routes_with_parameters_keep_their_order_against_fixed_ones() -> None:
    routes = APIRouter()

    @routes.get("/a/{name}")
    async def first(name: str) -> str:
        return f"parameter {name}"

    @routes.get("/a/fixed")
    async def second() -> str:
        return "fixed"

    @routes.get("/{left}/{right}")
    async def third(left: str, right: str) -> str:
        return f"anything {left} {right}"

    @routes.post("/a/fixed")
    async def fourth() -> str:
        return "posted"

    async with client_for(Service("order", "1", "o", settings(), routers=[routes])) as client:
        assert (await client.get("/a/fixed")).json() == "parameter fixed"
        assert (await client.post("/a/fixed")).json() == "posted"
        assert (await client.get("/b/c")).json() == "anything b c"
        assert (await client.get("/a/b/c")).status_code == 404


async def test_routers_keep_what_they_inherit() -> None:
    outer, inner = APIRouter(prefix="/v2"), APIRouter()

    @inner.get("/x/{number}", status_code=202)
    async def route(number: int) -> int:
        return number

    outer.include_router(inner, prefix="/inner", tags=["inherited"])
    app = create_app(Service("nested", "1", "n", settings(), routers=[outer]))
    async with client_for(app) as client:
        response = await client.get("/v2/inner/x/7")
        assert (response.status_code, response.json()) == (202, 7)
        document = (await client.get("/openapi.json")).json()
        assert document["paths"]["/v2/inner/x/{number}"]["get"]["tags"] == ["inherited"]


def test_overriding_dependencies_is_refused_instead_of_ignored() -> None:
    app = create_app(example())
    with pytest.raises(ConfigurationError, match="other settings, peers or lifespan"):
        app.dependency_overrides[settings] = settings


def test_websockets_pass_the_request_layer() -> None:
    routes = APIRouter()

    @routes.websocket("/echo")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()

    app = create_app(Service("sockets", "1", "s", settings(), routers=[routes]))
    with TestClient(app) as client, client.websocket_connect("/echo") as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"


async def test_the_openapi_document_declares_problems_and_scopes() -> None:
    document = (await answer("GET", "/openapi.json")).json()
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert "Problem" in document["components"]["schemas"]
    add = document["paths"]["/v1/books"]["post"]["responses"]
    assert list(add["409"]["content"]) == ["application/problem+json"]
    assert list(add["409"]["content"]["application/problem+json"]["examples"]) == ["shelf_full"]
    assert list(add["422"]["content"]) == ["application/problem+json"]
    assert list(add["default"]["content"]) == ["application/problem+json"]
    me = document["paths"]["/v1/me"]["get"]
    assert me["security"] == [{"purser": ["profile:read"]}]
    assert {"401", "403"} <= me["responses"].keys()
    scheme = document["components"]["securitySchemes"]["purser"]
    assert scheme["flows"]["password"]["tokenUrl"] == "/v1/auth/token"
    hot = document["paths"]["/v1/books/hot"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert hot["items"] == {"$ref": "#/components/schemas/Book"}
    assert document == (await answer("GET", "/openapi.json")).json()


def test_problems_of_one_status_share_an_entry() -> None:
    class ShelfLocked(ShelfFull):
        """409: locked."""

        code = "shelf_locked"

    entries = responses(ShelfFull, ShelfLocked, BookNotFound)
    assert list(entries) == [409, 404]
    assert list(entries[409]["content"]["application/problem+json"]["examples"]) == ["shelf_full", "shelf_locked"]


def test_standard_members_of_a_problem_cannot_be_overwritten() -> None:
    document = Problem("Detail.", status=200).document(instance="/x", trace_id="t")
    assert (document["status"], document["instance"]) == (500, "/x")


async def test_the_example_of_the_readme_runs(issuer: Issuer) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    source = readme.split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {"__name__": "shelf_service"}
    exec(compile(source, "README.md", "exec"), names)
    service = replace(names["service"](), settings=settings(jwks_file=issuer.jwks_file))
    async with client_for(service, headers=issuer.headers()) as client:
        assert (await client.get("/v1/books/1")).json() == {"title": "The First Book"}
        missing = await client.get("/v1/books/2")
        assert (missing.status_code, missing.json()["code"]) == (404, "book_not_found")

"""The application as a client sees it: problems, ids, headers, limits, pages."""

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
    StartupError,
    create_app,
    current_request,
    current_runtime,
)
from api_common.problems import Problem, responses
from api_common.responses import json_bytes
from api_common.testing import Issuer, assert_matches_model, client_for
from example_service import NAME, Book, BookNotFound, ShelfFull, example, settings
from fastapi import APIRouter, Request, WebSocket
from fastapi.testclient import TestClient

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def answer(method: str, path: str, **options: object) -> httpx2.Response:
    async with client_for(example()) as client:
        return await client.request(method, path, **options)  # type: ignore[arg-type]  # as httpx2 takes them


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "detail"),
    [
        ("GET", "/v1/books/0", None, 404, "book_not_found", "Book 0 does not exist."),
        ("POST", "/v1/books", {"title": "too much", "pages": 1}, 409, "shelf_full", "There is room for 3 books."),
        ("POST", "/v1/books", {"title": "slowly", "pages": 1}, 429, "too_many_requests", "One book per minute."),
        ("GET", "/v1/books/418", None, 418, "i'm_a_teapot", "A teapot."),
        ("GET", "/nowhere", None, 404, "not_found", "Nothing answers at /nowhere; /docs lists what does."),
        (
            "PUT",
            "/v1/books/1",
            None,
            405,
            "method_not_allowed",
            "PUT is not allowed at /v1/books/1; allowed: GET, HEAD.",
        ),
        ("GET", "/v1/books/x", None, 422, "invalid_request", "/path/number: Input should be a valid integer"),
    ],
)
async def test_every_error_is_a_problem(
    method: str, path: str, body: object, status: int, code: str, detail: str
) -> None:
    response = await answer(method, path, json=body)
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["detail"].startswith(detail)
    assert problem["type"] == f"urn:purser:problem:{code}"
    assert problem["instance"] == path
    assert re.fullmatch("[0-9a-f]{32}", problem["trace_id"])


async def test_a_problem_carries_its_extensions_and_headers() -> None:
    assert (await answer("GET", "/v1/books/0")).json()["shelf"] == 7
    assert (await answer("POST", "/v1/books", json={"title": "slowly", "pages": 1})).headers["retry-after"] == "60"
    assert (await answer("PUT", "/v1/books/1")).headers["allow"] == "GET, HEAD"


async def test_wrong_fields_are_named_by_json_pointers_without_their_values() -> None:
    response = await answer("POST", "/v1/books", json={"title": "", "pages": "hunter2", "a/b~c": 1})
    problem = response.json()
    assert response.status_code == 422
    assert {error["pointer"]: error["code"] for error in problem["errors"]} == {
        "/body/title": "string_too_short",
        "/body/pages": "int_parsing",
        "/body/a~1b~0c": "extra_forbidden",
    }
    assert "hunter2" not in response.text


async def test_a_summary_names_the_first_fields_only() -> None:
    response = await answer("POST", "/v1/books", json={f"unknown{number}": 1 for number in range(5)})
    assert "(and 4 more)" in response.json()["detail"]
    assert len(response.json()["errors"]) == 7


async def test_broken_json_is_refused_with_its_place() -> None:
    response = await answer("POST", "/v1/books", content=b'{"title": ', headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (400, "malformed_json")
    assert "at character 10" in response.json()["detail"]


async def test_an_unforeseen_error_says_nothing_about_itself(capsys: pytest.CaptureFixture[str]) -> None:
    response = await answer("GET", "/v1/books/500")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "hunter2" not in response.text
    assert "RuntimeError" not in response.text
    assert response.json()["trace_id"] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/v1/books/7?page=1", "Unknown query parameter page; /v1/books/{number} knows: none."),
        (
            "/v1/books/search?autor=x&min-pages=1&z=",
            "Unknown query parameter autor, z; /v1/books/search knows: author, min-pages.",
        ),
        ("/livez?x=1", "Unknown query parameter x; /livez knows: none."),
        ("/v1/books/by-hand?rau=1", "Unknown query parameter rau; /v1/books/by-hand knows: raw."),
    ],
)
async def test_an_unknown_query_parameter_is_refused_with_the_known_ones(path: str, detail: str) -> None:
    response = await answer("GET", path)
    assert (response.status_code, response.json()["code"]) == (422, "unknown_parameter")
    assert response.json()["detail"] == detail
    assert response.json()["errors"][0]["pointer"].startswith("/query/")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/books/search?author=x&min-pages=3", ["x 3"]),
        ("/v1/books/pages?limit=2&tag=a&tag=b", 4),
        ("/v1/books/by-hand?raw=1", {"raw": "1"}),
        ("/v1/books/special", {"title": "special"}),
    ],
)
async def test_known_query_parameters_and_fixed_paths_reach_their_route(path: str, expected: object) -> None:
    assert (await answer("GET", path)).json() == expected


async def test_a_query_on_a_path_that_nobody_answers_is_still_404() -> None:
    assert (await answer("GET", "/nowhere?x=1")).status_code == 404


async def test_head_answers_like_get_without_a_body() -> None:
    get, head = await answer("GET", "/v1/books/7"), await answer("HEAD", "/v1/books/7")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


async def test_a_path_with_a_slash_too_many_is_redirected() -> None:
    response = await answer("GET", "/v1/books/7/")
    assert (response.status_code, response.headers["location"]) == (307, "http://testserver/v1/books/7")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("client-7.a_B", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("two words", False),
        ('"quoted"', False),
        ("ümlaut".encode().decode("latin-1"), False),
    ],
)
async def test_a_request_id_is_kept_when_it_is_well_formed(sent: str, kept: bool) -> None:
    response = await answer("GET", "/livez", headers={"x-request-id": sent.encode("latin-1")})
    assert (response.headers["x-request-id"] == sent) is kept
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", response.headers["x-request-id"])


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", True),
        (f"cc-{TRACE}-00f067aa0ba902b7-01-later", True),
        (f"00-{TRACE}-00f067aa0ba902b7-01-later", False),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", False),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", False),
        ("nonsense", False),
    ],
)
async def test_the_trace_of_the_caller_is_continued_when_its_header_is_valid(sent: str, kept: bool) -> None:
    trace_id = (await answer("GET", "/nowhere", headers={"traceparent": sent})).json()["trace_id"]
    assert (trace_id == TRACE) is kept


async def test_outside_of_a_request_there_is_no_context() -> None:
    await answer("GET", "/livez")
    assert current_request() is None


async def test_every_answer_carries_security_headers() -> None:
    for path in ("/livez", "/nowhere", "/v1/books/500"):
        headers = (await answer("GET", path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert "no-store" in headers["cache-control"]
        assert "strict-transport-security" not in headers


async def test_an_installation_on_https_insists_on_it() -> None:
    async with client_for(example(public_url="https://purser.example")) as client:
        assert (await client.get("/livez")).headers["strict-transport-security"] == "max-age=31536000"


async def test_a_body_above_the_limit_is_refused_before_it_is_read() -> None:
    async with client_for(example(body_limit=1024)) as client:
        response = await client.post("/v1/books/raw", content=b"x" * 1025)
        assert (response.status_code, response.json()["code"], response.json()["limit"]) == (
            413,
            "payload_too_large",
            1024,
        )
        assert (await client.post("/v1/books/raw", content=b"x" * 1024)).json() == 1024


async def test_a_body_without_announced_length_is_counted() -> None:
    async def chunks(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 512

    async with client_for(example(body_limit=1024)) as client:
        assert (await client.post("/v1/books/raw", content=chunks(2))).json() == 1024
        for path in ("/v1/books/raw", "/v1/books"):
            response = await client.post(path, content=chunks(3), headers={"content-type": "application/json"})
            assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")


async def test_pages_of_allowed_origins_may_call_the_api_and_others_may_not() -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,idempotency-key"}
    async with client_for(example(cors_origins=("https://app.example",))) as client:
        allowed = await client.options("/v1/books", headers={"origin": "https://app.example", **asked})
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
        assert "POST" in allowed.headers["access-control-allow-methods"]
        assert allowed.headers["access-control-allow-headers"] == "authorization,idempotency-key"
        refused = await client.options("/v1/books", headers={"origin": "https://evil.example", **asked})
        assert "access-control-allow-origin" not in refused.headers
        missing = await client.get("/nowhere", headers={"origin": "https://app.example"})
        assert missing.headers["access-control-allow-origin"] == "https://app.example"
        assert "ETag" in missing.headers["access-control-expose-headers"]
        assert missing.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in missing.headers


async def test_any_origin_may_be_allowed_and_none_is_by_default() -> None:
    async with client_for(example(cors_origins=("*",))) as client:
        response = await client.get("/livez", headers={"origin": "https://any.example"})
        assert response.headers["access-control-allow-origin"] == "*"
    response = await answer("GET", "/livez", headers={"origin": "https://any.example"})
    assert "access-control-allow-origin" not in response.headers


async def test_the_rate_limit_counts_down_and_then_says_when_to_come_back() -> None:
    async with client_for(example(rate_limit="2/minute")) as client:
        first, second, third = [await client.get("/v1/books/1") for _ in range(3)]
        assert (first.status_code, second.status_code, third.status_code) == (200, 200, 429)
        assert first.headers["ratelimit-policy"] == '"default";q=2;w=60'
        assert re.fullmatch(r'"default";r=1;t=\d+', first.headers["ratelimit"])
        assert third.json()["code"] == "too_many_requests"
        assert 1 <= int(third.headers["retry-after"]) <= 60
        assert (await client.get("/livez")).status_code == 200


async def test_a_rate_limit_whose_redis_is_gone_lets_requests_pass() -> None:
    async with client_for(example(rate_limit="1/minute", redis_url="redis://127.0.0.1:1/0")) as client:
        assert [(await client.get("/v1/books/1")).status_code for _ in range(3)] == [200, 200, 200]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rate_limit": "often"}, 'PURSER_RATE_LIMIT="often" is not a rate. Accepted: such as 600/minute.'),
        ({"rate_limit": "1/minute", "redis_url": "http://:hunter2@x"}, "PURSER_REDIS_URL is wrong."),
    ],
)
def test_a_rate_limit_that_cannot_be_used_stops_the_start(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(StartupError, match=re.escape(message)) as caught:
        create_app(example(**wrong))
    assert "hunter2" not in str(caught.value)


async def test_hot_lists_are_what_their_model_says() -> None:
    response = await answer("GET", "/v1/books/hot")
    assert (response.headers["etag"], response.headers["content-type"]) == ('"1"', "application/json")
    assert_matches_model(response.content, list[Book])
    with pytest.raises(TypeError, match="not JSON serializable: complex"):
        json_bytes(1j)
    assert json_bytes([Decimal("1.10")]).body == b'["1.10"]'
    with pytest.raises(AssertionError):
        assert_matches_model(b'[{"title": "x", "pages": "1"}]', list[Book])


async def test_the_start_page_says_who_answers_in_the_form_that_is_asked_for() -> None:
    response = await answer("GET", "/")
    assert response.json()["services"] == [{"name": NAME, "version": "1.2.3", "summary": "Books & shelves"}]
    assert response.json()["links"]["docs"] == "/docs"
    browser = await answer("GET", "/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert browser.headers["content-type"].startswith("text/html")
    assert "Books &amp; shelves" in browser.text
    tool = await answer("GET", "/", headers={"accept": "application/json, text/html"})
    assert tool.headers["content-type"] == "application/json"


async def test_the_documentation_page_may_run_its_own_scripts_and_no_others() -> None:
    response = await answer("GET", "/docs")
    policy = response.headers["content-security-policy"]
    assert "SwaggerUIBundle" in response.text
    assert "'sha256-" in policy
    assert "https://cdn.jsdelivr.net" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]


async def test_health_reports_each_dependency_with_its_latency() -> None:
    async def works(_: Runtime) -> None:
        await asyncio.sleep(0)

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


async def test_routers_keep_what_they_inherit_and_tests_can_override_dependencies() -> None:
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

"""What every request gets: problems, ids, trace, headers, limits."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from api_common import (
    StartupError,
    create_app,
    current_request,
)
from api_common.ratelimit import RateLimit
from api_common.testing import client_for
from example_service import example

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


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/v1/books/1", "GET, HEAD"), ("/v1/books/raw", "GET, HEAD, POST"), ("/v1/books", "POST"), ("/docs", "GET, HEAD")],
)
async def test_a_wrong_method_is_told_all_the_right_ones(path: str, allowed: str) -> None:
    response = await answer("PUT", path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)
    assert response.json()["detail"].endswith(f"allowed: {allowed}.")


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


async def test_a_path_may_have_a_body_limit_of_its_own() -> None:
    async def chunks(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 512

    roomy = replace(example(body_limit=1024), body_limits={"/v1/books/raw": 2048})
    async with client_for(roomy) as client:
        assert (await client.post("/v1/books/raw", content=b"x" * 2048)).json() == 2048
        assert (await client.post("/v1/books/raw", content=chunks(4))).json() == 2048
        refused = [
            await client.post("/v1/books/raw", content=b"x" * 2049),
            await client.post("/v1/books/raw", content=chunks(5)),
            await client.post("/v1/books", content=b"x" * 1025),
        ]
    assert [answer.status_code for answer in refused] == [413, 413, 413]
    assert (refused[0].json()["limit"], refused[2].json()["limit"]) == (2048, 1024)


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


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::9", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("unix socket", "unix socket", True),
    ],
)
async def test_an_ipv6_subscriber_counts_once_whichever_of_his_addresses_he_uses(
    first: str, second: str, same: bool
) -> None:
    limit = RateLimit("1/hour")
    refusals = [(await limit.hit({"client": (address, 1)}))[1] for address in (first, second)]
    assert [refusal is not None for refusal in refusals] == [False, same]


async def test_a_rate_limit_whose_redis_is_gone_lets_requests_pass() -> None:
    async with client_for(example(rate_limit="1/minute", redis_url="redis://127.0.0.1:1/0")) as client:
        assert [(await client.get("/v1/books/1")).status_code for _ in range(3)] == [200, 200, 200]


async def test_replicas_count_together_in_redis(redis_url: str) -> None:
    replicas = [RateLimit("3/hour", redis_url) for _ in range(2)]
    asked = [await replica.hit({"client": ("192.0.2.1", 1)}) for replica in replicas * 2]
    assert [refusal is not None for _, refusal in asked] == [False, False, False, True]
    assert [dict(headers)[b"ratelimit"].split(b";")[1] for headers, _ in asked] == [b"r=2", b"r=1", b"r=0", b"r=0"]
    assert (await replicas[0].hit({"client": ("192.0.2.2", 1)}))[1] is None


async def test_a_redis_that_hangs_holds_up_one_request_and_no_further_ones() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        limit = RateLimit("1/minute", f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        async with asyncio.timeout(10):
            assert await limit.hit({"client": ("192.0.2.1", 1)}) == ((), None)
        async with asyncio.timeout(0.4):
            assert await limit.hit({"client": ("192.0.2.1", 1)}) == ((), None)


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

"""Calls between services: what travels along, and what happens when a peer is slow, broken or gone."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from api_common import ConfigurationError, PeerUnavailable, Runtime, Service, ServiceClient, create_app, runtime_of
from api_common.clients import ClientPolicy
from api_common.testing import Issuer, client_for
from example_service import NAME, example, settings
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import StreamingResponse

QUICK = ClientPolicy(connect_seconds=0.5, answer_seconds=0.2, backoff_seconds=0.001, failures_to_open=100)
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Flaky:
    """A peer that answers these statuses in turn, and 200 from then on."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.asked = 0
        self.app = FastAPI()
        self.app.add_api_route("/{path:path}", self.answer, methods=["GET", "POST", "PUT", "DELETE"])

    async def answer(self, path: str) -> Response:
        self.asked += 1
        return Response(status_code=self.statuses.pop(0) if self.statuses else 200)


@asynccontextmanager
async def tcp_server(handler: Handler) -> AsyncIterator[str]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_token_request_id_trace_and_address_travel_along() -> None:
    peer = FastAPI()

    @peer.api_route("/seen", methods=["GET", "POST"])
    async def seen(request: Request) -> dict[str, Any]:
        body = await request.body()
        return {"headers": dict(request.headers), "query": dict(request.query_params), "body": body.decode()}

    routes = APIRouter()

    @routes.get("/call")
    async def call(runtime: Annotated[Runtime, Depends(runtime_of("caller"))]) -> Any:
        client = runtime.client("peer_service")
        answer = await client.request(
            "POST", "/seen", token="t0ken", params={"a": 1}, json={"x": 1}, headers={"x-own": "1"}
        )
        return answer.json()

    caller = Service("caller", "1", "c", settings(), routers=[routes], calls=["peer_service"])
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    sent = {"x-request-id": "my-request", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    async with client_for(caller, peers={"peer_service": peer}, headers=sent) as client:
        found = (await client.get("/call")).json()
    headers = found["headers"]
    assert headers["authorization"] == "Bearer t0ken"
    assert headers["x-request-id"] == "my-request"
    assert headers["x-own"] == "1"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    version, trace_id, span_id, flags = headers["traceparent"].split("-")
    assert (version, trace_id, flags) == ("00", trace, "01")
    assert span_id != "00f067aa0ba902b7"
    assert (found["query"], found["body"]) == ({"a": "1"}, '{"x":1}')


async def test_services_of_one_application_call_each_other_in_process(issuer: Issuer) -> None:
    routes = APIRouter()

    @routes.get("/via")
    async def via(request: Request, runtime: Annotated[Runtime, Depends(runtime_of("caller"))]) -> Any:
        answer = await runtime.client(NAME).get("/v1/books/7")
        return [answer.json()["title"], answer.headers["x-request-id"]]

    caller = Service("caller", "1", "c", settings(rate_limit="1/minute"), routers=[routes], calls=[NAME])
    app = create_app(caller, example(jwks_file=issuer.jwks_file))
    async with client_for(app, headers={"x-request-id": "outer"}) as client:
        response = await client.get("/via")
        assert response.json() == ["Book 7", "outer"]
        assert response.headers["x-request-id"] == "outer"


async def test_an_idempotent_request_is_repeated_and_others_are_not() -> None:
    for method, asked in (("GET", 3), ("PUT", 3), ("DELETE", 3), ("POST", 1)):
        peer = Flaky(503, 502)
        async with ServiceClient("peer", peer.app, policy=QUICK) as client:
            if asked == 1:
                with pytest.raises(PeerUnavailable, match="it answered 503"):
                    await client.request(method, "/x")
            else:
                assert (await client.request(method, "/x")).status_code == 200
        assert peer.asked == asked


@pytest.mark.parametrize("status", [200, 404, 409, 422, 500])
async def test_any_other_answer_is_the_callers_business(status: int) -> None:
    peer = Flaky(status)
    async with ServiceClient("peer", peer.app, policy=QUICK) as client:
        assert (await client.get("/x")).status_code == status
    assert peer.asked == 1


async def test_a_peer_that_is_gone_is_named() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    async with ServiceClient("ledger", address, policy=QUICK) as client:
        with pytest.raises(PeerUnavailable) as caught:
            await client.get("/x")
    assert caught.value.detail == "ledger is not available: it cannot be reached."
    assert (caught.value.status, caught.value.code, caught.value.extensions) == (
        503,
        "peer_unavailable",
        {"peer": "ledger"},
    )


async def test_a_peer_that_does_not_answer_in_time_is_named() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with tcp_server(silent) as address, ServiceClient("ledger", address, policy=QUICK) as client:
        with pytest.raises(PeerUnavailable, match="it did not answer in time"):
            await client.get("/x")


async def test_a_connection_that_breaks_is_tried_again() -> None:
    connections = 0

    async def breaking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        if connections == 2:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        writer.close()

    async with tcp_server(breaking) as address, ServiceClient("ledger", address, policy=QUICK) as client:
        assert (await client.get("/x")).text == "ok"
        with pytest.raises(PeerUnavailable, match="the connection broke"):
            await client.request("POST", "/x")


async def test_an_answer_that_breaks_off_is_never_taken_for_a_whole_one() -> None:
    routes = APIRouter()

    @routes.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"first half"
            raise RuntimeError

        return StreamingResponse(parts())

    app = create_app(Service("streams", "1", "s", settings(), routers=[routes]))
    async with ServiceClient("streams", app, policy=QUICK) as client:
        with pytest.raises(PeerUnavailable, match="the connection broke"):
            await client.get("/stream")


async def test_a_peer_that_keeps_failing_gets_a_pause_and_then_one_trial() -> None:
    clock, peer = Clock(), Flaky(*[503] * 4)
    policy = ClientPolicy(retries=0, failures_to_open=3, open_seconds=10)
    async with ServiceClient("peer", peer.app, policy=policy, clock=clock) as client:
        for _ in range(3):
            with pytest.raises(PeerUnavailable, match="it answered 503"):
                await client.get("/x")
        with pytest.raises(PeerUnavailable, match="gets a pause"):
            await client.get("/x")
        assert peer.asked == 3
        clock.now = 11
        with pytest.raises(PeerUnavailable, match="it answered 503"):
            await client.get("/x")
        with pytest.raises(PeerUnavailable, match="gets a pause"):
            await client.get("/x")
        clock.now = 22
        assert (await client.get("/x")).status_code == 200
        assert (await client.get("/x")).status_code == 200
        assert peer.asked == 6


async def test_a_call_must_be_declared_and_its_address_known() -> None:
    app = create_app(example(calls=["ledger"]))
    runtime = app.state.runtimes[NAME]
    with pytest.raises(ConfigurationError, match="does not declare that it calls other_service"):
        runtime.client("other_service")
    with pytest.raises(PeerUnavailable, match="set PURSER_SERVICE_URLS=ledger=http://host:port"):
        runtime.client("ledger")


async def test_an_address_of_the_settings_is_called_over_http() -> None:
    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
        writer.close()

    async with tcp_server(answering) as address:
        service = example(calls=["ledger"], service_urls={"ledger": address})
        app = create_app(service)
        async with client_for(app):
            runtime = app.state.runtimes[NAME]
            assert (await runtime.client("ledger").get("/x")).text == "hello"
            assert runtime.client("ledger") is runtime.client("ledger")

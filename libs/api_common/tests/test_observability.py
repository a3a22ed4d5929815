"""What an operator sees: logs and metrics."""

import importlib
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from api_common import Check, Runtime, Service, create_app, get_logger
from api_common._line_writer import LineWriter
from api_common.logging import configure_logging, flush_logs
from api_common.testing import client_for
from example_service import NAME, Book, example, settings
from fastapi import APIRouter
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.applications import Starlette

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """Give what was logged since the last call, as JSON."""

    def read() -> list[dict[str, Any]]:
        flush_logs()
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    yield read
    configure_logging(level="warning", form="json")


async def test_each_request_is_one_line_with_its_route_and_ids(lines: Lines) -> None:
    async with client_for(example(log_level="info")) as client:
        sent = {"x-request-id": "abc", "authorization": "Bearer secret-token"}
        await client.get("/v1/books/7", headers=sent)
        await client.get("/v1/books/nobody@example.org", headers=sent)
        await client.get("/nobody@example.org?token=secret", headers=sent)
        await client.get("/livez", headers=sent)
    text = lines()
    requests = [line for line in text if line["event"] == "request"]
    assert [(line["method"], line["route"], line["status"], line["level"]) for line in requests] == [
        ("GET", "/v1/books/{number}", 200, "info"),
        ("GET", "/v1/books/{number}", 422, "info"),
        ("GET", "(unmatched)", 404, "info"),
    ]
    assert all(line["request_id"] == "abc" for line in requests)
    assert all(re.fullmatch("[0-9a-f]{32}", line["trace_id"]) for line in requests)
    assert all(line["duration_ms"] > 0 for line in requests)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", requests[0]["timestamp"])
    assert "secret" not in str(text)
    assert "nobody" not in str(text)


@pytest.mark.parametrize("form", ["json", "console"])
async def test_a_value_that_a_model_refuses_never_gets_into_the_log(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # Not written where it is used: tracebacks show the lines of the source.
    secret, routes = "hunter2", APIRouter()

    @routes.get("/answer")
    async def answer() -> Book:
        return {"title": "", "pages": secret}  # type: ignore[return-value]  # what is wrong with it

    @routes.get("/inside")
    async def inside() -> None:
        try:
            Book.model_validate({"title": "", "pages": secret})
        except ValidationError as error:
            raise RuntimeError("no book") from error

    service = Service("wrong", "1", "w", settings(log_format=form), routers=[routes])
    async with client_for(service) as client:
        assert [(await client.get(path)).status_code for path in ("/answer", "/inside")] == [500, 500]
    flush_logs()
    text = capsys.readouterr().err
    configure_logging(level="warning", form="json")
    assert "hunter2" not in text
    assert "wrong: response.title, response.pages" in text
    assert "wrong: title, pages" in text
    assert "RuntimeError: no book" in text


async def test_no_value_of_an_error_in_a_group_gets_into_the_log(
    lines: Lines,
) -> None:
    secret, routes = "hunter2", APIRouter()

    @routes.get("/together")
    async def together() -> None:
        try:
            Book.model_validate({"title": "", "pages": secret})
        except ValidationError as error:
            raise ExceptionGroup("several", [ValueError("first"), error]) from None

    async with client_for(Service("wrong", "1", "w", settings(log_format="json"), routers=[routes])) as client:
        assert (await client.get("/together")).status_code == 500
    (line,) = [line for line in lines() if line["event"] == "unhandled_error"]
    assert "hunter2" not in str(line)
    assert "wrong: title, pages" in line["exception"]


async def test_the_row_that_postgresql_refuses_never_gets_into_the_log(postgres_server: str, lines: Lines) -> None:
    secret, routes = "hunter2", APIRouter()
    engine = create_async_engine(postgres_server.replace("postgresql:", "postgresql+psycopg:"), hide_parameters=True)

    @routes.get("/row")
    async def row() -> None:
        async with engine.begin() as connection:
            await connection.exec_driver_sql("CREATE TEMP TABLE book (title text, pages integer CHECK (pages > 0))")
            await connection.exec_driver_sql("INSERT INTO book VALUES (%s, 0)", (f"{secret}\n(7)",))

    async with client_for(Service("wrong", "1", "w", settings(log_format="json"), routers=[routes])) as client:
        assert (await client.get("/row")).status_code == 500
    await engine.dispose()
    (line,) = [line for line in lines() if line["event"] == "unhandled_error"]
    assert "hunter2" not in str(line)
    assert "CheckViolation" in line["exception"]


async def test_the_paths_of_a_mounted_application_never_become_labels(lines: Lines) -> None:
    app = create_app(example(log_level="info", log_format="json"))
    app.mount("/files", Starlette())
    async with client_for(app) as client:
        assert (await client.get("/files/nobody@example.org")).status_code == 404
        assert "nobody" not in (await client.get("/metrics")).text
    assert [line["route"] for line in lines() if line["event"] == "request"] == ["(unmatched)"]


async def test_a_client_that_goes_away_while_it_sends_is_no_fault_of_ours(lines: Lines) -> None:
    app = create_app(example(log_level="info", log_format="json"))
    messages = iter([{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/books/raw", "query_string": b"", "headers": []}
    async with app.router.lifespan_context(app):
        await app(scope, receive, send)
    assert sent == []
    found = [
        (line["event"], line.get("status"), line["level"]) for line in lines() if line["event"] != "service_started"
    ]
    assert found == [("request", 499, "info")]


async def test_above_info_only_failures_of_ours_are_logged(lines: Lines) -> None:
    async with client_for(example(log_level="warning", log_format="json")) as client:
        await client.get("/v1/books/7")
        await client.get("/v1/books/500")
    found = lines()
    assert [line["event"] for line in found] == ["unhandled_error", "request"]
    assert found[0]["request_id"] == found[1]["request_id"]
    assert "RuntimeError" in found[0]["exception"]


async def test_a_failed_check_is_one_line_with_its_reason(lines: Lines) -> None:
    async def fails(_: Runtime) -> None:
        raise ConnectionError("host db.internal refused\nIs it running?")

    async with client_for(example(log_level="warning", log_format="json", checks=[Check("queue", fails)])) as client:
        await client.get("/health")
    (found,) = (line for line in lines() if line["event"] == "check_failed")
    assert (found["check"], found["error"], found["reason"]) == ("queue", "ConnectionError", "host db.internal refused")
    assert "exception" not in found


async def test_a_developer_reads_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    async with client_for(example(log_level="info", log_format="console")) as client:
        await client.get("/v1/books/7", headers={"x-request-id": "abc"})
    assert re.search(r"\[request  \] GET    /v1/books/\{number\} 200 in \d+\.\d ms  abc", capsys.readouterr().err)


def test_events_of_other_libraries_have_the_same_form_and_secrets_are_hidden(lines: Lines) -> None:
    create_app(example(log_format="json", log_level="info"))
    logging.getLogger("somewhere").warning("disk %s", "slow")
    get_logger().warning("login_failed", password="hunter2", attempts=3)
    get_logger().debug("not_shown")
    foreign, own = lines()
    assert (foreign["event"], foreign["level"]) == ("disk slow", "warning")
    assert own["password"] == "(hidden)"
    assert (own["event"], own["attempts"]) == ("login_failed", 3)


async def test_requests_are_counted_by_route_template_method_and_status() -> None:
    async with client_for(example()) as client:
        for path in ("/v1/books/1", "/v1/books/2", "/v1/books/0", "/nowhere/a", "/nowhere/b"):
            await client.get(path)
        await client.get("/v1/books/1?unknown=1")
        await client.head("/v1/books/1")
        await client.put("/v1/books/1")
        await client.request("BREW", "/v1/books/1")
        await client.request("MILK", "/v1/books/1")
        response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    families = {family.name: family for family in text_string_to_metric_families(response.text)}
    counts = {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for sample in families["http_request_duration_seconds"].samples
        if sample.name.endswith("_count")
    }
    assert counts == {
        ("GET", "/v1/books/{number}", "200"): 2,
        ("GET", "/v1/books/{number}", "404"): 1,
        ("GET", "/v1/books/{number}", "422"): 1,
        ("GET", "(unmatched)", "404"): 2,
        ("HEAD", "/v1/books/{number}", "200"): 1,
        ("PUT", "/v1/books/{number}", "405"): 1,
        ("OTHER", "/v1/books/{number}", "405"): 2,
    }
    assert families["http_requests_in_progress"].samples[0].value == 1
    info = families["purser_service_info"].samples[0].labels
    assert (info["service"], info["version"]) == (NAME, "1.2.3")
    assert "python_info" in families


class Tracing:
    """A tracer provider that is switched on and forgets everything."""

    def get_tracer(self, *_: object, **__: object) -> Any:
        # FastAPI brings the package; a requirement of our own would only be for this line.
        return importlib.import_module("opentelemetry.trace").NoOpTracer()


async def test_with_opentelemetry_on_routes_are_found_and_counted_as_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", NAME)
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", Tracing)
    async with client_for(example()) as client:
        assert (await client.get("/v1/books/7")).json()["title"] == "Book 7"
        assert (await client.head("/v1/books/7")).status_code == 200
        assert (await client.put("/v1/books/7")).status_code == 405
        assert (await client.get("/v1/books/7?x=1")).json()["code"] == "unknown_parameter"
        assert (await client.get("/livez")).json() == {"status": "ok"}
        text = (await client.get("/metrics")).text
    assert 'http_request_duration_seconds_count{method="HEAD",route="/v1/books/{number}",status="200"} 1.0' in text
    assert 'http_request_duration_seconds_count{method="PUT",route="/v1/books/{number}",status="405"} 1.0' in text


async def test_two_applications_of_one_process_count_for_themselves() -> None:
    async with client_for(example()) as first, client_for(example()) as second:
        await first.get("/v1/books/1")
        assert "/v1/books" not in (await second.get("/metrics")).text


def test_no_line_is_lost_and_their_order_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    writer = LineWriter()
    for number in range(2000):
        writer.write(str(number))
        if number % 300 == 0:
            writer.flush()
    writer.flush()
    assert capsys.readouterr().err.split() == [str(number) for number in range(2000)]


def test_lines_that_nobody_reads_do_not_fill_the_memory(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api_common._line_writer.MOST_LINES", 3)
    monkeypatch.setattr("api_common._line_writer.FLUSH_SECONDS", 60.0)
    writer = LineWriter()
    for number in range(5):
        writer.write(str(number))
    writer.flush()
    writer.write("5")
    writer.flush()
    lost = '{"level":"warning","event":"log_lines_lost","lines":2}'
    assert capsys.readouterr().err.splitlines() == [lost, "2", "3", "4", "5"]


def test_a_terminal_that_went_away_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def write(self, text: str) -> None:
            raise BrokenPipeError(text)

    writer = LineWriter()
    monkeypatch.setattr("sys.stderr", Closed())
    writer.write("lost")
    writer.flush()
    writer.flush()
    assert not writer._lines

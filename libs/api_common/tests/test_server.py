"""A service as a process: start, stop, and the messages to the person at the terminal."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

SCRIPT = Path(__file__).with_name("serve_example.py")


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


def start(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join([str(SCRIPT.parent), *sys.path]),
        **{f"PURSER_{name}": value for name, value in variables.items()},
    }
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(*arguments: str, **variables: str) -> tuple[int, str]:
    process = start(*arguments, **variables)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


@contextlib.contextmanager
def running(port: int, *arguments: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], httpx2.Client]]:
    process = start(*arguments, PORT=str(port), **variables)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"example_service answers at http://127.0.0.1:{port}\n"
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield process, client
    finally:
        process.kill()
        process.communicate(timeout=60)


def test_a_service_answers_and_ends_when_it_is_told_to(port: int) -> None:
    with running(port) as (process, client):
        response = client.get("/v1/books/7")
        assert (response.status_code, response.json()["title"]) == (200, "Book 7")
        assert "server" not in response.headers
        head = client.head("/v1/books/7")
        assert (head.status_code, head.content) == (200, b"")
        assert client.put("/v1/books/7").status_code == 405
        assert client.get("/v1/books/500").status_code == 500
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == -signal.SIGTERM
        assert "/v1/books/{number} 200" in errors
        assert errors.count("Traceback") == 1


def test_what_a_service_writes_is_for_its_owner_alone(port: int, tmp_path: Path) -> None:
    with running(port, "filing", DATA_DIR=str(tmp_path)):
        assert stat.S_IMODE((tmp_path / "book.txt").stat().st_mode) == 0o600


def test_a_body_above_the_limit_is_answered_while_it_is_still_being_sent(port: int) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(200):
            yield b"x" * 65536

    with running(port, BODY_LIMIT="1048576") as (_, client):
        for content in (b"x" * 12_000_000, chunks()):
            response = client.post("/v1/books/raw", content=content)
            assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")
        assert client.post("/v1/books/raw", content=b"x" * 1_000_000).json() == 1_000_000


@pytest.mark.parametrize("sent", [b"GET /", b"GET / HTTP/1.1\r\nX-Long: ", b"GET / HTTP/1.1\r\nX-Many: 1\r\n"])
def test_a_request_that_never_comes_to_its_body_is_ended(port: int, sent: bytes) -> None:
    with running(port) as (process, client), socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 32_000 + b"\r\n\r\n")
        assert connection.recv(64).startswith(b"HTTP/1.1 200 OK")
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent)
            while True:
                connection.sendall(b"X-Many: 1\r\n" * 1000 if b"Many" in sent else b"x" * 10_000)
        assert client.get("/livez").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60)[1].count("request_head_too_large") == 1


@pytest.mark.parametrize(("trusted", "answers"), [("", [200, 429, 429]), ("127.0.0.1", [200, 200, 429])])
def test_only_a_named_proxy_says_whose_requests_are_counted(port: int, trusted: str, answers: list[int]) -> None:
    def ask(client: httpx2.Client, address: str) -> int:
        return client.get("/v1/books/7", headers={"x-forwarded-for": address}).status_code

    with running(port, RATE_LIMIT="1/hour", FORWARDED_ALLOW_IPS=trusted) as (_, client):
        # The last is what calls within a process, which are not counted, come from.
        assert [ask(client, "192.0.2.1"), ask(client, "in-process"), ask(client, "in-process")] == answers


def test_readiness_fails_first_and_requests_are_still_answered(port: int) -> None:
    with running(port, DRAIN_SECONDS="300") as (process, client):
        assert client.get("/readyz").status_code == 200
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 30
        while client.get("/readyz").status_code == 200:
            assert time.monotonic() < deadline
        assert client.get("/readyz").json()["status"] == "down"
        assert client.get("/v1/books/7").status_code == 200
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGTERM


def test_readiness_is_off_for_as_long_as_the_setting_says(port: int) -> None:
    with running(port, DRAIN_SECONDS="0.2") as (process, _):
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert time.monotonic() - started >= 0.2


def test_an_interrupt_from_the_keyboard_ends_it_without_a_traceback(port: int) -> None:
    with running(port, DRAIN_SECONDS="300") as (process, _):
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "Traceback" not in errors


def test_a_port_that_is_taken_is_named_with_the_way_out() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        code, errors = end(PORT=str(taken))
    assert code == 3
    assert errors == (
        f"Port {taken} on 127.0.0.1 cannot be used (Address already in use): "
        "stop the program that uses it or choose another with PURSER_PORT.\n"
    )


def test_wrong_settings_are_listed() -> None:
    code, errors = end(PORT="eighty", LGO_LEVEL="x")
    assert code == 2
    assert errors.startswith("2 settings are wrong:")
    assert "Traceback" not in errors


def test_a_start_that_fails_for_a_known_reason_says_just_that(port: int) -> None:
    code, errors = end("failing", PORT=str(port))
    assert (code, errors) == (3, "example_service cannot start: The shelf is missing; build one.\n")


def test_a_start_that_fails_for_an_unknown_reason_shows_where(port: int) -> None:
    code, errors = end("broken", PORT=str(port))
    assert code == 3
    assert "ZeroDivisionError" in errors
    assert errors.endswith("example_service cannot start: a bug\n")

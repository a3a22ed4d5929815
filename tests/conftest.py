"""Real Purser processes on free ports, for tests that cross packages."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import httpx2
import pytest

pytest_plugins = ["api_common.testing"]

START_SECONDS = 60.0
STOP_SECONDS = 20.0
Parameter = str | int | Sequence[str | int]

PASSWORD = "four quiet ledgers in a drawer"


@dataclass(frozen=True)
class Server:
    """One started process and the address it answers on."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def wait_until_it_answers(self, path: str) -> None:
        """Return as soon as `path` answers 200; fail with the output when the process ends or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"{self.url} ended with {self.process.returncode}:\n{self.output()}")
            try:
                if httpx2.get(f"{self.url}{path}", timeout=5).status_code == 200:
                    return
            except httpx2.TransportError:
                time.sleep(0.02)
        raise AssertionError(f"{self.url} did not answer within {START_SECONDS} s:\n{self.output()}")

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end, as Ctrl-C does; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_SECONDS)

    def output(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


class Start(Protocol):
    """Starts one service and waits until the path `answers` does (None: does not wait)."""

    def __call__(
        self,
        module: str = ...,
        *,
        data_dir: Path | None = None,
        port: int | None = None,
        env: Mapping[str, str] = ...,
        answers: str | None = ...,
    ) -> Server: ...


def unused_ports(count: int) -> list[int]:
    """Different ports that nobody listens on."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def environment(**settings: str) -> dict[str, str]:
    """This process's environment without its own PURSER_ settings, able to import what the tests can import."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PURSER_")}
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join(str(Path(path).absolute()) for path in sys.path if path),
        **settings,
    }


def launch(module: str, log: Path, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the service that `module` runs, with `settings` as environment; what it prints goes to `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-c", f"from {module} import run; run()"],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment(**settings),
            cwd=log.parent,
        )


def starter(folder: Path, started: list[Server]) -> Start:
    def start(
        module: str = "api_gateway.main",
        *,
        data_dir: Path | None = None,
        port: int | None = None,
        env: Mapping[str, str] = MappingProxyType({}),
        answers: str | None = "/readyz",
    ) -> Server:
        port = port or unused_ports(1)[0]
        log = folder / f"{module}-{len(started)}.log"
        settings = {
            "PURSER_DATA_DIR": str(data_dir or folder / "data"),
            "PURSER_PORT": str(port),
            **env,
        }
        server = Server(launch(module, log, settings), f"http://127.0.0.1:{port}", log)
        started.append(server)
        if answers is not None:
            server.wait_until_it_answers(answers)
        return server

    return start


def end_all(started: list[Server]) -> None:
    for server in started:
        if server.process.poll() is None:
            server.kill()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts processes that end with the test."""
    started: list[Server] = []
    yield starter(tmp_path, started)
    end_all(started)


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One embedded Purser for all tests that neither stop it nor look at its folder; each test brings its own users."""
    started: list[Server] = []
    yield starter(tmp_path_factory.mktemp("embedded"), started)()
    end_all(started)


class User:
    """Somebody who has signed up and logged in, with the routes the journey needs."""

    def __init__(self, url: str, *, auth_url: str | None = None) -> None:
        self.email = f"{uuid.uuid4().hex}@example.org"
        with httpx2.Client(base_url=auth_url or url, timeout=30) as auth:
            signed_up = auth.post("/v1/auth/sign-up", json={"email": self.email, "password": PASSWORD})
            assert signed_up.status_code == 201, signed_up.text
            answer = auth.post(
                "/v1/auth/token", data={"grant_type": "password", "username": self.email, "password": PASSWORD}
            )
        assert answer.status_code == 200, answer.text
        self.token: str = answer.json()["access_token"]
        self.client = httpx2.Client(base_url=url, timeout=60, headers={"Authorization": f"Bearer {self.token}"})

    def get(self, path: str, **params: Parameter) -> httpx2.Response:
        return self.client.get(path, params=params)

    def upload(self, content: bytes, filename: str, **params: Parameter) -> httpx2.Response:
        return self.client.post("/v1/imports", files={"file": (filename, content)}, params=params)


@pytest.fixture
def sign_up() -> Iterator[Callable[..., User]]:
    """Signs a new user up and logs them in: `sign_up(url)`, or `sign_up(url, auth_url=…)` where services run apart."""
    users: list[User] = []

    def make(url: str, *, auth_url: str | None = None) -> User:
        users.append(User(url, auth_url=auth_url))
        return users[-1]

    yield make
    for user in users:
        user.client.close()


@pytest.fixture(scope="session")
def free_ports() -> Callable[[int], list[int]]:
    """Finds that many ports that nobody listens on."""
    return unused_ports


class Python(Protocol):
    """Starts this Python with arguments, in an empty folder and with `settings` as environment."""

    def __call__(self, *arguments: str, settings: Mapping[str, str] = ...) -> subprocess.Popen[str]: ...


@pytest.fixture
def python(tmp_path: Path) -> Python:
    """Starts `python <arguments>`, which imports what the tests can import."""

    def run(*arguments: str, settings: Mapping[str, str] = MappingProxyType({})) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(**settings),
            cwd=tmp_path,
        )

    return run


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds README.md and docs."""
    return Path(__file__).parents[1]

"""Containers of the built images on a network of their own."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import httpx2
from workspace.engine import Engine
from workspace.members import services
from workspace.smoke import free_port

_MEMBERS = services(Path(__file__).parents[2])
SERVICES = tuple(member.name for member in _MEMBERS)
ALL_IN_ONE = next(member.name for member in _MEMBERS if member.is_composition)
"""The service that runs all the others in its process."""

ANSWER_SECONDS = 60.0
_PAUSE = 0.01


def wait_until_it_answers(url: str, headers: httpx2.Headers | None = None, status: int = 200) -> float:
    """Return the time on the monotonic clock as soon as an address answers with that status; fail after a minute."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx2.get(url, headers=headers, timeout=5).status_code == status:
                return time.monotonic()
        except httpx2.TransportError:
            pass
        time.sleep(_PAUSE)
    raise AssertionError(f"{url} did not answer within {ANSWER_SECONDS} s")


@dataclass(frozen=True)
class Container:
    """A container, and where this machine reaches it."""

    engine: Engine
    id: str
    url: str

    def wait_until_it_answers(self, path: str) -> float:
        """As the function of this name; a failure shows what the container has printed."""
        try:
            return wait_until_it_answers(f"{self.url}{path}")
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.printed()}") from error

    def printed(self) -> str:
        """What it has printed so far."""
        done = self.engine.tried("logs", self.id)
        return done.stdout + done.stderr

    def kill(self) -> None:
        """End it at once."""
        self.engine.output("kill", self.id)
        self.engine.output("wait", self.id)

    def start(self) -> None:
        """Start it again, where it was ended."""
        self.engine.output("start", self.id)

    def stop(self) -> int:
        """Ask it to end, as an operator does; the exit code."""
        self.engine.output("stop", "-t", "20", self.id)
        return int(self.engine.output("inspect", "--format", "{{.State.ExitCode}}", self.id))

    def run(self, *command: str) -> str:
        """Run a command inside, and give what it prints."""
        return self.engine.output("exec", self.id, *command)


@dataclass(frozen=True)
class Network:
    """A network of containers that find each other by name; `gateway` is this machine's address in it."""

    engine: Engine
    name: str
    subnet: str
    gateway: str
    _started: list[Container] = field(default_factory=list)

    def start(
        self, image: str, port: int, *, alias: str = "", settings: Mapping[str, str] = MappingProxyType({})
    ) -> Container:
        """Start an image that listens on `port`; others on the network reach it by its alias."""
        published = free_port()
        options = ["--network", self.name, "--publish", f"127.0.0.1:{published}:{port}"]
        options += ["--network-alias", alias] if alias else []
        for name, value in settings.items():
            options += ["--env", f"{name}={value}"]
        container = Container(self.engine, self.engine.start(image, *options), f"http://127.0.0.1:{published}")
        self._started.append(container)
        return container

    def remove(self) -> None:
        """Remove the network, its containers and their volumes."""
        if self._started:
            self.engine.tried("rm", "--force", "--volumes", *(container.id for container in self._started))
        self.engine.tried("network", "rm", self.name)


@contextmanager
def network(engine: Engine, name: str) -> Iterator[Network]:
    """A network that ends with its containers."""
    engine.output("network", "create", name)
    (told,) = json.loads(engine.output("network", "inspect", name))
    # Podman tells it in its way, Docker in its own.
    (subnet,) = told.get("subnets") or [{key.lower(): value for key, value in told["IPAM"]["Config"][0].items()}]
    made = Network(engine, name, subnet["subnet"], subnet["gateway"])
    try:
        yield made
    finally:
        made.remove()

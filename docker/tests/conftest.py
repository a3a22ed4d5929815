"""The built images, and what they run on. `make test-images` builds them before."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from containers import Network, network
from workspace import images
from workspace.engine import Engine, engine
from workspace.errors import NotPossibleHereError
from workspace.members import Member, services

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def containers() -> Engine:
    """The engine that runs the images."""
    try:
        return engine(ROOT, print)
    except NotPossibleHereError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def members() -> dict[str, Member]:
    """The services by name."""
    return {member.name: member for member in services(ROOT)}


@pytest.fixture(scope="session")
def built(containers: Engine, members: dict[str, Member]) -> dict[str, str]:
    """The id of the image of each service, by the service's name."""
    return {
        name: containers.output("image", "inspect", "--format", "{{.Id}}", images.image(member))
        for name, member in members.items()
    }


@pytest.fixture(scope="module")
def net(containers: Engine, request: pytest.FixtureRequest) -> Iterator[Network]:
    """A network for the containers of one test module."""
    with network(containers, f"purser-{request.module.__name__.replace('_', '-')}-{os.getpid()}") as made:
        yield made

"""Each image by itself: what it is made of, what it may do, how large it is, how fast it starts and how it ends."""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from containers import ALL_IN_ONE, SERVICES, Container, Network, wait_until_it_answers
from workspace import git
from workspace.engine import Engine, base_image
from workspace.members import Member
from workspace.smoke import free_port

# What an image adds to its base, in megabytes: every deployment downloads it, so it should grow on purpose only. Polars
# is 180 of those of the ledger and of the figures, NumPy 75 of the ledger's, all else that is required less than 150.
LARGEST = {"auth_service": 140, "analytics_api": 340, "transaction_service": 430, "api_gateway": 440}

# How much later than a bare process a container may answer, in seconds, and how often both are tried. A bare process
# takes less than that: where it takes longer, the machine is busy, and the container may take twice as long.
START_SECONDS = 2.0
STARTS = 3

BUILD_TOOLS = ("gcc", "g++", "cc", "c++", "make", "ld", "git", "curl", "cargo")
BUILD_MODULES = ("pip", "setuptools", "wheel", "pex", "pytest")


def tell(text: str) -> None:
    print(f"\n  {text}")  # noqa: T201 (measured; nobody would see it in a log)


def inspected(engine: Engine, image: str) -> dict[str, Any]:
    told: dict[str, Any]
    (told,) = json.loads(engine.output("image", "inspect", image))
    return told


def port(member: Member) -> int:
    assert member.service is not None
    return member.service.port


def layers(engine: Engine, image: str) -> list[str]:
    found: list[str] = inspected(engine, image)["RootFS"]["Layers"]
    return found


@pytest.fixture(scope="module")
def running(net: Network, built: dict[str, str], members: dict[str, Member]) -> dict[str, Container]:
    """Every image, started alone."""
    return {name: net.start(image, port(members[name])) for name, image in built.items()}


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_says_what_it_is_and_runs_as_nobody_in_particular(
    containers: Engine, built: dict[str, str], members: dict[str, Member], repository: Path, name: str
) -> None:
    member, told = members[name], inspected(containers, built[name])["Config"]

    labels = {key.rpartition(".")[2]: text for key, text in told["Labels"].items() if ".opencontainers.image" in key}
    assert labels == {
        "title": member.distribution,
        "description": member.description,
        "version": member.version,
        "licenses": "Apache-2.0",
        "revision": labels["revision"],
        "name": base_image(repository),
    }
    assert labels["revision"] != "unknown"
    assert told["User"] == "65532:65532"
    assert told["StopSignal"] == "SIGTERM"
    assert list(told["ExposedPorts"]) == [f"{port(member)}/tcp"]
    assert list(told["Volumes"]) == ["/data"]


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_writes_its_data_and_nothing_else_and_holds_no_build_tools(
    running: dict[str, Container], name: str
) -> None:
    container = running[name]
    container.wait_until_it_answers("/livez")

    tried = container.run(
        "sh",
        "-c",
        "id -u; for place in / /app /app/bin /usr /data /tmp; do"
        " (touch $place/written) 2>/dev/null && echo $place; done; true",
    )
    tools = container.run("sh", "-c", f"for tool in {' '.join(BUILD_TOOLS)}; do command -v $tool; done; true")
    modules = container.run(
        "/app/bin/python",
        "-c",
        f"from importlib.util import find_spec; print([name for name in {BUILD_MODULES} if find_spec(name)])",
    )
    left = container.run("sh", "-c", "find / -xdev -name '*.pex' -not -path '/proc/*' 2>/dev/null; true")

    assert tried.split() == ["65532", "/data", "/tmp"]
    assert (tools, modules, left) == ("", "[]", "")


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_tells_by_itself_whether_it_lives_and_ends_when_it_is_told_to(
    running: dict[str, Container], name: str, containers: Engine, built: dict[str, str]
) -> None:
    container = running[name]
    container.wait_until_it_answers("/livez")
    told = inspected(containers, built[name])
    # Podman tells it beside the configuration, Docker in it.
    command = (told.get("Healthcheck") or told["Config"]["Healthcheck"])["Test"]

    assert command[0] == "CMD"
    container.run(*command[1:])
    assert container.stop() == 0

    alone = ("--rm", "--entrypoint", command[1], built[name])
    dead = containers.tried("run", *containers.run_options, *alone, *command[2:])
    assert dead.returncode == 1


def test_an_image_that_is_still_starting_ends_when_it_is_told_to(net: Network, built: dict[str, str]) -> None:
    container = net.start(built["auth_service"], 8001)
    # The bit of SIGTERM in what the first process listens to.
    while not int(container.run("sed", "-n", "s/^SigCgt:\\t//p", "/proc/1/status"), 16) >> 14 & 1:
        pass

    assert container.stop() == 0


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_adds_two_layers_to_its_base_and_is_no_larger_than_declared(
    containers: Engine, built: dict[str, str], repository: Path, name: str
) -> None:
    base = base_image(repository)
    own = layers(containers, built[name])[len(layers(containers, base)) :]
    added = (inspected(containers, built[name])["Size"] - inspected(containers, base)["Size"]) / 1e6

    tell(f"{images_name(name)}: {added:.0f} MB above its base")
    assert len(own) == 2
    assert added <= LARGEST.get(name, max(LARGEST.values()))


def images_name(name: str) -> str:
    return "purser" if name == ALL_IN_ONE else name


@dataclass(frozen=True)
class Copy:
    """A copy of the repository to edit; `member` is the service that is built of it, `pants` the original's."""

    root: Path
    pants: Path
    member: Member
    engine: Engine

    def pack(self) -> None:
        """Write the two files of which the image is built."""
        parts = [f"{self.member.path}:{part}" for part in ("distributions", "modules")]
        subprocess.run([self.pants, "--no-pantsd", "package", *parts], cwd=self.root, check=True)

    def layers(self, *options: str) -> list[str]:
        """Build the image under a name that goes at once, and give its layers."""
        name, dockerfile = f"purser-test-{os.getpid()}", self.root / self.member.path / "Dockerfile"
        base = ("--build-arg", f"BASE_IMAGE={base_image(self.root)}")
        self.engine.output("build", *base, *options, "--tag", name, "--file", dockerfile, self.root / "dist")
        try:
            return layers(self.engine, name)
        finally:
            self.engine.output("image", "rm", name)


@pytest.fixture
def copy(repository: Path, containers: Engine, members: dict[str, Member], tmp_path: Path) -> Copy:
    git.copy_to(repository, tmp_path)
    return Copy(tmp_path, repository / "pants", members["auth_service"], containers)


def test_the_same_inputs_give_the_same_layers_and_an_edited_source_changes_the_last_one_only(copy: Copy) -> None:
    copy.pack()
    before = copy.layers()

    assert copy.layers("--no-cache") == before

    module = copy.root / copy.member.path / "src" / copy.member.name / "main.py"
    module.write_text(module.read_text(encoding="utf-8") + "\nEDITED = True\n", encoding="utf-8")
    copy.pack()
    after = copy.layers()

    assert (after[:-1], after[-1] != before[-1]) == (before[:-1], True)


@pytest.mark.parametrize("name", ["auth_service", ALL_IN_ONE])
def test_a_container_answers_within_two_seconds_of_a_bare_process(
    net: Network, built: dict[str, str], members: dict[str, Member], tmp_path: Path, name: str
) -> None:
    def contained() -> float:
        began = time.monotonic()
        container = net.start(built[name], port(members[name]))
        seconds = container.wait_until_it_answers("/livez") - began
        container.kill()
        return seconds

    def bare(data: Path = tmp_path) -> float:
        number = str(free_port())
        settings = {"PURSER_PORT": number, "PURSER_DATA_DIR": str(data / number), "PATH": os.environ["PATH"]}
        began = time.monotonic()
        command = [sys.executable, "-m", "workspace.serve", f"{name}.main"]
        with (tmp_path / number).with_suffix(".log").open("wb") as log:
            process = subprocess.Popen(command, env=settings, cwd=tmp_path, stdout=log, stderr=log)
        try:
            return wait_until_it_answers(f"http://127.0.0.1:{number}/livez") - began
        finally:
            process.kill()
            process.wait()

    # In turns, so that what else the machine does falls on both.
    pairs = [(bare(), contained()) for _ in range(STARTS)]
    alone, inside = (statistics.median(column) for column in zip(*pairs, strict=True))

    tell(f"{images_name(name)}: answers after {inside:.2f} s in a container, {alone:.2f} s as a bare process")
    assert inside - alone <= max(START_SECONDS, alone)

"""The container engine, with programs that answer as Docker and podman do."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from workspace import images
from workspace.engine import base_image, engine
from workspace.errors import NotPossibleHereError, WorkspaceError
from workspace.main import NOT_POSSIBLE_HERE, main
from workspace.members import services

BASE = "registry.example.org/python:3.11"

Declare = Callable[..., Path]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a template, on a machine whose PATH holds what `program` puts there."""
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "Dockerfile").write_text(f"# A base.\nARG BASE_IMAGE={BASE}\nFROM x\n", encoding="utf-8")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("BASE_IMAGE", raising=False)
    return tmp_path


@pytest.fixture
def program(root: Path) -> Callable[[str, str], None]:
    """Puts a program on the PATH that writes its arguments down and then runs a line of shell."""

    def put(name: str, line: str = "exit 0") -> None:
        path = root / "bin" / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {root}/calls\n{line}\n', encoding="utf-8")
        path.chmod(0o755)

    return put


def calls(root: Path) -> list[str]:
    return (root / "calls").read_text(encoding="utf-8").splitlines()


def test_docker_is_taken_where_it_answers_and_the_base_is_fetched(root: Path, program: Callable[..., None]) -> None:
    program("docker", 'test "$1" != image')
    said: list[str] = []

    found = engine(root, said.append)

    assert (found.name, found.path, found.run_options) == ("docker", root / "bin" / "docker", ())
    assert said == [f"Fetching {BASE}"]
    assert calls(root) == ["docker info", f"docker image inspect {BASE}", f"docker pull --quiet {BASE}"]


def test_podman_builds_as_docker_where_docker_does_not_answer(root: Path, program: Callable[..., None]) -> None:
    program("docker", "exit 1")
    program("podman")
    program("runc")

    found = engine(root, print)
    found.output("build", "--build-arg", "REVISION=abc", "--tag", "x", ".")
    found.start("x", "--publish", "1:2")

    assert found.name == "podman"
    assert calls(root)[2:] == [
        "podman --runtime runc build --isolation=chroot --format=docker"
        " --label org.opencontainers.image.revision=abc --build-arg REVISION=abc --tag x .",
        f"podman --runtime runc run --detach {' '.join(found.run_options)} --read-only --tmpfs /tmp --publish 1:2 x",
    ]


def test_a_command_that_fails_is_told_with_the_engines_words(root: Path, program: Callable[..., None]) -> None:
    program("docker", 'test "$1" != rm || { echo "no such container" >&2; exit 3; }')
    found = engine(root, print)

    with pytest.raises(WorkspaceError, match=r"^`docker rm x` ended with 3: no such container$"):
        found.output("rm", "x")


def test_where_there_is_no_engine_the_command_says_so_and_ends_with_a_status_of_its_own(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--root", str(root), "engine"]) == NOT_POSSIBLE_HERE
    assert capsys.readouterr().err == (
        "no Docker answers, and podman is not installed; only root can install it, by apt-get\n"
    )


def test_without_a_registry_and_without_debians_packages_there_is_no_base(
    root: Path, program: Callable[..., None]
) -> None:
    program("docker", 'test "$1" = info')

    with pytest.raises(NotPossibleHereError, match=f"^no registry gives {BASE}; only root can make it"):
        engine(root, print)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a base of Debian's packages")
def test_without_a_registry_root_makes_the_base_of_debians_packages(root: Path, program: Callable[..., None]) -> None:
    program("docker", 'case "$1" in info) ;; import) /bin/cat > "$(dirname "$0")/../imported" ;; *) exit 1 ;; esac')
    program("mmdebstrap", "echo a system")
    program("dirname", '/usr/bin/dirname "$@"')

    engine(root, print)

    assert (root / "imported").read_text(encoding="utf-8") == "a system\n"

    program("mmdebstrap", "echo no mirror answers >&2; exit 1")
    with pytest.raises(NotPossibleHereError, match=r"no mirror answers$"):
        engine(root, print)


def test_the_base_is_that_of_the_template_unless_another_is_chosen(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert base_image(root) == BASE

    monkeypatch.setenv("BASE_IMAGE", f"{BASE}@sha256:12")
    assert base_image(root) == f"{BASE}@sha256:12"

    monkeypatch.delenv("BASE_IMAGE")
    (root / "docker" / "Dockerfile").write_text("FROM x\n", encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"must name the base$"):
        base_image(root)


def test_images_are_built_by_pants_with_the_engine_the_base_and_the_revision(
    root: Path, program: Callable[..., None], service: Declare
) -> None:
    program("docker")
    program("git", "exit 128")
    service("ledger_house", 8001)
    pants = root / "pants"
    pants.write_text('#!/bin/sh\n/usr/bin/env > told\necho "$@" > asked\ntest "$2" = package\n', encoding="utf-8")
    pants.chmod(0o755)

    assert main(["--root", str(root), "images", "ledger_house"]) == 0

    told = dict(line.partition("=")[::2] for line in (root / "told").read_text(encoding="utf-8").splitlines())
    assert (root / "asked").read_text(encoding="utf-8") == "--no-pantsd package services/ledger_house:image\n"
    assert told["PANTS_DOCKER_EXECUTABLE_SEARCH_PATHS"] == str([str(root / "bin")])
    assert told["PANTS_DOCKER_BUILD_ARGS"] == str([f"BASE_IMAGE={BASE}", "REVISION=unknown"])
    assert [images.image(member) for member in services(root)] == ["purser-ledger-house"]

    pants.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    assert main(["--root", str(root), "images"]) == 1


def test_a_package_without_an_image_is_named_before_anything_is_built(
    root: Path, declare: Declare, capsys: pytest.CaptureFixture[str]
) -> None:
    declare("libs/settings")

    assert main(["--root", str(root), "images", "settings"]) == 1
    assert capsys.readouterr().err == (
        "libs/settings is no service and has no image; leave SERVICE out for all of them\n"
    )

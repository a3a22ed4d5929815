"""Small workspaces, written into a temporary folder."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Declare = Callable[..., Path]


@pytest.fixture
def declare(tmp_path: Path) -> Declare:
    """Writes a package's pyproject.toml and gives its folder: `declare("services/a_service", service='port = 1 …')`."""

    def write(path: str, *, service: str = "", project: str = "", purser: str = "") -> Path:
        folder = tmp_path / path
        name = folder.name
        (folder / "src" / name).mkdir(parents=True)
        (folder / "tests").mkdir()
        (folder / "src" / name / "__init__.py").write_text("", encoding="utf-8")
        text = (
            project
            or f'name = "purser-{name.replace("_", "-")}"\nversion = "1.2.3"\ndescription = "The package {name}"'
        )
        table = f"\n[tool.purser.service]\n{service}\n" if service else ""
        declared = purser or f'tags = ["kind:{path.partition("/")[0]}"]'
        (folder / "pyproject.toml").write_text(
            f"[project]\n{text}\n\n[tool.purser]\n{declared}\n{table}", encoding="utf-8"
        )
        return folder

    return write


def declaration(name: str, port: int, *prefixes: str, calls: tuple[str, ...] = ()) -> str:
    """Give the lines of a service's table."""
    return f'port = {port}\nprefixes = {list(prefixes)}\nimport = "{name}.main:service"\ncalls = {list(calls)}'


@pytest.fixture
def service(declare: Declare) -> Declare:
    """Declares a service: `service("ledger", 8002, "/v1/ledger", calls=("auth",))`."""

    def write(name: str, port: int, *prefixes: str, calls: tuple[str, ...] = ()) -> Path:
        return declare(f"services/{name}", service=declaration(name, port, *prefixes, calls=calls))

    return write


@pytest.fixture
def composition(declare: Declare) -> Declare:
    """Declares the service that holds all others: `composition("front", 8000)`."""

    def write(name: str, port: int) -> Path:
        return declare(f"services/{name}", service=declaration(name, port), purser='tags = ["kind:composition"]')

    return write


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[[str, str], None]:
    """Puts a small script where the bootstrap puts an outside tool: `stand_in("uv", "echo anyio==4.16.0")`."""

    def put(name: str, script: str) -> None:
        tool = tmp_path / ".tools" / "python" / "bin" / name
        tool.parent.mkdir(parents=True, exist_ok=True)
        tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        tool.chmod(0o755)

    return put


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets started processes import what this one can, and the given folders of sources."""

    def let(*folders: Path) -> None:
        # Under Pants the path holds relative folders, and the processes work in others.
        paths = [*folders, *(Path(entry).absolute() for entry in sys.path if entry)]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, paths)))

    return let

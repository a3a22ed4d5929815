"""Each package imported where only its own dependencies are."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from workspace.errors import WorkspaceError
from workspace.isolation import unimportable
from workspace.members import members

Declare = Callable[..., Path]

# Stands for uv: an environment that holds the package's sources and the standard library.
ENVIRONMENT = """mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"
printf '#!/bin/sh\\nPYTHONPATH=%s exec %s -S "$@"\\n' '{sources}' '{python}' > "$UV_PROJECT_ENVIRONMENT/bin/python"
chmod +x "$UV_PROJECT_ENVIRONMENT/bin/python"
"""


@pytest.fixture
def package(tmp_path: Path, declare: Declare, stand_in: Callable[[str, str], None]) -> Path:
    """A package with a module, a module of a module, and a folder that is apart."""
    folder = declare("libs/ledger", purser='tags = ["kind:libs"]\napart = ["testing"]') / "src" / "ledger"
    stand_in("uv", ENVIRONMENT.format(sources=folder.parent, python=sys.executable))
    for path in ("rows.py", "formats/__init__.py", "formats/csv.py", "testing/__init__.py", "__main__.py"):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text("", encoding="utf-8")
    (folder / "__main__.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    return folder


def test_every_module_is_imported_and_folders_apart_only_with_the_extras(
    tmp_path: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (package / "testing" / "__init__.py").write_text("import json\n", encoding="utf-8")

    assert unimportable(tmp_path, members(tmp_path)) == []
    assert capsys.readouterr().out == (
        "imported: libs/ledger with its own dependencies alone\nimported: libs/ledger with its extras alone\n"
    )


def test_a_module_that_needs_what_is_not_there_is_named(tmp_path: Path, package: Path) -> None:
    (package / "formats" / "csv.py").write_text("import pytest\n", encoding="utf-8")
    (package / "testing" / "__init__.py").write_text("import hypothesis\n", encoding="utf-8")

    assert unimportable(tmp_path, members(tmp_path)) == [
        "libs/ledger with its own dependencies alone cannot be imported: ModuleNotFoundError: No module named 'pytest'",
        "libs/ledger with its extras alone cannot be imported: ModuleNotFoundError: No module named 'pytest'",
    ]


def test_a_package_that_cannot_be_installed_stops_the_check(
    tmp_path: Path, package: Path, stand_in: Callable[[str, str], None]
) -> None:
    stand_in("uv", "echo no such package >&2; exit 2")

    with pytest.raises(WorkspaceError, match="libs/ledger cannot be installed alone:\nno such package"):
        unimportable(tmp_path, members(tmp_path))

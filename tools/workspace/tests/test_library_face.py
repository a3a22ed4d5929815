"""What changed in the public face of a library."""

from pathlib import Path

import griffe
import pytest
from workspace.contracts import ContractChange, Weight
from workspace.errors import WorkspaceError
from workspace.library_face import face, face_changes, loaded

BREAK, ADDITION = Weight.BREAK, Weight.ADDITION
EXPORTS = 'from ledger._core import Row, read\n\n__all__ = ["Row", "read"]\n'
CORE = """
from dataclasses import dataclass

@dataclass
class Row:
    amount: int
    def doubled(self, times: int = 2) -> int: ...
    def _hidden(self): ...

def read(path: str, *, strict: bool = False) -> Row: ...
def internal(path): ...
"""


def library(folder: Path, core: str = CORE, exports: str = EXPORTS, other: str = "def shown(a): ...") -> griffe.Module:
    (folder / "ledger").mkdir(parents=True)
    for name, text in (("__init__", exports), ("_core", core), ("frames", other)):
        (folder / "ledger" / f"{name}.py").write_text(text, encoding="utf-8")
    return loaded("ledger", folder)


def changed(tmp_path: Path, old: str, new: str) -> list[ContractChange]:
    assert old in CORE
    return face_changes(library(tmp_path / "a"), library(tmp_path / "b", CORE.replace(old, new)), [])


def test_the_face_is_what_the_package_exports_and_the_modules_that_it_declares(tmp_path: Path) -> None:
    package = library(tmp_path)
    assert sorted(face(package, [])) == ["ledger.Row", "ledger.Row.amount", "ledger.Row.doubled", "ledger.read"]
    assert "ledger.frames.shown" in face(package, ["frames"])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("def read(path", "def load(path", [("ledger.read", "removed", BREAK)]),
        ("strict: bool", "lenient: bool", [("ledger.read", "parameter was removed (strict)", BREAK)]),
        ("path: str, *", "path: str, name: str, *", [("ledger.read", "parameter was added as required (name)", BREAK)]),
        ("times: int = 2", "times: int", [("ledger.Row.doubled", "parameter is now required (times)", BREAK)]),
        (
            "def doubled",
            "def twice",
            [
                ("ledger.Row.doubled", "removed", BREAK),
                ("ledger.Row.twice", "added", ADDITION),
            ],
        ),
        ("def _hidden", "def _other", []),
        ("def internal(path)", "def internal()", []),
    ],
)
def test_only_changes_of_the_face_count(
    tmp_path: Path, old: str, new: str, expected: list[tuple[str, str, Weight]]
) -> None:
    assert changed(tmp_path, old, new) == [ContractChange(*change) for change in expected]


def test_a_new_export_is_an_addition(tmp_path: Path) -> None:
    exports = EXPORTS.replace("Row, read", "Row, internal, read").replace('"Row"', '"Row", "internal"')
    found = face_changes(library(tmp_path / "a"), library(tmp_path / "b", exports=exports), [])
    assert found == [ContractChange("ledger.internal", "added", ADDITION)]


@pytest.mark.parametrize(
    ("other", "exports", "expected"),
    [
        ("def frames(a, b): ...", "frames", [("ledger.frames", "parameter was added as required (b)", BREAK)]),
        ("def frame(a): ...", "frame", [("ledger.frame", "added", ADDITION), ("ledger.frames", "removed", BREAK)]),
    ],
)
def test_a_function_that_is_named_like_its_module_counts(
    tmp_path: Path, other: str, exports: str, expected: list[tuple[str, str, Weight]]
) -> None:
    def exporting(name: str) -> str:
        return f'from ledger.frames import {name}\n\n__all__ = ["{name}"]\n'

    before = library(tmp_path / "a", exports=exporting("frames"), other="def frames(a): ...")
    after = library(tmp_path / "b", exports=exporting(exports), other=other)

    assert face_changes(before, after, []) == [ContractChange(*change) for change in expected]


def test_a_module_counts_where_it_is_declared_public(tmp_path: Path) -> None:
    before, after = library(tmp_path / "a"), library(tmp_path / "b", other="def shown(): ...")
    assert face_changes(before, after, []) == []
    assert face_changes(before, after, ["fr*"]) == [
        ContractChange("ledger.frames.shown", "parameter was removed (a)", BREAK)
    ]


def test_sources_that_are_no_python_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="nobody: its public face cannot be read"):
        loaded("nobody", tmp_path)

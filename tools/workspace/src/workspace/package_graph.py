"""The packages and what they declare to depend on, as their pyproject.toml files say at some commit."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from workspace.lock_changes import distributions
from workspace.members import GROUPS

DECLARATIONS = tuple(f"{group}/*/pyproject.toml" for group in GROUPS)
FOLDERS = ("docs", "tests")
"""Folders of the root that are no packages and that targets own: what crosses packages."""


@dataclass(frozen=True)
class PackageGraph:
    """The packages of one state of the repository, by folder, and the folders that each depends on."""

    depends_on: Mapping[str, frozenset[str]]

    def owner(self, path: str) -> str | None:
        """Give the folder of the package that a file lies in."""
        folders = [*self.depends_on, *FOLDERS]
        return next((folder for folder in folders if path.startswith(f"{folder}/")), None)


def package_graph(declarations: Mapping[str, str]) -> PackageGraph:
    """Build the graph from the texts of the packages' pyproject.toml files, by path.

    Every kind of declaration counts: dependencies, extras and groups.
    """
    declared = {Path(path).parent.as_posix(): tomllib.loads(text) for path, text in declarations.items()}
    folders = {str(canonicalize_name(table["project"]["name"])): folder for folder, table in declared.items()}
    return PackageGraph(
        {
            folder: frozenset(folders[name] for name in _required(table) if name in folders)
            for folder, table in declared.items()
        }
    )


def _required(table: Mapping[str, object]) -> list[str]:
    project = table.get("project")
    texts: list[str] = []
    if isinstance(project, dict):
        texts += project.get("dependencies", [])
        for extra in project.get("optional-dependencies", {}).values():
            texts += extra
    groups = table.get("dependency-groups")
    for group in groups.values() if isinstance(groups, dict) else ():
        texts += [entry for entry in group if isinstance(entry, str)]
    return distributions(texts)

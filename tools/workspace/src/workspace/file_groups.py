"""The declared scope of files that no package owns, in the root's pyproject.toml."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from workspace.errors import WorkspaceError

EVERYTHING = "all"
NOTHING = "none"


@dataclass(frozen=True)
class FileGroup:
    """Files, by patterns in which `*` also spans folders, and what a change of them affects.

    `affects` is `all`, `none` or the folder of a package.
    """

    files: tuple[str, ...]
    affects: str


def file_groups(root: Path) -> list[FileGroup]:
    """Read `[[tool.purser.file-groups]]`. Raises WorkspaceError for an entry that is not of that form."""
    table = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    entries = table.get("tool", {}).get("purser", {}).get("file-groups", [])
    return [_group(entry, number) for number, entry in enumerate(entries, start=1)]


def scope(groups: Sequence[FileGroup], path: str) -> str | None:
    """Give what the first fitting group says of a file, None when no group fits."""
    fitting = (group.affects for group in groups if any(fnmatchcase(path, pattern) for pattern in group.files))
    return next(fitting, None)


def _group(entry: object, number: int) -> FileGroup:
    match entry:
        case {"files": [*files], "affects": str(affects)} if files and all(isinstance(file, str) for file in files):
            return FileGroup(tuple(files), affects)
    raise WorkspaceError(
        f"pyproject.toml: entry {number} of [[tool.purser.file-groups]] needs `files`, a list of patterns, and "
        '`affects`: "all", "none" or the folder of a package'
    )

"""What git knows of the repository: which files changed since a commit, and what they held there."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from workspace.errors import WorkspaceError


class Change(StrEnum):
    """What happened to a file; a renamed one is deleted under its earlier name and added under the later."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"


@dataclass(frozen=True)
class ChangedFile:
    """A file that differs from the base."""

    path: str
    change: Change


_LETTERS = {"A": Change.ADDED, "D": Change.DELETED}


def changed_files(root: Path, base: str) -> list[ChangedFile]:
    """Give the files of the working folder that differ from where it left `base`, by path; untracked ones count.

    Raises WorkspaceError when git does not know `base`.
    """
    ancestor = merge_base(root, base)
    fields = _git(root, "diff", "--name-status", "--no-renames", "-z", ancestor).split("\0")
    found = {
        path: ChangedFile(path, _LETTERS.get(letter, Change.MODIFIED))
        for letter, path in zip(fields[0::2], fields[1::2], strict=False)
    }
    for path in filter(None, _git(root, "ls-files", "--others", "--exclude-standard", "-z").split("\0")):
        found[path] = ChangedFile(path, Change.ADDED)
    return [found[path] for path in sorted(found)]


def differs_from(root: Path, commit: str, paths: Sequence[str]) -> list[str]:
    """Give the files below `paths` that differ from a commit, untracked ones left out."""
    return [path for path in _git(root, "diff", "--name-only", "-z", commit, "--", *paths).split("\0") if path]


def merge_base(root: Path, base: str) -> str:
    """Give the commit at which HEAD and `base` parted. Raises WorkspaceError when there is none."""
    done = _run(root, "merge-base", base, "HEAD")
    if done.returncode != 0:
        raise WorkspaceError(
            f'git finds no common commit of HEAD and "{base}": {done.stderr.strip() or "they share no history"}. '
            "Name a branch, tag or commit that exists here; a shallow clone needs `git fetch --unshallow` first."
        )
    return done.stdout.strip()


def files_at(root: Path, commit: str, pathspecs: Sequence[str]) -> dict[str, str]:
    """Give the text of every file of a commit that one of the patterns fits, by path."""
    listed = _git(root, "ls-tree", "-r", "-z", "--name-only", commit).split("\0")
    wanted = [path for path in listed if any(Path(path).match(pattern) for pattern in pathspecs)]
    return {path: _git(root, "show", f"{commit}:{path}") for path in wanted}


def _git(root: Path, *arguments: str) -> str:
    done = _run(root, *arguments)
    if done.returncode != 0:
        raise WorkspaceError(f"`git {' '.join(arguments)}` fails: {done.stderr.strip()}")
    return done.stdout


def _run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=root, check=False)

"""What git knows of the repository: which files changed since a commit, and what they held at one."""

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
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
    fields = output(root, "diff", "--name-status", "--no-renames", "-z", ancestor).split("\0")
    found = {
        path: ChangedFile(path, _LETTERS.get(letter, Change.MODIFIED))
        for letter, path in zip(fields[0::2], fields[1::2], strict=False)
    }
    for path in filter(None, output(root, "ls-files", "--others", "--exclude-standard", "-z").split("\0")):
        found[path] = ChangedFile(path, Change.ADDED)
    return [found[path] for path in sorted(found)]


def differs_from(root: Path, commit: str, paths: Sequence[str]) -> list[str]:
    """Give the files below `paths` that differ from a commit, untracked ones left out."""
    return [path for path in output(root, "diff", "--name-only", "-z", commit, "--", *paths).split("\0") if path]


def tracked_files(root: Path, path: str) -> list[str]:
    """Give the files below a folder that git tracks."""
    return [name for name in output(root, "ls-files", "-z", "--", path).split("\0") if name]


def present_files(root: Path, path: str) -> list[str]:
    """Give the files below a folder that are there and that git does not ignore."""
    listed = output(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", path).split("\0")
    return [name for name in listed if name and (root / name).is_file()]


def merge_base(root: Path, base: str) -> str:
    """Give the commit at which HEAD and `base` parted. Raises WorkspaceError when there is none."""
    done = run(root, "merge-base", base, "HEAD")
    if done.returncode != 0:
        raise WorkspaceError(
            f'git finds no common commit of HEAD and "{base}": {done.stderr.strip() or "they share no history"}. '
            "Name a branch, tag or commit that exists here; a shallow clone needs `git fetch --unshallow` first."
        )
    return done.stdout.strip()


def files_at(root: Path, commit: str, pathspecs: Sequence[str]) -> dict[str, str]:
    """Give the text of every file of a commit that one of the patterns fits, by path."""
    listed = output(root, "ls-tree", "-r", "-z", "--name-only", commit).split("\0")
    wanted = [path for path in listed if any(Path(path).match(pattern) for pattern in pathspecs)]
    return {path: output(root, "show", f"{commit}:{path}") for path in wanted}


def tree_of(root: Path, path: str) -> str:
    """Give git's name for the content of a folder of HEAD. Raises WorkspaceError when HEAD has no such folder."""
    return output(root, "rev-parse", f"HEAD:{path}").strip()


def knows(root: Path, tree: str) -> bool:
    """Tell whether the repository holds a tree of this name."""
    return run(root, "cat-file", "-e", f"{tree}^{{tree}}").returncode == 0


@contextmanager
def laid_out(root: Path, revision: str, path: str = ".") -> Iterator[Path]:
    """Lay out a folder or file of a commit, tag or tree below a temporary folder, and give that.

    Raises WorkspaceError when the revision does not hold it.
    """
    archived = subprocess.run(["git", "archive", revision, "--", path], capture_output=True, cwd=root, check=False)
    if archived.returncode != 0:
        raise WorkspaceError(f"{revision} does not hold {path}: {archived.stderr.decode().strip()}")
    with tempfile.TemporaryDirectory(prefix="purser-revision-") as folder:
        with tarfile.open(fileobj=BytesIO(archived.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


def revision(root: Path) -> str:
    """Give the commit of HEAD, with `-dirty` behind it where the working folder differs; `unknown` outside of git."""
    done = run(root, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def copy_to(root: Path, folder: Path) -> None:
    """Copy what git tracks or would track."""
    for name in present_files(root, "."):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, folder / name)


def output(root: Path, *arguments: str, settings: Sequence[str] = ()) -> str:
    """Give what git prints, with settings such as `user.name=x` for this call.

    Raises WorkspaceError with its message when it fails.
    """
    done = run(root, *arguments, settings=settings)
    if done.returncode != 0:
        raise WorkspaceError(f"`git {' '.join(arguments)}` fails: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def run(root: Path, *arguments: str, settings: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run git, whether it succeeds or not."""
    options = [part for setting in settings for part in ("-c", setting)]
    return subprocess.run(["git", *options, *arguments], capture_output=True, text=True, cwd=root, check=False)

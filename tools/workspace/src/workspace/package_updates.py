"""Bringing what has changed in a template to the packages that were made from it."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from workspace.errors import WorkspaceError
from workspace.git import changed_files, output, run, tracked_files
from workspace.members import Member
from workspace.package_templates import committed_tree, recorded, render, template_at

# Whoever runs this may sign commits, have hooks or no name; nobody will ever see the commits of a merge in passing.
_SETTINGS = (
    "user.name=workspace",
    "user.email=workspace@localhost",
    "commit.gpgsign=false",
    "core.hooksPath=/dev/null",
)
_git = partial(output, settings=_SETTINGS)


@dataclass(frozen=True)
class Update:
    """What an update did to a package: the files it changed, and those of them in which both sides changed a line."""

    changed: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


def update(root: Path, member: Member) -> Update:
    """Merge the changes of a package's template since the package was made, or last updated, into the package.

    What the package has changed itself is kept; what it has deleted stays deleted. Where both have changed the same
    lines, the file holds both between git's conflict marks. Raises WorkspaceError for a package or template with
    changes that are not committed, and for one whose template this clone does not hold.
    """
    answers, made_from = recorded(member)
    for file in changed_files(root, "HEAD"):
        if file.path.startswith(f"{member.path}/"):
            raise WorkspaceError(f"{file.path} is not committed: commit it first, so that the update can be undone")
    tree = committed_tree(root, answers.kind)
    if tree == made_from:
        return Update()
    kept = {path.removeprefix(f"{member.path}/") for path in tracked_files(root, member.path)}
    with TemporaryDirectory(prefix="purser-update-") as name:
        merging = Path(name)
        _git(merging, "init", "--quiet", "--initial-branch=template")
        with template_at(root, made_from) as template:
            render(root, template, answers, tree=made_from, into=merging)
        deleted = _files(merging) - kept
        _commit(merging, deleted)
        _git(merging, "switch", "--quiet", "--create", "package")
        _copy(kept, member.folder, merging)
        _commit(merging)
        _git(merging, "switch", "--quiet", "template")
        _remove(merging, _files(merging))
        render(root, root / answers.kind.template, answers, tree=tree, into=merging)
        _commit(merging, deleted)
        _git(merging, "switch", "--quiet", "package")
        return _merge(merging, member.folder)


def _merge(merging: Path, package: Path) -> Update:
    before = {path: (merging / path).read_bytes() for path in _files(merging)}
    merged = run(merging, "merge", "--quiet", "--no-edit", "template", settings=_SETTINGS)
    conflicts = _git(merging, "diff", "--name-only", "--diff-filter=U", "-z").split("\0")[:-1]
    if merged.returncode != 0 and not conflicts:
        raise WorkspaceError(f"The template cannot be merged: {merged.stderr.strip() or merged.stdout.strip()}")
    after = _files(merging)
    changed = {path for path in after if before.get(path) != (merging / path).read_bytes()}
    _copy(changed, merging, package)
    _remove(package, before.keys() - after)
    return Update(tuple(sorted(changed | (before.keys() - after))), tuple(conflicts))


def _files(folder: Path) -> set[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if path.parts[0] != ".git"}


def _copy(paths: Iterable[str], source: Path, target: Path) -> None:
    for path in paths:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / path, target / path)


def _remove(folder: Path, paths: Iterable[str]) -> None:
    for path in paths:
        (folder / path).unlink(missing_ok=True)


def _commit(merging: Path, without: Iterable[str] = ()) -> None:
    _remove(merging, without)
    _git(merging, "add", "--all", "--force")
    _git(merging, "commit", "--quiet", "--allow-empty", "--message=.")

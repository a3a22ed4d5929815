"""Carrying out a release plan: versions, ranges, changelogs, locks, one commit, and a tag per package."""

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from workspace.errors import WorkspaceError
from workspace.git import changed_files
from workspace.release_plan import FRAGMENTS, Step, fragments
from workspace.versions import Release


def carry_out(root: Path, plan: Sequence[Step], *, today: date, derive: Callable[[], None]) -> list[str]:
    """Write the plan into the repository, commit it and tag each package; gives the tags.

    `derive` writes what follows from the versions: locks and generated files. Raises WorkspaceError, before anything is
    written, when the working folder holds changes that are not committed.
    """
    if changed := changed_files(root, "HEAD"):
        raise WorkspaceError(f"{changed[0].path} is not committed: a release is made from a clean working folder.")
    for step in plan:
        _write_declaration(step)
        _write_changelog(step, today)
    derive()
    tags = [Release(step.package.name, step.after).tag for step in plan]
    _git(root, "add", "--all")
    _git(root, "commit", "--quiet", "--allow-empty", f"--message=release: {', '.join(tags)}")
    for step, tag in zip(plan, tags, strict=True):
        _git(root, "tag", "--annotate", tag, f"--message={step.package.name} {step.after}")
    return tags


def _write_declaration(step: Step) -> None:
    path = step.package.folder / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    text = re.sub(r'^version = "[^"]+"$', f'version = "{step.after}"', text, count=1, flags=re.MULTILINE)
    for distribution, specifier in step.ranges.items():
        requirement = re.compile(rf'("{re.escape(distribution)}(?:\[[^\]]*\])?)[^"]*"')
        text = requirement.sub(rf'\g<1>{specifier}"', text)
    path.write_text(text, encoding="utf-8")


def _write_changelog(step: Step, today: date) -> None:
    """Let towncrier put the fragments above the earlier versions; what is only widened is said in a fragment, too."""
    folder = step.package.folder
    if step.before is None:
        return
    if step.ranges and not fragments(step.package):
        (folder / FRAGMENTS).mkdir(exist_ok=True)
        needs = ", ".join(f"{name}{specifier}" for name, specifier in sorted(step.ranges.items()))
        (folder / FRAGMENTS / "+ranges.fixed.md").write_text(f"Works with {needs}.\n", encoding="utf-8")
    command = [sys.executable, "-m", "towncrier", "build", "--yes", f"--version={step.after}", f"--date={today}"]
    command += ["--config", str(Path(__file__).with_name("towncrier.toml")), "--dir", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=step.package.root, check=False)
    if done.returncode != 0:
        raise WorkspaceError(f"{step.package.path}: its changelog cannot be written:\n{done.stderr or done.stdout}")
    written = folder / "CHANGELOG.md"
    # towncrier leaves room above the title and below the version for more.
    text = re.sub(r"\n{3,}", "\n\n", written.read_text(encoding="utf-8").lstrip())
    written.write_text(text, encoding="utf-8")


def _git(root: Path, *arguments: str) -> None:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=root, check=False)
    if done.returncode != 0:
        raise WorkspaceError(f"`git {arguments[0]}` fails: {done.stderr.strip() or done.stdout.strip()}")

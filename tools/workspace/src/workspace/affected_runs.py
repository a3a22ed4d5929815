"""Running a goal of Pants on what is affected only, with a summary of what that saved."""

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workspace.affected import Affected
from workspace.anatomy import deviations
from workspace.checks import declared
from workspace.git import Change
from workspace.members import members
from workspace.package_templates import TEMPLATES

SECONDS_FILE = Path(".pants.d") / "seconds.json"
"""How long each test last took, so that a run can say what it saved; a hint, not a result."""

_OUTCOME = re.compile(
    r"^\S+ (?P<what>\S.*?) (?:succeeded|failed) in (?P<seconds>[\d.]+)s"
    r"(?: \((?P<source>memoized|cached locally|cached remotely)\))?"
)


@dataclass(frozen=True)
class Outcome:
    """One test process as Pants reports it: what it ran, for how long, and from where its result came."""

    what: str
    seconds: float
    cached: bool


@dataclass(frozen=True)
class Summary:
    """What a run did, and what it did not have to do."""

    ran: tuple[Outcome, ...]
    cached: tuple[Outcome, ...]
    skipped: int
    skipped_seconds: float

    def __str__(self) -> str:
        """Give the summary in a sentence."""
        ran, cached = sum(o.seconds for o in self.ran), sum(o.seconds for o in self.cached)
        return (
            f"ran {len(self.ran)} in {ran:.1f} s; {len(self.cached)} came from the cache, saving {cached:.1f} s; "
            f"{self.skipped} were not affected, saving {self.skipped_seconds:.1f} s as they last took"
        )


def run_goal(root: Path, goal: str, found: Affected) -> int:
    """Test or package what is affected, print what that saved, and give the exit status of Pants."""
    everything = found.all_tests if goal == "test" else found.all_artefacts
    wanted = found.tests if goal == "test" else found.artefacts
    if not wanted:
        print(f"No {'test' if goal == 'test' else 'artefact'} is affected by the changes since {found.base}.")
        return 0
    status, reported = run(root, goal, wanted)
    if goal == "test":
        ended = outcomes(reported)
        print(summary(ended, known_seconds(root), skipped=len(everything) - len(wanted)))
        keep_seconds(root, ended)
    else:
        print(f"{len(wanted)} of {len(everything)} artefacts; the others are not affected")
    return status


def lint(root: Path, found: Affected) -> list[str]:
    """Check style, format and declarations of what changed; give a message per failed check."""
    packages = [member for member in members(root) if member.path in found.packages]
    changed = [file.path for file in found.changes if file.change is not Change.DELETED and file.path.endswith(".py")]
    # A rule that changed, or the linter itself, speaks about every file.
    whole = found.everything or any(file.path in {"pyproject.toml", "uv.lock"} for file in found.changes)
    paths = ["."] if whole else changed
    ruff = str(root / ".venv" / "bin" / "ruff")
    problems = [
        f"ruff {check[0]}: see above"
        for check in (["check", "--quiet"], ["format", "--check", "--quiet"])
        if paths and subprocess.run([ruff, *check, *paths], cwd=root, check=False).returncode != 0
    ]
    everything = members(root)
    # So does a template that changed, about every package.
    retold = any(file.path.startswith(f"{TEMPLATES}/") for file in found.changes)
    return [*problems, *declared(packages, everything), *deviations(root, everything if retold else packages)]


def run(root: Path, goal: str, addresses: Sequence[str]) -> tuple[int, str]:
    """Run `pants <goal>` on the addresses; give its exit status and what it reported. Prints as it goes."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as specs:
        specs.write("\n".join(addresses))
        specs.flush()
        command = [str(root / "pants"), f"--spec-files={specs.name}", goal]
        process = subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True)
        reported = []
        for line in process.stderr or ():
            print(line, end="", flush=True)
            reported.append(line)
        return process.wait(), "".join(reported)


def outcomes(reported: str) -> list[Outcome]:
    """Read the lines in which Pants tells of each test process."""
    return [
        Outcome(found["what"], float(found["seconds"]), found["source"] is not None)
        for line in reported.splitlines()
        if (found := _OUTCOME.match(line))
    ]


def summary(found: Sequence[Outcome], known: Mapping[str, float], *, skipped: int) -> Summary:
    """Sum up a run. `known` are the seconds of earlier runs; what the run did not touch of them was skipped."""
    names = {outcome.what for outcome in found}
    return Summary(
        ran=tuple(outcome for outcome in found if not outcome.cached),
        cached=tuple(outcome for outcome in found if outcome.cached),
        skipped=skipped,
        skipped_seconds=sum(seconds for what, seconds in known.items() if what not in names),
    )


def known_seconds(root: Path) -> dict[str, float]:
    """Give how long each test process last took."""
    try:
        return {str(what): float(seconds) for what, seconds in json.loads((root / SECONDS_FILE).read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def keep_seconds(root: Path, found: Sequence[Outcome]) -> None:
    """Remember how long each test process took."""
    kept = {**known_seconds(root), **{outcome.what: outcome.seconds for outcome in found}}
    (root / SECONDS_FILE).parent.mkdir(exist_ok=True)
    (root / SECONDS_FILE).write_text(json.dumps(kept, indent=1, sort_keys=True))

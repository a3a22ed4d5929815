"""The checks that run once per package: coverage, types, declared dependencies, benchmarks."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from workspace.errors import WorkspaceError
from workspace.members import Member

LEAST_COVERAGE = 80.0

# Fixtures and factories may go without annotations in tests; what is annotated there is checked like everything else.
_MYPY_OPTIONS = {"tests": ("--allow-untyped-defs", "--allow-incomplete-defs", "--allow-untyped-calls")}


def coverage(packages: Sequence[Member]) -> list[str]:
    """Run each package's own tests and print how much of it they reach; give a message per package below the limit.

    The test modules of a package are dealt out to as many processes as the machine has cores. What runs once per
    database runs on SQLite alone: `make test` has run both.
    """
    found = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        running = [(package, _start_covered(package, Path(folder), pool)) for package in packages]
        for package, parts in running:
            if not parts:
                found.append(f"{package.path} has no tests")
                continue
            failed = [done for part in parts if (done := part.result()).returncode != 0]
            for done in failed:
                print(done.stdout, done.stderr, sep="\n", flush=True)
            if failed:
                found.append(f"{package.path}: its tests fail; see above")
                continue
            percent = _covered(package, Path(folder))
            print(f"{package.path:32} {percent:6.1f} %", flush=True)
            if percent < LEAST_COVERAGE:
                found.append(f"{package.path}: {percent:.1f} % is covered, {LEAST_COVERAGE:.0f} % is the least")
    return found


def _start_covered(
    package: Member, folder: Path, pool: ThreadPoolExecutor
) -> list[Future[subprocess.CompletedProcess[str]]]:
    modules = sorted(str(module.relative_to(package.root)) for module in package.tests.glob("**/test_*.py"))
    hands = min(len(modules), os.cpu_count() or 1)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [f"--cov={package.path}/src", "--cov-branch", "--cov-report=", "-k", "not postgresql"]
    return [
        pool.submit(
            _run,
            package,
            [*command, *modules[hand::hands]],
            {"COVERAGE_FILE": str(folder / f"{package.name}.part{hand}")},
        )
        for hand in range(hands)
    ]


def _covered(package: Member, folder: Path) -> float:
    """Give the percentage of lines and branches that all parts together have reached."""
    parts = [str(part) for part in sorted(folder.glob(f"{package.name}.part*"))]
    whole, report = folder / f"{package.name}.whole", folder / f"{package.name}.json"
    for command in (["combine", "--quiet", *parts], ["json", "--quiet", "-o", str(report)]):
        done = _run(package, [sys.executable, "-m", "coverage", *command], {"COVERAGE_FILE": str(whole)})
        if done.returncode != 0:
            raise WorkspaceError(f"{package.path}: its coverage cannot be told:\n{done.stderr or done.stdout}")
    return float(json.loads(report.read_text(encoding="utf-8"))["totals"]["percent_covered"])


def types(packages: Sequence[Member], across: Sequence[Path] = ()) -> list[str]:
    """Check sources, tests and benchmarks with mypy, each package's and then the folders of tests ``across`` packages.

    Gives a message per folder with errors.
    """
    mypy = [sys.executable, "-m", "mypy", "--no-error-summary", "--num-workers=auto"]
    own = [package.folder / name for package in packages for name in ("src", "tests", "benchmarks")]
    found = []
    # Each folder apart: two may hold modules of one name, such as conftest.
    for folder in (folder for folder in (*own, *across) if any(folder.rglob("*.py"))):
        path = folder.relative_to(packages[0].root).as_posix()
        done = _run(packages[0], [*mypy, *_MYPY_OPTIONS.get(folder.name, ()), path])
        if done.returncode != 0:
            print(done.stdout, done.stderr, sep="", end="", flush=True)
            found.append(f"{path} has type errors; see above")
    return found


def declared(packages: Sequence[Member], workspace: Sequence[Member]) -> list[str]:
    """Check that each package declares what it imports and imports what it declares; give a message per failure."""
    names = ",".join(f"{member.distribution}={member.name}" for member in workspace)
    deptry = str(Path(sys.executable).with_name("deptry"))
    found = []
    for package in packages:
        command = [deptry, "src", "--no-ansi", "--optional-dependencies-dev-groups", "testing"]
        command += ["--package-module-name-map", names]
        if exceptions := _exceptions(package, workspace):
            command += ["--per-rule-ignores", exceptions]
        done = subprocess.run(command, capture_output=True, text=True, cwd=package.folder, check=False)
        if done.returncode != 0:
            problems = [line for line in done.stderr.splitlines() if " DEP" in line]
            print("\n".join(f"{package.path}/{line}" for line in problems) or done.stderr, flush=True)
            found.append(f"{package.path}: its imports and its declared dependencies disagree; see above")
    return found


def _exceptions(package: Member, workspace: Sequence[Member]) -> str:
    """Give what deptry cannot see: requirements named in a text, and folders that only the extra `testing` serves."""
    # A service that another runs in its process is named by an import string.
    embedded = [
        other.distribution for other in workspace if other.service and other.distribution in package.dependencies
    ]
    apart = [name.replace("-", "_") for name in package.testing] if package.apart else []
    rules = {"DEP002": [*package.named, *embedded], "DEP004": apart}
    return ",".join(f"{rule}={'|'.join(names)}" for rule, names in rules.items() if names)


def benchmarks(packages: Sequence[Member]) -> list[str]:
    """Run each package's benchmark scripts, one after the other; give a message per failed one.

    Raises WorkspaceError when there is nothing to run.
    """
    scripts = [
        (package, script) for package in packages for script in sorted(package.folder.glob("benchmarks/bench_*.py"))
    ]
    if not scripts:
        raise WorkspaceError("There are no benchmarks: a package keeps them as benchmarks/bench_<what>.py")
    found = []
    for package, script in scripts:
        name = script.relative_to(package.root).as_posix()
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, name], cwd=package.root, check=False).returncode != 0:
            found.append(f"{name} failed; see above")
    return found


def _run(
    package: Member, command: Sequence[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, **(environment or {})}
    return subprocess.run(command, capture_output=True, text=True, cwd=package.root, env=variables, check=False)

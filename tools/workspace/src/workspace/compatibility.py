"""Packages tested in other company than the lock's: at their lowest bounds, and released services on today's libraries.

Slow, and in need of the package index: for a nightly run.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from workspace import lock
from workspace.build_files import siblings
from workspace.errors import WorkspaceError
from workspace.git import laid_out
from workspace.members import Member, members, requirements
from workspace.outside_tools import tool
from workspace.versions import last_release


def failing_at_lowest(root: Path, packages: Sequence[Member]) -> list[str]:
    """Run the tests of each package with the lowest versions that it declares; give a message per failing package.

    What the tests use beside that, and what is required indirectly, comes as locked where the bounds allow it.
    """
    workspace = members(root)
    found = []
    for package in packages:
        with tempfile.TemporaryDirectory(prefix="purser-lowest-") as name:
            python = _environment(root, Path(name))
            declared = {canonicalize_name(Requirement(text).name) for text in requirements(package)}
            extra = "[testing]" if package.testing else ""
            first_party = [f"--editable={package.folder}{extra}", *_editable(siblings(package, workspace))]
            _install(root, python, ["--resolution=lowest-direct", *first_party, *_test_pins(root, without=declared)])
            if not _passes(package.tests, python, root):
                found.append(f"{package.path}: its tests fail with the lowest versions it declares; see above")
    return found


def failing_consumers(root: Path, services: Sequence[Member]) -> list[str]:
    """Run the tests of services as last released, on the libraries as they are; give a message per failing one.

    A service whose ranges exclude the libraries as they are is left out: nobody can install the two together.
    """
    libraries = [member for member in members(root) if member.path.startswith("libs/")]
    found = []
    for service in services:
        released = last_release(root, service.name) if service.service is not None else None
        if released is None:
            continue
        # The whole of what was released: its tests read the documents of their time and start other services.
        with laid_out(root, released.tag) as folder, tempfile.TemporaryDirectory(prefix="purser-consumer-") as name:
            consumers = _with_services_it_runs(service.name, members(folder))
            if excluded := _excluded(consumers, libraries):
                print(f"{released.tag} is left out: {excluded}", flush=True)
                continue
            python = _environment(root, Path(name))
            # Without sources, which would bring the libraries as they were.
            wanted = ["--no-sources", f"--group={folder / 'pyproject.toml'}:test", *_editable([*consumers, *libraries])]
            done = _try_install(root, python, wanted)
            if done.returncode != 0:
                found.append(
                    f"{released.tag} cannot be installed with the libraries as they are:\n{done.stderr.strip()}"
                )
            elif not _passes(consumers[0].tests, python, folder):
                found.append(f"{released.tag} fails on the libraries as they are; see above")
    return found


def _with_services_it_runs(name: str, released: Sequence[Member]) -> list[Member]:
    """Give a service, and those that it holds in its process or that its tests start."""
    [service] = [member for member in released if member.name == name]
    run = {*service.dependencies, *service.tested_with.starts}
    others = [member for member in released if member.service is not None and {member.distribution, member.name} & run]
    return [service, *others]


def _excluded(consumers: Sequence[Member], libraries: Sequence[Member]) -> str | None:
    """Give the first range of a service in which a library as it is does not lie."""
    for consumer in consumers:
        for requirement in map(Requirement, requirements(consumer)):
            for library in libraries:
                fits = Version(library.version) in requirement.specifier
                if canonicalize_name(requirement.name) == library.distribution and not fits:
                    return f"{consumer.name} needs {requirement}, and {library.path} is at {library.version}"
    return None


def _environment(root: Path, folder: Path) -> Path:
    environment = folder / "venv"
    subprocess.run([tool(root, "uv"), "venv", "--quiet", "--python", sys.executable, environment], check=True)
    return environment / "bin" / "python"


def _editable(packages: Iterable[Member]) -> list[str]:
    return [f"--editable={package.folder}{'[testing]' if package.testing else ''}" for package in packages]


def _test_pins(root: Path, *, without: Iterable[str]) -> list[str]:
    """Give the pins of what tests use, but for distributions whose bounds are on trial."""
    left_out = set(without)
    command = [tool(root, "uv"), "export", "--quiet", "--frozen", "--only-group=test"]
    command += ["--no-hashes", "--no-annotate", "--no-header"]
    exported = subprocess.run(command, capture_output=True, text=True, cwd=root, check=True)
    pins = lock.applicable(exported.stdout)
    return [str(pin) for pin in pins if canonicalize_name(pin.name) not in left_out]


def _install(root: Path, python: Path, wanted: Sequence[str]) -> None:
    done = _try_install(root, python, wanted)
    if done.returncode != 0:
        raise WorkspaceError(f"{wanted[1]} cannot be installed:\n{done.stderr.strip()}")


def _try_install(root: Path, python: Path, wanted: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = [tool(root, "uv"), "pip", "install", "--quiet", "--python", str(python), *wanted]
    return subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)


def _passes(tests: Path, python: Path, folder: Path) -> bool:
    print(f"== {tests.parent.name}", flush=True)
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests)]
    return subprocess.run(command, cwd=folder, check=False).returncode == 0

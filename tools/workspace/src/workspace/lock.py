"""The lock of Pants, derived from uv.lock: its pins, its resolution, and the proof that the two agree.

`uv.lock` is universal; Pants runs one Python on Linux and macOS. The pins are therefore those that apply there, with
every marker resolved that is the same on all of them: pex multiplies the alternatives that markers leave open, and a
handful of two-way splits costs it minutes and gigabytes.
"""

import itertools
import json
import os
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from workspace.errors import WorkspaceError
from workspace.outside_tools import tool

# What the resolution for Pants leaves out: benchmarks run from the virtual environment only.
_LEFT_OUT = ("bench",)
_PYTHON = "3.11"
_PLATFORMS = (("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64"), ("darwin", "Darwin", "arm64"))
_PATCHES = (0, 2, 4, 9, 15)


@dataclass(frozen=True)
class Locked:
    """One distribution of a lock."""

    version: str
    hashes: frozenset[str]


def pins_file(root: Path) -> Path:
    """Give the file of the exact pins."""
    return root / "3rdparty" / "python" / "requirements.txt"


def lock_file(root: Path) -> Path:
    """Give the lock that Pants reads."""
    return root / "3rdparty" / "python" / "default.lock"


def lock_workspace(root: Path) -> None:
    """Let uv.lock follow the declarations; pins stay as they are. Raises WorkspaceError with what uv says."""
    locked = subprocess.run(
        [tool(root, "uv"), "lock", "--quiet"], capture_output=True, text=True, cwd=root, check=False
    )
    if locked.returncode != 0:
        raise WorkspaceError(f"uv.lock cannot be written:\n{locked.stderr.strip()}")


def pins(root: Path) -> str:
    """Give the pins of uv.lock for the interpreter and the platforms that Pants runs.

    Raises WorkspaceError when uv.lock cannot be exported.
    """
    command = [tool(root, "uv"), "export", "--quiet", "--frozen", "--all-packages", "--all-groups", "--all-extras"]
    command += [f"--no-group={group}" for group in _LEFT_OUT]
    command += ["--no-emit-workspace", "--no-hashes", "--no-annotate", "--no-header"]
    exported = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    if exported.returncode != 0:
        raise WorkspaceError(f"uv.lock cannot be exported: run `make lock`. uv says:\n{exported.stderr}")
    return "".join(f"{pin}\n" for pin in applicable(exported.stdout))


def applicable(exported: str) -> Iterator[Requirement]:
    """Give the requirements that apply to Pants' Python, without the markers that hold everywhere there."""
    for line in exported.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        requirement = Requirement(line.strip())
        if requirement.marker is not None:
            marker = requirement.marker
            answers = {marker.evaluate(environment) for environment in _environments()}
            if answers == {False}:
                continue
            if answers == {True}:
                requirement.marker = None
        yield requirement


def write(root: Path) -> None:
    """Resolve the lock from the pins; takes a minute or two. Raises WorkspaceError when that fails."""
    command = [tool(root, "pex3"), "lock", "create", "--style", "universal", "--indent", "2"]
    command += ["--pip-version", "23.1.2", "--resolver-version", "pip-2020-resolver"]
    command += [
        "--interpreter-constraint",
        f"CPython=={_PYTHON}.*",
        "--target-system",
        "linux",
        "--target-system",
        "mac",
    ]
    # pex reads no configuration of pip.
    if bundle := os.environ.get("SSL_CERT_FILE"):
        command += ["--cert", bundle]
    if index := os.environ.get("PIP_INDEX_URL"):
        command += ["--no-pypi", "--index-url", index]
    command += ["--requirement", str(pins_file(root)), "--output", str(lock_file(root))]
    print("Resolving the lock of Pants; this takes a minute or two", flush=True)
    resolved = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    if resolved.returncode != 0:
        raise WorkspaceError(f"3rdparty/python/default.lock cannot be resolved from its pins:\n{resolved.stderr}")


def problems(root: Path) -> list[str]:
    """Compare uv.lock, the pins and the lock of Pants by names, versions and hashes; give what does not agree."""
    if not lock_file(root).is_file():
        return ["3rdparty/python/default.lock is missing"]
    wanted = pins(root)
    found = []
    if not pins_file(root).is_file() or pins_file(root).read_text(encoding="utf-8") != wanted:
        found.append("3rdparty/python/requirements.txt does not hold the pins of uv.lock")
    source = uv_packages((root / "uv.lock").read_text(encoding="utf-8"))
    derived = pex_packages(lock_file(root).read_text(encoding="utf-8"))
    return found + differences({canonicalize_name(pin.name) for pin in applicable(wanted)}, source, derived)


def differences(wanted: set[str], source: dict[str, list[Locked]], derived: dict[str, Locked]) -> list[str]:
    """Give what the derived lock lacks, has in excess, or has in another version or from an unknown file."""
    place = "3rdparty/python/default.lock"
    found = [f"{place} lacks {name}" for name in sorted(wanted - derived.keys())]
    found += [f"{place} holds {name}, which no package asks for" for name in sorted(derived.keys() - wanted)]
    for name in sorted(wanted & derived.keys()):
        locked = derived[name]
        same = [entry for entry in source.get(name, []) if entry.version == locked.version]
        if not same:
            versions = ", ".join(entry.version for entry in source.get(name, [])) or "none"
            found.append(f"{place} holds {name} {locked.version}, uv.lock {versions}")
        elif unknown := locked.hashes - same[0].hashes:
            found.append(f"{place} holds a file of {name} {locked.version} that uv.lock does not: {min(unknown)}")
    return found


def uv_packages(text: str) -> dict[str, list[Locked]]:
    """Give the distributions of a uv.lock by name; one name may have several versions, for different Pythons."""
    packages: dict[str, list[Locked]] = {}
    for package in tomllib.loads(text)["package"]:
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        hashes = frozenset(file["hash"].removeprefix("sha256:") for file in files)
        packages.setdefault(package["name"], []).append(Locked(package.get("version", ""), hashes))
    return packages


def pex_packages(text: str) -> dict[str, Locked]:
    """Give the distributions of a lock that pex wrote, by name."""
    resolves = json.loads(text)["locked_resolves"]
    return {
        canonicalize_name(entry["project_name"]): Locked(
            entry["version"], frozenset(artifact["hash"] for artifact in entry["artifacts"])
        )
        for entry in itertools.chain.from_iterable(resolve["locked_requirements"] for resolve in resolves)
    }


def _environments() -> Iterator[dict[str, str]]:
    for (system, platform, machine), patch in itertools.product(_PLATFORMS, _PATCHES):
        yield {
            "extra": "",
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            "platform_system": platform,
            "python_full_version": f"{_PYTHON}.{patch}",
            "python_version": _PYTHON,
            "sys_platform": system,
        }

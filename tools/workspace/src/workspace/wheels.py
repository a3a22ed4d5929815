"""The proof that the packages are whole as wheels: built, checked, installed together elsewhere, started."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from workspace import lock
from workspace.errors import WorkspaceError
from workspace.isolation import IMPORT_ALL
from workspace.members import Member, members
from workspace.outside_tools import tool
from workspace.smoke import trouble


def build(root: Path) -> list[Path]:
    """Build the wheel of every library and service into dist/wheels and check each; gives their paths.

    Raises WorkspaceError with what the builder or the check says.
    """
    folder = root / "dist" / "wheels"
    shutil.rmtree(folder, ignore_errors=True)
    for package in _published(root):
        _run(
            [tool(root, "uv"), "build", "--quiet", "--wheel", "--package", package.distribution, "--out-dir", folder],
            root,
        )
    built = sorted(folder.glob("*.whl"))
    _run([sys.executable, "-m", "twine", "check", "--strict", *built], root)
    return built


def problems(root: Path) -> list[str]:
    """Install all built wheels together where nothing of the workspace is, import everything, start the platform.

    Third-party distributions are those of the lock. Gives a message per failure.
    """
    wheels = sorted((root / "dist" / "wheels").glob("*.whl"))
    packages = _published(root)
    if len(wheels) != len(packages):
        raise WorkspaceError(f"dist/wheels holds {len(wheels)} wheels of {len(packages)} packages: run `make wheels`")
    with tempfile.TemporaryDirectory(prefix="purser-wheels-") as name:
        folder = Path(name)
        environment = folder / "venv"
        _run([tool(root, "uv"), "venv", "--quiet", "--python", sys.executable, environment], folder)
        (folder / "pins.txt").write_text(lock.pins(root), encoding="utf-8")
        python = environment / "bin" / "python"
        install: list[str | Path] = [
            tool(root, "uv"),
            "pip",
            "install",
            "--quiet",
            "--python",
            python,
            "--constraint",
            "pins.txt",
        ]
        _run([*install, *wheels], folder)
        found = [message for package in packages if (message := _import(python, folder, package))]
        for platform in (package for package in packages if package.is_composition):
            wrong = trouble([python, "-m", f"{platform.name}.main"], folder)
            found += [f"the platform from wheels: {wrong}"] if wrong else []
        return found


def _import(python: Path, folder: Path, package: Member) -> str | None:
    apart = [f"{package.name}.{part}" for part in package.apart]
    command = [str(python), "-I", "-c", IMPORT_ALL, package.name, _json(apart)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    if done.returncode == 0:
        print(f"imported from its wheel: {package.name}", flush=True)
        return None
    return f"{package.name} cannot be imported from its wheel: {done.stderr.strip().splitlines()[-1]}"


def _json(names: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _published(root: Path) -> list[Member]:
    return [package for package in members(root) if not package.path.startswith("tools/")]


def _run(command: Sequence[str | Path], folder: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    if done.returncode != 0:
        shown = " ".join(str(part) for part in command[:4])
        raise WorkspaceError(f"`{shown} …` fails:\n{done.stderr.strip() or done.stdout.strip()}")

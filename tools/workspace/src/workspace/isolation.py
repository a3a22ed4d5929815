"""The proof that each package runs with what it declares: all its modules are imported where nothing else is."""

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from workspace.errors import WorkspaceError
from workspace.members import Member
from workspace.outside_tools import tool

IMPORT_ALL = """
import importlib, json, pkgutil, sys
name, apart = sys.argv[1], tuple(json.loads(sys.argv[2]))
def left_out(module):
    # Alembic runs its environment inside a context of its own.
    run_by_others = module.endswith((".__main__", ".env"))
    return run_by_others or any(f"{module}.".startswith(f"{part}.") for part in apart)
def imported(module):
    package = importlib.import_module(module)
    for found in pkgutil.iter_modules(getattr(package, "__path__", []), f"{module}."):
        if not left_out(found.name):
            imported(found.name)
imported(name)
"""


def unimportable(root: Path, packages: Sequence[Member]) -> list[str]:
    """Import every package alone, and with its extras where folders are apart; give a message per failure."""
    found = []
    for package in packages:
        apart = [f"{package.name}.{folder}" for folder in package.apart]
        found += _import(root, package, [], apart)
        if apart:
            found += _import(root, package, ["--all-extras"], [])
    return found


def _import(root: Path, package: Member, extras: Sequence[str], apart: Sequence[str]) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="purser-isolation-") as folder:
        environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": folder}
        environment.pop("PYTHONPATH", None)
        command = [tool(root, "uv"), "sync", "--quiet", "--frozen", "--exact", "--no-default-groups", *extras]
        synced = subprocess.run(
            [*command, "--package", package.distribution],
            capture_output=True,
            text=True,
            cwd=root,
            env=environment,
            check=False,
        )
        if synced.returncode != 0:
            raise WorkspaceError(f"{package.path} cannot be installed alone:\n{synced.stderr.strip()}")
        done = subprocess.run(
            [Path(folder) / "bin" / "python", "-c", IMPORT_ALL, package.name, json.dumps(apart)],
            capture_output=True,
            text=True,
            cwd=folder,
            env=environment,
            check=False,
        )
    alone = f"{package.path} with {'its extras' if extras else 'its own dependencies'} alone"
    if done.returncode == 0:
        print(f"imported: {alone}", flush=True)
        return []
    reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit status {done.returncode}"
    return [f"{alone} cannot be imported: {reason}"]

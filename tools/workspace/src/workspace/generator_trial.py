"""The proof that a new package passes every gate at once: each kind is made in a copy of the repository, and tried."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from workspace.copies import copied
from workspace.errors import WorkspaceError
from workspace.outside_tools import tool
from workspace.smoke import trouble

SERVICE, STATELESS, LIBRARY = "trial_service", "trial_api", "trial_math"
PACKAGES = (f"services/{SERVICE}", f"services/{STATELESS}", f"libs/{LIBRARY}")
NAMED_IN = (
    "README.md",
    "services/catalogue.toml",
    "services/api_gateway/src/api_gateway/catalogue.toml",
    "docker/compose.yaml",
    "docker/kubernetes/base/kustomization.yaml",
    "docker/postgres/roles.sql",
    "docker/prometheus/prometheus.yaml",
    "docker/traefik/plain/dynamic.yaml",
)
"""Where a service has to appear by `make sync` alone."""


@dataclass(frozen=True)
class _Trial:
    root: Path
    copy: Path

    @property
    def python(self) -> str:
        return str(self.copy / ".venv" / "bin" / "python")

    def run(self, *command: str | Path) -> None:
        """Run a command in the copy. Raises WorkspaceError with what it printed when it fails."""
        began = time.monotonic()
        hidden = {"PURSER_PORT", "PYTHONPATH", "VIRTUAL_ENV"}
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        environment["UV_PROJECT_ENVIRONMENT"] = str(self.copy / ".venv")
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.copy, env=environment, check=False)
        shown = " ".join(Path(part).name if str(part).startswith("/") else str(part) for part in command)
        if done.returncode != 0:
            raise WorkspaceError(f"`{shown}` fails with new packages:\n{done.stdout}{done.stderr}")
        print(f"{time.monotonic() - began:5.1f} s  {shown}", flush=True)

    def workspace(self, *arguments: str) -> None:
        """Run a command of the workspace as the copy has it."""
        self.run(self.python, "-m", "workspace", *arguments)

    def install(self) -> None:
        """Bring the copy's environment to what its lock says."""
        self.run(tool(self.root, "uv"), "sync", "--quiet", "--locked", "--all-packages", "--all-groups", "--all-extras")


def failing(root: Path) -> list[str]:
    """Make two services and a library in a copy, run the gates on them and start a service; give what goes wrong."""
    with copied(root) as copy:
        trial = _Trial(root, copy)
        # The commands of the workspace look for these below the checkout.
        (copy / ".tools" / "python").mkdir(parents=True)
        (copy / ".tools" / "python" / "bin").symlink_to(Path(tool(root, "uv")).parent)
        try:
            _make(trial)
            _pass_gates(trial)
        except WorkspaceError as error:
            return [str(error)]
        missing = [
            f"{file} does not name {SERVICE}"
            for file in NAMED_IN
            if not {SERVICE, SERVICE.replace("_", "-")} & set(_words(copy / file))
        ]
        return [*missing, *_start(trial)]


def _make(trial: _Trial) -> None:
    trial.run("git", "init", "--quiet")
    trial.run("git", "add", "--all")
    trial.run("git", "-c", "user.name=trial", "-c", "user.email=trial@localhost", "commit", "--quiet", "--message=.")
    trial.install()
    trial.workspace("new-service", SERVICE, "--port", "8998")
    trial.workspace("new-service", STATELESS, "--port", "8999", "--no-tables", "--resource", "errand")
    trial.workspace("new-lib", LIBRARY)
    trial.run(tool(trial.root, "uv"), "lock", "--quiet")
    trial.install()
    trial.workspace("sync")


def _pass_gates(trial: _Trial) -> None:
    binaries = trial.copy / ".venv" / "bin"
    trial.workspace("sync", "--check")
    trial.run(trial.root / "pants", "dependencies", "::")
    trial.run(binaries / "lint-imports", "--no-logo")
    trial.run(binaries / "ruff", "check", "--quiet", ".")
    trial.run(binaries / "ruff", "format", "--check", "--quiet", ".")
    trial.workspace("declared", *PACKAGES)
    trial.workspace("type-check", *PACKAGES)
    trial.workspace("coverage", *PACKAGES)
    trial.run(trial.root / "pants", "test", *(f"{package}::" for package in PACKAGES))
    # Together with all others in one process: no operation and no part of the document twice.
    trial.run(binaries / "pytest", "--quiet", "tests/test_embedded.py")


def _start(trial: _Trial) -> Sequence[str]:
    with TemporaryDirectory(prefix="purser-trial-") as folder:
        wrong = trouble([trial.python, "-m", f"{SERVICE}.main"], Path(folder), ["auth_service"])
    return [f"{SERVICE}: {wrong}"] if wrong else []


def _words(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return "".join(letter if letter.isalnum() or letter in "_-" else " " for letter in text).split()

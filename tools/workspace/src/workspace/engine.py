"""The container engine that builds and runs images: Docker, or podman with what it needs where there is no Docker."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workspace.errors import NotPossibleHereError, WorkspaceError

PULL_SECONDS = 120.0
_PACKAGES = ("podman", "buildah", "runc", "mmdebstrap")
_SUITE = "bookworm"
_BASE = re.compile(r"^ARG BASE_IMAGE=(\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Engine:
    """An engine that is ready to build and run.

    `path` is a program that takes Docker's command line, and `run_options` go before the image of every container.
    """

    name: str
    path: Path
    run_options: tuple[str, ...] = ()

    def output(self, *arguments: str | Path) -> str:
        """Run a command of the engine and give what it prints. Raises WorkspaceError with its message when it fails."""
        done = self.tried(*arguments)
        if done.returncode != 0:
            command = shlex.join([self.name, *map(str, arguments)])
            raise WorkspaceError(f"`{command}` ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout.strip()

    def tried(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command of the engine, whatever comes of it."""
        return subprocess.run([self.path, *arguments], capture_output=True, text=True, check=False)

    def start(self, image: str, *options: str | Path) -> str:
        """Start a container as it is meant to run, with a read-only root, and give its id."""
        scratch = ("--read-only", "--tmpfs", "/tmp")  # noqa: S108
        return self.output("run", "--detach", *self.run_options, *scratch, *options, image)


def engine(root: Path, say: Callable[[str], None]) -> Engine:
    """Give an engine that has the base of the images; `say` is told of what takes time.

    Where there is none, podman is installed, which takes root and Debian's packages; where no registry gives the base,
    one is made of Debian's packages under the same name. Raises NotPossibleHereError when neither can be had.
    """
    found = _docker() or _podman(root, say)
    _provide_base(found, base_image(root), say)
    return found


def base_image(root: Path) -> str:
    """Give the name of the image that all others are built on: BASE_IMAGE of the environment, or of docker/Dockerfile.

    Raises WorkspaceError when neither names one.
    """
    if chosen := os.environ.get("BASE_IMAGE"):
        return chosen
    template = root / "docker" / "Dockerfile"
    declared = _BASE.search(template.read_text(encoding="utf-8"))
    if declared is None:
        raise WorkspaceError(f"{template}: a line `ARG BASE_IMAGE=<name>` must name the base")
    return declared[1]


def _docker() -> Engine | None:
    program = shutil.which("docker")
    if program is None or not _succeeds(program, "info"):
        return None
    return Engine("docker", Path(program))


def _podman(root: Path, say: Callable[[str], None]) -> Engine:
    if shutil.which("podman") is None:
        _install(say)
    program = shutil.which("podman")
    if program is None:
        raise NotPossibleHereError("podman was installed and is not on the PATH: add /usr/bin to it")
    runtime = ("--runtime", "runc") if shutil.which("runc") else ()
    return Engine(
        "podman",
        _named_docker(root, [program, *runtime]),
        # Where the engine itself runs in a sandbox it may not raise the limits that it gives by default.
        ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--health-interval", "disable"),
    )


def _install(say: Callable[[str], None]) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NotPossibleHereError(
            "no Docker answers, and podman is not installed; only root can install it, by apt-get"
        )
    say(f"Installing {', '.join(_PACKAGES)}")
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", *_PACKAGES]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotPossibleHereError(f"podman cannot be installed: {_last_line(done.stderr)}")


def _named_docker(root: Path, podman: Sequence[str]) -> Path:
    """Write a program called `docker`, which is what Pants looks for, that calls podman."""
    path = root / ".tools" / "engine" / "docker"
    path.parent.mkdir(parents=True, exist_ok=True)
    # Pants gives it no PATH. A build needs no namespaces of its own, and only Docker's format keeps the health check.
    # Podman takes a label from its cache although the argument in it has changed, unless the label comes as an option.
    path.write_text(
        f"""#!/bin/sh
PATH=${{PATH:-/usr/sbin:/usr/bin:/sbin:/bin}}
export PATH
if [ "$1" = build ]; then
    shift
    for argument in "$@"; do
        case "$argument" in
        REVISION=*) set -- --label "org.opencontainers.image.revision=${{argument#REVISION=}}" "$@" ;;
        esac
    done
    set -- build --isolation=chroot --format=docker "$@"
fi
exec {shlex.join(podman)} "$@"
""",
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path


def _provide_base(found: Engine, base: str, say: Callable[[str], None]) -> None:
    if _succeeds(found.path, "image", "inspect", base):
        return
    say(f"Fetching {base}")
    if _succeeds(found.path, "pull", "--quiet", base, seconds=PULL_SECONDS):
        return
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        raise NotPossibleHereError(
            f"no registry gives {base}; only root can make it of Debian's packages, by mmdebstrap"
        )
    say(f"No registry gives {base}: making it of Debian's packages")
    packages = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=python3,python3-venv,ca-certificates", _SUITE]
    with subprocess.Popen([*packages, "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as made:
        imported = subprocess.run(
            [found.path, "import", "-", base], stdin=made.stdout, capture_output=True, text=True, check=False
        )
        told = made.stderr.read() if made.stderr else ""
    if made.returncode != 0 or imported.returncode != 0:
        raise NotPossibleHereError(f"{base} cannot be made of Debian's packages: {_last_line(told or imported.stderr)}")


def _succeeds(*command: str | Path, seconds: float | None = None) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=seconds, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it says nothing"])[-1]

"""The proof that a built PEX is whole: it starts in an empty folder and answers /health."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Sequence
from pathlib import Path

from workspace.errors import WorkspaceError
from workspace.members import Member

START_SECONDS = 90.0
_PAUSE = 0.2
_VARIABLES = ("PATH", "LANG", "TZ")


def unhealthy(services: list[Member]) -> list[str]:
    """Start every service's PEX, one after the other; give a message for each that does not answer.

    Raises WorkspaceError when one was not built.
    """
    found = []
    for service in services:
        pex = built(service)
        if not pex.is_file():
            raise WorkspaceError(f"{pex.relative_to(service.root)} is missing: run `make package`")
        began = time.monotonic()
        wrong = _trouble(pex, service.service.calls if service.service else ())
        if wrong:
            found.append(f"{service.name}.pex: {wrong}")
        else:
            print(f"{service.name}.pex answers /health after {time.monotonic() - began:.1f} s", flush=True)
    return found


def built(service: Member) -> Path:
    """Give where Pants writes the PEX of a service; the one that embeds the others is called after the platform."""
    if service.is_composition:
        return service.root / "dist" / "purser.pex"
    return service.root / "dist" / f"services.{service.name}" / f"{service.name}.pex"


def _trouble(pex: Path, peers: Collection[str]) -> str | None:
    with tempfile.TemporaryDirectory(prefix="purser-smoke-") as name:
        return trouble([shutil.copy2(pex, name)], Path(name), peers)


def trouble(command: Sequence[str | Path], folder: Path, peers: Collection[str] = ()) -> str | None:
    """Start a service with nothing around it, in a folder of its own; give what is wrong, or None when it answers."""
    port = free_port()
    environment = {key: os.environ[key] for key in _VARIABLES if key in os.environ}
    environment |= {"HOME": str(folder), "PEX_ROOT": str(folder / "pex"), "PURSER_DATA_DIR": str(folder / "data")}
    environment |= {"PURSER_PORT": str(port)}
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        return _wait_for_health(process, port, log, peers)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_health(process: subprocess.Popen[bytes], port: int, log: Path, peers: Collection[str]) -> str | None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return f"ended with status {process.returncode}:\n{log.read_text(errors='replace')}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                return verdict(answer.read(), peers)
        except urllib.error.HTTPError as error:
            return verdict(error.read(), peers)
        except (urllib.error.URLError, OSError):
            time.sleep(_PAUSE)
    return f"no answer after {START_SECONDS:.0f} s:\n{log.read_text(errors='replace')}"


def verdict(answer: bytes, peers: Collection[str]) -> str | None:
    """Give what is wrong according to an answer of /health, or None.

    Alone, a service misses its peers and must say so; nothing else may be wrong with it.
    """
    try:
        services = json.loads(answer)["services"].values()
        wrong = {name for told in services for name, check in told["checks"].items() if check["status"] != "ok"}
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"/health gives no report: {answer.decode(errors='replace')}"
    return f"/health says that {', '.join(sorted(wrong - set(peers)))} fails" if wrong - set(peers) else None


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

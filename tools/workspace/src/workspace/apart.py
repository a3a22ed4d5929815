"""The services apart behind their front door, on a PostgreSQL of their own: `make run-services`."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_data_path

from workspace import members
from workspace.database import postgres
from workspace.errors import WorkspaceError
from workspace.members import Member
from workspace.processes import Program, addresses, of_service, run_all

_INNER_PORT = 8099


def run(root: Path) -> int:
    """Run PostgreSQL, every service and Traefik until told to stop; gives the exit status.

    With PURSER_DATABASE_URL set, the services use that database and none is started.
    """
    found = members.services(root)
    gateway = next((service for service in found if service.is_composition), None)
    # The gateway's own process would hold every service once more.
    apart = members.apart(found)
    folder = Path(os.environ.get("PURSER_DATA_DIR") or user_data_path("purser"))
    with databases(folder, apart) as own:
        programs = [
            of_service(service, apart, {**_behind_a_proxy(gateway), **own.get(service.name, {})}) for service in apart
        ]
        if gateway is not None:
            programs.append(front_door(gateway, apart, folder / "edge"))
        return run_all(programs, folder=root)


@contextmanager
def databases(folder: Path, apart: Sequence[Member]) -> Iterator[dict[str, dict[str, str]]]:
    """Give the variables that tell each service its database; without any, the environment says."""
    if "PURSER_DATABASE_URL" in os.environ:
        yield {}
        return
    with postgres(folder, [service.name for service in apart]) as urls:
        yield {name: {"PURSER_DATABASE_URL": url} for name, url in urls.items()}


def front_door(gateway: Member, apart: Sequence[Member], folder: Path) -> Program:
    """Write Traefik's configuration and give its program. Raises WorkspaceError when that is not possible."""
    traefik = shutil.which(
        "traefik", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    )
    if traefik is None:
        raise WorkspaceError("Traefik is missing: run `make dev-install`, which brings it")
    listen = f"127.0.0.1:{os.environ.get('PURSER_PORT') or _port(gateway)}"
    command = [sys.executable, "-m", f"{gateway.name}.edge", str(folder), "--listen", listen]
    command += ["--inner", f"127.0.0.1:{_INNER_PORT}", "--no-access-log"]
    variables = {**os.environ, "PURSER_SERVICE_URLS": json.dumps(addresses(apart))}
    if migration := os.environ.get("MIGRATION"):
        command += ["--migration", migration]
    written = subprocess.run(command, capture_output=True, text=True, env=variables, cwd=gateway.root, check=False)
    if written.returncode != 0:
        raise WorkspaceError(written.stderr.strip())
    ready_at = f"http://127.0.0.1:{_INNER_PORT}/ping"
    started = (traefik, f"--configFile={folder / 'traefik.yaml'}")
    return Program("traefik", started, os.environ, f"http://{listen}", ready_at)


def _behind_a_proxy(gateway: Member | None) -> dict[str, str]:
    if gateway is None:
        return {}
    public = (
        os.environ.get("PURSER_PUBLIC_URL") or f"http://127.0.0.1:{os.environ.get('PURSER_PORT') or _port(gateway)}"
    )
    return {"PURSER_PUBLIC_URL": public, "PURSER_FORWARDED_ALLOW_IPS": "127.0.0.1"}


def _port(service: Member) -> int:
    return service.service.port if service.service is not None else 8000

"""The process runner: each service in a process of its own, told where the others are."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workspace.catalogue import declarations
from workspace.errors import WorkspaceError
from workspace.members import Member

READY_SECONDS = 60.0
STOP_SECONDS = 20.0
_PAUSE = 0.1
_COLOURS = (36, 32, 33, 35, 34, 31)


def addresses(services: Sequence[Member]) -> dict[str, str]:
    """Give the address of each service on this machine."""
    return {service.name: f"http://127.0.0.1:{declared.port}" for service, declared in declarations(services)}


def environment(services: Sequence[Member], base: Mapping[str, str]) -> dict[str, str]:
    """Give the environment that tells a service where its peers are; an operator's own addresses stand."""
    return {"PURSER_SERVICE_URLS": json.dumps(addresses(services)), **base, "PYTHONUNBUFFERED": "1"}


def run_one(service: Member, services: Sequence[Member]) -> int:
    """Serve one service in the foreground and restart it when its sources change; give the exit status."""
    if service.service is None:
        raise WorkspaceError(f"{service.path} is no service")
    command = [sys.executable, "-m", "uvicorn", f"{service.name}.main:create_app", "--factory", "--reload"]
    # By itself uvicorn lets every local client choose the address that limits are counted for.
    command.append("--no-proxy-headers")
    for folder in ("libs", service.path):
        command += ["--reload-dir", folder]
    port = os.environ.get("PURSER_PORT") or str(service.service.port)
    variables = {**environment(services, os.environ), "PURSER_PORT": port}
    try:
        done = subprocess.run([*command, "--port", port], cwd=service.root, env=variables, check=False)
        return done.returncode
    except KeyboardInterrupt:
        return 0


@dataclass(frozen=True)
class Program:
    """A program to run beside the others: its command, the variables it gets, and where it says that it can work."""

    name: str
    command: tuple[str, ...]
    variables: Mapping[str, str]
    url: str
    ready_at: str


@dataclass(frozen=True)
class Running:
    """A started program, and the thread that passes its output on."""

    program: Program
    process: subprocess.Popen[str]
    reader: threading.Thread

    @property
    def name(self) -> str:
        """The program's name."""
        return self.program.name

    def is_ready(self) -> bool:
        """Tell whether the program says that it can work."""
        try:
            with urllib.request.urlopen(self.program.ready_at, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def of_service(service: Member, services: Sequence[Member], own: Mapping[str, str] | None = None) -> Program:
    """Give the program of one service; `own` are further variables."""
    url = addresses(services)[service.name]
    variables = {**environment(services, os.environ), **(own or {}), "PURSER_PORT": url.rpartition(":")[2]}
    command = (sys.executable, "-m", "workspace.serve", f"{service.name}.main")
    return Program(service.name, command, variables, url, f"{url}/readyz")


def run_all(programs: Sequence[Program], *, folder: Path, ready_seconds: float = READY_SECONDS) -> int:
    """Run every program in a process of its own until told to stop, or until one of them ends.

    Their lines are passed on behind their names. Gives the exit status: 0 when told to stop, 1 when a program failed.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    started: list[Running] = []
    try:
        started += [_start(program, folder, place) for place, program in enumerate(programs)]
        return _watch(started, stop, ready_seconds)
    finally:
        _stop(started)


def _watch(started: Sequence[Running], stop: threading.Event, ready_seconds: float) -> int:
    waiting = {running.name: running for running in started}
    deadline = time.monotonic() + ready_seconds
    while not stop.wait(_PAUSE):
        for running in started:
            status = running.process.poll()
            if status is not None and not stop.is_set():
                print(f"{running.name} ended with status {status}: stopping the others", file=sys.stderr, flush=True)
                return 1
        if waiting and time.monotonic() > deadline:
            print(f"{', '.join(waiting)} not ready after {ready_seconds:.0f} s: stopping", file=sys.stderr, flush=True)
            return 1
        ready = [name for name, running in waiting.items() if running.is_ready()]
        for name in ready:
            del waiting[name]
        if ready and not waiting:
            print("All services are ready; Ctrl-C ends them:", flush=True)
            for running in started:
                print(f"  {running.name:24} {running.program.url}", flush=True)
    print("Stopping", flush=True)
    return 0


def _start(program: Program, folder: Path, place: int) -> Running:
    # A session of its own: Ctrl-C reaches the runner alone, which ends the programs in order.
    process = subprocess.Popen(
        program.command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=folder,
        env=program.variables,
        start_new_session=True,
    )
    label = f"{program.name:20} | "
    if sys.stdout.isatty():
        label = f"\033[{_COLOURS[place % len(_COLOURS)]}m{label}\033[0m"
    reader = threading.Thread(target=_pass_on, args=(process, label), daemon=True)
    reader.start()
    return Running(program, process, reader)


def _pass_on(process: subprocess.Popen[str], label: str) -> None:
    if process.stdout is not None:
        for line in process.stdout:
            sys.stdout.write(f"{label}{line}")
            sys.stdout.flush()


def _stop(started: Sequence[Running]) -> None:
    for running in started:
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for running in started:
        try:
            running.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            print(f"{running.name} does not stop: ending it", file=sys.stderr, flush=True)
            running.process.kill()
            running.process.wait()
        running.reader.join(timeout=2)

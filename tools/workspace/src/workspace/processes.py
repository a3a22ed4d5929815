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

from workspace.catalogue import declarations
from workspace.errors import WorkspaceError
from workspace.members import Member

READY_SECONDS = 60.0
STOP_SECONDS = 20.0
_PAUSE = 0.1
_COLOURS = (36, 32, 33, 35, 34, 31)


@dataclass(frozen=True)
class Running:
    """A started service, and the thread that passes its output on."""

    name: str
    url: str
    process: subprocess.Popen[str]
    reader: threading.Thread

    def is_ready(self) -> bool:
        """Tell whether the service says that it can work."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


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


def run_all(services: Sequence[Member], *, ready_seconds: float = READY_SECONDS) -> int:
    """Serve every service in a process of its own until told to stop, or until one of them ends.

    Their lines are passed on behind their names. Gives the exit status: 0 when told to stop, 1 when a service failed.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    started: list[Running] = []
    try:
        started += [
            _start(service, f"http://127.0.0.1:{declared.port}", services, place)
            for place, (service, declared) in enumerate(declarations(services))
        ]
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
                print(f"  {running.name:24} {running.url}/docs", flush=True)
    print("Stopping", flush=True)
    return 0


def _start(service: Member, url: str, services: Sequence[Member], place: int) -> Running:
    # A session of its own: Ctrl-C reaches the runner alone, which ends the services in order.
    process = subprocess.Popen(
        [sys.executable, "-m", "workspace.serve", f"{service.name}.main"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=service.root,
        env={**environment(services, os.environ), "PURSER_PORT": url.rpartition(":")[2]},
        start_new_session=True,
    )
    label = f"{service.name:20} | "
    if sys.stdout.isatty():
        label = f"\033[{_COLOURS[place % len(_COLOURS)]}m{label}\033[0m"
    reader = threading.Thread(target=_pass_on, args=(process, label), daemon=True)
    reader.start()
    return Running(service.name, url, process, reader)


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

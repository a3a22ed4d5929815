"""How long a cold start takes: from the command to the first answer, on a new data folder and on one that is there.

python services/api_gateway/benchmarks/bench_start.py [runs]
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT_SECONDS = 3.0


def start_to_answer(folder: Path) -> float:
    """Seconds from starting the process to the first answer of /livez."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"PURSER_DATA_DIR": str(folder), "PURSER_PORT": str(port)}
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "api_gateway.main"],
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not answers(port):
            if process.poll() is not None:
                raise SystemExit(f"api_gateway ended with {process.returncode} before it answered")
            time.sleep(0.005)
        return time.perf_counter() - started
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def answers(port: int) -> bool:
    """Whether /livez answers 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def main() -> None:
    """Print the figures; exit code 1 when the limit is missed."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    new, known = [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            new.append(start_to_answer(Path(folder)))
            known.append(start_to_answer(Path(folder)))
    for name, seconds in (("new data folder", new), ("known data folder", known)):
        ordered = sorted(seconds)
        print(f"{name:18} median {ordered[runs // 2]:.2f} s, slowest {ordered[-1]:.2f} s (limit {LIMIT_SECONDS:.0f} s)")
    if sorted(new)[runs // 2] > LIMIT_SECONDS:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

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


def start_to_answer(folder: Path) -> tuple[float, float]:
    """Seconds from starting the process to the first answer of /livez, and seconds of processor time in all."""
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
                raise SystemExit(f"api_gateway ended with {process.returncode} before it answered; start it to see why")
            time.sleep(0.005)
        seconds = time.perf_counter() - started
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            _, _, used = os.wait4(process.pid, 0)
    return seconds, used.ru_utime + used.ru_stime


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
    for name, measured in (("new data folder", new), ("known data folder", known)):
        seconds, processor = (sorted(column) for column in zip(*measured, strict=True))
        print(
            f"{name:18} median {seconds[runs // 2]:.2f} s, slowest {seconds[-1]:.2f} s "
            f"(limit {LIMIT_SECONDS:.0f} s); processor time {processor[runs // 2]:.2f} s"
        )
    if sorted(new)[runs // 2][0] > LIMIT_SECONDS:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

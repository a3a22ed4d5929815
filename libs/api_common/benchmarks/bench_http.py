"""What the full stack costs, beside bare FastAPI under the same server.

    python libs/api_common/benchmarks/bench_http.py [--seconds 2] [--rounds 5]

The server runs on one core and the load generator on another (`wrk` where it is installed, a raw-socket client
otherwise). Rounds alternate between the stacks; a figure is the median of their ratios, absolute numbers mean little.
Requests are counted per second of the server's own processor time where the system tells it: that is what a core of its
own would do, and other programs on the machine do not distort it. Ends with status 1 when a target is missed.
"""

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 32
TARGETS = {
    "requests per second, full stack / bare FastAPI": ("at least", 0.85),
    "p99, full stack / bare FastAPI": ("at most", 1.25),
    "50-row list, encoded bytes / response_model": ("at least", 3.0),
    "/livez p99 in ms while a request computes": ("at most", 50.0),
}


@dataclass(frozen=True)
class Load:
    """What one burst of load measured."""

    requests: int
    requests_per_second: float
    p99_ms: float


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    pid: int

    def cpu_seconds(self) -> float | None:
        """Return the processor time that it has used, where the system tells."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, print the ratios, and say by the exit status whether the targets are met."""
    arguments = _arguments()
    if arguments.serve:
        _serve(arguments.serve, arguments.port)
        return
    cores = sorted(os.sched_getaffinity(0))
    with _server("bare", cores[0]) as bare, _server("full", cores[0]) as full:
        os.sched_setaffinity(0, {cores[-1]})
        if _json(full.port, "/v1/rows/models") != _json(full.port, "/v1/rows/bytes"):
            raise SystemExit("the two lists differ: their speeds cannot be compared")
        figures = _measure(bare, full, arguments.seconds, arguments.rounds)
        figures["/livez p99 in ms while a request computes"] = _livez_during_computation(full.port)
    missed = _report(figures, shutil.which("wrk") is not None)
    raise SystemExit(1 if missed else 0)


def _measure(bare: Server, full: Server, seconds: float, rounds: int) -> dict[str, float]:
    cases = {
        "bare": (bare, "/v1/item/7"),
        "full": (full, "/v1/item/7"),
        "models": (full, "/v1/rows/models"),
        "bytes": (full, "/v1/rows/bytes"),
    }
    loads: dict[str, list[Load]] = {name: [] for name in cases}
    rates: dict[str, list[float]] = {name: [] for name in cases}
    for server, path in cases.values():
        _load(server.port, path, 0.5)
    for _ in range(rounds):
        for name, (server, path) in cases.items():
            before = server.cpu_seconds()
            load = _load(server.port, path, seconds)
            after = server.cpu_seconds()
            loads[name].append(load)
            if before is None or after is None:
                rates[name].append(load.requests_per_second)
            else:
                rates[name].append(load.requests / (after - before))
    p99 = {name: [load.p99_ms for load in found] for name, found in loads.items()}
    for name in cases:
        rate, latency = statistics.median(rates[name]), statistics.median(p99[name])
        wall = statistics.median(load.requests_per_second for load in loads[name])
        print(f"{name:8} {rate:8.0f} requests/cpu second  {wall:8.0f} requests/second  p99 {latency:7.2f} ms")
    return {
        "requests per second, full stack / bare FastAPI": _ratio(rates["full"], rates["bare"]),
        "p99, full stack / bare FastAPI": _ratio(p99["full"], p99["bare"]),
        "50-row list, encoded bytes / response_model": _ratio(rates["bytes"], rates["models"]),
    }


def _ratio(these: Sequence[float], those: Sequence[float]) -> float:
    """Return the median of the rounds' ratios: bursts of one round lie close together and share the machine's mood."""
    return statistics.median(one / other for one, other in zip(these, those, strict=True))


def _report(figures: dict[str, float], with_wrk: bool) -> list[str]:
    print(f"load generator: {'wrk' if with_wrk else 'raw sockets'}, {CONNECTIONS} connections")
    missed = []
    for name, value in figures.items():
        bound, target = TARGETS[name]
        met = value >= target if bound == "at least" else value <= target
        print(f"{name}: {value:.2f} ({bound} {target:g}: {'met' if met else 'MISSED'})")
        if not met:
            missed.append(name)
    return missed


# The servers


def _serve(kind: str, port: int) -> None:
    import uvicorn
    from http_applications import bare_app, full_app

    app = bare_app() if kind == "bare" else full_app()
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", access_log=False, log_config=None)


@contextlib.contextmanager
def _server(kind: str, core: int) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, __file__, "--serve", kind, "--port", str(port)]
    # The access log goes to a pipe-free sink that still costs its formatting and its system call.
    with Path(os.devnull).open("w") as sink:
        process = subprocess.Popen(command, stderr=sink, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    try:
        _wait_for(port)
        yield Server(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise SystemExit(f"the server on port {port} did not start")


# The load


def _json(port: int, path: str) -> object:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    return json.loads(connection.getresponse().read())


def _load(port: int, path: str, seconds: float) -> Load:
    if shutil.which("wrk"):
        return _wrk(port, path, seconds)
    return _uvloop_run(lambda: _hammer(port, path, seconds))


def _wrk(port: int, path: str, seconds: float) -> Load:
    duration = f"{max(1, round(seconds))}s"
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{duration}", "--latency", f"http://127.0.0.1:{port}{path}"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    if rate is None or p99 is None:
        raise SystemExit(f"wrk said nothing that can be read:\n{text}")
    count = re.search(r"(\d+) requests in", text)
    return Load(
        int(count[1]) if count else 0, float(rate[1]), float(p99[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]
    )


def _uvloop_run(run: Callable[[], Coroutine[None, None, Load]]) -> Load:
    import uvloop

    return uvloop.run(run())


class _Connection(asyncio.Protocol):
    """Sends one request after another on a kept connection; answers are counted by their announced length."""

    def __init__(self, request: bytes, latencies: list[float], until: float) -> None:
        self._request = request
        self._latencies = latencies
        self._until = until
        self._missing = 0
        self._sent = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._missing == 0:
            head, _, body = data.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"answer {head[:100]!r}")
            start = head.index(b"content-length: ") + 16
            end = head.find(b"\r", start)
            self._missing = int(head[start : end if end > 0 else None]) - len(body)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            now = time.perf_counter()
            self._latencies.append(now - self._sent)
            if now < self._until:
                self._send()
            else:
                self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _hammer(port: int, path: str, seconds: float, connections: int = CONNECTIONS) -> Load:
    request = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept: application/json\r\n\r\n".encode()
    latencies: list[float] = []
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    pairs = [
        await loop.create_connection(lambda: _Connection(request, latencies, started + seconds), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in pairs))
    elapsed = time.perf_counter() - started
    latencies.sort()
    return Load(len(latencies), len(latencies) / elapsed, latencies[int(len(latencies) * 0.99)] * 1000)


def _livez_during_computation(port: int) -> float:
    async def both() -> Load:
        computing = asyncio.create_task(_hammer(port, "/v1/compute", 0.1, connections=1))
        await asyncio.sleep(0.1)
        calm = await _hammer(port, "/livez", 1.5, connections=1)
        await computing
        return calm

    return statistics.median(_uvloop_run(both).p99_ms for _ in range(3))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="HTTP overhead of the full stack")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one burst")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", choices=["bare", "full"], help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""What the front door does when a service is slow, away, unwell or asked too much, and HTTPS: with a real Traefik."""

import json
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import httpx2
import pytest
import yaml
from api_gateway.edge import Backend, EdgeSettings, dynamic
from running_edge import free_port, traefik, until

Ask = Callable[..., httpx2.Response]


@dataclass
class Double:
    """A service as bad as a test wants: it counts what it is asked, and hangs up, waits or is not ready."""

    ready: bool = True
    hangs_up: bool = False
    may_answer: threading.Event = field(default_factory=threading.Event)
    asked: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.may_answer.set()


@contextmanager
def listening(double: Double) -> Iterator[str]:
    """The double on a port of its own; plain sockets, because no framework hangs up in the middle of a request."""

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            method, path, *_ = self.rfile.readline().decode().split()
            length = 0
            while (line := self.rfile.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            self.rfile.read(length)
            if path == "/readyz":
                self.answer(200 if double.ready else 503)
                return
            double.asked[method] += 1
            if double.hangs_up:
                return
            double.may_answer.wait(30)
            self.answer(200)

        def answer(self, status: int) -> None:
            self.wfile.write(f"HTTP/1.1 {status} \r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            double.may_answer.set()
            server.shutdown()
            thread.join()


@contextmanager
def front_door(folder: Path, settings: EdgeSettings, *urls: str) -> Iterator[Path]:
    """Traefik in front of replicas of one service; gives the file of what it prints."""
    content = dynamic([Backend("ledger", urls, ("/v1/rows",))], settings)
    (folder / "dynamic.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with traefik(folder, settings) as printed:
        until(lambda: told_up(settings).keys() == set(urls), "every replica was asked whether it is ready")
        yield printed


@pytest.fixture
def settings() -> EdgeSettings:
    return EdgeSettings(f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}")


def asking(settings: EdgeSettings) -> Ask:
    """Ask for rows through the front door."""

    def ask(method: str = "GET", **options: Any) -> httpx2.Response:
        return httpx2.request(method, f"http://{settings.listen}/v1/rows", timeout=30, **options)

    return ask


def test_reads_are_repeated_when_a_service_hangs_up_and_writes_never(tmp_path: Path, settings: EdgeSettings) -> None:
    double, ask = Double(hangs_up=True), asking(settings)
    with listening(double) as url, front_door(tmp_path, settings, url):
        answers = {method: ask(method).status_code for method in ("GET", "POST", "PUT", "PATCH", "DELETE")}
    assert answers == dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), 502)
    assert double.asked == {"GET": 3, "POST": 1, "PUT": 1, "PATCH": 1, "DELETE": 1}


def test_a_replica_that_is_not_ready_gets_nothing_until_it_is(tmp_path: Path, settings: EdgeSettings) -> None:
    well, unwell, ask = Double(), Double(ready=False), asking(settings)
    with listening(well) as first, listening(unwell) as second, front_door(tmp_path, settings, first, second):
        assert told_up(settings) == {first: 1, second: 0}
        assert {ask("POST").status_code for _ in range(6)} == {200}
        assert unwell.asked.total() == 0
        unwell.ready = True
        until(lambda: ask("POST").status_code == 200 and unwell.asked.total() > 0, "the replica is asked again")


def told_up(settings: EdgeSettings) -> dict[str, float]:
    """Which replicas the front door's own metrics call healthy."""
    lines = httpx2.get(f"{settings.inner_url}/metrics").text.splitlines()
    found = [line for line in lines if line.startswith("traefik_service_server_up{")]
    return {line.partition('url="')[2].partition('"')[0]: float(line.rpartition(" ")[2]) for line in found}


def test_a_service_that_does_not_answer_in_time_is_given_up(tmp_path: Path, settings: EdgeSettings) -> None:
    double, hasty = Double(), replace(settings, answer_seconds=1)
    double.may_answer.clear()
    with listening(double) as url, front_door(tmp_path, hasty, url):
        assert asking(hasty)("POST").status_code == 504


@pytest.mark.parametrize("limits", [{"requests_at_once": 2}, {"requests_at_once_per_address": 2}])
def test_more_requests_at_once_than_allowed_are_refused_and_the_others_answered(
    tmp_path: Path, settings: EdgeSettings, limits: dict[str, Any]
) -> None:
    double, narrow = Double(), replace(settings, **limits)
    double.may_answer.clear()
    with listening(double) as url, front_door(tmp_path, narrow, url), ThreadPoolExecutor() as pool:
        held = [pool.submit(asking(narrow), "POST", headers={"Host": f"{name}.example.org"}) for name in "ab"]
        until(lambda: double.asked["POST"] == 2, "two requests are being answered")
        refused = asking(narrow)("POST", headers={"Host": "c.example.org"}).status_code
        double.may_answer.set()
        assert (refused, [answer.result().status_code for answer in held]) == (429, [200, 200])


def test_the_access_log_holds_neither_paths_nor_queries_nor_headers(tmp_path: Path, settings: EdgeSettings) -> None:
    with listening(Double()) as url, front_door(tmp_path, settings, url) as printed:
        asking(settings)(params={"q": "pharmacy"}, headers={"Authorization": "Bearer secret"})
        found = until(lambda: [line for line in printed.read_text().splitlines() if '"ledger' in line], "it is logged")
    line = json.loads(found[0])
    assert (line["RouterName"], line["RequestMethod"], line["DownstreamStatus"]) == ("ledger-reads@file", "GET", 200)
    assert not [text for text in ("pharmacy", "secret", "/v1/rows") if text in found[0]]


def test_https_is_served_with_the_certificate_and_plain_requests_are_sent_there(
    tmp_path: Path, settings: EdgeSettings
) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-out", str(certificate), "-keyout", str(key)], check=True, capture_output=True)
    secure = replace(
        settings, tls_listen=f"127.0.0.1:{free_port()}", certificate=str(certificate), key=str(key), access_log=False
    )
    trust = ssl.create_default_context(cafile=str(certificate))
    with listening(Double()) as url, front_door(tmp_path, secure, url):
        plain = asking(secure)()
        answer = httpx2.get(f"https://{secure.tls_listen}/v1/rows", verify=trust)
    assert (plain.status_code, plain.headers["location"]) == (301, f"https://{secure.tls_listen}/v1/rows")
    assert answer.status_code == 200

"""The production front door: a real Traefik in front of a real service and a legacy application."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from api_common import create_app
from api_common.testing import Issuer
from api_gateway.catalogue import embedded_services, prefixes
from api_gateway.edge import Backend, EdgeSettings, MigrationError, dynamic, read_migration
from api_gateway.edge.__main__ import main
from running_edge import free_port, served, traefik, until

LEGACY = """legacy = "{legacy}"

[[route]]
path = "/v1/categories"
service = "transaction_service"
target = "{target}"
weight = {weight}
old_path = "/api/categories"
deprecated = 2026-12-01
sunset = 2027-06-01
"""


async def legacy_application(scope: Any, receive: Any, send: Any) -> None:
    """Answers every request with its own name and the path that it was asked for."""
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-answered-by", b"legacy")]})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


@dataclass
class Edge:
    """A running front door whose configuration a test may replace."""

    folder: Path
    settings: EdgeSettings
    service_url: str
    legacy_url: str
    client: httpx2.Client

    def serve(self, target: str | None, *, weight: int = 100) -> None:
        """Write the configuration for a migration in this state, or for none."""
        migration = None
        if target is not None:
            file = self.folder / "migration.toml"
            file.write_text(LEGACY.format(legacy=self.legacy_url, target=target, weight=weight), encoding="utf-8")
            migration = read_migration(file, set(prefixes()))
        backend = Backend("transaction_service", (self.service_url,), prefixes()["transaction_service"])
        # Traefik must never read half a file.
        written = self.folder / "next.yaml"
        written.write_text(yaml.safe_dump(dynamic([backend], self.settings, migration)), encoding="utf-8")
        written.replace(self.folder / "dynamic.yaml")

    def who(self, path: str, **options: Any) -> str:
        """Who answers a path: `legacy`, `service` or nobody."""
        answer = self.client.get(path, **options)
        if answer.headers.get("x-answered-by") == "legacy":
            return "legacy"
        return "service" if answer.status_code == 200 else f"nobody: {answer.status_code}"


@pytest.fixture
def service_url(tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real ledger on a port of its own."""
    for name, value in (
        ("PROFILE", "test"),
        ("DATA_DIR", tmp_path / "data"),
        ("JWKS_FILE", issuer.jwks_file),
        ("LOG_LEVEL", "error"),
    ):
        monkeypatch.setenv(f"PURSER_{name}", str(value))
    (tmp_path / "data").mkdir()
    [entry] = [entry for entry in embedded_services() if entry.name == "transaction_service"]
    with served(create_app(entry.service()), free_port()) as url:
        yield url


@pytest.fixture
def edge(tmp_path: Path, service_url: str, issuer: Issuer) -> Iterator[Edge]:
    """Traefik in front of the ledger, with a legacy application beside it."""
    settings = EdgeSettings(f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}")
    base = f"http://{settings.listen}"
    with (
        served(legacy_application, free_port()) as legacy_url,
        httpx2.Client(base_url=base, headers=issuer.headers()) as client,
    ):
        found = Edge(tmp_path, settings, service_url, legacy_url, client)
        found.serve(None)
        with traefik(tmp_path, settings):
            until(lambda: found.who("/v1/categories") == "service", "the service is healthy")
            yield found


def copies(edge: Edge) -> float:
    """How many requests for categories the service has seen."""
    lines = httpx2.get(f"{edge.service_url}/metrics").text.splitlines()
    found = [line for line in lines if "/v1/categories" in line and "_count{" in line]
    return sum(float(line.rpartition(" ")[2]) for line in found)


def test_paths_of_a_service_reach_it_and_others_do_not(edge: Edge) -> None:
    assert edge.who("/v1/categories") == "service"
    assert edge.who("/v1/categories-of-others") == "nobody: 404"
    assert edge.who("/services/transaction_service/health") == "service"
    assert edge.who("/services/transaction_service/metrics") == "nobody: 404"
    created = edge.client.post("/v1/accounts", json={"name": "Checking", "currency": "EUR"})
    assert created.status_code == 201


def test_a_route_moves_from_the_legacy_application_to_the_service_and_back_at_every_step(edge: Edge) -> None:
    old, new = "/api/categories", "/v1/categories"

    def legacy_alone() -> None:
        edge.serve("legacy")
        until(lambda: {edge.who(old) for _ in range(8)} == {"legacy"}, "the legacy application has it alone")
        assert edge.who(new) == "service"
        assert edge.client.get("/somewhere/else").text == "/somewhere/else"

    legacy_alone()

    edge.serve("mirror")
    before = copies(edge)
    until(lambda: edge.who(old) == "legacy" and copies(edge) > before, "the service gets copies")
    legacy_alone()

    edge.serve("weighted", weight=50)

    until(lambda: seen_by_new_clients(edge, old) == {"legacy", "service"}, "both answer")
    edge.client.cookies.clear()
    first = edge.who(old)
    assert {edge.who(old) for _ in range(10)} == {first}
    edge.client.cookies.clear()
    legacy_alone()

    edge.serve("service")
    until(lambda: {edge.who(old) for _ in range(8)} == {"service"}, "the service has it alone")
    answer = edge.client.get(old)
    assert answer.json() == edge.client.get(new).json()
    assert answer.headers["deprecation"] == "@1796083200"
    assert answer.headers["sunset"] == "Tue, 01 Jun 2027 00:00:00 GMT"
    assert answer.headers["link"] == '</v1/categories>; rel="successor-version"'
    assert "deprecation" not in edge.client.get(new).headers
    legacy_alone()


def seen_by_new_clients(edge: Edge, path: str) -> set[str]:
    answers = set()
    for _ in range(8):
        edge.client.cookies.clear()
        answers.add(edge.who(path))
    return answers


def test_a_service_that_is_away_is_answered_for_with_an_error_and_comes_back(edge: Edge) -> None:
    url, edge.service_url = edge.service_url, f"http://127.0.0.1:{free_port()}"
    edge.serve(None)
    told = until(lambda: (who := edge.who("/v1/categories")) != "service" and who, "the service is away")
    assert told in {"nobody: 502", "nobody: 503"}
    edge.service_url = url
    edge.serve(None)
    assert until(lambda: edge.who("/v1/categories") == "service", "the service is back")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('legacy = "somewhere"', r"`legacy` must be the address"),
        ('legacy = "http://a"\n[[route]]\npath = "v1"', r'route 1: `path` must begin with "/"'),
        (
            'legacy = "http://a"\n[[route]]\npath = "/v1"\nservice = "x"',
            r'route 1 \(/v1\): `service` is "x"; there are',
        ),
        (
            'legacy = "http://a"\n[[route]]\npath = "/v1"\nservice = "auth_service"\ntarget = "both"',
            r'`target` is "both"; there are legacy, service, weighted, mirror',
        ),
        (
            'legacy = "http://a"\n[[route]]\npath = "/v1"\nservice = "auth_service"\ntarget = "weighted"\nweight = 101',
            "`weight` is a percentage",
        ),
        ('legacy = "http://a"\n[[route]]\npaht = "/v1"', r'nobody knows "paht"; there are deprecated, old_path'),
        (
            'legacy = "http://a"\n[[route]]\npath = "/v1"\nservice = "auth_service"\ntarget = "legacy"\n'
            "sunset = 2027-01-01",
            "only an `old_path` can be deprecated",
        ),
        (
            'legacy = "http://a"\n' + '[[route]]\npath = "/v1"\nservice = "auth_service"\ntarget = "legacy"\n' * 2,
            '"/v1" is the path of two routes',
        ),
        ("legacy =", "migration.toml: "),
    ],
)
def test_a_migration_that_cannot_be_followed_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "migration.toml").write_text(text, encoding="utf-8")
    with pytest.raises(MigrationError, match=message):
        read_migration(tmp_path / "migration.toml", set(prefixes()))


def test_the_command_writes_both_files_and_refuses_when_nothing_is_to_be_served(tmp_path: Path) -> None:
    def write(**variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "api_gateway.edge", str(tmp_path / "edge"), "--tls-listen", ":443"]
        command += ["--certificate", "/tls/chain.pem", "--key", "/tls/key.pem"]
        environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(sys.path), **variables}
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    refused = write()
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("PURSER_SERVICE_URLS names no service")

    assert write(PURSER_SERVICE_URLS="auth_service=http://auth:8001").returncode == 0
    points = yaml.safe_load((tmp_path / "edge/traefik.yaml").read_text())["entryPoints"]
    assert points["web"]["http"]["redirections"] == {"entryPoint": {"to": "websecure", "scheme": "https"}}
    written = yaml.safe_load((tmp_path / "edge/dynamic.yaml").read_text())
    assert written["http"]["services"]["auth_service"]["loadBalancer"]["servers"] == [{"url": "http://auth:8001"}]
    assert {point for router in written["http"]["routers"].values() for point in router["entryPoints"]} == {"websecure"}
    assert written["tls"]["certificates"] == [{"certFile": "/tls/chain.pem", "keyFile": "/tls/key.pem"}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["edge", "--tls-listen", ":443", "--certificate", "chain.pem"], "belong together: give all three, or none"),
        (["edge", "--certificate", "chain.pem", "--key", "key.pem"], "belong together: give all three, or none"),
        (["file/edge"], "file/edge cannot be written: Not a directory. Name another folder."),
    ],
)
def test_the_command_refuses_what_would_go_without_https_and_a_folder_that_cannot_be(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PURSER_SERVICE_URLS", "auth_service=http://auth:8001")
    monkeypatch.setattr(sys, "argv", ["edge", *arguments])
    (tmp_path / "file").touch()

    try:
        status: object = main()
    except SystemExit as ended:
        status = ended.code

    assert status == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "edge").exists()

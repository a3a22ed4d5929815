import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from inspect import isasyncgenfunction, iscoroutinefunction
from pathlib import Path
from typing import Any

import httpx2
import pytest
from api_common import Service
from api_common.testing import client_for
from api_gateway import main
from api_gateway.catalogue import CatalogueError, Entry, embedded_services, entries
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

DECLARED = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
SERVICES = sorted(DECLARED["tool"]["purser"]["service"]["calls"])


def environment(folder: Path, port: int, **settings: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PURSER_")}
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)
    return {**inherited, "PYTHONPATH": path, "PURSER_DATA_DIR": str(folder), "PURSER_PORT": str(port), **settings}


def start(folder: Path, port: int, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "api_gateway.main"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(folder, port, **settings),
    )


def refusal(folder: Path, port: int, **settings: str) -> tuple[int, str]:
    """The exit code and the last line of a Purser that cannot start."""
    process = start(folder, port, **settings)
    output, _ = process.communicate(timeout=60)
    return process.returncode, output.strip().splitlines()[-1]


def read_until(process: subprocess.Popen[str], words: str) -> list[str]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError("".join(lines))


def calls_of(dependant: Dependant) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from calls_of(inner)


def databases(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.sqlite3"))


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def running(tmp_path: Path, free_port: int) -> Iterator[subprocess.Popen[str]]:
    process = start(tmp_path / "data", free_port)
    yield process
    process.kill()
    process.communicate()


def test_the_catalogue_names_every_service_but_the_front_door() -> None:
    assert [entry.name for entry in embedded_services()] == SERVICES


def test_every_service_of_the_catalogue_describes_itself_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PURSER_DATA_DIR", str(tmp_path))

    described = [entry.service() for entry in embedded_services()]

    assert [one.name for one in described] == SERVICES
    assert all(isinstance(one, Service) for one in described)


@pytest.mark.parametrize(
    ("factory", "reason"),
    [
        ("no_such_service.main:service", "cannot be imported"),
        ("api_gateway.main:nothing", "cannot be imported"),
        ("api_gateway.main:service", "does not describe a service of that name"),
        ("builtins:dict", "does not describe a service of that name"),
    ],
)
def test_a_service_that_cannot_be_had_is_named_with_its_import_string(factory: str, reason: str) -> None:
    with pytest.raises(CatalogueError, match=f'service lost_service: "{factory}" .*{reason}|{factory}.*{reason}'):
        Entry("lost_service", factory).service()


def test_an_entry_without_an_import_string_is_refused_by_name() -> None:
    with pytest.raises(CatalogueError, match="service lost_service"):
        entries({"services": {"lost_service": {"port": 8009}}})


def test_the_start_waits_for_none_of_the_libraries_that_only_some_requests_need(tmp_path: Path, free_port: int) -> None:
    heavy = {"polars", "narwhals", "pandas", "pyarrow", "duckdb"}
    probe = f"import sys; from api_gateway.main import create_app; create_app(); print({heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", probe],
        capture_output=True,
        text=True,
        env=environment(tmp_path / "data", free_port),
        check=True,
    )
    assert done.stdout.strip() == "set()"


def test_no_request_waits_for_a_thread_to_read_its_parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FastAPI calls plain functions and classes in threads; `api_common.parameters.gathered` does not."""
    monkeypatch.setenv("PURSER_DATA_DIR", str(tmp_path))
    routes = [one for one in iter_route_contexts(main.create_app().routes) if isinstance(one.original_route, APIRoute)]
    called = {
        call: route.path
        for route in routes
        for call in [route.endpoint, *calls_of(route.dependant)]
        if not iscoroutinefunction(call) and not iscoroutinefunction(call.__call__) and not isasyncgenfunction(call)
    }
    assert len(routes) > 50
    assert called == {}


async def test_one_application_answers_for_all_services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PURSER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PURSER_LOG_LEVEL", "warning")

    async with client_for(main.create_app()) as client:
        about = (await client.get("/")).json()
        page = await client.get("/", headers={"Accept": "text/html"})
        health = (await client.get("/health")).json()

    assert about["name"] == "Purser"
    assert [one["name"] for one in about["services"]] == ["api_gateway", *SERVICES]
    assert 'href="/docs"' in page.text
    assert health["status"] == "ok"
    owners = [entry.name for entry in embedded_services() if entry.service().database is not None]
    assert {"auth_service", "transaction_service"} <= set(owners)
    assert databases(tmp_path) == [f"{name}.sqlite3" for name in owners]


def test_it_prints_its_folder_and_address_serves_and_ends_cleanly(
    running: subprocess.Popen[str], tmp_path: Path, free_port: int
) -> None:
    printed = read_until(running, "answers at")
    answer = httpx2.get(f"http://127.0.0.1:{free_port}/health")
    keys = httpx2.get(f"http://127.0.0.1:{free_port}/.well-known/openid-configuration").json()
    modes = {path.name: path.stat().st_mode & 0o077 for path in (tmp_path / "data").iterdir()}
    running.send_signal(signal.SIGINT)
    rest, _ = running.communicate(timeout=30)

    assert printed[0] == f"Purser keeps its data in {tmp_path / 'data'}\n"
    assert printed[-1].startswith(f"Purser answers at http://127.0.0.1:{free_port}")
    assert answer.status_code == 200
    assert keys["token_endpoint"] == f"http://127.0.0.1:{free_port}/v1/auth/token"
    assert {name: mode for name, mode in modes.items() if mode} == {}
    assert running.returncode == 0
    assert "Traceback" not in rest


def test_a_second_purser_on_the_same_folder_is_refused(
    running: subprocess.Popen[str], tmp_path: Path, unused_tcp_port: int
) -> None:
    read_until(running, "answers at")

    code, message = refusal(tmp_path / "data", unused_tcp_port)

    assert code == 3
    assert message == (
        f"data folder {tmp_path / 'data'} is in use by another Purser (process {running.pid}). "
        "Stop that one first, or name another folder in PURSER_DATA_DIR."
    )


def test_a_taken_port_is_refused_before_anything_is_written(tmp_path: Path, free_port: int) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port))
        listener.listen()
        code, message = refusal(tmp_path, free_port)

    assert code == 3
    assert f"Port {free_port} on 127.0.0.1 cannot be used" in message
    assert databases(tmp_path) == []


def test_data_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path, free_port: int) -> None:
    first = start(tmp_path, free_port)
    read_until(first, "answers at")
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=30)
    database = tmp_path / "transaction_service.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from_the_future'")

    code, message = refusal(tmp_path, free_port)

    assert code == 3
    assert "transaction_service" in message
    assert "newer" in message
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("from_the_future",)]


def test_a_wrong_setting_is_named(tmp_path: Path, free_port: int) -> None:
    code, message = refusal(tmp_path, free_port, PURSER_LOG_LEVEL="loud")

    assert code == 2
    assert 'PURSER_LOG_LEVEL="loud"' in message

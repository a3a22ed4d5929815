"""Imports that meet each other, and a server that is killed in the middle of one: all or nothing."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest
from api_common.testing import Issuer, SettingsFactory, client_for
from bank_files import BankRow, camt
from transaction_service.main import service
from transaction_service.settings import Settings

ROWS = 8_000


async def test_uploads_of_one_file_at_the_same_time_book_it_once(
    settings_for: SettingsFactory, issuer: Issuer, ofx: Callable[..., bytes], row: Any
) -> None:
    file = ofx(*(row("2026-03-02", f"-{n}", name=f"row {n % 7}") for n in range(1, 200)))
    headers = issuer.headers(uuid4())
    # Two processes' worth: two applications with connections of their own to the same database.
    async with (
        client_for(service(settings_for(Settings)), headers=headers) as one,
        client_for(service(settings_for(Settings)), headers=headers) as other,
    ):
        answers = await asyncio.gather(*(c.post("/v1/imports", content=file) for c in (one, other, one, other)))
        assert [a.status_code for a in answers] == [201] * 4
        assert sorted(a.json()["booked"] for a in answers) == [0, 0, 0, 199]
        accounts = (await one.get("/v1/accounts")).json()["items"]
        assert [(a["transactions"], a["balance"]) for a in accounts] == [(199, "-19900.00")]


async def test_different_uploads_at_the_same_time_are_all_booked(
    settings_for: SettingsFactory, issuer: Issuer, ofx: Callable[..., bytes], row: Any
) -> None:
    headers = issuer.headers(uuid4())
    files = [ofx(row("2026-03-02", "-1"), row(f"2026-04-0{n}", f"-{n}.50"), account=str(n % 2)) for n in range(1, 7)]
    async with client_for(service(settings_for(Settings)), headers=headers) as client:
        answers = await asyncio.gather(*(client.post("/v1/imports", content=file) for file in files))
        assert sum(a.json()["booked"] for a in answers) == 8
        accounts = (await client.get("/v1/accounts")).json()["items"]
        assert sorted(a["balance"] for a in accounts) == ["-11.50", "-14.50"]


class Server:
    """The service in a process of its own."""

    def __init__(self, environment: dict[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "transaction_service.main"],
            # Where this process finds the packages, that one does too, whatever runs the tests.
            env={**os.environ, **environment, "PURSER_PORT": str(port), "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.greeting = self.process.stdout.readline()

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def running(environment: dict[str, str]) -> Iterator[Server]:
    server = Server(environment)
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def environment(database_url: str, issuer: Issuer, tmp_path: Path) -> dict[str, str]:
    return {
        "PURSER_PROFILE": "test",
        "PURSER_DATA_DIR": str(tmp_path),
        "PURSER_DATABASE_URL": database_url,
        "PURSER_JWKS_FILE": str(issuer.jwks_file),
    }


def rows_are_being_written(database_url: str) -> bool:
    """Whether an import has come so far that rows of it are on their way to the disk."""
    if database_url.startswith("sqlite"):
        log = Path(database_url.removeprefix("sqlite:///").replace("{service}", "transaction_service") + "-wal")
        return log.exists() and log.stat().st_size > 256 * 1024
    with psycopg.connect(database_url, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_stat_progress_copy WHERE tuples_processed > 500").fetchone()
        return found is not None


def wait_for_what_the_killed_server_began(database_url: str) -> None:
    """Let PostgreSQL end the import of a server that is no more.

    It carries out what it was sent before the server died, the commit perhaps, be the disk ever so slow. What is read
    until then is the ledger before, and what is read afterwards may be the one with the import. An import holds the row
    that says how often the ledger was changed until it ends.
    """
    if database_url.startswith("sqlite"):
        return
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT revision FROM transaction_service.ledgers FOR UPDATE")


def test_a_server_killed_in_the_middle_of_an_import_has_booked_all_or_nothing(
    environment: dict[str, str], database_url: str, issuer: Issuer, ofx: Callable[..., bytes], row: Any
) -> None:
    user_id: UUID = uuid4()
    headers = issuer.headers(user_id)
    file = ofx(*(row("2026-03-02", f"-{n}.01", name=f"Shop number {n}", fitid=str(n)) for n in range(ROWS)))
    with running(environment) as server, ThreadPoolExecutor(1) as pool:
        upload = pool.submit(httpx2.post, f"{server.url}/v1/imports", content=file, headers=headers, timeout=60)
        while not upload.done() and not rows_are_being_written(database_url):
            wait([upload], timeout=0.002)
        server.kill()
        answered = upload.exception() is None
    wait_for_what_the_killed_server_began(database_url)
    with running(environment) as server, httpx2.Client(base_url=server.url, headers=headers, timeout=60) as client:
        counts = [account["transactions"] for account in client.get("/v1/accounts").json()["items"]]
        # What was answered is there; without an answer it may have been committed a moment before the end.
        assert counts == [ROWS] or (counts == [] and not answered)
        assert len(client.get("/v1/imports").json()["items"]) == len(counts)
        again = client.post("/v1/imports", content=file).json()
        assert (again["booked"], again["repeated"]) == ((0, ROWS) if counts else (ROWS, 0))
        account = client.get("/v1/accounts").json()["items"][0]
        whole = ROWS * (ROWS - 1) // 2 + ROWS // 100
        assert (account["transactions"], account["balance"]) == (ROWS, f"-{whole}.00")


@pytest.mark.parametrize("seed", range(3))
def test_a_server_killed_at_any_moment_leaves_a_ledger_that_the_next_upload_completes(
    environment: dict[str, str], database_url: str, issuer: Issuer, seed: int
) -> None:
    """The second file proves rows under other ids, settles pending rows, and proposes; it is killed somewhere in it."""
    moment, headers = random.Random(seed), issuer.headers(uuid4())
    days = [date(2026, 3, 1) + timedelta(days=n % 28) for n in range(1_500)]
    rows = [BankRow(day, Decimal(-1 - n), f"Shop {n}", f"a{n}") for n, day in enumerate(sorted(days))]
    announced = [BankRow(date(2026, 4, 1), Decimal(-5000), "Hotel", pending=True)]
    changed = [BankRow(row.day, row.amount, row.text, f"b{n}") for n, row in enumerate(rows)]
    later = [BankRow(date(2026, 4, 2), Decimal(-5100), "Hotel"), BankRow(date(2026, 4, 3), Decimal(-7), "Kiosk")]
    first = camt([*rows, *announced], opening=Decimal(0), first=date(2026, 2, 28), last=date(2026, 4, 1))
    second = camt([*changed, *later], opening=Decimal(0), first=date(2026, 2, 28), last=date(2026, 4, 4))
    with running(environment) as server:
        begun = monotonic()
        assert httpx2.post(f"{server.url}/v1/imports", content=first, headers=headers, timeout=60).status_code == 201
        took = monotonic() - begun
    with running(environment) as server, ThreadPoolExecutor(1) as pool:
        upload = pool.submit(httpx2.post, f"{server.url}/v1/imports", content=second, headers=headers, timeout=60)
        wait([upload], timeout=moment.uniform(0.1, 1.2) * took)
        server.kill()
        answered = upload.exception() is None
        assert not answered or upload.result().status_code == 201, upload.result().text
    wait_for_what_the_killed_server_began(database_url)
    with running(environment) as server, httpx2.Client(base_url=server.url, headers=headers, timeout=60) as client:
        imports = client.get("/v1/imports").json()["items"]
        assert len(imports) == 2 or not answered
        (account,) = client.get("/v1/accounts").json()["items"]
        booked = len(imports) == 2
        assert account["transactions"] == len(rows) + (2 if booked else 1)
        assert Decimal(account["pending"]) == (0 if booked else -5000)
        again = client.post("/v1/imports", content=second).json()
        assert (again["booked"], again["replaced"]) == ((0, 0) if booked else (1, 1))
        assert (again["repeated"], again["proposed"]) == (len(rows) + (2 if booked else 0), 0)
        (account,) = client.get("/v1/accounts").json()["items"]
        assert Decimal(account["balance"]) == sum(row.amount for row in [*rows, *later])

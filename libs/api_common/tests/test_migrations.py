"""One chain of migrations, the same on both databases."""

import asyncio
import importlib
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from api_common import migrations
from api_common._migration_commands import main
from api_common.database import NAMING_CONVENTION, Database, DatabaseSpec
from api_common.testing import CountedQueries
from bookkeeping_example import Account, Accounts
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table

REVISION = '''"""{message}."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    {downgrade}
'''


@dataclass(frozen=True)
class At:
    """Settings that name a database."""

    database_url: str | None
    data_dir: Path = Path("/nowhere")


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.sqlite3"
    url: str = request.getfixturevalue("empty_postgresql_url")
    return url


@pytest.fixture
def empty_postgresql_url(postgres_server: str) -> Iterator[str]:
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS without_tables WITH (FORCE)")
        admin.execute("CREATE DATABASE without_tables")
    yield postgres_server.replace("/postgres?", "/without_tables?")


on_both = pytest.mark.parametrize("empty_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[DatabaseSpec]:
    """Give a service with two hand-written revisions that change a table others refer to."""
    name = f"library_{uuid4().hex}"
    versions = tmp_path / name / "migrations" / "versions"
    versions.mkdir(parents=True)
    for package in (versions.parent.parent, versions.parent):
        (package / "__init__.py").touch()
    first = """op.create_table(
        "author", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(20))
    )
    op.create_table(
        "book",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("author_id", sa.Integer, sa.ForeignKey("author.id", ondelete="CASCADE"), nullable=False),
    )
    op.execute("INSERT INTO author (id, name) VALUES (1, 'Ada')")
    op.execute("INSERT INTO book (id, author_id) VALUES (7, 1)")"""
    second = """with op.batch_alter_table("author") as author:
        author.alter_column("name", new_column_name="full_name", existing_type=sa.String(20), nullable=False)"""
    back = second.replace('"name", new', '"full_name", new').replace('full_name", ex', 'name", ex')
    back = """with op.batch_alter_table("author") as author:
        author.alter_column("full_name", new_column_name="name", existing_type=sa.String(20))"""
    for revision, down, message, upgrade, downgrade in [
        ("one", None, "first tables", first, 'op.drop_table("book")\n    op.drop_table("author")'),
        ("two", "one", "names are full", second, back),
    ]:
        code = REVISION.format(message=message, revision=revision, down=down, upgrade=upgrade, downgrade=downgrade)
        (versions / f"m_{revision}.py").write_text(code)
    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    Table("author", metadata, Column("id", Integer, primary_key=True), Column("full_name", String(20), nullable=False))
    Table(
        "book",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("author_id", ForeignKey("author.id", ondelete="CASCADE"), nullable=False),
    )
    sys.path.insert(0, str(tmp_path))
    importlib.invalidate_caches()
    yield DatabaseSpec(schema=name, metadata=metadata, migrations=f"{name}.migrations")
    sys.path.remove(str(tmp_path))


def _rows(spec: DatabaseSpec, url: str, statement: str) -> list[tuple[object, ...]]:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(statement).fetchall()
    with psycopg.connect(url, options=f"-c search_path={spec.schema}") as server:
        return server.execute(statement.encode()).fetchall()


def _execute(spec: DatabaseSpec, url: str, statement: str) -> None:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.execute(statement)
        return
    with psycopg.connect(url, options=f"-c search_path={spec.schema}") as server:
        server.execute(statement.encode())


@on_both
def test_tables_made_by_migrations_are_those_of_the_models(bookkeeping: DatabaseSpec, empty_url: str) -> None:
    assert "create_table('account'" in migrations.differences(bookkeeping, empty_url)
    migrations.upgrade(bookkeeping, empty_url)
    assert migrations.differences(bookkeeping, empty_url) == ""


@on_both
def test_what_a_migration_makes_by_hand_is_no_difference(bookkeeping: DatabaseSpec, empty_url: str) -> None:
    migrations.upgrade(bookkeeping, empty_url)
    _execute(bookkeeping, empty_url, "CREATE TABLE search_words (word VARCHAR(20))")
    _execute(bookkeeping, empty_url, "CREATE INDEX by_words ON search_words (word)")
    assert "drop_table('search_words')" in migrations.differences(bookkeeping, empty_url)
    assert migrations.differences(replace(bookkeeping, by_hand=("search",)), empty_url) == ""


def test_nothing_is_written_when_the_models_have_not_changed(bookkeeping: DatabaseSpec) -> None:
    before = migrations.history(bookkeeping)
    assert migrations.revision(bookkeeping, "nothing") is None
    assert migrations.history(bookkeeping) == before


@on_both
def test_a_chain_goes_up_and_down_step_by_step(library: DatabaseSpec, empty_url: str) -> None:
    assert migrations.current(library, empty_url) is None
    migrations.upgrade(library, empty_url, "one")
    assert migrations.current(library, empty_url) == "one"
    migrations.upgrade(library, empty_url)
    migrations.upgrade(library, empty_url)
    assert migrations.current(library, empty_url) == "two"
    assert _rows(library, empty_url, "SELECT full_name FROM author") == [("Ada",)]
    migrations.downgrade(library, empty_url)
    assert (migrations.current(library, empty_url), migrations.differences(library, empty_url) == "") == ("one", False)
    migrations.downgrade(library, empty_url, "base")
    assert migrations.current(library, empty_url) is None
    with pytest.raises(migrations.MigrationError, match="no revision that could be taken back"):
        migrations.downgrade(library, empty_url)


@on_both
def test_rebuilding_a_table_keeps_the_rows_that_refer_to_it(library: DatabaseSpec, empty_url: str) -> None:
    migrations.upgrade(library, empty_url)
    assert _rows(library, empty_url, "SELECT id, author_id FROM book") == [(7, 1)]


@on_both
def test_a_migration_that_fails_leaves_the_database_as_it_was(library: DatabaseSpec, empty_url: str) -> None:
    migrations.upgrade(library, empty_url, "one")
    versions = Path(str(importlib.import_module(library.migrations).__file__)).parent / "versions"
    broken = REVISION.format(
        message="broken",
        revision="three",
        down="two",
        upgrade='op.create_table("shelf", sa.Column("id", sa.Integer))\n    op.execute("DELETE FROM nowhere")',
        downgrade="pass",
    )
    (versions / "m_three.py").write_text(broken)
    with pytest.raises(Exception, match="nowhere"):
        migrations.upgrade(library, empty_url)
    assert migrations.current(library, empty_url) == "one"
    assert _rows(library, empty_url, "SELECT name FROM author") == [("Ada",)]


def test_a_migration_that_would_break_a_reference_is_refused(library: DatabaseSpec, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/books.sqlite3"
    versions = tmp_path / library.schema / "migrations" / "versions"
    careless = REVISION.format(
        message="careless", revision="three", down="two", upgrade='op.execute("DELETE FROM author")', downgrade="pass"
    )
    migrations.upgrade(library, url)
    (versions / "m_three.py").write_text(careless)
    with pytest.raises(migrations.MigrationError, match=r"row 7 of book .* missing row of author"):
        migrations.upgrade(library, url)
    assert _rows(library, url, "SELECT full_name FROM author") == [("Ada",)]


@on_both
def test_a_database_of_a_newer_version_is_refused_untouched(library: DatabaseSpec, empty_url: str) -> None:
    migrations.upgrade(library, empty_url)
    versions = Path(str(importlib.import_module(library.migrations).__file__)).parent / "versions"
    (versions / "m_two.py").unlink()
    for refused in (migrations.upgrade, migrations.downgrade, migrations.current):
        with pytest.raises(migrations.DatabaseNewerThanCode, match="at revision two, which this version"):
            refused(library, empty_url)
    assert _rows(library, empty_url, "SELECT version_num FROM alembic_version") == [("two",)]


UPGRADE = """
import sys
sys.path[:0] = sys.argv[1].split(":")
from sqlalchemy import MetaData
from api_common import migrations
from api_common.database import DatabaseSpec
spec = DatabaseSpec(schema=sys.argv[2], metadata=MetaData(), migrations=f"{sys.argv[2]}.migrations")
sys.stdin.readline()
migrations.upgrade(spec, sys.argv[3])
"""


@on_both
def test_processes_that_start_together_apply_each_revision_once(library: DatabaseSpec, empty_url: str) -> None:
    command = [sys.executable, "-c", UPGRADE, ":".join(filter(None, sys.path)), library.schema, empty_url]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(2)]
    for process in processes:
        process.communicate(b"go\n")
    assert [process.returncode for process in processes] == [0, 0]
    assert _rows(library, empty_url, "SELECT count(*) FROM author") == [(1,)]


async def test_starting_upgrades_in_a_thread_and_makes_the_folder(bookkeeping: DatabaseSpec, tmp_path: Path) -> None:
    ticks = 0

    async def count_ticks() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.create_task(count_ticks())
    user = uuid4()
    async with Database.open(bookkeeping, At(None, tmp_path / "not" / "there")) as database:
        await database.upgrade()
        async with database.write() as session:
            await Accounts(session, user).add(Account(user_id=user, name="Current"))
    ticking.cancel()
    assert ticks > 10
    assert (tmp_path / "not" / "there" / "bookkeeping_example.sqlite3").exists()
    assert stat.S_IMODE((tmp_path / "not" / "there").stat().st_mode) == 0o700


@on_both
async def test_a_start_on_a_current_database_asks_for_its_revision_and_nothing_else(
    library: DatabaseSpec, empty_url: str, counted_queries: CountedQueries
) -> None:
    async with Database.open(library, At(empty_url)) as database:
        await database.upgrade()
        with counted_queries() as statements:
            await database.upgrade()
            await database.verify()
    assert {s for s in statements if "version_num" in s or "CREATE" in s} == {"SELECT version_num FROM alembic_version"}


@on_both
async def test_a_service_that_does_not_migrate_itself_refuses_an_older_or_newer_database(
    library: DatabaseSpec, empty_url: str
) -> None:
    async with Database.open(library, At(empty_url)) as database:
        with pytest.raises(migrations.DatabaseOlderThanCode, match="at no revision, and this version needs two"):
            await database.verify()
        await database.upgrade()
        versions = Path(str(importlib.import_module(library.migrations).__file__)).parent / "versions"
        (versions / "m_two.py").unlink()
        with pytest.raises(migrations.DatabaseNewerThanCode, match="at revision two"):
            await database.verify()


async def test_a_start_without_its_database_says_where_it_looked(library: DatabaseSpec, tmp_path: Path) -> None:
    (tmp_path / "folder.sqlite3").mkdir()
    for url in (f"sqlite:///{tmp_path}/folder.sqlite3", f"postgresql://me:hunter2@/purser?host={tmp_path}"):
        async with Database.open(library, At(url)) as database:
            with pytest.raises(migrations.MigrationError, match=r"cannot be opened.*PURSER_DATABASE_URL") as refused:
                await database.upgrade()
        assert str(tmp_path) in str(refused.value).replace("%2F", "/")
        assert "hunter2" not in str(refused.value)


def test_on_postgresql_a_service_stays_in_its_own_schema(
    bookkeeping: DatabaseSpec, library: DatabaseSpec, empty_postgresql_url: str
) -> None:
    for spec in (bookkeeping, library):
        migrations.upgrade(spec, empty_postgresql_url)
    for spec in (bookkeeping, library):
        assert migrations.differences(spec, empty_postgresql_url) == ""
    tables = _rows(
        library, empty_postgresql_url, "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    assert tables == []


MAIN = """
from types import SimpleNamespace
from pathlib import Path
from sqlalchemy import Column, Integer, MetaData, Table
from api_common.database import DatabaseSpec

metadata = MetaData()
Table("thing", metadata, Column("id", Integer, primary_key=True))


def service():
    settings = SimpleNamespace(database_url=None, data_dir=Path({data_dir!r}))
    spec = DatabaseSpec(schema={name!r}, metadata=metadata, migrations={migrations!r})
    return SimpleNamespace(settings=settings, database=spec)
"""


def test_the_command_line_creates_applies_shows_and_takes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"things_{uuid4().hex}"
    tmp_path = tmp_path / "100% of it"
    package = tmp_path / name
    (package / "migrations").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "migrations" / "__init__.py").touch()
    (package / "main.py").write_text(
        MAIN.format(data_dir=str(tmp_path / "data"), name=name, migrations=f"{name}.migrations")
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    def run(*arguments: str) -> str:
        main([*arguments, "--service", name])
        return capsys.readouterr().out.strip().splitlines()[-1]

    assert run("history") == f"{name}: no revisions"
    assert run("create", "--message", "first things").endswith("_first_things.py")
    assert run("create", "-m", "nothing") == f"{name}: the models match the last revision, nothing to write"
    assert run("current") == f"{name}: at no revision"
    (step,) = migrations.history(DatabaseSpec(schema=name, metadata=MetaData(), migrations=f"{name}.migrations"))
    assert run("upgrade") == f"{name}: at {step.id}"
    assert run("history") == f"{name}: <base> -> {step.id} (head), first things"
    assert run("downgrade") == f"{name}: at no revision"
    with pytest.raises(SystemExit, match=f"{name}: .* no revision that could be taken back"):
        run("downgrade")
    with pytest.raises(SystemExit, match=f"{name}: upgrade failed, and nothing was changed: .*nowhere"):
        run("upgrade", "--revision", "nowhere")


def test_the_command_line_names_wrong_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"things_{uuid4().hex}"
    (tmp_path / name).mkdir()
    source = (
        "from config import ServiceSettings, load\n\ndef service():\n    return load(ServiceSettings, env_file=None)\n"
    )
    (tmp_path / name / "main.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PURSER_PORT", "eighty")
    with pytest.raises(SystemExit, match=f'{name}: One setting is wrong:\n.*PURSER_PORT="eighty"'):
        main(["current", "--service", name])


def test_the_command_line_names_a_service_that_does_not_exist() -> None:
    with pytest.raises(SystemExit, match="no_such_service: There is no service of this name"):
        main(["current", "--service", "no_such_service"])

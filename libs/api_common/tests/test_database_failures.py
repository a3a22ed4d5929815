"""What goes wrong in a database is a clear problem, and nothing is half written."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from api_common import _engines
from api_common.bulk import bulk_insert
from api_common.columns import new_id
from api_common.database import Database
from api_common.problems import Conflict, InsufficientStorage, InvalidInput, ServiceUnavailable
from bookkeeping_example import SPEC, Account, Entry
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import col

END_OTHER_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
ENTRY_COLUMNS = ["id", "account_id", "booking_date", "amount", "text"]


def _entries(account_id: UUID, count: int) -> list[tuple[object, ...]]:
    return [(new_id(), account_id, date(2026, 1, 1), Decimal("1.10"), "x" * 500) for _ in range(count)]


async def _count(database: Database, model: type[Account] | type[Entry] = Account) -> int:
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


async def _open_account(database: Database) -> UUID:
    account = Account(user_id=uuid4(), name="Current")
    async with database.write() as session:
        session.add(account)
    return account.id


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@on_sqlite
async def test_a_full_disk_is_answered_507_and_leaves_nothing_half_written(database: Database) -> None:
    account = await _open_account(database)
    async with database.write() as session:
        # The limit holds for the connection, and the writer is the only one.
        pages = await session.scalar(text("PRAGMA page_count"))
        await session.execute(text(f"PRAGMA max_page_count = {pages + 20}"))
    with pytest.raises(InsufficientStorage, match="Nothing was changed"):
        async with database.write() as session:
            session.add(Account(user_id=uuid4(), name="Savings"))
            await bulk_insert(session, Entry, ENTRY_COLUMNS, _entries(account, 5000))
    assert (await _count(database), await _count(database, Entry)) == (1, 0)
    async with database.write() as session:
        await bulk_insert(session, Entry, ENTRY_COLUMNS, _entries(account, 5))
    assert await _count(database, Entry) == 5


@on_sqlite
async def test_a_writer_of_another_process_delays_and_then_gives_503(database: Database) -> None:
    await _open_account(database)
    async with database.write() as session:
        await session.execute(text("PRAGMA busy_timeout = 50"))
    with closing(sqlite3.connect(str(database.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ServiceUnavailable, match="locked by another process") as refused:
            await _open_account(database)
    assert refused.value.headers["Retry-After"] == "1"
    await _open_account(database)
    assert await _count(database) == 2


@on_sqlite
async def test_a_unit_of_work_that_waits_too_long_for_the_writer_is_answered_503(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_engines, "POOL_TIMEOUT_SECONDS", 0.05)
    async with Database(database.spec, database.url) as impatient, impatient.write() as session:
        session.add(Account(user_id=uuid4(), name="Current"))
        await session.flush()
        with pytest.raises(ServiceUnavailable, match="connections are in use"):
            await _open_account(impatient)


async def test_many_units_of_work_at_once_all_succeed(database: Database) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(40):
            group.create_task(_open_account(database))
    assert await _count(database) == 40


async def test_a_cancelled_unit_of_work_leaves_nothing_and_blocks_nobody(database: Database) -> None:
    started = asyncio.Event()

    async def endless() -> None:
        async with database.write() as session:
            session.add(Account(user_id=uuid4(), name="Never"))
            await session.flush()
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(endless())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _open_account(database)
    assert await _count(database) == 1


async def test_a_unit_of_work_cancelled_at_any_moment_is_whole_or_nothing_and_frees_its_connection(
    database: Database,
) -> None:
    async def work(unit: int) -> None:
        async with database.write() as session:
            session.add_all(Account(user_id=UUID(int=unit), name=name) for name in ("Current", "Savings"))
            await session.flush()
            await session.scalar(select(func.count()).select_from(Account))

    for unit in range(80):
        task = asyncio.create_task(work(unit))
        # The task, and the thread or server behind it, come a little further each time, into the commit and beyond.
        for _ in range(unit * unit // 4):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(10):
        await asyncio.gather(*(work(1000 + number) for number in range(20)))
    async with database.read() as session:
        owners = await session.execute(select(col(Account.user_id), func.count()).group_by(col(Account.user_id)))
    assert {count for _, count in owners} == {2}


async def test_a_read_session_cannot_write(database: Database) -> None:
    with pytest.raises(DBAPIError):
        async with database.read() as session:
            session.add(Account(user_id=uuid4(), name="Current"))
            await session.flush()
    assert await _count(database) == 0


async def test_a_reference_to_a_missing_row_is_a_conflict(database: Database) -> None:
    with pytest.raises(Conflict) as refused:
        async with database.write() as session:
            session.add(Entry(account_id=uuid4(), booking_date=date(2026, 1, 1), amount=Decimal(1)))
    assert refused.value.code == "reference_violated"


async def test_a_repeated_id_is_a_conflict_that_names_the_constraint(database: Database) -> None:
    account_id = await _open_account(database)
    with pytest.raises(Conflict) as refused:
        async with database.write() as session:
            session.add(Account(id=account_id, user_id=uuid4(), name="Other"))
    assert (refused.value.code, refused.value.extensions) == ("already_exists", {"constraint": "pk_account"})


async def test_a_duplicate_among_bulk_rows_is_the_same_conflict_and_books_none_of_them(database: Database) -> None:
    account = await _open_account(database)
    entries = _entries(account, 3)
    with pytest.raises(Conflict) as refused:
        async with database.write() as session:
            await bulk_insert(session, Entry, ENTRY_COLUMNS, [*entries, entries[0]])
    assert (refused.value.code, refused.value.extensions) == ("already_exists", {"constraint": "pk_entry"})
    assert await _count(database, Entry) == 0


async def test_a_fault_of_our_own_stays_a_fault(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.write() as session:
            await session.execute(text(f"INSERT INTO account (id, user_id) VALUES ('{new_id()}', '{new_id()}')"))
    with pytest.raises(DBAPIError):
        async with database.read() as session:
            await session.execute(text("SELECT * FROM nowhere"))


async def test_a_number_that_no_database_can_hold_is_refused_as_input(database: Database) -> None:
    account = await _open_account(database)
    with pytest.raises(InvalidInput):
        async with database.write() as session:
            await session.execute(update(Account).where(col(Account.id) == account).values(version=10**30))


@on_postgresql
async def test_text_that_postgresql_cannot_hold_is_refused_as_input(database: Database) -> None:
    with pytest.raises(InvalidInput):
        async with database.write() as session:
            session.add(Account(user_id=uuid4(), name="nul \x00 character"))


@on_postgresql
async def test_a_row_locked_by_another_process_is_answered_503(database: Database, postgresql_url: str) -> None:
    account_id = await _open_account(database)
    with psycopg.connect(postgresql_url) as other:
        other.execute(f"SELECT 1 FROM {SPEC.schema}.account FOR UPDATE")
        with pytest.raises(ServiceUnavailable):
            async with database.write() as session:
                await session.execute(text("SET LOCAL lock_timeout = '50ms'"))
                account = await session.get(Account, account_id)
                assert account is not None
                account.name = "Joint"


@on_postgresql
async def test_connections_that_died_while_resting_are_replaced_unnoticed(
    database: Database, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_engines, "REST_SECONDS", 0.0)
    await _open_account(database)
    with psycopg.connect(postgresql_url, autocommit=True) as admin:
        for _ in range(2):
            await _count(database)
            admin.execute(END_OTHER_CONNECTIONS)
            await _open_account(database)
    assert await _count(database) == 3


@on_postgresql
async def test_a_server_that_is_gone_is_answered_503_and_found_again_when_it_is_back(
    database: Database, postgresql_url: str
) -> None:
    await _open_account(database)
    with psycopg.connect(postgresql_url, autocommit=True) as admin:
        with pytest.raises(ServiceUnavailable):
            async with database.write() as session:
                await session.execute(text("SELECT 1"))
                admin.execute(END_OTHER_CONNECTIONS)
                await session.execute(text("SELECT 1"))
        admin.execute(END_OTHER_CONNECTIONS)
    await _open_account(database)
    assert await _count(database) == 2


@on_postgresql
async def test_a_server_that_never_answers_is_a_503(database: Database, tmp_path: Path) -> None:
    nowhere = database.url.update_query_dict({"host": str(tmp_path)})
    async with Database(database.spec, nowhere) as unreachable:
        with pytest.raises(ServiceUnavailable, match="does not answer"):
            await unreachable.ping()


HALF_AN_IMPORT = """
import asyncio, sys
from datetime import date
from decimal import Decimal
from uuid import UUID
from sqlalchemy import make_url
sys.path[:0] = sys.argv[3].split(":")
from api_common.bulk import bulk_insert
from api_common.columns import new_id
from api_common.database import Database
from bookkeeping_example import SPEC, Entry

async def main():
    database = Database(SPEC, make_url(sys.argv[1]))
    async with database.write() as session:
        rows = [(new_id(), UUID(sys.argv[2]), date(2026, 1, 1), Decimal(1), "x" * 500) for _ in range(20_000)]
        await bulk_insert(session, Entry, ["id", "account_id", "booking_date", "amount", "text"], rows)
        print("inside", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@contextmanager
def _process(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


async def test_a_process_killed_in_the_middle_of_an_import_leaves_nothing_of_it(database: Database) -> None:
    account = await _open_account(database)
    url = database.url.render_as_string(hide_password=False)
    paths = [str(Path(__file__).parent), *filter(None, sys.path)]
    with _process(HALF_AN_IMPORT, url, str(account), ":".join(paths)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert (await _count(database), await _count(database, Entry)) == (1, 0)
    async with database.write() as session:
        await bulk_insert(session, Entry, ENTRY_COLUMNS, _entries(account, 5))
    assert await _count(database, Entry) == 5


async def test_an_error_of_the_database_names_the_statement_and_never_its_values(database: Database) -> None:
    statement = text("INSERT INTO nowhere VALUES (:password)")
    for unit in (database.write(), database.read()):
        with pytest.raises(DBAPIError, match="INSERT INTO nowhere") as caught:
            async with unit as session:
                await session.execute(statement, {"password": "hunter2"})
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("address", ["mysql://u:hunter2@db/x", "mysql://db/x?user=u&password=hunter2"])
def test_an_address_that_cannot_be_used_is_shown_without_its_password(address: str) -> None:
    with pytest.raises(_engines.DatabaseAddressError, match="mysql://") as caught:
        _engines.database_url(address, data_dir=Path(), service="example")
    assert "hunter2" not in str(caught.value)

"""Many rows at once are the same rows."""

import gc
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from api_common.bulk import bulk_insert
from api_common.columns import new_id
from api_common.compute import uncollected
from api_common.database import Database
from api_common.problems import InvalidInput
from api_common.testing import CountedQueries
from bookkeeping_example import Account, Entry
from sqlalchemy import func, select, text
from sqlmodel import col


async def test_bulk_rows_read_back_like_rows_of_the_unit_of_work(database: Database) -> None:
    user, opened = uuid4(), datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
    accounts = [(new_id(), user, f"Ünïcode 漢 {n}\t\\N", Decimal("-12.345678") * n, opened, 1) for n in range(3)]
    async with database.write() as session:
        columns = ["id", "user_id", "name", "opening_balance", "opened_at", "version"]
        assert await bulk_insert(session, Account, columns, accounts) == 3
    async with database.read() as session:
        rows = (await session.scalars(select(Account).order_by(col(Account.id)))).all()
    assert [(r.id, r.user_id, r.name, r.opening_balance, r.opened_at, r.version) for r in rows] == accounts


async def test_rows_added_before_are_there_for_bulk_rows_to_refer_to(database: Database) -> None:
    account = Account(user_id=uuid4(), name="Current")
    async with database.write() as session:
        session.add(account)
        rows = [(new_id(), account.id, date(2026, 1, day), Decimal(day), "", None) for day in range(1, 4)]
        await bulk_insert(session, Entry, ["id", "account_id", "booking_date", "amount", "text", "note"], rows)
    async with database.read() as session:
        total = await session.scalar(select(func.sum(col(Entry.amount))).where(col(Entry.note).is_(None)))
    assert total == Decimal(6)


async def test_no_rows_are_no_statement(database: Database, counted_queries: CountedQueries) -> None:
    async with database.write() as session:
        with counted_queries() as statements:
            assert await bulk_insert(session, Entry, ["id"], []) == 0
    assert not [statement for statement in statements if "INSERT" in statement]


async def test_statements_after_a_bulk_insert_are_planned_as_before_it(database: Database) -> None:
    account = (new_id(), uuid4(), "Current", Decimal(0), datetime(2026, 3, 1, tzinfo=UTC), 1)
    columns = ["id", "user_id", "name", "opening_balance", "opened_at", "version"]
    if database.dialect == "sqlite":
        pytest.skip("SQLite plans each statement once")
    async with database.write() as session:
        before = await session.scalar(text("SHOW plan_cache_mode"))
        await bulk_insert(session, Account, columns, [account])
        assert (before, await session.scalar(text("SHOW plan_cache_mode"))) == ("force_custom_plan",) * 2


@pytest.mark.parametrize("wrong", [None, 11_000])
async def test_rows_that_are_made_as_they_are_taken_are_all_there_or_none(
    database: Database, wrong: int | None
) -> None:
    account, taken = Account(user_id=uuid4(), name="Current"), 0

    async def insert() -> int:
        nonlocal taken
        async with database.write() as session:
            session.add(account)
            await session.flush()
            account_id = account.id

            def rows() -> Iterator[Sequence[object]]:
                nonlocal taken
                for taken in range(1, 12_002):
                    yield new_id(), account_id, date(2026, 1, 1), Decimal(1) / (10**7 if taken == wrong else 1), ""

            return await bulk_insert(session, Entry, ["id", "account_id", "booking_date", "amount", "text"], rows())

    if wrong is None:
        assert await insert() == 12_001
    else:
        with pytest.raises(InvalidInput, match="more than 6 decimals"):
            await insert()
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Entry)) == (0 if wrong else 12_001)
    assert taken == 12_001


async def test_an_amount_that_would_be_rounded_refuses_all_rows(database: Database) -> None:
    account = Account(user_id=uuid4(), name="Current")
    with pytest.raises(InvalidInput, match="more than 6 decimals"):
        async with database.write() as session:
            session.add(account)
            rows = [(new_id(), account.id, Decimal(1)), (new_id(), account.id, Decimal("0.0000001"))]
            await bulk_insert(session, Entry, ["id", "account_id", "amount"], rows)
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Account)) == 0


def test_the_collector_is_held_back_until_the_last_of_several_is_done() -> None:
    with uncollected():
        with pytest.raises(ValueError, match="fails"), uncollected():
            raise ValueError("fails")
        assert not gc.isenabled()
    assert gc.isenabled()

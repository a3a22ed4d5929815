"""Units of work, on both databases."""

import asyncio
from decimal import Decimal
from uuid import uuid4

import pytest
from api_common.database import Database
from bookkeeping_example import Account, AccountNameTaken, Accounts
from sqlalchemy import CursorResult, func, select, update
from sqlmodel import col


async def test_a_unit_of_work_that_ends_well_is_committed(database: Database) -> None:
    user = uuid4()
    async with database.write() as session:
        await Accounts(session, user).add(Account(user_id=user, name="Current", opening_balance=Decimal("12.5")))
    async with database.read() as session:
        (found,) = (await session.scalars(Accounts(session, user).mine())).all()
    assert (found.name, str(found.opening_balance), found.version) == ("Current", "12.50", 1)


async def test_a_unit_of_work_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(KeyError):
        async with database.write() as session:
            session.add(Account(user_id=uuid4(), name="Current"))
            await session.flush()
            raise KeyError
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Account)) == 0


async def test_a_duplicate_raises_the_problem_that_the_service_named_for_the_constraint(database: Database) -> None:
    user = uuid4()
    async with database.write() as session:
        session.add(Account(user_id=user, name="Current"))
    with pytest.raises(AccountNameTaken):
        async with database.write() as session:
            session.add(Account(user_id=user, name="Current"))


async def test_a_snapshot_sees_one_state_while_others_write(database: Database) -> None:
    async def add() -> None:
        async with database.write() as session:
            session.add(Account(user_id=uuid4(), name="Current"))

    count = select(func.count()).select_from(Account)
    await add()
    for _ in range(2):
        async with database.snapshot() as session:
            before = await session.scalar(count)
            await add()
            assert await session.scalar(count) == before
    async with database.read() as session:
        assert await session.scalar(count) == 3
        await add()
        assert await session.scalar(count) == 4


async def test_a_snapshot_that_ends_badly_frees_its_connection(database: Database) -> None:
    for _ in range(10):
        with pytest.raises(KeyError):
            async with database.snapshot() as session:
                await session.scalar(select(func.count()).select_from(Account))
                raise KeyError
    async with database.write() as session:
        session.add(Account(user_id=uuid4(), name="Current"))
    async with database.snapshot() as session:
        assert await session.scalar(select(func.count()).select_from(Account)) == 1


async def test_rows_can_be_read_as_a_stream(database: Database) -> None:
    user = uuid4()
    async with database.write() as session:
        session.add_all([Account(user_id=user, name=f"{place:02}") for place in range(25)])
    async with database.snapshot() as session:
        names = select(col(Account.name)).order_by(col(Account.name))
        pieces = [list(piece) async for piece in (await session.stream_scalars(names)).partitions(10)]
        first = await (await session.stream_scalars(names)).first()
    assert [len(piece) for piece in pieces] == [10, 10, 5]
    assert ([name for piece in pieces for name in piece], first) == ([f"{place:02}" for place in range(25)], "00")


async def test_a_statement_that_changes_rows_tells_how_many(database: Database) -> None:
    user = uuid4()
    async with database.write() as session:
        session.add_all([Account(user_id=user, name=f"{place:02}") for place in range(3)])
    change = update(Account).where(col(Account.user_id) == user).values(opening_balance=Decimal(7))
    async with database.write() as session:
        changed = await session.execute(change)
        assert isinstance(changed, CursorResult)
        balances = (await session.scalars(change.returning(col(Account.opening_balance)))).all()
    assert (changed.rowcount, list(balances)) == (3, [Decimal("7.00")] * 3)


async def test_many_readers_and_writers_share_the_database(database: Database) -> None:
    user = uuid4()

    async def write(place: int) -> None:
        async with database.write() as session:
            session.add(Account(user_id=user, name=str(place)))

    async def read() -> int:
        async with database.read() as session:
            return await session.scalar(select(func.count()).select_from(Account)) or 0

    counts = await asyncio.gather(*[job for place in range(20) for job in (write(place), read())])
    assert all(count is None or 0 <= count <= 20 for count in counts)
    assert await read() == 20

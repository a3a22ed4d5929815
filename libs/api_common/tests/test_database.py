"""Units of work, on both databases."""

from decimal import Decimal
from uuid import uuid4

import pytest
from api_common.database import Database
from bookkeeping_example import Account, AccountNameTaken, Accounts
from sqlalchemy import func, select


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

"""Values come back from both databases as they went in, or are refused."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import uuid4

import pytest
from api_common.columns import MONEY_LIMIT, UnstorableValue, from_micros, new_id, to_micros
from api_common.database import Database
from api_common.problems import InvalidInput
from bookkeeping_example import Account, Accounts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlmodel import col

AMOUNTS = st.decimals(-MONEY_LIMIT, MONEY_LIMIT, places=6) | st.integers(-(2**63) + 1, 2**63 - 1).map(from_micros)
EARLIEST, LATEST = datetime(1900, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001  (Hypothesis adds the time zones)
MOMENTS = st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC) | st.timezones())


@given(AMOUNTS)
def test_millionths_and_back_is_the_same_amount(amount: Decimal) -> None:
    assert from_micros(to_micros(amount)) == amount


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=20), moment=MOMENTS)
async def test_amounts_and_moments_come_back_exactly(
    database: Database, amounts: list[Decimal], moment: datetime
) -> None:
    user = uuid4()
    async with database.write() as session:
        for place, amount in enumerate(amounts):
            session.add(Account(user_id=user, name=str(place), opening_balance=amount, opened_at=moment))
    async with database.read() as session:
        rows = (await session.scalars(Accounts(session, user).mine().order_by(col(Account.id)))).all()
    assert [row.opening_balance for row in rows] == amounts
    assert {str(row.opening_balance) for row in rows} == {str(from_micros(to_micros(amount))) for amount in amounts}
    # In UTC, because Python holds two zones never equal in the hour that comes twice in autumn.
    assert {(row.opened_at, row.opened_at.tzinfo) for row in rows} == {(moment.astimezone(UTC), UTC)}


async def test_sums_and_comparisons_of_money_are_exact(database: Database) -> None:
    user = uuid4()
    async with database.write() as session:
        for place in range(10):
            session.add(Account(user_id=user, name=str(place), opening_balance=Decimal("0.1")))
        session.add(Account(user_id=user, name="large", opening_balance=Decimal("5.000001")))
    async with database.read() as session:
        total = await session.scalar(select(func.sum(col(Account.opening_balance))))
        large = (await session.scalars(select(col(Account.name)).where(col(Account.opening_balance) > 5))).all()
    assert (total, list(large)) == (Decimal("6.000001"), ["large"])


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        (Decimal("0.0000001"), "more than 6 decimals"),
        (MONEY_LIMIT + 1, "too large"),
        (-MONEY_LIMIT - 1, "too large"),
        (Decimal("1e30"), "too large"),
        (Decimal("NaN"), "not an amount"),
        (Decimal("Infinity"), "not an amount"),
        (0.1, "floats are not exact"),
        (True, "floats are not exact"),
    ],
)
async def test_an_amount_that_would_be_changed_is_refused(database: Database, amount: Decimal, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        async with database.write() as session:
            session.add(Account(user_id=uuid4(), name="x", opening_balance=amount))


async def test_a_moment_without_a_time_zone_is_refused(database: Database) -> None:
    with pytest.raises(InvalidInput, match="no time zone"):
        async with database.write() as session:
            session.add(Account(user_id=uuid4(), name="x", opened_at=datetime(2026, 1, 1)))  # noqa: DTZ001


async def test_moments_sort_by_time_whatever_zone_they_came_in(database: Database) -> None:
    user, noon = uuid4(), datetime(2026, 1, 1, 12, tzinfo=UTC)
    zones = [timezone(timedelta(hours=hours)) for hours in (14, -12, 0, 5.75)]
    async with database.write() as session:
        for place, zone in enumerate(zones):
            moment = (noon + timedelta(minutes=place)).astimezone(zone)
            session.add(Account(user_id=user, name=str(place), opened_at=moment))
    async with database.read() as session:
        names = (await session.scalars(select(col(Account.name)).order_by(col(Account.opened_at)))).all()
    assert list(names) == ["0", "1", "2", "3"]


def test_amounts_read_like_money() -> None:
    micros = [0, 12_300_000, -5_000_000, 1, 123_450, 10_000]
    assert [str(from_micros(m)) for m in micros] == ["0.00", "12.30", "-5.00", "0.000001", "0.12345", "0.01"]


def test_ids_sort_in_the_order_they_were_made() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert {made.version for made in ids} == {7}


def test_an_unstorable_value_names_itself() -> None:
    with pytest.raises(UnstorableValue, match=r"12\.3456789 has more than 6 decimals"):
        to_micros(Decimal("12.3456789"))

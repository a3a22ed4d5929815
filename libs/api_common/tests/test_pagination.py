"""Pages put together are the list, in every order, on both databases."""

import base64
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from api_common.bulk import bulk_insert
from api_common.columns import new_id
from api_common.database import Database
from api_common.pagination import InvalidCursor, Keyset, PageQuery, paginate
from api_common.testing import CountedQueries
from bookkeeping_example import BY_NAME, NEWEST_ENTRY, SMALLEST_ENTRY_OF_LAST_DAY, Account, Accounts, Entry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlmodel import col

ORDERS = {"newest first": NEWEST_ENTRY, "last day, smallest first": SMALLEST_ENTRY_OF_LAST_DAY}
DAYS = st.integers(0, 5).map(lambda days: date(2026, 1, 1) + timedelta(days=days))
CENTS = st.integers(-300, 300).map(lambda cents: Decimal(cents).scaleb(-2))
on_both = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def _account(database: Database) -> UUID:
    user = uuid4()
    async with database.write() as session:
        return (await Accounts(session, user).add(Account(user_id=user, name="Current"))).id


async def _book(database: Database, account: UUID, rows: list[tuple[date, Decimal]]) -> None:
    async with database.write() as session:
        values = [(new_id(), account, day, amount, "") for day, amount in rows]
        await bulk_insert(session, Entry, ["id", "account_id", "booking_date", "amount", "text"], values)


async def _page(database: Database, account: UUID, order: Keyset, page: PageQuery) -> tuple[list[Entry], str | None]:
    async with database.read() as session:
        found = await paginate(session, select(Entry).where(col(Entry.account_id) == account), order, page)
    return list(found.items), found.next_cursor


@on_both
@given(
    rows=st.lists(st.tuples(DAYS, CENTS), max_size=40), limit=st.integers(1, 12), order=st.sampled_from(sorted(ORDERS))
)
async def test_all_pages_together_are_the_whole_list(
    database: Database, rows: list[tuple[date, Decimal]], limit: int, order: str
) -> None:
    account, keyset = await _account(database), ORDERS[order]
    await _book(database, account, rows)
    whole, _ = await _page(database, account, keyset, PageQuery(limit=500))
    collected, cursor = await _page(database, account, keyset, PageQuery(limit=limit))
    while cursor is not None:
        items, cursor = await _page(database, account, keyset, PageQuery(limit=limit, cursor=cursor))
        collected += items
    assert [entry.id for entry in collected] == [entry.id for entry in whole]
    assert len(collected) == len(rows)


@on_both
@given(
    rows=st.lists(st.tuples(DAYS, CENTS), min_size=1, max_size=20),
    late=st.lists(st.lists(st.tuples(DAYS, CENTS), max_size=4), max_size=4),
    order=st.sampled_from(sorted(ORDERS)),
)
async def test_rows_that_come_while_reading_neither_hide_nor_repeat_others(
    database: Database, rows: list[tuple[date, Decimal]], late: list[list[tuple[date, Decimal]]], order: str
) -> None:
    account, keyset = await _account(database), ORDERS[order]
    await _book(database, account, rows)
    before, _ = await _page(database, account, keyset, PageQuery(limit=500))
    collected, cursor = await _page(database, account, keyset, PageQuery(limit=3))
    while cursor is not None:
        if late:
            await _book(database, account, late.pop())
        items, cursor = await _page(database, account, keyset, PageQuery(limit=3, cursor=cursor))
        collected += items
    seen = [entry.id for entry in collected]
    assert len(seen) == len(set(seen))
    assert {entry.id for entry in before} <= set(seen)


@given(day=DAYS, amount=CENTS, row_id=st.uuids())
def test_a_cursor_stands_for_the_values_it_was_made_of(day: date, amount: Decimal, row_id: UUID) -> None:
    entry = Entry(id=row_id, account_id=row_id, booking_date=day, amount=amount)
    cursor = SMALLEST_ENTRY_OF_LAST_DAY.cursor(entry)
    assert SMALLEST_ENTRY_OF_LAST_DAY.values(cursor) == [day, amount, row_id]
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&?#")


@given(name=st.text(max_size=50), row_id=st.uuids())
def test_a_cursor_holds_any_text(name: str, row_id: UUID) -> None:
    assert BY_NAME.values(BY_NAME.cursor(Account(id=row_id, user_id=row_id, name=name))) == [name, row_id]


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.hex()))
def test_a_cursor_that_was_never_given_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor, match="not one that this list has given"):
        BY_NAME.values(text)


def test_a_cursor_of_another_order_is_refused() -> None:
    entry = Entry(id=uuid4(), account_id=uuid4(), booking_date=date(2026, 1, 1), amount=Decimal(1))
    with pytest.raises(InvalidCursor):
        SMALLEST_ENTRY_OF_LAST_DAY.values(NEWEST_ENTRY.cursor(entry))


async def test_an_expression_with_a_name_orders_pages(database: Database) -> None:
    account = await _account(database)
    await _book(database, account, [(date(2026, 1, day), Decimal(day * -1)) for day in range(1, 8)])
    note = func.coalesce(col(Entry.note), "none").label("shown_note")
    order = Keyset(note.desc(), col(Entry.id).desc())
    statement = select(col(Entry.id), note).where(col(Entry.account_id) == account).order_by(*order.order).limit(3)
    async with database.read() as session:
        first = (await session.execute(statement)).all()
        after = (await session.execute(statement.where(order.after(order.cursor(first[-1]))))).all()
        rest = (await session.execute(statement.where(order.after(order.cursor(after[-1]))))).all()
    ids = [row.id for row in (*first, *after, *rest)]
    assert (len(ids), ids) == (7, sorted(ids, reverse=True))


@pytest.mark.parametrize("name", sorted(ORDERS))
async def test_rows_until_a_cursor_and_after_it_are_all_rows(database: Database, name: str) -> None:
    account, keyset = await _account(database), ORDERS[name]
    await _book(database, account, [(date(2026, 1, 1 + n // 3), Decimal(n % 4)) for n in range(12)])
    statement = select(Entry).where(col(Entry.account_id) == account).order_by(*keyset.order)
    async with database.read() as session:
        rows = (await session.scalars(statement)).all()
        cursor = keyset.cursor(rows[4])
        until = (await session.scalars(statement.where(keyset.until(cursor)))).all()
        after = (await session.scalars(statement.where(keyset.after(cursor)))).all()
    assert ([row.id for row in until], [row.id for row in after]) == (
        [r.id for r in rows[:5]],
        [r.id for r in rows[5:]],
    )


async def test_a_statement_with_the_cursor_as_parameters_gives_the_page_after_it(database: Database) -> None:
    account = await _account(database)
    await _book(database, account, [(date(2026, 1, day), Decimal(day)) for day in (1, 2, 3)])
    for order in ORDERS.values():
        everything = select(Entry).order_by(*order.order)
        async with database.read() as session:
            rows = (await session.scalars(everything)).all()
            cursor = order.cursor(rows[0])
            after = await session.scalars(everything.where(order.after_parameters()), order.parameters(cursor))
            assert after.all() == rows[1:]


def test_a_cursor_that_is_bound_to_filters_is_refused_with_others() -> None:
    entry = Entry(id=uuid4(), account_id=uuid4(), booking_date=date(2026, 1, 1), amount=Decimal(1))
    groceries = NEWEST_ENTRY.bound_to("groceries", date(2026, 1, 1))
    cursor = groceries.cursor(entry)
    assert NEWEST_ENTRY.bound_to("groceries", date(2026, 1, 1)).values(cursor) == [entry.booking_date, entry.id]
    for other in (NEWEST_ENTRY, NEWEST_ENTRY.bound_to("rent", date(2026, 1, 1))):
        with pytest.raises(InvalidCursor):
            other.values(cursor)


def test_a_column_that_may_be_null_cannot_order_pages() -> None:
    with pytest.raises(ValueError, match=r"entry\.note may be NULL"):
        Keyset(col(Entry.note), col(Entry.id))


async def test_a_page_costs_one_statement(database: Database, counted_queries: CountedQueries) -> None:
    account = await _account(database)
    await _book(database, account, [(date(2026, 1, 1), Decimal(1))] * 5)
    with counted_queries() as statements:
        await _page(database, account, NEWEST_ENTRY, PageQuery(limit=2))
    assert len(statements) == 1


@given(moment=st.datetimes(timezones=st.just(UTC)), version=st.integers(-(2**63), 2**63 - 1), row_id=st.uuids())
def test_a_cursor_holds_moments_and_numbers(moment: datetime, version: int, row_id: UUID) -> None:
    order = Keyset(col(Account.opened_at).desc(), col(Account.version), col(Account.id))
    account = Account(id=row_id, user_id=row_id, name="Current", opened_at=moment, version=version)
    assert order.values(order.cursor(account)) == [moment, version, row_id]


async def test_a_row_of_plain_columns_gives_the_same_cursor_as_its_object(database: Database) -> None:
    account = await _account(database)
    async with database.read() as session:
        whole = await session.get_one(Account, account)
        plain = (await session.execute(select(col(Account.name), col(Account.id)))).one()
    assert BY_NAME.cursor(plain) == BY_NAME.cursor(whole)


def test_only_columns_order_pages() -> None:
    with pytest.raises(TypeError, match="not a column of a table"):
        Keyset(func.lower(col(Account.name)), col(Account.id))


@pytest.mark.parametrize("values", [["x", 7], [7, "x"], ["x", "no id"], ["x"], ["x", None], {}])
def test_a_forged_cursor_is_refused(values: object) -> None:
    account = Account(id=uuid4(), user_id=uuid4(), name="Current")
    mark = json.loads(base64.urlsafe_b64decode(BY_NAME.cursor(account) + "=="))[0]
    forged = base64.urlsafe_b64encode(json.dumps([mark, *values] if isinstance(values, list) else values).encode())
    with pytest.raises(InvalidCursor):
        BY_NAME.values(forged.decode())

"""Undo of imports in any order: the ledger is as if the undone files had never come."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from api_common.testing import Issuer
from bank_files import BankRow, camt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HEADER = "Type,Product,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance\n"
ANNOUNCED = HEADER + "CARD_PAYMENT,Current,2026-03-01 10:00:00,,Bakery,-2.80,0.00,EUR,PENDING,\n"


def booked_on(day: str) -> bytes:
    row = f"CARD_PAYMENT,Current,2026-03-01 10:00:00,{day} 12:00:00,Bakery,-2.80,0.00,EUR,COMPLETED,7.20\n"
    return (HEADER + row).encode()


def content(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What the rows say, without the names and versions that an import gives them."""
    names = ("booking_date", "amount", "pending", "description", "note", "category_id")
    return sorted(tuple(str(row[name]) for name in names) for row in rows)


async def undo(client: httpx2.AsyncClient, done: Any, **options: str) -> dict[str, Any]:
    answer = await client.post(f"/v1/imports/{done['id']}/undo", params=options)
    assert answer.status_code == 200, answer.text
    undone: dict[str, Any] = answer.json()
    return undone


async def test_a_row_that_two_files_hold_stays_until_both_imports_are_undone(
    household: Any, client: httpx2.AsyncClient, ofx: Callable[..., bytes], row: Any
) -> None:
    january, both, february = row("2026-01-31", "-1"), row("2026-02-01", "-2"), row("2026-02-28", "-3")
    first, second = await household.upload(ofx(january, both)), await household.upload(ofx(both, february))
    undone = await undo(client, first)
    assert (undone["removed"], undone["handed_over"]) == (1, 1)
    assert [r["amount"] for r in await household.rows()] == ["-2.00", "-3.00"]
    assert {r["import_id"] for r in await household.rows()} == {second["id"]}
    assert (await undo(client, second))["removed"] == 2
    assert await household.rows() == []


@pytest.mark.parametrize("day", ["2026-03-01", "2026-03-03"])
async def test_a_booking_that_is_undone_leaves_the_pending_row_that_it_had_replaced(
    household: Any, client: httpx2.AsyncClient, day: str
) -> None:
    account = await household.account()
    await household.upload(ANNOUNCED.encode(), account_id=account["id"])
    before = await household.rows()
    for _ in range(2):
        booked = await household.upload(booked_on(day), account_id=account["id"])
        assert (booked["replaced"], booked["booked"]) == (1, 0)
        assert [r["pending"] for r in await household.rows()] == [False]
        await undo(client, booked)
        assert [{**r, "version": 1} for r in await household.rows()] == before


@pytest.mark.parametrize("day", ["2026-03-01", "2026-03-03"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_nothing_is_left_when_both_the_announcing_and_the_booking_import_are_undone(
    household: Any, client: httpx2.AsyncClient, day: str, order: tuple[int, ...]
) -> None:
    account = await household.account()
    files = [ANNOUNCED.encode(), booked_on(day)]
    done = [await household.upload(file, account_id=account["id"]) for file in files]
    for number in order:
        await undo(client, done[number])
    assert await household.rows() == []
    assert [(await household.upload(f, account_id=account["id"]))["read"] for f in files] == [1, 1]
    assert [r["pending"] for r in await household.rows()] == [False]


async def test_a_file_that_only_announces_a_row_does_not_vouch_for_its_booking(
    household: Any, client: httpx2.AsyncClient
) -> None:
    account = await household.account()
    files = [ANNOUNCED.encode(), booked_on("2026-03-01"), ANNOUNCED.encode(), booked_on("2026-03-01")]
    done = [await household.upload(file, account_id=account["id"]) for file in files]
    await undo(client, done[1])
    assert [r["pending"] for r in await household.rows()] == [False]
    await undo(client, done[3])
    assert [r["pending"] for r in await household.rows()] == [True]


async def test_what_the_user_wrote_on_a_pending_row_stays_on_its_booking(
    household: Any, client: httpx2.AsyncClient
) -> None:
    account = await household.account()
    await household.upload(ANNOUNCED.encode(), account_id=account["id"])
    (pending,) = await household.rows()
    await household.change(f"/v1/transactions/{pending['id']}", 1, counterparty="My baker", merchant="Baker", note="n")
    await household.upload(booked_on("2026-03-01"), account_id=account["id"])
    (booked,) = await household.rows(q="my baker")
    assert [booked[name] for name in ("pending", "counterparty", "merchant", "note")] == [
        False,
        "My baker",
        "Baker",
        "n",
    ]


START = date(2026, 3, 1)
MOVEMENTS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["-1", "-2"])), min_size=1, max_size=6)
WINDOWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=4)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(movements=MOVEMENTS, windows=WINDOWS, with_ids=st.booleans(), data=st.data())
async def test_an_undone_import_is_as_if_it_had_never_been(
    client: httpx2.AsyncClient,
    issuer: Issuer,
    movements: list[tuple[int, str]],
    windows: list[tuple[int, int]],
    with_ids: bool,
    data: st.DataObject,
) -> None:
    undone = data.draw(st.permutations(range(len(windows))))[: data.draw(st.integers(1, len(windows)))]
    rows = [
        BankRow(START + timedelta(days=day), Decimal(amount), bank_id=str(number) if with_ids else "")
        for number, (day, amount) in enumerate(movements)
    ]
    contents = []
    for window in windows:
        first, last = START + timedelta(days=min(window)), START + timedelta(days=max(window))
        contents.append(camt([row for row in rows if first <= row.day <= last], first=first, last=last))
    ledgers = []
    for headers, skipped in ((issuer.headers(uuid4()), set()), (issuer.headers(uuid4()), set(undone))):
        done = {}
        for number, file in enumerate(contents):
            if number not in skipped:
                answer = await client.post("/v1/imports", content=file, headers=headers)
                done[number] = answer.json()["id"]
        for number in undone:
            if number in done:
                await client.post(f"/v1/imports/{done[number]}/undo", headers=headers)
        ledgers.append(content((await client.get("/v1/transactions", headers=headers)).json()["items"]))
    assert ledgers[0] == ledgers[1]

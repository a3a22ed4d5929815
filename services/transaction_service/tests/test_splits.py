"""Split rows over HTTP: the parts always sum to the row, have categories, and stand in the exported ledger."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx2
import polars as pl
import pytest
from data_processing import LEDGER_SCHEMA
from hypothesis import given
from hypothesis import strategies as st
from transaction_service.amounts import amount_text
from transaction_service.categories.defaults import default_category_id
from transaction_service.errors import RowIsSplit, SplitsDiffer
from transaction_service.models import Transaction
from transaction_service.rows.edits import Edit, edited, parts
from transaction_service.rows.state import RowState
from transaction_service.rules.categorisation import NOTHING

GROCERIES = str(default_category_id("food/groceries"))
FOOD = str(default_category_id("food"))
SAVINGS = str(default_category_id("transfers/savings"))
HALVES = [{"amount": "-6", "category_id": GROCERIES, "note": "bread"}, {"amount": "-4"}]

AMOUNTS = st.integers(-(10**15), 10**15).map(lambda micros: Decimal(micros).scaleb(-6))


async def split(client: httpx2.AsyncClient, row: dict[str, Any], splits: object, version: object = "*") -> Any:
    tag = "*" if version == "*" else f'"{version}"'
    path = f"/v1/transactions/{row['id']}/splits"
    return await client.put(path, json={"splits": splits}, headers={"If-Match": tag})


@pytest.fixture
async def shopping(household: Any) -> Any:
    """A row of ten euros, which the user had categorised."""
    return await household.enter(await household.account(), "-10", description="Market", category_id=FOOD)


async def test_a_row_is_split_changed_and_made_whole(household: Any, shopping: Any, client: httpx2.AsyncClient) -> None:
    answer = await split(client, shopping, HALVES, 1)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    first = answer.json()
    assert [{**part, "id": None} for part in first["splits"]] == [
        {"id": None, "amount": "-6.00", "category_id": GROCERIES, "note": "bread"},
        {"id": None, "amount": "-4.00", "category_id": None, "note": None},
    ]
    assert (first["category_id"], first["categorised_by"], first["amount"]) == (None, "user", "-10.00")
    assert (await client.get(f"/v1/transactions/{shopping['id']}")).json() == first
    three = (await split(client, shopping, [{"amount": "-1"}, {"amount": "-11"}, {"amount": "2"}])).json()
    assert [part["amount"] for part in three["splits"]] == ["-1.00", "-11.00", "2.00"]
    # A part keeps its id, by which an analyst may know it.
    assert [part["id"] for part in three["splits"]][:2] == [part["id"] for part in first["splits"]]
    whole = (await split(client, shopping, [])).json()
    assert (whole["splits"], whole["categorised_by"], whole["version"]) == ([], "none", 4)
    assert await household.rows() == [whole]


@pytest.mark.parametrize(
    ("splits", "status", "code"),
    [
        ([{"amount": "-6"}, {"amount": "-3.99"}], 422, "splits_differ"),
        ([{"amount": "-6"}, {"amount": "6"}], 422, "splits_differ"),
        ([{"amount": "-10"}], 422, "invalid_request"),
        ([{"amount": "-6"}, {"amount": -4.0}], 422, "invalid_request"),
        ([{"amount": "-6"}, {"amount": "-4", "colour": "red"}], 422, "invalid_request"),
        ([{"amount": "-0.05"}] * 200 + [{"amount": "0"}], 422, "invalid_request"),
        ([{"amount": "-6", "category_id": str(uuid4())}, {"amount": "-4"}], 404, "category_not_found"),
        (None, 422, "invalid_request"),
    ],
)
async def test_parts_that_are_none_are_refused(
    household: Any, shopping: Any, client: httpx2.AsyncClient, splits: object, status: int, code: str
) -> None:
    refused = await split(client, shopping, splits)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert await household.rows() == [shopping]


async def test_the_problem_names_the_difference(shopping: Any, client: httpx2.AsyncClient) -> None:
    refused = (await split(client, shopping, [{"amount": "-6"}, {"amount": "-3.999999"}])).json()
    assert refused["detail"] == "The parts sum to -9.999999 and the row is -10.00: the difference is -0.000001."
    assert refused["errors"][0]["pointer"] == "/body/splits"


async def test_parts_need_the_version_that_the_client_has_seen(
    shopping: Any, client: httpx2.AsyncClient, stranger: dict[str, str]
) -> None:
    path = f"/v1/transactions/{shopping['id']}/splits"
    assert (await client.put(path, json={"splits": HALVES})).status_code == 428
    assert (await split(client, shopping, HALVES, 7)).status_code == 412
    other = await client.put(path, json={"splits": HALVES}, headers={"If-Match": "*", **stranger})
    assert (other.status_code, other.json()["code"]) == (404, "transaction_not_found")


async def test_amount_and_category_of_a_split_row_change_only_with_its_parts(
    household: Any, shopping: Any, client: httpx2.AsyncClient
) -> None:
    await split(client, shopping, HALVES)
    path = f"/v1/transactions/{shopping['id']}"
    for change in ({"amount": "-11"}, {"category_id": FOOD}):
        refused = await household.change(path, "*", **change)
        assert (refused.status_code, refused.json()["code"]) == (422, "row_is_split")
    together = await household.change(path, "*", amount="-11", splits=[{"amount": "-6"}, {"amount": "-5"}])
    assert [part["amount"] for part in together.json()["splits"]] == ["-6.00", "-5.00"]
    same = await household.change(path, "*", note="x", amount="-11.00", category_id=None)
    assert (same.status_code, len(same.json()["splits"])) == (200, 2)
    whole = (await household.change(path, "*", splits=[], category_id=FOOD)).json()
    assert (whole["splits"], whole["category_id"], whole["categorised_by"]) == ([], FOOD, "user")


async def test_the_filter_by_category_finds_the_parts(
    household: Any, shopping: Any, client: httpx2.AsyncClient
) -> None:
    await split(client, shopping, HALVES)
    for category, found in ((GROCERIES, 1), (FOOD, 1), (SAVINGS, 0), ("uncategorised", 1)):
        assert len(await household.rows(category_id=category)) == found, category
    await split(client, shopping, [{"amount": "-6", "category_id": FOOD}, {"amount": "-4", "category_id": SAVINGS}])
    for category, found in ((GROCERIES, 0), (FOOD, 1), (SAVINGS, 1), ("uncategorised", 0)):
        assert len(await household.rows(category_id=category)) == found, category


async def test_rules_leave_split_rows_alone(household: Any, shopping: Any, client: httpx2.AsyncClient) -> None:
    before = (await split(client, shopping, HALVES)).json()
    rule = {
        "conditions": [{"field": "text", "operator": "contains", "value": "market"}],
        "actions": {"category_id": SAVINGS},
    }
    assert (await client.post("/v1/rules", json=rule)).status_code == 201
    await client.post("/v1/rules/apply")
    assert await household.rows() == [before]
    whole = (await split(client, shopping, [])).json()
    assert (whole["category_id"], whole["categorised_by"]) == (SAVINGS, "rule")


PENDING = "Type,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance,Product\n"


@pytest.mark.parametrize(("amount", "parts_kept"), [("-10.00", 2), ("-10.50", 0)])
async def test_a_booking_takes_over_the_parts_of_its_announcement_if_it_is_as_large(
    household: Any, client: httpx2.AsyncClient, amount: str, parts_kept: int
) -> None:
    line = "CARD_PAYMENT,2026-03-01 10:00:00,{},Bakery,{},0.00,EUR,{},{},Current\n"
    account_id = (await household.account())["id"]
    await household.upload((PENDING + line.format("", "-10.00", "PENDING", "")).encode(), account_id=account_id)
    announced = (await household.rows())[0]
    kept = (await split(client, announced, HALVES)).json()["splits"]
    booking = line.format("2026-03-02 10:00:00", amount, "COMPLETED", "90.00")
    booked = await household.upload((PENDING + booking).encode(), account_id=account_id)
    row = (await household.rows())[0]
    assert (row["pending"], row["amount"], len(row["splits"])) == (False, amount, parts_kept)
    if parts_kept:
        assert [{**part, "id": None} for part in row["splits"]] == [{**part, "id": None} for part in kept]
        assert (row["category_id"], row["categorised_by"], row["edited_at"]) == (None, "user", None)
    await client.post(f"/v1/imports/{booked['id']}/undo")
    assert (await household.rows())[0]["splits"] == kept


async def test_the_ledger_has_a_row_for_each_part(
    household: Any, client: httpx2.AsyncClient, ofx: Callable[..., bytes], row: Any
) -> None:
    account = await household.account()
    before = await household.enter(account, "5", booking_date="2026-01-01")
    wanted = [
        {"amount": "-6", "category_id": GROCERIES},
        {"amount": "-5", "category_id": SAVINGS},
        {"amount": "1"},
    ]
    market = await household.enter(
        account, "-10", booking_date="2026-01-02", counterparty="Market", tags=["b", "a"], splits=wanted
    )
    marked = await household.enter(account, "-1", booking_date="2026-01-03", category_id=FOOD, marked_transfer=True)
    deleted = await household.enter(account, "-2", splits=[{"amount": "-1"}, {"amount": "-1"}])
    await household.delete(f"/v1/transactions/{deleted['id']}", 1)
    frame = pl.read_ipc_stream((await client.get("/v1/ledger")).content)
    assert frame.schema == LEDGER_SCHEMA
    ids = [part["id"] for part in market["splits"]]
    columns = frame.select("id", "transaction_id", "booking_date", "amount_micros", "kind", "category_id", "tags")
    day, unit = date(2026, 1, 2), 1_000_000
    assert columns.rows() == [
        (before["id"], before["id"], date(2026, 1, 1), 5 * unit, "income", None, []),
        (ids[0], market["id"], day, -6 * unit, "expense", GROCERIES, ["a", "b"]),
        (ids[1], market["id"], day, -5 * unit, "transfer", SAVINGS, ["a", "b"]),
        (ids[2], market["id"], day, 1 * unit, "income", None, ["a", "b"]),
        (marked["id"], marked["id"], date(2026, 1, 3), -1 * unit, "transfer", FOOD, []),
    ]
    assert Decimal(frame["amount_micros"].sum()) / unit == await household.total()
    assert frame["merchant"].to_list()[1:4] == ["MARKET"] * 3
    table = pl.read_csv((await client.get("/v1/ledger", params={"format": "csv"})).content, infer_schema=False)
    assert table["tags"].to_list() == [None, "a, b", "a, b", "a, b", None]
    assert table["transaction_id"].to_list() == frame["transaction_id"].to_list()


async def test_both_sides_of_a_linked_transfer_are_neither_income_nor_spending(
    household: Any, client: httpx2.AsyncClient
) -> None:
    mine, other = await household.account(name="A"), await household.account(name="B")
    out = await household.enter(mine, "-50", description="to B")
    into = await household.enter(other, "50", description="from A")
    linked = await client.post("/v1/transfers", json={"transaction_ids": [out["id"], into["id"]]})
    assert linked.status_code in {200, 201}, linked.text
    frame = pl.read_ipc_stream((await client.get("/v1/ledger")).content)
    assert dict(frame.select("id", "kind").rows()) == {out["id"]: "transfer", into["id"]: "transfer"}


def state_of(amount: Decimal) -> RowState:
    return RowState.of(
        Transaction(
            user_id=uuid4(),
            account_id=uuid4(),
            identity="bank:1",
            booking_date=date(2026, 1, 1),
            amount=amount,
            currency="EUR",
        )
    )


EDITS = st.one_of(
    st.builds(lambda amount: ("amount", amount), AMOUNTS),
    st.builds(lambda amounts: ("splits", amounts), st.lists(AMOUNTS, min_size=2, max_size=5)),
    st.builds(lambda cuts: ("balanced", cuts), st.lists(AMOUNTS, min_size=1, max_size=4)),
    st.just(("whole", None)),
    st.just(("category", None)),
)


@given(AMOUNTS, st.lists(EDITS, max_size=12))
def test_whatever_is_done_to_a_row_its_parts_sum_to_it(amount: Decimal, edits: list[tuple[str, Any]]) -> None:
    state = state_of(amount)
    for what, value in edits:
        change = Edit()
        match what:
            case "amount":
                change["amount"] = value
            case "splits" | "balanced":
                amounts = value if what == "splits" else [*value, state.amount - sum(value, Decimal(0))]
                change["splits"] = parts([(one, None, None) for one in amounts], state.splits)
            case "whole":
                change["splits"] = ()
            case "category":
                change["category_id"] = UUID(FOOD)
        try:
            state = edited(state, change, lambda _facts: NOTHING)
        except SplitsDiffer as problem:
            total = sum((part.amount for part in change["splits"]), Decimal(0))
            assert what == "splits"
            assert total != state.amount
            assert amount_text(state.amount - total) in str(problem.detail)
        except RowIsSplit:
            assert what in {"amount", "category"}
            assert state.splits
        assert not state.splits or sum((part.amount for part in state.splits), Decimal(0)) == state.amount
        assert not state.splits or state.category_id is None
        assert len({part.id for part in state.splits}) == len(state.splits) != 1

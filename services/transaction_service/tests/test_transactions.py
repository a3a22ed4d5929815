"""Rows over HTTP: entering, editing, deleting, and the list with its filters."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from api_common.pagination import Page
from transaction_service.categories.defaults import default_category_id
from transaction_service.schemas.transactions import TransactionSchema

GROCERIES = str(default_category_id("food/groceries"))
FOOD = str(default_category_id("food"))


async def test_a_row_entered_by_hand_can_be_read_edited_and_deleted(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    entered = await household.enter(account, "-12.5", description="Weekly market", counterparty="Market", note="cash")
    assert (entered["amount"], entered["currency"], entered["import_id"]) == ("-12.50", "EUR", None)
    path = f"/v1/transactions/{entered['id']}"
    read = await client.get(path)
    assert (read.json(), read.headers["etag"]) == (entered, '"1"')
    changed = await household.change(
        path, 1, amount="-13", description="Fair", counterparty=None, value_date="2026-03-02"
    )
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    expected = {
        "amount": "-13.00",
        "description": "Fair",
        "counterparty": None,
        "merchant": "FAIR",
        "value_date": "2026-03-02",
        "version": 2,
    }
    assert changed.json() == entered | expected | {"edited_at": changed.json()["edited_at"]}
    assert (await household.delete(path, 1)).status_code == 412
    assert (await household.delete(path, 2)).status_code == 204
    gone = await client.get(path)
    assert (gone.status_code, gone.json()["code"]) == (404, "transaction_not_found")


async def test_the_merchant_follows_the_texts_unless_the_user_chose_it(household: Any) -> None:
    row = await household.enter(await household.account(), "-1", description="TESCO STORES 3217")
    path = f"/v1/transactions/{row['id']}"
    changes = ({"description": "ALDI 12345"}, {"counterparty": "Lidl"}, {"merchant": "Mine"}, {"counterparty": "Rewe"})
    merchants = [(await household.change(path, "*", **change)).json()["merchant"] for change in changes]
    assert [row["merchant"], *merchants] == ["TESCO", "ALDI", "LIDL", "Mine", "Mine"]


async def test_the_bank_s_own_text_is_kept_for_ever(household: Any, ofx: Callable[..., bytes], row: Any) -> None:
    await household.upload(ofx(row("2026-03-02", "-1", name="POS 123 BAKERY")))
    booked = (await household.rows())[0]
    refused = await household.change(f"/v1/transactions/{booked['id']}", 1, description="Bread")
    assert (refused.status_code, refused.json()["code"]) == (422, "raw_text_kept")


async def test_a_row_is_in_the_currency_of_its_account(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account(currency="USD")
    body = {"account_id": account["id"], "booking_date": "2026-03-01", "amount": "1", "currency": "EUR"}
    refused = await client.post("/v1/transactions", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "currency_differs")


async def test_a_row_sent_again_with_its_own_id_is_booked_once(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    row_id = str(uuid4())
    first, second = [await household.enter(account, "-1", id=row_id) for _ in range(2)]
    assert first == second
    assert len(await household.rows()) == 1
    body = {"id": row_id, "account_id": account["id"], "booking_date": "2026-03-01", "amount": "-2"}
    other = await client.post("/v1/transactions", json=body)
    assert (other.status_code, other.json()["code"]) == (409, "id_taken")
    await household.delete(f"/v1/transactions/{row_id}", 1)
    deleted = await client.post("/v1/transactions", json={**body, "amount": "-1"})
    assert deleted.status_code == 409


@pytest.fixture
async def shopping(household: Any) -> Any:
    """Two accounts with five rows, one of them categorised."""
    checking, card = await household.account(name="Checking"), await household.account(name="Card")
    await household.enter(checking, "-30", booking_date="2026-01-10", counterparty="MÜLLER Straße", note="100% wool")
    await household.enter(checking, "2500", booking_date="2026-01-31", description="Salary")
    await household.enter(checking, "-700", booking_date="2026-02-01", description="Rent")
    await household.enter(
        card, "-12.34", booking_date="2026-02-03", description="Rewe sagt Danke", category_id=GROCERIES
    )
    await household.enter(card, "-0.01", booking_date="2026-02-03", description="Fee_x", category_id=FOOD)
    household.checking, household.card = checking["id"], card["id"]
    return household


@pytest.mark.parametrize(
    ("filters", "amounts"),
    [
        ({}, ["-30.00", "2500.00", "-700.00", "-12.34", "-0.01"]),
        ({"from": "2026-01-31", "to": "2026-02-01"}, ["2500.00", "-700.00"]),
        ({"amount_min": "-30", "amount_max": "-0.01"}, ["-30.00", "-12.34", "-0.01"]),
        ({"amount_min": "-0.009999"}, ["2500.00"]),
        ({"category_id": FOOD}, ["-12.34", "-0.01"]),
        ({"category_id": GROCERIES}, ["-12.34"]),
        ({"category_id": "uncategorised", "to": "2026-01-31"}, ["-30.00", "2500.00"]),
        ({"q": "müller"}, ["-30.00"]),
        ({"q": "Müller STRASSE"}, ["-30.00"]),
        ({"q": "100% w"}, ["-30.00"]),
        ({"q": "x fee"}, ["-0.01"]),
        ({"q": "%"}, []),
        ({"q": "nothing like this"}, []),
    ],
)
async def test_the_list_shows_the_rows_that_pass_all_filters(
    shopping: Any, filters: dict[str, str], amounts: list[str]
) -> None:
    assert [row["amount"] for row in await shopping.rows(**filters)] == amounts


async def test_the_list_can_be_limited_to_several_accounts(shopping: Any, client: httpx2.AsyncClient) -> None:
    assert [r["amount"] for r in await shopping.rows(account_id=shopping.card)] == ["-12.34", "-0.01"]
    assert len(await shopping.rows(account_id=[shopping.card, shopping.checking])) == 5
    unknown = await client.get("/v1/transactions", params={"account_id": str(uuid4())})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "account_not_found")
    category = await client.get("/v1/transactions", params={"category_id": str(uuid4())})
    assert (category.status_code, category.json()["code"]) == (404, "category_not_found")


@pytest.mark.parametrize(
    "parameters",
    [
        {"from": "yesterday"},
        {"amount_min": "ten"},
        {"category_id": "food"},
        {"sort": "colour"},
        {"limit": "501"},
        {"cursor": "abc"},
        {"colour": "red"},
        {"account_id": "1"},
        {"q": "a\x00b"},
    ],
)
async def test_a_malformed_filter_is_refused(client: httpx2.AsyncClient, parameters: dict[str, str]) -> None:
    refused = await client.get("/v1/transactions", params=parameters)
    assert refused.status_code == 422
    assert refused.json()["code"] in {"invalid_request", "invalid_cursor", "unknown_parameter"}


@pytest.mark.parametrize(
    ("parameters", "pointer"),
    [
        ({"from": "2026-02-01", "to": "2026-01-31"}, "/query/from"),
        ({"amount_min": "2", "amount_max": "1"}, "/query/amount_min"),
    ],
)
async def test_a_range_that_ends_before_it_starts_is_refused(
    client: httpx2.AsyncClient, parameters: dict[str, str], pointer: str
) -> None:
    refused = await client.get("/v1/transactions", params=parameters)
    assert (refused.status_code, refused.json()["code"]) == (422, "range_reversed")
    assert refused.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("sort", ["booking_date", "-booking_date"])
async def test_pages_show_every_row_once_in_order_while_rows_come_and_go(
    household: Any, client: httpx2.AsyncClient, sort: str
) -> None:
    account = await household.account()
    start = date(2026, 1, 1)
    rows = [
        await household.enter(account, str(n + 1), booking_date=str(start + timedelta(days=n // 2))) for n in range(7)
    ]
    parameters: dict[str, Any] = {"limit": 3, "sort": sort}
    first = await client.get("/v1/transactions", params=parameters)
    seen = [row["id"] for row in first.json()["items"]]
    await household.delete(f"/v1/transactions/{seen[-1]}", 1)
    link = first.headers["link"].split(">")[0].removeprefix("<")
    while link:
        page = await client.get(link)
        seen += [row["id"] for row in page.json()["items"]]
        link = page.headers["link"].split(">")[0].removeprefix("<") if "link" in page.headers else ""
    expected = [row["id"] for row in sorted(rows, key=lambda row: (row["booking_date"], row["id"]))]
    assert seen == (expected if sort == "booking_date" else expected[::-1])


async def test_the_list_s_rows_are_those_of_its_model(shopping: Any, client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v1/transactions")
    model = Page[TransactionSchema].model_validate_json(answer.content)
    assert model.model_dump(mode="json") == answer.json()
    assert len(model.items) == 5


async def test_the_number_of_queries_does_not_depend_on_the_page(
    shopping: Any, client: httpx2.AsyncClient, counted_queries: Any
) -> None:
    counts = []
    for limit in (1, 5):
        with counted_queries() as statements:
            await client.get("/v1/transactions", params={"limit": limit, "from": "2000-01-01"})
        counts.append(len(statements))
    assert counts == [1, 1]


async def test_another_user_s_rows_do_not_exist(
    household: Any, client: httpx2.AsyncClient, stranger: dict[str, str]
) -> None:
    entered = await household.enter(await household.account(), "-1")
    path, match = f"/v1/transactions/{entered['id']}", {"If-Match": "*", **stranger}
    answers = [
        await client.get(path, headers=stranger),
        await client.patch(path, json={"amount": "5"}, headers=match),
        await client.delete(path, headers=match),
    ]
    assert [(a.status_code, a.json()["code"]) for a in answers] == [(404, "transaction_not_found")] * 3
    assert (await client.get("/v1/transactions", headers=stranger)).json()["items"] == []
    assert (await client.get(path)).json() == entered

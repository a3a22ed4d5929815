"""Accounts over HTTP: balances, preconditions, idempotency, deletion, and other people's accounts."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest


async def test_a_balance_is_the_opening_balance_and_the_booked_rows_from_the_opening_date_on(
    household: Any, client: httpx2.AsyncClient
) -> None:
    account = await household.account(opening_balance="100.10", opening_date="2026-02-01")
    assert (account["balance"], account["version"], account["transactions"]) == ("100.10", 1, 0)
    await household.enter(account, "-0.000001", booking_date="2026-02-01")
    await household.enter(account, "-50", booking_date="2026-01-31")
    read = await client.get(f"/v1/accounts/{account['id']}")
    assert (read.json()["balance"], read.json()["transactions"]) == ("100.099999", 2)
    assert read.headers["etag"] == '"1"'
    earlier = await household.change(f"/v1/accounts/{account['id']}", 1, opening_date=None)
    assert (earlier.json()["balance"], earlier.json()["opening_date"]) == ("50.099999", None)


async def test_a_balance_may_be_larger_than_any_amount(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    for _ in range(12):
        await household.enter(account, "999999999999.999999")
        await household.enter(account, "-0.000002")
    read = await client.get(f"/v1/accounts/{account['id']}")
    assert read.json()["balance"] == "11999999999999.999964"


async def test_a_change_needs_the_version_that_the_client_has_seen(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    path = f"/v1/accounts/{account['id']}"
    missing = await client.patch(path, json={"name": "New"})
    assert (missing.status_code, missing.json()["code"]) == (428, "if_match_required")
    changed = await household.change(path, 1, name="New", archived=True, type="savings")
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (changed.json()["name"], changed.json()["archived"], changed.json()["type"]) == ("New", True, "savings")
    stale = await household.change(path, 1, name="Newer")
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    assert (await client.get(path)).json()["name"] == "New"
    nothing = await household.change(path, 2, name=None)
    assert nothing.status_code == 422
    currency = await household.change(path, 2, currency="USD")
    assert currency.status_code == 422


async def test_lists_show_archived_accounts_only_when_asked(household: Any, client: httpx2.AsyncClient) -> None:
    first, second = await household.account(name="A"), await household.account(name="B")
    await household.change(f"/v1/accounts/{first['id']}", 1, archived=True)
    for archived, names in ((None, ["A", "B"]), ("true", ["A"]), ("false", ["B"])):
        answer = await client.get("/v1/accounts", params={} if archived is None else {"archived": archived})
        assert [account["name"] for account in answer.json()["items"]] == names
    page = await client.get("/v1/accounts", params={"limit": 1})
    assert 'rel="next"' in page.headers["link"]
    rest = await client.get("/v1/accounts", params={"limit": 1, "cursor": page.json()["next_cursor"]})
    assert ([a["id"] for a in rest.json()["items"]], rest.json()["next_cursor"]) == ([second["id"]], None)


async def test_references_belong_to_one_account_and_are_replaced_as_a_whole(
    household: Any, client: httpx2.AsyncClient
) -> None:
    references = [{"number": "DE44 1", "bank": "GENODE"}, {"name": "Household"}]
    first = await household.account(references=references)
    assert [r["number"] for r in first["references"]] == ["DE44 1", None]
    second = await household.account(name="Second")
    taken = await household.change(f"/v1/accounts/{second['id']}", 1, references=[{"name": "household"}])
    assert (taken.status_code, taken.json()["code"]) == (409, "reference_taken")
    freed = await household.change(f"/v1/accounts/{first['id']}", 1, references=[{"number": "DE44 1"}])
    assert [r["name"] for r in freed.json()["references"]] == [None]
    given = await household.change(f"/v1/accounts/{second['id']}", 1, references=[{"name": "household"}])
    assert (given.status_code, given.json()["version"]) == (200, 2)
    nameless = await client.post("/v1/accounts", json={"name": "X", "currency": "EUR", "references": [{"bank": "B"}]})
    assert nameless.status_code == 422


async def test_deleting_an_account_with_rows_asks_first_and_says_what_went(
    household: Any, client: httpx2.AsyncClient, ofx: Callable[..., bytes], row: Any
) -> None:
    booked = await household.upload(ofx(row("2026-03-01", "-5"), row("2026-03-02", "-6"), closing="-11"))
    path = f"/v1/accounts/{booked['accounts'][0]['account_id']}"
    refused = await household.delete(path, 1)
    assert (refused.status_code, refused.json()["code"]) == (409, "account_has_transactions")
    assert refused.json()["transactions"] == 2
    deleted = await household.delete(path, 1, with_transactions="true")
    assert deleted.json() == {"deleted": {"accounts": 1, "transactions": 2}, "disabled_rules": []}
    assert (await client.get(path)).status_code == 404
    assert await household.rows() == []
    empty = await household.account()
    assert (await household.delete(f"/v1/accounts/{empty['id']}", 1)).json()["deleted"]["transactions"] == 0


async def test_a_repeated_creation_makes_one_account(household: Any, client: httpx2.AsyncClient) -> None:
    body = {"id": str(uuid4()), "name": "Cash", "currency": "EUR", "type": "cash"}
    first, second = [await client.post("/v1/accounts", json=body) for _ in range(2)]
    assert (first.status_code, second.status_code, second.json()) == (201, 201, first.json())
    other = await client.post("/v1/accounts", json={**body, "name": "Wallet"})
    assert (other.status_code, other.json()["code"]) == (409, "id_taken")
    headers = {"Idempotency-Key": "k"}
    keyed = [await client.post("/v1/accounts", json={"name": "K", "currency": "EUR"}, headers=headers) for _ in "12"]
    assert keyed[0].json() == keyed[1].json()
    assert len((await client.get("/v1/accounts")).json()["items"]) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"name": "X", "currency": "XYZ"},
        {"name": " ", "currency": "EUR"},
        {"name": "X", "currency": "EUR", "type": "piggy_bank"},
        {"name": "X", "currency": "EUR", "opening_balance": 0.1},
        {"name": "X", "currency": "EUR", "opening_balance": "0.0000001"},
        {"name": "X", "currency": "EUR", "opening_balance": "NaN"},
        {"name": "X", "currency": "EUR", "colour": "red"},
        {"name": "X\x00", "currency": "EUR"},
        {"currency": "EUR"},
    ],
)
async def test_a_malformed_account_is_refused_with_the_place(client: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    refused = await client.post("/v1/accounts", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert refused.json()["errors"][0]["pointer"].startswith("/body/")


async def test_another_user_s_account_does_not_exist(
    household: Any, client: httpx2.AsyncClient, stranger: dict[str, str]
) -> None:
    account = await household.account()
    path, match = f"/v1/accounts/{account['id']}", {"If-Match": "*", **stranger}
    row = {"account_id": account["id"], "booking_date": "2026-03-01", "amount": "1"}
    answers = [
        await client.get(path, headers=stranger),
        await client.patch(path, json={"name": "Mine"}, headers=match),
        await client.delete(path, params={"with_transactions": "true"}, headers=match),
        await client.get("/v1/transactions", params={"account_id": account["id"]}, headers=stranger),
        await client.post("/v1/transactions", json=row, headers=stranger),
        await client.post(
            "/v1/imports",
            params={"account_id": account["id"]},
            content=b"Date,Description,Amount,Currency\n2026-04-02,Rent,-700.00,EUR\n",
            headers=stranger,
        ),
    ]
    assert [(a.status_code, a.json()["code"]) for a in answers] == [(404, "account_not_found")] * len(answers)
    assert (await client.get("/v1/accounts", headers=stranger)).json()["items"] == []
    assert (await client.get(path)).json()["name"] == "Checking"

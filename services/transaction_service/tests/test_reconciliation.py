"""The ledger beside every balance that is known of an account: agreement, gaps, and what may have made them."""

from collections.abc import Callable
from typing import Any

import httpx2


async def timeline(client: httpx2.AsyncClient, account: Any, **parameters: Any) -> dict[str, Any]:
    answer = await client.get(f"/v1/accounts/{account['id']}/reconciliation", params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def assert_balance(client: httpx2.AsyncClient, account: Any, date: str, amount: str) -> dict[str, Any]:
    body = {"date": date, "amount": amount}
    answer = await client.post(f"/v1/accounts/{account['id']}/assertions", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def short(found: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    return [
        (item["date"], item["source"], item["stated"], item["ledger"], item["status"]) for item in found["items"]
    ]


async def test_asserted_balances_are_compared_with_the_ledger(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account(opening_balance="100.00", opening_date="2026-01-01")
    await household.enter(account, "-30", booking_date="2026-01-10")
    missing = await household.enter(account, "-12.50", booking_date="2026-02-10", description="Dentist")
    january = await assert_balance(client, account, "2026-01-31", "70.00")
    february = await assert_balance(client, account, "2026-02-28", "70.00")
    found = await timeline(client, account)
    assert found["anchor"] == {"source": "opening_balance", "date": "2026-01-01", "amount": "100.00"}
    assert short(found) == [
        ("2026-01-31", "assertion", "70.00", "70.00", "adds_up"),
        ("2026-02-28", "assertion", "70.00", "57.50", "gap"),
    ]
    assert [item["assertion_id"] for item in found["items"]] == [january["id"], february["id"]]
    gap = found["items"][1]["gap"]
    assert (gap["amount"], gap["after"], gap["until"]) == ("12.50", "2026-01-31", "2026-02-28")
    assert [(c["cause"], c["transaction_id"]) for c in gap["likely"]] == [("not_in_statement", missing["id"])]

"""Transfers between one's own accounts: found at import and on demand, decided by the user, never income or spending."""

from collections.abc import Callable
from typing import Any

import httpx2
from transaction_service.default_categories import default_category_id

IBAN, OTHER_IBAN = "DE89370400440532013000", "DE44500105175407324931"
CSV = "Booking date;Amount;Currency;Counterparty;IBAN;Purpose\n"


async def two_accounts(household: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    checking = await household.account(name="Checking", references=[{"number": IBAN}])
    savings = await household.account(name="Rainy days", type="savings", references=[{"number": OTHER_IBAN}])
    return checking, savings


async def transfers(client: httpx2.AsyncClient, **filters: Any) -> list[dict[str, Any]]:
    answer = await client.get("/v1/transfers", params=filters)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def find(client: httpx2.AsyncClient) -> dict[str, int]:
    answer = await client.post("/v1/transfers/find")
    assert answer.status_code == 200, answer.text
    found: dict[str, int] = answer.json()
    return found


async def test_rows_whose_texts_name_the_other_account_are_proposed_once(
    household: Any, client: httpx2.AsyncClient
) -> None:
    checking, savings = await two_accounts(household)
    out = await household.enter(checking, "-200", counterparty="Rainy Days", booking_date="2026-03-01")
    inc = await household.enter(savings, "200", booking_date="2026-03-03")
    await household.enter(checking, "-2.80", description="Bakery")
    assert await find(client) == {"linked": 0, "proposed": 1}
    assert await find(client) == {"linked": 0, "proposed": 0}
    (proposed,) = await transfers(client, status="proposed")
    assert (proposed["outgoing"]["transaction_id"], proposed["incoming"]["transaction_id"]) == (out["id"], inc["id"])
    assert (proposed["reasons"], proposed["rate"]) == (["account_name", "equal_amount"], None)
    assert await transfers(client, status="linked") == await transfers(client, status="rejected") == []

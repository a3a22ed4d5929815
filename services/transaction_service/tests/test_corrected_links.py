"""Links that the user made between rows which a bank takes back: they stand again when the correction is undone."""

from typing import Any

import httpx2
import pytest
from corrected_files import DELETED, OLD, REPLACED, amounts, undo


async def links(client: httpx2.AsyncClient) -> list[tuple[str, str, str]]:
    """The linked transfers: outgoing and incoming amount, and who has linked them."""
    found = (await client.get("/v1/transfers", params={"status": "linked"})).json()["items"]
    return [(t["outgoing"]["amount"], t["incoming"]["amount"], t["decided_by"]) for t in found]


async def link(client: httpx2.AsyncClient, one: dict[str, Any], other: dict[str, Any]) -> None:
    answer = await client.post("/v1/transfers", json={"transaction_ids": [one["id"], other["id"]]})
    assert answer.status_code == 201, answer.text


async def of_amount(household: Any, amount: str) -> dict[str, Any]:
    (found,) = [row for row in await household.rows() if row["amount"] == amount]
    return dict(found)


@pytest.mark.parametrize("correction", [REPLACED, DELETED])
async def test_a_link_that_the_user_made_stands_again_when_the_correction_is_undone(client, household, correction):
    savings = await household.account(name="Savings", currency="USD")
    far_off = await household.enter(savings, "11.50", booking_date="2026-05-02")
    await household.upload(OLD)
    await link(client, await of_amount(household, "-10.00"), far_off)
    first = await household.upload(correction)
    assert await links(client) == []
    second = await household.upload(correction)
    await undo(client, first)
    assert await links(client) == []
    await undo(client, second)
    assert await links(client) == [("-10.00", "11.50", "user")]
    assert (await of_amount(household, "-10.00"))["transfer_id"] is not None


async def test_a_row_that_has_another_partner_by_now_keeps_that_one(client, household):
    savings = await household.account(name="Savings")
    partner = await household.enter(savings, "10.00", booking_date="2026-05-02")
    other = await household.account(name="Other")
    instead = await household.enter(other, "-10.00", booking_date="2026-05-02", description="Instead")
    await household.upload(OLD)
    (tea,) = [row for row in await household.rows() if row["description"] == "Tea"]
    await link(client, tea, partner)
    booked = await household.upload(REPLACED)
    await link(client, instead, partner)
    await undo(client, booked)
    assert await links(client) == [("-10.00", "10.00", "user")]
    assert (await client.get(f"/v1/transactions/{tea['id']}")).json()["transfer_id"] is None


async def test_a_link_of_two_rows_that_were_both_corrected_stands_again_when_both_stand(client, household):
    def savings(content: bytes) -> bytes:
        return content.replace(b"1234", b"5678").replace(b"-1", b"1")

    for order in ((0, 1), (1, 0)):
        old = [await household.upload(OLD), await household.upload(savings(OLD))]
        await client.post("/v1/transfers/find")
        for transfer in (await client.get("/v1/transfers")).json()["items"]:
            await client.delete(f"/v1/transfers/{transfer['id']}", headers={"If-Match": "*"})
        await link(client, await of_amount(household, "-10.00"), await of_amount(household, "10.00"))
        corrections = [await household.upload(REPLACED), await household.upload(savings(REPLACED))]
        assert ("-10.00", "10.00", "user") not in await links(client)
        for number in order:
            await undo(client, corrections[number])
        assert await links(client) == [("-10.00", "10.00", "user")]
        for booked in old:
            await undo(client, booked)
        assert await amounts(household) == []

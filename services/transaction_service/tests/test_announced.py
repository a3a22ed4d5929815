"""Rows that a bank announces, and what becomes of them when it books them; and decisions that are remembered."""

from datetime import date
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from bank_files import BankRow, camt, march, renamed
from imported import counts, decide, proposals


@pytest.mark.parametrize(
    ("booking", "becomes"),
    [
        (march(4, "-44.00", "Restaurant Zoo"), "replaced"),
        (march(4, "-40.00", "RESTAURANT ZOO 0815 BERLIN"), "replaced"),
        (march(4, "-80.00", "Restaurant Zoo"), "booked"),
        (march(4, "-40.00", "Insurance"), "booked"),
    ],
)
async def test_a_booking_takes_the_place_of_a_pending_row_that_moved_a_little(
    household: Any, booking: BankRow, becomes: str
) -> None:
    pending = march(3, "-40.00", "Restaurant Zoo", pending=True)
    await household.upload(camt([pending]))
    assert counts(await household.upload(camt([booking]))) == {"read": 1, becomes: 1}
    assert len(await household.rows()) == (1 if becomes == "replaced" else 2)


async def test_two_pending_rows_that_a_booking_may_be_are_both_left(household: Any) -> None:
    rows = [march(3, "-40.00", "Restaurant Zoo", pending=True), march(3, "-42.00", "Restaurant Zoo", pending=True)]
    await household.upload(camt(rows))
    assert counts(await household.upload(camt([march(4, "-44.00", "Restaurant Zoo")]))) == {"read": 1, "booked": 1}
    exact = camt([march(5, "-42.00", "Restaurant Zoo")])
    assert counts(await household.upload(exact))["replaced"] == 1


async def test_an_edited_pending_row_is_replaced_and_a_deleted_one_stays_deleted(household: Any) -> None:
    for change, left in (({"amount": "-50", "counterparty": "Mine", "booking_date": "2026-03-30"}, 1), (None, 0)):
        account = f"DE{left}"
        await household.upload(camt([march(3, "-40.00", "Zoo", pending=True)], account=account))
        (row,) = [r for r in await household.rows() if r["pending"]]
        if change is None:
            await household.delete(f"/v1/transactions/{row['id']}", row["version"])
        else:
            await household.change(f"/v1/transactions/{row['id']}", row["version"], **change)
        answer = await household.upload(camt([march(5, "-40.00", "Zoo")], account=account))
        assert answer["booked"] == 0
        rows = await household.rows(account_id=answer["accounts"][0]["account_id"])
        assert [(r["pending"], r["amount"]) for r in rows] == [(False, "-40.00")][:left]


async def test_a_pending_row_that_comes_after_its_booking_does_not_stay(
    household: Any, client: httpx2.AsyncClient
) -> None:
    pending, booked = camt([march(3, "-40.00", "Zoo", pending=True)]), camt([march(5, "-40.00", "Zoo")])
    first = await household.upload(booked)
    assert counts(await household.upload(pending)) == {"read": 1, "repeated": 1}
    assert [r["pending"] for r in await household.rows()] == [False]
    assert counts(await household.upload(pending)) == {"read": 1, "repeated": 1}
    await client.post(f"/v1/imports/{first['id']}/undo")
    assert [r["pending"] for r in await household.rows()] == [True]


@pytest.mark.parametrize("how", ["accept", "reject"])
async def test_what_was_decided_of_a_reworded_row_is_remembered_where_ids_are_not_trusted(
    household: Any, client: httpx2.AsyncClient, how: str
) -> None:
    rows = [march(2, "-1"), march(5, "-24", "Cinema Lumiere"), march(9, "-3")]
    await household.upload(camt(renamed(rows, "a")))
    reworded = [march(2, "-1"), march(5, "-24", "CINEMA LUMIERE 0815"), march(9, "-3")]
    file = camt(renamed(reworded, "b"))
    assert counts(await household.upload(file)) == {"read": 3, "proposed": 3}
    for proposal in await proposals(client):
        await decide(client, proposal, how if proposal["reason"] == "alike" else "accept")
    for _ in range(2):
        again = await household.upload(file)
        assert (counts(again), again["accounts"][0]["trusts_bank_ids"]) == ({"read": 3, "repeated": 3}, False)
    assert len(await household.rows()) == (3 if how == "accept" else 4)
    # Another row that the bank has given the id is not the one that was decided.
    other = camt([BankRow(date(2026, 3, 5), Decimal(-24), "Bookshop", "b1")])
    assert counts(await household.upload(other))["read"] == 1
    assert len(await proposals(client, status="waiting")) + len(await household.rows()) == (4 if how == "accept" else 5)


ANNOUNCED, BOOKED = march(3, "-40", "Zoo", pending=True), march(5, "-44", "Zoo")
WORD_FOR_WORD = camt([march(3, "-40", "Zoo"), march(4, "-1", "Bus")])


@pytest.mark.parametrize("how", ["accept", "reject"])
async def test_a_row_that_was_announced_word_for_word_and_booked_otherwise_is_proposed(
    household: Any, client: httpx2.AsyncClient, how: str
) -> None:
    await household.upload(camt([ANNOUNCED]))
    assert counts(await household.upload(camt([BOOKED]))) == {"read": 1, "replaced": 1}
    first = await household.upload(WORD_FOR_WORD)
    assert counts(first) == {"read": 2, "booked": 1, "proposed": 1}
    assert counts(await household.upload(WORD_FOR_WORD)) == {"read": 2, "repeated": 1, "proposed": 1}
    (proposal,) = await proposals(client)
    assert (proposal["reason"], proposal["suspected"]["amount"]) == ("announced", "-44.00")
    await decide(client, proposal, how)
    assert len(await household.rows()) == (2 if how == "accept" else 3)
    for content in (WORD_FOR_WORD, camt([ANNOUNCED]), camt([BOOKED])):
        again = await household.upload(content)
        assert again["repeated"] == again["read"]
    for done in (await client.get("/v1/imports")).json()["items"]:
        await client.post(f"/v1/imports/{done['id']}/undo")
    assert (await household.rows(), await proposals(client)) == ([], [])


async def test_a_file_that_has_both_the_announced_row_and_its_booking_brings_two_rows(household: Any) -> None:
    await household.upload(camt([ANNOUNCED]))
    await household.upload(camt([BOOKED]))
    both = camt([march(3, "-40", "Zoo"), BOOKED])
    assert counts(await household.upload(both)) == {"read": 2, "booked": 1, "repeated": 1}
    for content in (both, WORD_FOR_WORD, both):
        assert (await household.upload(content))["proposed"] == 0
    assert sorted(r["amount"] for r in await household.rows()) == ["-1.00", "-40.00", "-44.00"]

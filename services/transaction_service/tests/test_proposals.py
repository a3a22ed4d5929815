"""Deciding many proposals at once."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx2
from bank_files import BankRow, camt

DAYS = [date(2026, 3, day) for day in range(2, 14)]


def statement(mark: str, rows: int = len(DAYS)) -> bytes:
    """The same rows under ids of this mark, each of another day."""
    return camt([BankRow(day, Decimal(-day.day), f"Shop {day.day}", f"{mark}{day.day}") for day in DAYS[:rows]])


async def decide(client: httpx2.AsyncClient, status: int = 200, **body: Any) -> dict[str, Any]:
    answer = await client.post("/v1/proposals/bulk", json=body)
    assert answer.status_code == status, answer.text
    decided: dict[str, Any] = answer.json()
    return decided


def counts(answer: dict[str, Any]) -> tuple[int, ...]:
    return tuple(answer[name] for name in ("matched", "decided", "booked", "removed"))


async def statuses(client: httpx2.AsyncClient) -> list[str]:
    found = (await client.get("/v1/proposals", params={"limit": 500})).json()["items"]
    return [proposal["status"] for proposal in found]


async def test_all_proposals_of_an_import_are_accepted_at_once(household: Any, client: httpx2.AsyncClient) -> None:
    first = await household.upload(statement("a"))
    second = await household.upload(statement("b"))
    answer = await decide(client, decision="accepted", import_id=second["id"])
    assert counts(answer) == (12, 12, 0, 0)
    assert await statuses(client) == ["accepted"] * 12
    assert len(await household.rows()) == 12
    again = await household.upload(statement("b"))
    assert (again["repeated"], again["proposed"], again["accounts"][0]["trusts_bank_ids"]) == (12, 0, False)
    entry = (await client.get(f"/v1/journal/{answer['journal_entry_id']}")).json()
    assert (entry["action"], entry["summary"], entry["import_id"]) == (
        "proposal_accepted",
        {"proposals": 12},
        second["id"],
    )
    for done in (again, second):
        assert (await client.post(f"/v1/imports/{done['id']}/undo")).status_code == 200
    assert [row["import_id"] for row in await household.rows()] == [first["id"]] * 12
    assert await statuses(client) == []


async def test_all_proposals_of_an_import_are_rejected_at_once_and_taken_back_anew(
    household: Any, client: httpx2.AsyncClient
) -> None:
    await household.upload(statement("a"))
    second = await household.upload(statement("b"))
    assert counts(await decide(client, decision="rejected", import_id=second["id"])) == (12, 12, 12, 0)
    assert len(await household.rows()) == 24
    assert counts(await decide(client, decision="rejected", import_id=second["id"])) == (0, 0, 0, 0)
    assert counts(await decide(client, decision="accepted", import_id=second["id"])) == (0, 0, 0, 0)
    assert counts(await decide(client, decision="accepted", import_id=second["id"], anew=True)) == (12, 12, 0, 12)
    assert (len(await household.rows()), await statuses(client)) == (12, ["accepted"] * 12)
    assert counts(await decide(client, decision="rejected", import_id=second["id"], anew=True)) == (12, 12, 12, 0)
    assert (await client.post(f"/v1/imports/{second['id']}/undo")).json()["removed"] == 12
    assert len(await household.rows()) == 12


async def test_named_proposals_are_decided_all_or_none(household: Any, client: httpx2.AsyncClient) -> None:
    await household.upload(statement("a"))
    await household.upload(statement("b"))
    ids = [proposal["id"] for proposal in (await client.get("/v1/proposals")).json()["items"]]
    await client.post(f"/v1/proposals/{ids[0]}/reject")
    refused = await decide(client, 409, decision="accepted", ids=ids[:3])
    assert refused["code"] == "proposal_decided"
    unknown = str(uuid4())
    refused = await decide(client, 422, decision="accepted", ids=[ids[1], unknown])
    assert (refused["code"], refused["unknown"]) == ("proposals_unknown", [unknown])
    assert (await statuses(client)).count("waiting") == 11
    assert counts(await decide(client, decision="rejected", ids=[*ids[:3], ids[0]])) == (3, 2, 2, 0)
    assert len(await household.rows()) == 15
    bodies: list[dict[str, Any]] = [{}, {"ids": ids, "import_id": unknown}, {"ids": []}]
    for body in (*bodies, {"ids": ids, "decision": "waiting"}):
        assert (await decide(client, 422, **{"decision": "accepted", **body}))["code"] == "invalid_request"


async def test_a_repeated_request_decides_once(household: Any, client: httpx2.AsyncClient) -> None:
    await household.upload(statement("a"))
    second = await household.upload(statement("b"))
    body, headers = {"decision": "rejected", "import_id": second["id"]}, {"Idempotency-Key": "decide-1"}
    one, other = [await client.post("/v1/proposals/bulk", json=body, headers=headers) for _ in range(2)]
    assert one.status_code == other.status_code == 200
    assert one.json() == other.json()
    assert counts(one.json()) == (12, 12, 12, 0)


async def test_others_proposals_are_unknown(
    household: Any, client: httpx2.AsyncClient, stranger: dict[str, str]
) -> None:
    await household.upload(statement("a"))
    second = await household.upload(statement("b"))
    ids = [proposal["id"] for proposal in (await client.get("/v1/proposals")).json()["items"]]
    for body, code in (
        ({"ids": ids}, "proposals_unknown"),
        ({"import_id": second["id"]}, "import_not_found"),
    ):
        answer = await client.post("/v1/proposals/bulk", json={"decision": "rejected", **body}, headers=stranger)
        assert answer.json()["code"] == code
    assert await statuses(client) == ["waiting"] * 12


async def test_a_row_that_waits_beside_a_double_waits_beside_the_row_when_the_double_goes(
    household: Any, client: httpx2.AsyncClient
) -> None:
    first = await household.upload(statement("a", 1))
    second = await household.upload(statement("b", 1))
    await decide(client, decision="rejected", import_id=second["id"])
    third = await household.upload(statement("c", 1))
    assert third["proposed"] == 1
    fourth = await household.upload(statement("d", 1))
    assert fourth["proposed"] == 1
    rows = {row["import_id"]: row["id"] for row in await household.rows()}
    await decide(client, decision="accepted", import_id=second["id"], anew=True)
    waiting = (await client.get("/v1/proposals", params={"status": "waiting"})).json()["items"]
    assert [proposal["suspected"]["id"] for proposal in waiting] == [rows[first["id"]]] * len(waiting)
    assert len(waiting) == 2

"""Rules over HTTP: what wins, the dry run, their order, what a run takes back, and rules that are suggested."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from rule_requests import GROCERIES, RESTAURANTS, apply, condition, create, preview, rule, text


async def test_of_each_thing_the_first_rule_that_gives_it_decides_and_tags_add_up(
    household: Any, client: httpx2.AsyncClient, ofx: Callable[..., bytes], row: Any
) -> None:
    first = await create(client, rule(text("rewe"), category_id=GROCERIES, tags=["food", "Weekly"]))
    await create(client, rule(text("rewe"), category_id=RESTAURANTS, merchant="REWE", note="by rule", tags=["FOOD"]))
    await create(client, rule(text("rewe"), merchant="Other", note="other", transfer=True))
    await create(client, rule(text("rewe"), enabled=False, position=0, category_id=RESTAURANTS))
    await household.upload(ofx(row("2026-03-01", "-5", name="ReWe sagt danke"), row("2026-03-02", "-6", name="Aldi")))
    got = [
        {
            name: found[name]
            for name in (
                "category_id",
                "categorised_by",
                "rule_id",
                "merchant",
                "merchant_by",
                "note",
                "note_by",
                "tags",
                "marked_transfer",
                "transfer_by",
            )
        }
        for found in await household.rows()
    ]
    ruled = {
        "category_id": GROCERIES,
        "categorised_by": "rule",
        "rule_id": first["id"],
        "merchant": "REWE",
        "merchant_by": "rule",
        "note": "by rule",
        "note_by": "rule",
        "tags": ["Weekly", "food"],
        "marked_transfer": True,
        "transfer_by": "rule",
    }
    untouched = dict.fromkeys(ruled, None) | {"merchant": "ALDI", "tags": [], "marked_transfer": False}
    untouched |= dict.fromkeys(("categorised_by", "merchant_by", "note_by", "transfer_by"), "none")
    assert got == [ruled, untouched]
    # What rules gave can be searched for, too.
    assert len(await household.rows(q="weekly")) == len(await household.rows(q="by rule")) == 1


async def test_what_rules_gave_goes_when_none_gives_it_any_more_and_the_journal_tells(
    household: Any, client: httpx2.AsyncClient, ofx: Callable[..., bytes], row: Any
) -> None:
    await household.upload(ofx(row("2026-03-01", "-5", name="Rewe"), row("2026-03-02", "-6", name="Aldi")))
    before = await household.rows()
    wanted = rule(text("rewe"), category_id=GROCERIES, tags=["food"], merchant="Store", note="by rule", transfer=True)
    made = await create(client, wanted)
    assert [row["categorised_by"] for row in await household.rows()] == ["none", "none"]
    assert await apply(client) == {"matched": 1, "changed": 1, "cleared": 0}
    ruled = await household.rows()
    assert (ruled[0]["merchant"], ruled[0]["version"], ruled[0]["edited_at"]) == ("Store", 2, None)
    assert ruled[1] == before[1]
    await household.delete(f"/v1/rules/{made['id']}", 1)
    assert (await household.rows()) == ruled
    assert await apply(client) == {"matched": 0, "changed": 1, "cleared": 1}
    assert (await household.rows())[0] == before[0] | {"version": 3}
    assert await apply(client) == {"matched": 0, "changed": 0, "cleared": 0}
    entries = (await client.get("/v1/journal", params={"action": "rules_applied"})).json()["items"]
    assert [(entry["rows"], entry["rule_id"], entry["summary"]) for entry in entries] == [
        (1, None, {"matched": 0, "changed": 1, "cleared": 1}),
        (1, made["id"], {"matched": 1, "changed": 1, "cleared": 0}),
    ]
    changes = (await client.get(f"/v1/journal/{entries[1]['id']}")).json()["changes"]["items"]
    assert [change["transaction_id"] for change in changes] == [before[0]["id"]]
    assert changes[0]["after"] | {"rule_id": None} == {
        "category_id": GROCERIES,
        "categorised_by": "rule",
        "rule_id": None,
        "merchant": "Store",
        "merchant_by": "rule",
        "note": "by rule",
        "note_by": "rule",
        "tags": ["food"],
        "marked_transfer": True,
        "transfer_by": "rule",
    }


async def test_a_rule_follows_the_tag_that_it_asks_for_and_gives(household: Any, client: httpx2.AsyncClient) -> None:
    made = await create(client, rule(condition("tag", "equals", "Holiday"), tags=["Holiday", "Trip"], note="Sea"))
    entered = await household.enter(await household.account(), "-6", tags=["Holiday"])
    assert (await client.patch("/v1/tags/Holiday", json={"name": "Vacation"})).status_code == 200
    kept = (await client.get(f"/v1/rules/{made['id']}")).json()
    assert (kept["conditions"][0]["value"], kept["actions"]["tags"]) == ("Vacation", ["Vacation", "Trip"])
    assert (await client.post("/v1/rules/apply")).json() == {"matched": 1, "changed": 0, "cleared": 0}
    found = (await client.get(f"/v1/transactions/{entered['id']}")).json()
    assert (found["tags"], found["note"]) == (["Trip", "Vacation"], "Sea")


async def test_a_dry_run_shows_the_rows_in_pages_and_writes_nothing(
    household: Any, client: httpx2.AsyncClient, ofx: Callable[..., bytes], row: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transaction_service.repository.rules.BATCH", 3)
    await household.upload(
        ofx(*(row(f"2026-03-{day:02}", "-5", name="Rewe" if day % 2 else "Aldi") for day in range(1, 11)))
    )
    before = await household.rows()
    kept = await create(client, rule(text("aldi"), category_id=GROCERIES))
    candidate = rule(text("rewe"), tags=["x"])
    seen: list[Any] = []
    cursor: str | None = None
    while True:
        page = await preview(client, candidate, limit=4, **({"cursor": cursor} if cursor else {}))
        assert page["counts"] == (None if seen else {"matched": 10, "changed": 10, "cleared": 0})
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [shown["id"] for shown in seen] == [row["id"] for row in reversed(before)]
    assert [shown["after"]["tags"] for shown in seen] == [[], ["x"]] * 5
    assert await household.rows() == before
    # Under the id of a rule that is kept, the candidate stands in its place.
    instead = await preview(client, {**candidate, "id": kept["id"]})
    assert instead["counts"] == {"matched": 5, "changed": 5, "cleared": 0}
    saved = await preview(client, limit=1)
    assert saved["counts"] == {"matched": 5, "changed": 5, "cleared": 0}
    assert saved["items"][0]["after"] | {"rule_id": None} == saved["items"][0]["before"] | {
        "category_id": GROCERIES,
        "categorised_by": "rule",
    }
    refused = await client.post("/v1/rules/preview", params={"cursor": "x"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_cursor")


async def test_rules_are_listed_in_pages_and_put_into_another_order(client: httpx2.AsyncClient) -> None:
    made = [(await create(client, rule(text(name), name=name, transfer=True)))["id"] for name in "abcde"]
    answer = await client.post("/v1/rules/order", json={"ids": [made[3], made[0]]})
    ordered = [made[3], made[0], made[1], made[2], made[4]]
    assert answer.json() == {"ids": ordered}
    listed: list[Any] = []
    parameters: dict[str, Any] = {"limit": 2}
    while True:
        page = (await client.get("/v1/rules", params=parameters)).json()
        listed += page["items"]
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = page["next_cursor"]
    assert [(found["id"], found["position"]) for found in listed] == [(r, n) for n, r in enumerate(ordered)]
    assert [found["version"] for found in listed] == [2, 2, 2, 2, 1]


async def test_a_booked_row_keeps_what_the_user_chose_of_the_announced_one(
    household: Any, client: httpx2.AsyncClient
) -> None:
    account = await household.account(name="Card")

    def csv(status: str) -> bytes:
        header = "Type,Product,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance\n"
        done = "2026-03-01 10:00:00" if status == "COMPLETED" else ""
        return f"{header}CARD_PAYMENT,Current,2026-03-01 10:00:00,{done},Rewe,-5.00,0.00,EUR,{status},\n".encode()

    await create(client, rule(text("rewe"), category_id=GROCERIES, tags=["rule"], note="by rule", transfer=True))
    await household.upload(csv("PENDING"), account_id=account["id"])
    pending = (await household.rows())[0]
    assert (pending["pending"], pending["tags"], pending["note"]) == (True, ["rule"], "by rule")
    chosen = {"category_id": RESTAURANTS, "merchant": "Mine", "note": "mine", "marked_transfer": False}
    await household.change(f"/v1/transactions/{pending['id']}", "*", tags=["own"], **chosen)
    await household.upload(csv("COMPLETED"), account_id=account["id"])
    booked = (await household.rows())[0]
    by_user = dict.fromkeys(("categorised_by", "merchant_by", "note_by", "transfer_by"), "user")
    expected = chosen | by_user | {"pending": False, "tags": ["own", "rule"], "rule_id": None}
    assert {name: booked[name] for name in expected} == expected


async def test_a_rule_is_suggested_from_what_rows_have_in_common(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    entered = [
        await household.enter(account, "-5", description=text, **more)
        for text, more in (
            ("Card 0017 Kaffeebar Nord Utrecht", {"category_id": RESTAURANTS}),
            ("Kaffeebar Nord Amsterdam 0018", {"category_id": RESTAURANTS}),
            ("Kaffeebar Nord", {}),
            ("Rent", {"merchant": "Landlord"}),
            ("March", {"merchant": "LANDLORD"}),
        )
    ]

    async def suggest(*numbers: int) -> httpx2.Response:
        ids = [entered[number]["id"] for number in numbers]
        return await client.post("/v1/rules/suggest", json={"transaction_ids": ids})

    words = {"conditions": [{**text("kaffeebar nord"), "negated": False}], "category_id": RESTAURANTS, "rows": 3}
    assert (await suggest(0, 1)).json() == words
    assert (await suggest(0, 1, 2)).json() == {**words, "category_id": None}
    merchant = {**condition("merchant", "equals", "Landlord"), "negated": False}
    assert (await suggest(3, 4)).json() == {"conditions": [merchant], "category_id": None, "rows": 2}
    nothing = await suggest(0, 3)
    assert (nothing.status_code, nothing.json()["code"]) == (422, "nothing_in_common")
    unknown = await client.post("/v1/rules/suggest", json={"transaction_ids": [str(uuid4())]})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "transaction_not_found")

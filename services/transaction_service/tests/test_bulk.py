"""Edits of many rows over HTTP: what they reach, what a preview says, all or nothing."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from transaction_service.categories.defaults import default_category_id

GROCERIES = str(default_category_id("food/groceries"))
FOOD = str(default_category_id("food"))


@pytest.fixture
async def shopping(household: Any) -> Any:
    """Two accounts with four rows; `household.made` names them, oldest first."""
    checking, card = await household.account(name="Checking"), await household.account(name="Card")
    household.card = card
    household.made = [
        await household.enter(checking, "-30", booking_date="2026-01-10", description="REWE 1", tags=["a", "b"]),
        await household.enter(checking, "2500", booking_date="2026-01-31", description="Salary"),
        await household.enter(card, "-12", booking_date="2026-02-03", description="REWE 2", category_id=GROCERIES),
        await household.enter(
            card, "-9", booking_date="2026-02-04", description="REWE 3", splits=[{"amount": "-4"}, {"amount": "-5"}]
        ),
    ]
    return household


async def bulk(client: httpx2.AsyncClient, **body: Any) -> Any:
    answer = await client.post("/v1/transactions/bulk", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def counts(answer: dict[str, Any]) -> tuple[int, ...]:
    return tuple(answer[name] for name in ("matched", "changed", "unchanged", "split"))


async def test_a_filter_s_rows_get_a_category_and_tags_after_a_preview_that_wrote_nothing(
    shopping: Any, client: httpx2.AsyncClient
) -> None:
    edit = {
        "filter": {"q": "rewe"},
        "changes": {"category_id": GROCERIES, "tags_add": ["A", "new"], "tags_remove": ["B"]},
    }
    tag = (await client.get("/v1/ledger")).headers["etag"]
    preview = await bulk(client, preview=True, **edit)
    assert (preview["preview"], preview["journal_entry_id"], counts(preview)) == (True, None, (3, 3, 0, 1))
    assert (await client.get("/v1/ledger")).headers["etag"] == tag
    assert await shopping.rows() == shopping.made
    first = preview["rows"][0]
    assert first["transaction"] == shopping.made[0]
    assert first["before"] == {"category_id": None, "categorised_by": "none", "tags": ["a", "b"]}
    assert first["after"] == {"category_id": GROCERIES, "categorised_by": "user", "tags": ["a", "new"]}
    done = await bulk(client, **edit)
    assert done == preview | {"preview": False, "journal_entry_id": done["journal_entry_id"]}
    rows = await shopping.rows(q="rewe")
    assert [(r["category_id"], r["categorised_by"], r["tags"], r["version"]) for r in rows] == [
        (GROCERIES, "user", ["a", "new"], 2),
        (GROCERIES, "user", ["A", "new"], 2),
        (None, "user", ["A", "new"], 2),
    ]
    assert all(r["edited_at"] for r in rows)
    assert [r["id"] for r in await shopping.rows(q="new")] == [r["id"] for r in rows]
    assert (await shopping.rows())[1] == shopping.made[1]
    again = await bulk(client, **edit)
    assert (counts(again), again["rows"], again["journal_entry_id"]) == ((3, 0, 3, 1), [], None)


@pytest.mark.parametrize(
    ("wanted", "matched"),
    [
        ({}, 4),
        ({"from": "2026-01-31", "to": "2026-02-03"}, 2),
        ({"amount_min": "-12", "amount_max": "-9"}, 2),
        ({"category_id": FOOD}, 1),
        ({"category_id": "uncategorised"}, 3),
        ({"q": "rewe", "amount_min": "-10"}, 1),
        ({"import_id": str(uuid4())}, 0),
        ({"direction": "in", "pending": False}, 1),
        ({"tag": ["a", "b"], "currency": "eur"}, 1),
        ({"categorised_by": "user", "in_transfer": False}, 2),
    ],
)
async def test_a_filter_reaches_what_the_list_shows(
    shopping: Any, client: httpx2.AsyncClient, wanted: dict[str, str], matched: int
) -> None:
    answer = await bulk(client, filter=wanted, changes={"note": "x"})
    assert counts(answer) == (matched, matched, 0, 0)
    assert len(await shopping.rows(**wanted)) == matched
    assert sum(r["note"] == "x" for r in await shopping.rows()) == matched


async def test_a_filter_may_name_accounts(shopping: Any, client: httpx2.AsyncClient) -> None:
    answer = await bulk(client, filter={"account_id": [shopping.card["id"]]}, changes={"marked_transfer": True})
    assert counts(answer) == (2, 2, 0, 0)
    rows = await shopping.rows()
    assert [(r["marked_transfer"], r["transfer_by"]) for r in rows] == [(False, "none")] * 2 + [(True, "user")] * 2
    back = await bulk(client, filter={}, changes={"marked_transfer": None, "category_id": None, "merchant": "Shop"})
    assert counts(back) == (4, 4, 0, 1)
    rows = await shopping.rows()
    assert {(r["marked_transfer"], r["category_id"], r["merchant"]) for r in rows} == {(False, None, "Shop")}


async def test_named_rows_are_deleted_and_can_be_restored(shopping: Any, client: httpx2.AsyncClient) -> None:
    ids = [row["id"] for row in shopping.made[1:]]
    preview = await bulk(client, ids=[*ids, ids[0]], changes={"delete": True}, preview=True)
    assert (counts(preview), [row["transaction"]["id"] for row in preview["rows"]]) == ((3, 3, 0, 0), ids)
    await bulk(client, ids=ids, changes={"delete": True})
    assert await shopping.rows() == shopping.made[:1]
    assert [row["id"] for row in await shopping.rows(deleted=True)] == ids
    await client.post(f"/v1/transactions/{ids[2]}/restore")
    assert (await shopping.rows())[1] == shopping.made[3] | {"version": 3}


async def test_rows_come_back_from_the_trash_together(shopping: Any, client: httpx2.AsyncClient) -> None:
    ids = [row["id"] for row in shopping.made]
    await bulk(client, ids=ids[:3], changes={"delete": True})
    refused = await client.post("/v1/transactions/bulk", json={"ids": ids[2:], "changes": {"restore": True}})
    assert (refused.status_code, refused.json()["unknown"]) == (422, ids[3:])
    one = await bulk(client, ids=ids[:1], changes={"restore": True})
    assert (counts(one), [row["id"] for row in await shopping.rows()]) == ((1, 1, 0, 0), [ids[0], ids[3]])
    edit = {"filter": {"deleted": True}, "changes": {"restore": True}}
    assert [row["transaction"]["id"] for row in (await bulk(client, preview=True, **edit))["rows"]] == ids[1:3]
    assert counts(await bulk(client, **edit)) == (2, 2, 0, 0)
    rows = await shopping.rows()
    assert [row | {"version": 1} for row in rows] == shopping.made
    assert counts(await bulk(client, filter={}, changes={"restore": True})) == (0, 0, 0, 0)


async def test_all_rows_are_changed_or_none_and_unknown_ids_are_named(
    shopping: Any, client: httpx2.AsyncClient, stranger: dict[str, str]
) -> None:
    known, unknown = shopping.made[0]["id"], str(uuid4())
    body = {"ids": [known, unknown], "changes": {"note": "x"}}
    for headers, missing in (({}, [unknown]), (stranger, [known, unknown])):
        refused = await client.post("/v1/transactions/bulk", json=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (422, "rows_unknown")
        assert refused.json()["unknown"] == missing
    many = {"filter": {}, "changes": {"tags_add": [str(n) for n in range(49)]}}
    refused = await client.post("/v1/transactions/bulk", json=many)
    assert (refused.status_code, refused.json()["code"]) == (422, "too_many_tags")
    assert await shopping.rows() == shopping.made


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"changes": {"note": "x"}}, 422, "invalid_request"),
        ({"filter": {}, "ids": [str(uuid4())], "changes": {"note": "x"}}, 422, "invalid_request"),
        ({"filter": {}, "changes": {}}, 422, "invalid_request"),
        ({"filter": {}, "changes": {"delete": True, "note": "x"}}, 422, "invalid_request"),
        ({"filter": {}, "changes": {"delete": False}}, 422, "invalid_request"),
        ({"filter": {}, "changes": {"delete": True, "restore": True}}, 422, "invalid_request"),
        ({"filter": {"deleted": True}, "changes": {"note": "x"}}, 422, "invalid_request"),
        ({"filter": {"from": "2026-02-01", "to": "2026-01-01"}, "changes": {"note": "x"}}, 422, "range_reversed"),
        ({"filter": {"colour": "red"}, "changes": {"note": "x"}}, 422, "invalid_request"),
        ({"filter": {"from_date": "2026-01-01"}, "changes": {"note": "x"}}, 422, "invalid_request"),
        ({"filter": {}, "changes": {"tags_add": None}}, 422, "invalid_request"),
        ({"ids": [], "changes": {"note": "x"}}, 422, "invalid_request"),
        ({"filter": {}, "changes": {"category_id": str(uuid4())}}, 404, "category_not_found"),
        ({"filter": {"category_id": str(uuid4())}, "changes": {"note": "x"}}, 404, "category_not_found"),
        ({"filter": {"account_id": [str(uuid4())]}, "changes": {"note": "x"}}, 404, "account_not_found"),
    ],
)
async def test_an_edit_that_means_nothing_is_refused(
    client: httpx2.AsyncClient, body: dict[str, Any], status: int, code: str
) -> None:
    refused = await client.post("/v1/transactions/bulk", json=body)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text


async def test_a_repeated_edit_with_one_key_is_carried_out_once(shopping: Any, client: httpx2.AsyncClient) -> None:
    body = {"filter": {}, "changes": {"tags_add": ["x"]}}
    headers = {"Idempotency-Key": "k"}
    first, second = [await client.post("/v1/transactions/bulk", json=body, headers=headers) for _ in range(2)]
    assert (first.json(), second.headers["idempotency-replayed"]) == (second.json(), "true")
    assert {row["version"] for row in await shopping.rows()} == {2}


async def test_very_many_rows_are_edited_in_one_go_and_too_many_are_refused(
    household: Any,
    client: httpx2.AsyncClient,
    ofx: Callable[..., bytes],
    row: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await household.upload(ofx(*(row("2026-03-02", "-1", fitid=str(n)) for n in range(25))))
    monkeypatch.setattr("transaction_service.service.bulk._AT_ONCE", 10)
    answer = await bulk(client, filter={}, changes={"tags_add": ["x"]})
    assert (counts(answer), len(answer["rows"])) == ((25, 25, 0, 0), 20)
    entry = (await client.get(f"/v1/journal/{answer['journal_entry_id']}")).json()
    assert (entry["rows"], len(entry["changes"]["items"])) == (25, 25)
    monkeypatch.setattr("transaction_service.service.bulk.MOST_ROWS", 24)
    refused = await client.post("/v1/transactions/bulk", json={"filter": {}, "changes": {"note": "x"}})
    assert (refused.status_code, refused.json()["code"]) == (422, "too_many_rows")

"""What a row keeps beside the bank's words: who chose what, tags, marks, the file's own date and amount, the trash."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from api_common.pagination import Page
from transaction_service.categories.defaults import default_category_id
from transaction_service.schemas.transactions import TransactionSchema

GROCERIES = str(default_category_id("food/groceries"))


async def test_a_row_paid_in_another_currency_keeps_amount_and_rate(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    paid = {"original_amount": "-107.3", "original_currency": "usd", "exchange_rate": "1.0730"}
    row = await household.enter(account, "-100", **paid)
    assert (row["original_amount"], row["original_currency"], row["exchange_rate"]) == ("-107.30", "USD", "1.0730")
    assert await household.rows() == [row]
    body = {"account_id": account["id"], "booking_date": "2026-03-01", "amount": "1", "original_amount": "1"}
    refused = await client.post("/v1/transactions", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


async def test_the_file_s_own_date_and_amount_stay_beside_the_user_s(
    household: Any, ofx: Callable[..., bytes], row: Any
) -> None:
    await household.upload(ofx(row("2026-03-02", "-1", fitid="a")))
    path = f"/v1/transactions/{(await household.rows())[0]['id']}"

    async def stated(**changes: str) -> tuple[str | None, ...]:
        answer = (await household.change(path, "*", **changes)).json()
        return tuple(answer[name] for name in ("booking_date", "amount", "stated_date", "stated_amount"))

    assert await stated(booking_date="2026-03-01") == ("2026-03-01", "-1.00", "2026-03-02", None)
    assert await stated(amount="-1.5") == ("2026-03-01", "-1.50", "2026-03-02", "-1.00")
    assert await stated(booking_date="2026-02-28", amount="-2") == ("2026-02-28", "-2.00", "2026-03-02", "-1.00")
    assert await stated(booking_date="2026-03-02", amount="-1.00") == ("2026-03-02", "-1.00", None, None)
    again = await household.upload(ofx(row("2026-03-02", "-1", fitid="a")))
    assert (again["booked"], again["repeated"]) == (0, 1)


async def test_a_row_entered_by_hand_has_no_file_s_date_and_amount(household: Any) -> None:
    row = await household.enter(await household.account(), "-1")
    changed = await household.change(f"/v1/transactions/{row['id']}", 1, amount="-2", booking_date="2026-01-01")
    assert (changed.json()["stated_date"], changed.json()["stated_amount"]) == (None, None)


async def test_what_the_user_chose_says_so_and_null_gives_it_back(household: Any) -> None:
    row = await household.enter(await household.account(), "-1", description="TESCO STORES 3217")
    path = f"/v1/transactions/{row['id']}"
    chosen = {"merchant": "Corner shop", "category_id": GROCERIES, "marked_transfer": True, "note": "for the party"}
    whose = ("merchant_by", "categorised_by", "transfer_by", "note_by")
    assert [row[name] for name in whose] == ["none"] * 4
    mine = (await household.change(path, 1, **chosen)).json()
    assert [mine[name] for name in whose] == ["user"] * 4
    assert {name: mine[name] for name in chosen} == chosen
    back = (await household.change(path, 2, **dict.fromkeys(chosen))).json()
    assert [back[name] for name in whose] == ["none"] * 4
    assert [back[name] for name in chosen] == ["TESCO", None, False, None]


async def test_what_is_given_back_is_what_the_rules_say(household: Any, client: httpx2.AsyncClient) -> None:
    given = {"category_id": GROCERIES, "merchant": "Tesco", "note": "weekly", "transfer": True, "tags": ["shop"]}
    condition = {"field": "description", "operator": "contains", "value": "tesco"}
    rule = (await client.post("/v1/rules", json={"conditions": [condition], "actions": given})).json()
    account = await household.account()
    row = await household.enter(account, "-1", description="TESCO STORES 3217", tags=["Shop", "mine"])
    ruled = {"merchant": "Tesco", "category_id": GROCERIES, "marked_transfer": True, "note": "weekly"}
    assert {name: row[name] for name in ruled} == ruled
    assert (row["rule_id"], row["tags"], row["version"]) == (rule["id"], ["Shop", "mine"], 1)
    path = f"/v1/transactions/{row['id']}"
    own = {"merchant": "Corner shop", "category_id": str(default_category_id("food")), "marked_transfer": False}
    mine = (await household.change(path, 1, **own, note="")).json()
    assert {name: mine[name] for name in own} == own
    assert (mine["note"], mine["note_by"], mine["rule_id"]) == (None, "user", None)
    await client.post("/v1/rules/apply")
    assert await household.rows() == [mine]
    back = (await household.change(path, 2, **dict.fromkeys(ruled))).json()
    assert {name: back[name] for name in ruled} == ruled
    assert (back["rule_id"], back["note_by"], back["transfer_by"]) == (rule["id"], "rule", "rule")


async def test_an_edit_that_changes_nothing_leaves_the_version(household: Any) -> None:
    row = await household.enter(await household.account(), "-1", note="x", tags=["b", "a"])
    same = await household.change(f"/v1/transactions/{row['id']}", 1, note="x", amount="-1.0", tags=["a", "b"])
    assert (same.status_code, same.json()) == (200, row)


async def test_tags_are_set_as_a_whole_and_found_in_the_search(household: Any) -> None:
    row = await household.enter(await household.account(), "-1", tags=[" Été  2026 ", "été 2026", "Food"])
    assert row["tags"] == ["Food", "Été 2026"]
    path = f"/v1/transactions/{row['id']}"
    assert [r["id"] for r in await household.rows(q="ÉTÉ 20")] == [row["id"]]
    changed = (await household.change(path, 1, tags=["food", "a/b"])).json()
    assert (changed["tags"], changed["version"]) == (["a/b", "food"], 2)
    assert await household.rows(q="été") == []
    assert (await household.rows(q="A/B"))[0] == changed
    assert (await household.change(path, 2, tags=[])).json()["tags"] == []


@pytest.mark.parametrize(
    "tags", [[""], ["  "], ["x" * 61], ["a\x00"], ["a\x07"], [str(n) for n in range(51)], None, "holiday"]
)
async def test_a_tag_that_is_none_is_refused(household: Any, tags: object) -> None:
    row = await household.enter(await household.account(), "-1")
    refused = await household.change(f"/v1/transactions/{row['id']}", 1, tags=tags)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


async def test_the_list_s_rows_are_those_of_its_model_with_tags_and_parts(
    household: Any, client: httpx2.AsyncClient, counted_queries: Any
) -> None:
    account = await household.account()
    await household.enter(account, "-1", tags=["b", "a"], original_amount="1.5", original_currency="USD")
    with counted_queries() as whole:
        await client.get("/v1/transactions")
    parts = [{"amount": "-3", "category_id": GROCERIES}, {"amount": "1.000001", "note": "deposit"}]
    split = await household.enter(account, "-1.999999", splits=parts)
    with counted_queries() as with_parts:
        answer = await client.get("/v1/transactions")
    model = Page[TransactionSchema].model_validate_json(answer.content)
    assert model.model_dump(mode="json") == answer.json()
    assert answer.json()["items"][0] == split
    # The one query of the list goes straight to the driver and is not counted; tags and parts take no other.
    assert (whole, with_parts) == ([], [])


async def test_a_deleted_row_is_in_the_trash_and_comes_back_as_it_was(
    household: Any, client: httpx2.AsyncClient
) -> None:
    account = await household.account()
    parts = [{"amount": "-1", "category_id": GROCERIES, "note": "x"}, {"amount": "-2"}]
    row = await household.enter(account, "-3", tags=["a"], splits=parts)
    kept = await household.enter(account, "-4")
    path = f"/v1/transactions/{row['id']}"
    assert (await household.delete(path, 1)).status_code == 204
    assert await household.rows() == [kept]
    assert (await household.total()) == -4
    trash = await household.rows(deleted=True)
    assert [(item["id"], item["tags"], len(item["splits"])) for item in trash] == [(row["id"], ["a"], 2)]
    assert trash[0]["deleted_at"].endswith("Z")
    for missing in (
        await client.get(path),
        await household.change(path, "*", note="x"),
        await household.delete(path, 2),
    ):
        assert (missing.status_code, missing.json()["code"]) == (404, "transaction_not_found")
        assert f"POST {path}/restore" in missing.json()["detail"]
    restored = await client.post(f"{path}/restore")
    assert (restored.status_code, restored.headers["etag"]) == (200, '"3"')
    assert restored.json() == row | {"version": 3}
    assert (await client.post(f"{path}/restore")).json() == restored.json()
    assert await household.rows(deleted=True) == []
    assert len(await household.rows()) == 2


async def test_a_row_in_the_trash_is_not_booked_again_and_can_be_restored(
    household: Any, client: httpx2.AsyncClient, ofx: Callable[..., bytes], row: Any
) -> None:
    file = ofx(row("2026-03-02", "-1", fitid="a"))
    await household.upload(file)
    booked = (await household.rows())[0]
    await household.delete(f"/v1/transactions/{booked['id']}", 1)
    assert (await household.upload(file))["booked"] == 0
    assert await household.rows() == []
    await client.post(f"/v1/transactions/{booked['id']}/restore")
    assert [r["id"] for r in await household.rows()] == [booked["id"]]


async def test_what_is_not_the_user_s_cannot_be_restored(
    household: Any, client: httpx2.AsyncClient, stranger: dict[str, str]
) -> None:
    row = await household.enter(await household.account(), "-1")
    await household.delete(f"/v1/transactions/{row['id']}", 1)
    for row_id, headers in ((row["id"], stranger), (str(uuid4()), {})):
        refused = await client.post(f"/v1/transactions/{row_id}/restore", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (404, "transaction_not_found")
    assert (await client.get("/v1/transactions", params={"deleted": True}, headers=stranger)).json()["items"] == []


async def test_a_pending_row_that_was_booked_is_not_restored(household: Any, client: httpx2.AsyncClient) -> None:
    head = "Type,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance,Product\n"
    line = "CARD_PAYMENT,2026-03-01 10:00:00,{},Bakery,-5.00,0.00,EUR,{},{},Current\n"
    account_id = (await household.account())["id"]
    await household.upload((head + line.format("", "PENDING", "")).encode(), account_id=account_id)
    pending = await household.rows()
    booking = line.format("2026-03-02 10:00:00", "COMPLETED", "95.00")
    await household.upload((head + booking).encode(), account_id=account_id)
    booked = await household.rows()
    assert [r["pending"] for r in (*pending, *booked)] == [True, False]
    refused = await client.post(f"/v1/transactions/{pending[0]['id']}/restore")
    assert (refused.status_code, refused.json()["code"]) == (409, "row_replaced")
    assert booked[0]["id"] in refused.json()["detail"]
    assert booked[0]["id"] in (await client.get(f"/v1/transactions/{pending[0]['id']}")).json()["detail"]
    assert await household.rows(deleted=True) == []


async def tags_of(client: httpx2.AsyncClient, **parameters: Any) -> list[tuple[str, int]]:
    page = (await client.get("/v1/tags", params=parameters)).json()
    return [(item["tag"], item["rows"]) for item in page["items"]]


async def test_tags_are_listed_with_counts_in_pages(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    for tags in (["a", "b"], ["b"], ["c"]):
        last = await household.enter(account, "-1", tags=tags)
    await household.delete(f"/v1/transactions/{last['id']}", 1)
    assert await tags_of(client) == [("a", 1), ("b", 2)]
    first = await client.get("/v1/tags", params={"limit": 1})
    following = await client.get(first.headers["link"].split(">")[0].removeprefix("<"))
    assert [item["tag"] for item in (*first.json()["items"], *following.json()["items"])] == ["a", "b"]
    assert following.json()["next_cursor"] is None


async def test_a_tag_is_renamed_everywhere_or_merged_into_another(
    household: Any, client: httpx2.AsyncClient, stranger: dict[str, str]
) -> None:
    account = await household.account()
    one = await household.enter(account, "-1", tags=["trip/1", "b"])
    two = await household.enter(account, "-2", tags=["trip/1", "Holiday"])
    deleted = await household.enter(account, "-3", tags=["trip/1"])
    await household.delete(f"/v1/transactions/{deleted['id']}", 1)
    assert (await client.patch("/v1/tags/trip%2F1", json={"name": "x"}, headers=stranger)).status_code == 404
    renamed = await client.patch("/v1/tags/trip%2F1", json={"name": "holiday"})
    assert renamed.json() == {"tag": "holiday", "rows": 3}
    rows = {r["id"]: r["tags"] for r in await household.rows()}
    assert rows == {one["id"]: ["b", "holiday"], two["id"]: ["holiday"]}
    assert len(await household.rows(q="holiday")) == 2
    assert await household.rows(q="trip") == []
    restored = (await client.post(f"/v1/transactions/{deleted['id']}/restore")).json()
    assert restored["tags"] == ["holiday"]
    same = await client.patch("/v1/tags/holiday", json={"name": "holiday"})
    assert same.json() == {"tag": "holiday", "rows": 3}
    gone = await client.patch("/v1/tags/trip%2F1", json={"name": "y"})
    assert (gone.status_code, gone.json()["code"]) == (404, "tag_not_found")


async def test_a_renamed_tag_is_renamed_in_the_rules_that_give_it(household: Any, client: httpx2.AsyncClient) -> None:
    rule = {
        "conditions": [{"field": "text", "operator": "contains", "value": "bakery"}],
        "actions": {"tags": ["bread", "food"]},
    }
    created = await client.post("/v1/rules", json=rule)
    assert created.status_code == 201, created.text
    row = await household.enter(await household.account(), "-1", description="Bakery")
    assert row["tags"] == ["bread", "food"]
    await client.patch("/v1/tags/bread", json={"name": "Food"})
    assert [r["tags"] for r in await household.rows()] == [["Food"]]
    assert (await client.get(f"/v1/rules/{created.json()['id']}")).json()["actions"]["tags"] == ["Food"]
    await client.post("/v1/rules/apply")
    assert [r["tags"] for r in await household.rows()] == [["Food"]]


async def test_a_deleted_tag_is_taken_off_all_rows(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    await household.enter(account, "-1", tags=["a", "b"])
    await household.enter(account, "-2", tags=["a"])
    assert (await client.delete("/v1/tags/a")).json() == {"tag": "a", "rows": 2}
    assert [r["tags"] for r in await household.rows()] == [["b"], []]
    assert await household.rows(q="a") == []
    assert (await client.delete("/v1/tags/a")).status_code == 404


async def test_a_user_s_tags_are_nobody_else_s(
    household: Any, client: httpx2.AsyncClient, stranger: dict[str, str], user_id: UUID
) -> None:
    await household.enter(await household.account(), "-1", tags=["mine"])
    assert (await client.get("/v1/tags", headers=stranger)).json()["items"] == []
    assert (await client.delete("/v1/tags/mine", headers=stranger)).status_code == 404
    assert await tags_of(client) == [("mine", 1)]

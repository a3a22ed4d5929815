"""Categories and rules over HTTP."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
from transaction_service.categories.defaults import DEFAULT_CATEGORIES, CategoryKind, default_category_id

FOOD = str(default_category_id("food"))
GROCERIES = str(default_category_id("food/groceries"))
RESTAURANTS = str(default_category_id("food/restaurants"))
SALARY = str(default_category_id("income/salary"))


async def create(client: httpx2.AsyncClient, path: str, **body: object) -> Any:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def contains(text: str, category_id: str) -> dict[str, Any]:
    """A rule that gives rows with this text the category."""
    condition = {"field": "text", "operator": "contains", "value": text}
    return {"conditions": [condition], "actions": {"category_id": category_id}}


async def test_every_user_starts_with_the_same_sensible_tree(
    client: httpx2.AsyncClient, stranger: dict[str, str]
) -> None:
    items = (await client.get("/v1/categories")).json()["items"]
    assert items == (await client.get("/v1/categories", headers=stranger)).json()["items"]
    assert 35 <= len(items) <= 50
    assert {item["kind"] for item in items} == {"income", "expense", "transfer"}
    paths = [item["path"] for item in items]
    assert len(set(paths)) == len(paths)
    seen: set[str | None] = {None}
    for item in items:
        assert item["parent_id"] in seen
        seen.add(item["id"])
    # Exported ledgers name these ids: they are part of the public face.
    assert GROCERIES == "694d3ce0-28fe-53b4-ba8b-6c75e4bcb19a"
    assert (await client.get(f"/v1/categories/{GROCERIES}")).json()["path"] == "Food > Groceries"


def test_children_are_of_their_parent_s_kind() -> None:
    kinds = {category.id: category.kind for category in DEFAULT_CATEGORIES}
    assert all(c.kind == kinds[c.parent_id] for c in DEFAULT_CATEGORIES if c.parent_id is not None)
    assert {CategoryKind.INCOME, CategoryKind.EXPENSE, CategoryKind.TRANSFER} == set(kinds.values())


async def test_a_category_of_one_s_own_can_be_renamed_moved_and_deleted(
    household: Any, client: httpx2.AsyncClient
) -> None:
    markets = await create(client, "/v1/categories", name="Markets", parent_id=FOOD)
    assert (markets["path"], markets["kind"], markets["built_in"]) == ("Food > Markets", "expense", False)
    weekly = await create(client, "/v1/categories", name="Weekly", parent_id=markets["id"])
    path = f"/v1/categories/{markets['id']}"
    moved = await household.change(path, 1, name="Market", parent_id=None)
    assert (moved.json()["path"], moved.headers["etag"]) == ("Market", '"2"')
    assert (await client.get(f"/v1/categories/{weekly['id']}")).json()["path"] == "Market > Weekly"
    below_itself = await household.change(path, 2, parent_id=weekly["id"])
    assert (below_itself.status_code, below_itself.json()["code"]) == (422, "category_misplaced")
    other_kind = await household.change(path, 2, parent_id=SALARY)
    assert (other_kind.status_code, other_kind.json()["code"]) == (422, "category_misplaced")
    deleted = await household.delete(path, 2)
    assert deleted.json() == {"reassigned": {"transactions": 0, "rules": 0, "categories": 1}}
    assert (await client.get(f"/v1/categories/{weekly['id']}")).json()["path"] == "Weekly"


async def test_a_category_in_use_is_deleted_only_with_a_word_on_its_rows(
    household: Any, client: httpx2.AsyncClient
) -> None:
    account = await household.account()
    mine = await create(client, "/v1/categories", name="Wine", parent_id=FOOD)
    row = await household.enter(account, "-9", category_id=mine["id"])
    await create(client, "/v1/rules", **contains("vino", mine["id"]))
    path = f"/v1/categories/{mine['id']}"
    refused = await household.delete(path, 1)
    assert (refused.status_code, refused.json()["code"]) == (409, "category_in_use")
    assert (refused.json()["transactions"], refused.json()["rules"]) == (1, 1)
    assert (await household.delete(path, 1, reassign_to="uncategorised")).status_code == 409
    deleted = await household.delete(path, 1, reassign_to=GROCERIES)
    assert deleted.json() == {"reassigned": {"transactions": 1, "rules": 1, "categories": 0}}
    after = (await client.get(f"/v1/transactions/{row['id']}")).json()
    assert (after["category_id"], after["categorised_by"]) == (GROCERIES, "user")
    assert (await client.get("/v1/rules")).json()["items"][0]["actions"]["category_id"] == GROCERIES


async def test_rows_of_a_deleted_category_can_be_left_without_one(household: Any, client: httpx2.AsyncClient) -> None:
    mine = await create(client, "/v1/categories", name="Pets' toys", kind="expense")
    row = await household.enter(await household.account(), "-9", category_id=mine["id"])
    await household.delete(f"/v1/categories/{mine['id']}", 1, reassign_to="uncategorised")
    after = (await client.get(f"/v1/transactions/{row['id']}")).json()
    assert (after["category_id"], after["categorised_by"]) == (None, "none")


async def test_a_name_cannot_pretend_to_be_two_levels(household: Any, client: httpx2.AsyncClient) -> None:
    refused = await client.post("/v1/categories", json={"name": "Food > Cake", "kind": "expense"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/body/name")
    own = (await client.post("/v1/categories", json={"name": "Age>60", "kind": "expense"})).json()
    renamed = await household.change(f"/v1/categories/{own['id']}", own["version"], name="A > B")
    assert renamed.status_code == 422


async def test_built_in_categories_stay_as_they_are(household: Any, client: httpx2.AsyncClient) -> None:
    for answer in (
        await household.change(f"/v1/categories/{FOOD}", 1, name="Eating"),
        await household.delete(f"/v1/categories/{FOOD}", 1),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "built_in_category")
    misplaced = [
        await client.post("/v1/categories", json={"name": "X"}),
        await client.post("/v1/categories", json={"name": "X", "parent_id": FOOD, "kind": "income"}),
    ]
    assert [(a.status_code, a.json()["code"]) for a in misplaced] == [(422, "category_misplaced")] * 2


async def test_rules_categorise_at_import_and_the_lowest_position_decides(
    household: Any, client: httpx2.AsyncClient, ofx: Callable[..., bytes], row: Any
) -> None:
    await create(client, "/v1/rules", **contains("rewe", GROCERIES), position=5)
    await create(client, "/v1/rules", **contains("REWE Cafe", RESTAURANTS), position=1)
    await household.upload(
        ofx(
            row("2026-03-01", "-5", name="ReWe sagt danke"),
            row("2026-03-02", "-6", name="REWE  CAFE"),
            row("2026-03-03", "-7", name="Other"),
        )
    )
    got = [(r["category_id"], r["categorised_by"]) for r in await household.rows()]
    assert got == [(GROCERIES, "rule"), (RESTAURANTS, "rule"), (None, "none")]


async def test_applying_rules_changes_old_rows_and_never_what_the_user_chose(
    household: Any, client: httpx2.AsyncClient, ofx: Callable[..., bytes], row: Any
) -> None:
    names = ("Rewe", "Rewe", "Aldi 100%", "Other")
    await household.upload(ofx(*(row(f"2026-03-0{n + 1}", "-5", name=name) for n, name in enumerate(names))))
    first = (await household.rows())[0]
    await household.change(f"/v1/transactions/{first['id']}", 1, category_id=RESTAURANTS)
    rule = await create(client, "/v1/rules", **contains("REWE", GROCERIES))
    await create(client, "/v1/rules", **contains("00%", FOOD))
    applied = await client.post("/v1/rules/apply")
    assert applied.json() == {"matched": 3, "changed": 2, "cleared": 0}
    got = [(r["category_id"], r["categorised_by"]) for r in await household.rows()]
    assert got == [(RESTAURANTS, "user"), (GROCERIES, "rule"), (FOOD, "rule"), (None, "none")]
    again = await client.post("/v1/rules/apply")
    assert again.json() == {"matched": 3, "changed": 0, "cleared": 0}
    await household.delete(f"/v1/rules/{rule['id']}", 1)
    assert (await client.post("/v1/rules/apply")).json() == {"matched": 1, "changed": 1, "cleared": 1}
    got = [(r["category_id"], r["categorised_by"]) for r in await household.rows()]
    assert got == [(RESTAURANTS, "user"), (None, "none"), (FOOD, "rule"), (None, "none")]
    # Without a category the row is open to the rules again.
    await create(client, "/v1/rules", **contains("rewe", GROCERIES))
    given_back = await household.change(f"/v1/transactions/{first['id']}", 2, category_id=None)
    assert (given_back.json()["category_id"], given_back.json()["categorised_by"]) == (GROCERIES, "rule")


async def test_rules_can_be_read_reordered_and_deleted(household: Any, client: httpx2.AsyncClient) -> None:
    first = await create(client, "/v1/rules", **contains("a", FOOD))
    second = await create(client, "/v1/rules", **contains("b", FOOD))
    assert (first["position"], second["position"]) == (0, 1)
    path = f"/v1/rules/{first['id']}"
    assert (await client.get(path)).headers["etag"] == '"1"'
    changed = await household.change(path, 1, position=7, **contains("aa", GROCERIES))
    assert changed.json()["actions"] == first["actions"] | {"category_id": GROCERIES}
    assert changed.json() == first | {k: changed.json()[k] for k in ("conditions", "actions")} | {
        "position": 7,
        "version": 2,
    }
    assert [r["id"] for r in (await client.get("/v1/rules")).json()["items"]] == [second["id"], first["id"]]
    assert (await household.delete(path, 1)).status_code == 412
    assert (await household.delete(path, 2)).status_code == 204
    gone = await client.get(path)
    assert (gone.status_code, gone.json()["code"]) == (404, "rule_not_found")
    unknown = await client.post("/v1/rules", json=contains("x", str(uuid4())))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "category_not_found")


async def test_categories_and_rules_of_others_do_not_exist(
    household: Any, client: httpx2.AsyncClient, stranger: dict[str, str]
) -> None:
    mine = await create(client, "/v1/categories", name="Mine", kind="income")
    rule = await create(client, "/v1/rules", **contains("x", mine["id"]))
    account = (await client.post("/v1/accounts", json={"name": "S", "currency": "EUR"}, headers=stranger)).json()
    row = {"account_id": account["id"], "booking_date": "2026-03-01", "amount": "1", "category_id": mine["id"]}
    answers = [
        await client.get(f"/v1/categories/{mine['id']}", headers=stranger),
        await client.post("/v1/categories", json={"name": "X", "parent_id": mine["id"]}, headers=stranger),
        await client.post("/v1/transactions", json=row, headers=stranger),
        await client.get(f"/v1/rules/{rule['id']}", headers=stranger),
    ]
    assert [a.status_code for a in answers] == [404] * 4


async def test_a_category_or_rule_sent_again_with_its_own_id_is_made_once(client: httpx2.AsyncClient) -> None:
    for path, body, other in (
        ("/v1/categories", {"name": "A", "kind": "income"}, {"name": "B", "kind": "income"}),
        ("/v1/rules", contains("a", FOOD), contains("b", FOOD)),
    ):
        own = {"id": str(uuid4())}
        first, second = [await create(client, path, **body, **own) for _ in range(2)]
        assert first == second
        taken = await client.post(path, json={**other, **own})
        assert (taken.status_code, taken.json()["code"]) == (409, "id_taken")

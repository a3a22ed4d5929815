"""The journal over HTTP: each change has its entry, and a row's changes lead back to what it was."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from api_common.testing import Issuer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transaction_service.categories.defaults import default_category_id

GROCERIES = str(default_category_id("food/groceries"))
FOOD = str(default_category_id("food"))

UNSEEN = frozenset({"version", "edited_at", "created_at"})
"""What tells of the change itself, and is not part of what the journal keeps."""


async def entries(client: httpx2.AsyncClient, **filters: Any) -> list[dict[str, Any]]:
    answer = await client.get("/v1/journal", params=filters)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def history(client: httpx2.AsyncClient, row: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.get(f"/v1/transactions/{row['id']}/history", params={"limit": 500})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_each_change_of_a_row_is_told_with_its_fields_before_and_after(
    household: Any, client: httpx2.AsyncClient
) -> None:
    row = await household.enter(await household.account(), "-12.5", description="Market", tags=["x"])
    path = f"/v1/transactions/{row['id']}"
    await household.change(path, 1, amount="-13", note="fair", tags=["x", "y"])
    await household.delete(path, 2)
    await client.post(f"{path}/restore")
    restored, deleted, changed, entered = await history(client, row)
    assert [e["action"] for e in (entered, changed, deleted, restored)] == [
        "row_entered",
        "row_changed",
        "row_deleted",
        "row_restored",
    ]
    assert entered["before"] == {}
    expected = {"amount": "-12.50", "currency": "EUR", "description": "Market", "merchant": "MARKET", "tags": ["x"]}
    assert expected.items() <= entered["after"].items()
    assert changed["before"] == {"amount": "-12.50", "note": None, "note_by": "none", "tags": ["x"]}
    assert changed["after"] == {"amount": "-13.00", "note": "fair", "note_by": "user", "tags": ["x", "y"]}
    assert (deleted["before"], restored["after"]) == ({"deleted_at": None}, {"deleted_at": None})
    assert deleted["after"] == restored["before"]
    assert {e["transaction_id"] for e in await history(client, row)} == {row["id"]}


async def test_the_journal_is_listed_newest_first_in_pages_and_by_filter(
    household: Any, client: httpx2.AsyncClient, ofx: Callable[..., bytes], row: Any
) -> None:
    booked = await household.upload(ofx(row("2026-03-02", "-1", fitid="a")))
    imported = (await household.rows())[0]
    other = await household.enter(await household.account(), "-1")
    await household.change(f"/v1/transactions/{imported['id']}", 1, note="x")
    everything = await entries(client)
    ids = [entry["id"] for entry in everything]
    assert ids == sorted(ids, reverse=True)
    assert {"row_entered", "row_changed"} <= {entry["action"] for entry in everything}
    pages, link = [], "/v1/journal?limit=1"
    while link:
        page = await client.get(link)
        pages += [entry["id"] for entry in page.json()["items"]]
        link = page.headers["link"].split(">")[0].removeprefix("<") if "link" in page.headers else ""
    assert pages == ids
    assert [e["action"] for e in await entries(client, action="row_changed")] == ["row_changed"]
    assert len(await entries(client, action=["row_changed", "row_entered"])) == 2
    assert {e["import_id"] for e in await entries(client, import_id=booked["id"])} <= {booked["id"]}
    assert [e["action"] for e in await entries(client, transaction_id=other["id"])] == ["row_entered"]
    day = everything[0]["at"][:10]
    assert await entries(client, **{"from": day, "to": day}) == everything
    assert await entries(client, to="2020-01-01") == []
    assert await entries(client, **{"from": "9999-12-31", "to": "9999-12-31"}) == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"action": "nonsense"},
        {"from": "today"},
        {"from": "2026-01-02", "to": "2026-01-01"},
        {"colour": "red"},
        {"cursor": "x"},
    ],
)
async def test_a_malformed_filter_of_the_journal_is_refused(
    client: httpx2.AsyncClient, parameters: dict[str, str]
) -> None:
    assert (await client.get("/v1/journal", params=parameters)).status_code == 422


async def test_one_entry_names_its_rows_in_pages(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    rows = [await household.enter(account, "-1", description=f"Row {n}") for n in range(3)]
    body = {"filter": {}, "changes": {"note": "x"}}
    entry_id = (await client.post("/v1/transactions/bulk", json=body)).json()["journal_entry_id"]
    entry = (await client.get(f"/v1/journal/{entry_id}", params={"limit": 2})).json()
    assert (entry["action"], entry["rows"], entry["summary"]) == (
        "rows_changed",
        3,
        {"changes": {"note": "x"}, "matched": 3},
    )
    following = await client.get(
        f"/v1/journal/{entry_id}", params={"limit": 2, "cursor": entry["changes"]["next_cursor"]}
    )
    changes = [*entry["changes"]["items"], *following.json()["changes"]["items"]]
    assert sorted(change["transaction_id"] for change in changes) == sorted(row["id"] for row in rows)
    assert {change["after"]["note"] for change in changes} == {"x"}


async def test_rows_and_parts_of_a_deleted_category_move_and_the_journal_names_them(
    household: Any, client: httpx2.AsyncClient
) -> None:
    made = await client.post("/v1/categories", json={"name": "Mine", "parent_id": FOOD})
    mine = made.json()["id"]
    account = await household.account()
    whole = await household.enter(account, "-1", category_id=mine)
    parts = [{"amount": "-1", "category_id": mine}, {"amount": "-1", "category_id": GROCERIES}]
    split = await household.enter(account, "-2", splits=parts)
    used = await household.delete(f"/v1/categories/{mine}", 1)
    assert (used.status_code, used.json()["code"], used.json()["transactions"]) == (409, "category_in_use", 2)
    moved = await household.delete(f"/v1/categories/{mine}", 1, reassign_to=FOOD)
    assert moved.json()["reassigned"]["transactions"] == 2
    rows = {row["id"]: row for row in await household.rows()}
    assert (rows[whole["id"]]["category_id"], rows[whole["id"]]["categorised_by"]) == (FOOD, "user")
    assert [part["category_id"] for part in rows[split["id"]]["splits"]] == [FOOD, GROCERIES]
    assert [row["edited_at"] for row in rows.values()] == [None, None]
    entry = (await entries(client))[0]
    assert (entry["action"], entry["rows"]) == ("category_deleted", 2)
    assert entry["summary"] == {"category_id": mine, "name": "Mine", "reassigned_to": FOOD}
    assert (await history(client, whole))[0]["before"] == {"category_id": mine}


async def test_a_deleted_account_is_told_with_the_number_of_its_rows(
    household: Any, client: httpx2.AsyncClient
) -> None:
    account = await household.account(name="Old")
    row = await household.enter(account, "-1")
    await household.delete(f"/v1/accounts/{account['id']}", 1, with_transactions=True)
    entry = (await entries(client))[0]
    assert (entry["action"], entry["rows"], entry["summary"]["name"]) == ("account_deleted", 1, "Old")
    # What was done to a row is told for as long as the journal is kept.
    assert [change["action"] for change in await history(client, row)] == ["row_entered"]


async def test_another_user_s_journal_does_not_exist(
    household: Any, client: httpx2.AsyncClient, stranger: dict[str, str]
) -> None:
    row = await household.enter(await household.account(), "-1")
    entry_id = (await entries(client))[0]["id"]
    assert (await client.get("/v1/journal", headers=stranger)).json()["items"] == []
    for path, code in (
        (f"/v1/journal/{entry_id}", "journal_entry_not_found"),
        (f"/v1/transactions/{row['id']}/history", "transaction_not_found"),
        (f"/v1/transactions/{uuid4()}/history", "transaction_not_found"),
    ):
        refused = await client.get(path, headers=stranger)
        assert (refused.status_code, refused.json()["code"]) == (404, code)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
AMOUNTS = st.integers(-(10**9), 10**9).map(lambda micros: f"{micros / 10**6:.6f}")
TAGS = st.lists(st.sampled_from(["a", "B", "b", "ü", "Ü x"]), max_size=3)


def either(choices: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | choices


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "booking_date": st.dates().map(str),
        "value_date": either(st.dates().map(str)),
        "counterparty": either(TEXTS.filter(str.strip)),
        "description": TEXTS,
        "merchant": either(TEXTS.filter(str.strip)),
        "note": either(TEXTS),
        "category_id": either(st.sampled_from([FOOD, GROCERIES])),
        "marked_transfer": either(st.booleans()),
        "tags": TAGS,
    },
)
STEPS = st.one_of(
    st.tuples(st.just("change"), CHANGES),
    st.tuples(st.just("amount"), AMOUNTS),
    st.tuples(st.just("split"), st.lists(AMOUNTS, min_size=1, max_size=3)),
    st.tuples(st.just("bulk"), TAGS),
    st.tuples(st.just("delete"), st.none()),
)


async def step(client: httpx2.AsyncClient, row: dict[str, Any], what: str, value: Any) -> httpx2.Response:
    path, any_version = f"/v1/transactions/{row['id']}", {"If-Match": "*"}
    match what:
        case "change" | "amount":
            body = value if what == "change" else {"amount": value}
            return await client.patch(path, json=body, headers=any_version)
        case "split":
            micros = [round(float(one) * 10**6) for one in value]
            rest = round(float(row["amount"]) * 10**6) - sum(micros)
            parts = [{"amount": f"{one / 10**6:.6f}", "note": "part"} for one in (*micros, rest)]
            return await client.put(f"{path}/splits", json={"splits": parts}, headers=any_version)
        case "bulk":
            tags = {"tags_add": value, "tags_remove": ["ü"]}
            return await client.post("/v1/transactions/bulk", json={"ids": [row["id"]], "changes": tags})
        case _:
            await client.delete(path, headers=any_version)
            return await client.post(f"{path}/restore")


def _with_restored(seen: list[dict[str, Any]], changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The states that were seen, oldest first, as many as the journal tells of."""
    assert len(seen) == 1 + sum(change["action"] not in {"row_entered", "row_deleted"} for change in changes)
    return seen


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=6))
async def test_a_row_s_changes_applied_backwards_give_every_earlier_row(
    client: httpx2.AsyncClient, issuer: Issuer, steps: list[tuple[str, Any]]
) -> None:
    client.headers.update(issuer.headers(uuid4()))
    account = await client.post("/v1/accounts", json={"name": "A", "currency": "EUR"})
    body = {"account_id": account.json()["id"], "booking_date": "2026-01-01", "amount": "-10", "description": "Shop"}
    row = (await client.post("/v1/transactions", json=body)).json()
    seen = [row]
    for what, value in steps:
        answer = await step(client, seen[-1], what, value)
        assert answer.status_code in {200, 422}, answer.text
        now = (await client.get(f"/v1/transactions/{row['id']}")).json()
        if now["version"] != seen[-1]["version"]:
            seen.append(now)
    changes = await history(client, row)
    state = {name: value for name, value in seen[-1].items() if name not in UNSEEN}
    earlier = [{name: value for name, value in old.items() if name not in UNSEEN} for old in seen]
    reached = [state]
    for change in changes[:-1]:
        assert {name: state[name] for name in change["after"]} == change["after"]
        state = state | change["before"]
        reached.append(state)
    # A row that was deleted and restored in one step was between the two what it was before.
    assert [one for one in reached[::-1] if one["deleted_at"] is None] == _with_restored(earlier, changes)
    assert changes[-1]["before"] == {}
    assert {name: reached[-1][name] for name in changes[-1]["after"]} == changes[-1]["after"]

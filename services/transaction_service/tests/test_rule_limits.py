"""Rules that cannot be tried: too much memory or time for all of them, and conditions on an account that is no more."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from archives import archive_of, imported
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_requests import GROCERIES, RESTAURANTS, Rule, condition, create, preview, rule, text
from transaction_service.rules import categorisation
from transaction_service.rules.text_patterns import TextIndex, TextPattern, text_memory


def finding(field: str, operator: str, value: str, **more: Any) -> Rule:
    return rule(condition(field, operator, value), tags=["found"], **more)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """Memory for two plain expressions and not for three."""
    memory: int = 5 * TextPattern("rewe").memory // 2
    for module in ("transaction_service.rules.categorisation", "transaction_service.service.rules"):
        monkeypatch.setattr(f"{module}.MOST_MEMORY", memory)
    return memory


async def test_expressions_that_take_too_much_memory_together_are_refused(
    household: Any, client: httpx2.AsyncClient, small: int
) -> None:
    for name in ("rewe", "aldi"):
        await create(client, finding("text", "matches", name))
    third = finding("text", "matches", "lidl")
    for path, body in (("/v1/rules", third), ("/v1/rules/preview", {"rule": third})):
        refused = await client.post(path, json=body)
        told = refused.json()
        assert (refused.status_code, told["code"], told["limit"]) == (422, "rule_too_costly", small)
        assert told["memory"] > small
    assert len((await client.get("/v1/rules")).json()["items"]) == 2
    plain = await create(client, finding("text", "contains", "lidl"))
    change = {"conditions": third["conditions"]}
    refused = await household.change(f"/v1/rules/{plain['id']}", "*", **change)
    assert (refused.status_code, refused.json()["code"]) == (422, "rule_too_costly")
    resting = await create(client, {**third, "enabled": False})
    refused = await household.change(f"/v1/rules/{resting['id']}", "*", enabled=True)
    assert (refused.status_code, refused.json()["code"]) == (422, "rule_too_costly")
    assert (await client.get(f"/v1/rules/{resting['id']}")).json() == resting
    assert (await client.post("/v1/rules/apply")).status_code == 200


async def test_an_explosive_expression_is_as_quick_as_any_other(
    household: Any, client: httpx2.AsyncClient, ofx: Callable[..., bytes], row: Any
) -> None:
    await create(client, rule(condition("text", "matches", "(a+)+$"), category_id=GROCERIES))
    await household.upload(ofx(row("2026-03-01", "-5", name="a" * 32 + "!"), row("2026-03-02", "-5", name="a" * 32)))
    assert [found["category_id"] for found in await household.rows()] == [None, GROCERIES]
    assert (await preview(client))["timed_out"] == []


async def test_rules_whose_expressions_take_too_long_are_left_out_and_named(
    household: Any, client: httpx2.AsyncClient, ofx: Callable[..., bytes], row: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(categorisation, "PATTERN_SECONDS", 0.0)
    monkeypatch.setattr(categorisation, "PATTERN_SECONDS_PER_ROW", 0.0)
    slow = await create(client, rule(condition("text", "matches", "x+y"), name="Slow one", category_id=RESTAURANTS))
    await create(client, rule(text("rewe"), category_id=GROCERIES))
    booked = await household.upload(ofx(*(row("2026-03-01", f"-{n}", name=f"Rewe {n}") for n in range(1, 9))))
    assert booked["notes"] == ['The rule "Slow one" was left out: its regular expressions take too long.']
    before = await household.rows()
    assert [found["category_id"] for found in before] == [GROCERIES] * 8
    assert (await preview(client))["timed_out"] == [slow["id"]]
    refused = await client.post("/v1/rules/apply")
    assert (refused.status_code, refused.json()["code"], refused.json()["rules"]) == (
        422,
        "rule_too_slow",
        [slow["id"]],
    )
    assert await household.rows() == before


async def test_rules_of_an_archive_for_which_there_is_no_memory_are_left_out_and_named(
    household: Any,
    client: httpx2.AsyncClient,
    ofx: Callable[..., bytes],
    row: Any,
    monkeypatch: pytest.MonkeyPatch,
    stranger: dict[str, str],
) -> None:
    await create(client, finding("text", "matches", "rewe"))
    await create(client, finding("text", "matches", "rewe|aldi", name="Second"))
    await imported(client, await archive_of(client), headers=stranger)
    memory = 3 * TextPattern("rewe").memory // 2
    for module in ("transaction_service.rules.categorisation", "transaction_service.service.rules"):
        monkeypatch.setattr(f"{module}.MOST_MEMORY", memory)
    file = ofx(row("2026-03-01", "-5", name="Rewe"), row("2026-03-01", "-6", name="Aldi"))
    booked = (await client.post("/v1/imports", content=file, headers=stranger)).json()
    assert booked["notes"] == ['The rule "Second" was left out: the rules before it take all the memory.']
    rows = (await client.get("/v1/transactions", headers=stranger)).json()["items"]
    assert {found["description"]: found["tags"] for found in rows} == {"Rewe": ["found"], "Aldi": []}
    refused = await client.post("/v1/rules/apply", headers=stranger)
    assert (refused.status_code, refused.json()["code"]) == (422, "rule_too_costly")


@settings(max_examples=30)
@given(size=st.integers(1, 400), often=st.integers(1, 20))
def test_what_an_expression_may_take_is_enough_to_look_for_it(size: int, often: int) -> None:
    pattern = TextPattern(f"a.{{1,{size}}}b(c|d){{{often}}}")
    assert pattern.fits("a" + "x" * size + "b" + "cd" * often)
    assert not pattern.fits("a" + "x" * size + "b" + "c" * (often - 1))


def test_what_texts_may_take_is_enough_to_look_for_them() -> None:
    for count in (1, 50, 900):
        texts = {f"{number:05} shop": [number] for number in range(count)}
        index = TextIndex(texts, [])
        for number in {0, count // 2, count - 1}:
            assert index.numbers(f"paid at {number:05} shop today") == {number}
    assert 1000 * text_memory("x" * 200) < categorisation.MOST_MEMORY


async def test_deleting_an_account_disables_the_rules_that_name_it(household: Any, client: httpx2.AsyncClient) -> None:
    account, other = await household.account(), await household.account(name="Other")
    naming = await create(client, finding("account_id", "equals", account["id"]))
    but_not = finding("account_id", "equals", account["id"])
    but_not["conditions"][0]["negated"] = True
    negated = await create(client, but_not)
    resting = await create(client, finding("account_id", "equals", account["id"], enabled=False))
    untouched = [await create(client, finding("account_id", "equals", other["id"]))]
    untouched += [await create(client, finding("text", "contains", account["id"]))]
    deleted = await client.delete(f"/v1/accounts/{account['id']}", headers={"If-Match": "*"})
    assert deleted.json() == {
        "deleted": {"accounts": 1, "transactions": 0},
        "disabled_rules": [naming["id"], negated["id"]],
    }
    rules = {found["id"]: found for found in (await client.get("/v1/rules")).json()["items"]}
    reason = f"There is no account {account['id']}."
    for broken in (naming, negated, resting):
        shown = rules[broken["id"]]
        assert (shown["enabled"], shown["broken"]) == (False, reason)
        assert (await client.get(f"/v1/rules/{broken['id']}")).json() == shown
    assert [rules[kept["id"]] for kept in untouched] == untouched
    (entry,) = [e for e in (await client.get("/v1/journal")).json()["items"] if e["action"] == "account_deleted"]
    assert entry["summary"]["disabled_rules"] == [naming["id"], negated["id"]]
    # Everything is another account's now, and the rule of all but the deleted one does not fit everything.
    await household.enter(other, "-5")
    assert [found["tags"] for found in await household.rows()] == [["found"]]
    await household.change(f"/v1/rules/{untouched[0]['id']}", "*", enabled=False)
    assert (await client.post("/v1/rules/apply")).json() == {"matched": 0, "changed": 1, "cleared": 0}


async def test_a_broken_rule_is_enabled_when_it_is_mended(household: Any, client: httpx2.AsyncClient) -> None:
    account, other = await household.account(), await household.account(name="Other")
    made = await create(client, finding("account_id", "equals", account["id"]))
    path = f"/v1/rules/{made['id']}"
    await client.delete(f"/v1/accounts/{account['id']}", headers={"If-Match": "*"})
    refused = await household.change(path, "*", enabled=True)
    assert (refused.status_code, refused.json()["code"]) == (404, "account_not_found")
    renamed = (await household.change(path, "*", name="Broken")).json()
    assert (renamed["name"], renamed["enabled"]) == ("Broken", False)
    conditions = json.loads(json.dumps(made["conditions"]).replace(str(account["id"]), str(other["id"])))
    mended = (await household.change(path, "*", conditions=conditions, enabled=True)).json()
    assert (mended["enabled"], mended["broken"], mended["conditions"]) == (True, None, conditions)

"""Rules over HTTP: what conditions find, what is refused, what wins, the dry run, and what a run takes back."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from transaction_service.categories.defaults import default_category_id
from transaction_service.rules import categorisation

GROCERIES = str(default_category_id("food/groceries"))
RESTAURANTS = str(default_category_id("food/restaurants"))
Rule = dict[str, Any]


def condition(field: str, operator: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value, **more}


def rule(*conditions: dict[str, Any], **more: Any) -> Rule:
    """A rule; what is not said to be something else of it is an action."""
    names = ("id", "name", "enabled", "position", "match")
    own: dict[str, Any] = {name: more.pop(name) for name in names if name in more}
    return {"conditions": list(conditions), "actions": more, **own}


def text(value: str) -> dict[str, Any]:
    return condition("text", "contains", value)


async def create(client: httpx2.AsyncClient, wanted: Rule, **headers: str) -> Any:
    answer = await client.post("/v1/rules", json=wanted, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def preview(client: httpx2.AsyncClient, wanted: Rule | None = None, **parameters: Any) -> Any:
    answer = await client.post("/v1/rules/preview", json={"rule": wanted} if wanted else None, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def apply(client: httpx2.AsyncClient, **headers: str) -> Any:
    answer = await client.post("/v1/rules/apply", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


# Which of the rows A to D of the test below a condition finds.
FOUND = [
    (condition("text", "contains", "müller"), "A"),
    (condition("text", "contains", "MÜLLER  straße"), "A"),
    (condition("text", "contains", "100%"), "B"),
    (condition("description", "equals", "rent march"), "C"),
    (condition("description", "starts_with", "Rent"), "C"),
    (condition("description", "ends_with", "MARCH"), "C"),
    (condition("counterparty", "contains", "gmbh"), "B"),
    (condition("merchant", "equals", "The Landlord"), "C"),
    (condition("note", "contains", "shared"), "C"),
    (condition("tag", "equals", "HOME"), "C"),
    (condition("tag", "contains", "o", negated=True), "ABD"),
    (condition("reference", "contains", "x"), ""),
    (condition("counterparty_account", "contains", "x"), ""),
    (condition("bank_category", "contains", "x", negated=True), "ABCD"),
    (condition("text", "matches", r"\b\d{4}\b"), "D"),
    (condition("text", "matches", "STRASSE|straße$"), "A"),
    (condition("text", "matches", "^$"), ""),
    (condition("counterparty", "matches", "^$"), "ACD"),
    (condition("amount", "equals", "-12.5"), "A"),
    (condition("amount", "less", "-12.50"), "C"),
    (condition("amount", "more", "-12.50"), "BD"),
    (condition("amount", "between", "-12.50", to="-0.01"), "AB"),
    (condition("absolute_amount", "more", "100"), "CD"),
    (condition("absolute_amount", "between", "12.50", to="900"), "AC"),
    (condition("direction", "equals", "in"), "D"),
    (condition("direction", "equals", "out"), "ABC"),
    (condition("currency", "equals", "eur"), "ABCD"),
    (condition("currency", "equals", "EUR", negated=True), ""),
    (condition("booking_date", "on", "2026-03-31"), "C"),
    (condition("booking_date", "before", "2026-03-02"), "A"),
    (condition("booking_date", "after", "2026-03-02"), "CD"),
    (condition("booking_date", "between", "2026-03-02", to="2026-03-31"), "BC"),
    (condition("day", "equals", 1), "AD"),
    (condition("day", "between", 2, to=31), "BC"),
    (condition("day", "more", 1), "BC"),
]


async def test_a_condition_can_ask_for_every_field(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    rows: dict[str, dict[str, Any]] = {
        "A": {"amount": "-12.50", "booking_date": "2026-03-01", "description": "Bäckerei Müller Strasse"},
        "B": {"amount": "-0.01", "booking_date": "2026-03-02", "description": "100%", "counterparty": "Organic GmbH"},
        "C": {
            "amount": "-900",
            "booking_date": "2026-03-31",
            "description": "Rent  March",
            "merchant": "The landlord",
            "note": "shared flat",
            "tags": ["Home"],
        },
        "D": {"amount": "2500", "booking_date": "2026-04-01", "description": "Salary 2026"},
    }
    names = {(await household.enter(account, row.pop("amount"), **row))["id"]: name for name, row in rows.items()}
    of_account = condition("account_id", "equals", account["id"])
    got = {}
    for wanted in [*(asked for asked, _ in FOUND), of_account]:
        found = await preview(client, rule(wanted, tags=["found"]))
        got[str(wanted)] = "".join(sorted(names[row["id"]] for row in found["items"]))
        assert found["counts"] == {"matched": len(found["items"]), "changed": len(found["items"]), "cleared": 0}
    assert got == {str(asked): expected for asked, expected in FOUND} | {str(of_account): "ABCD"}


async def test_all_conditions_must_hold_or_any_one(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    for amount, description in (("-5", "Rewe"), ("-50", "Rewe"), ("-50", "Aldi")):
        await household.enter(account, amount, description=description)
    both = rule(text("rewe"), condition("amount", "less", "-10"), tags=["x"])
    assert (await preview(client, both))["counts"]["matched"] == 1
    assert (await preview(client, {**both, "match": "any"}))["counts"]["matched"] == 3
    only_texts = rule(text("rewe"), text("aldi"), match="any", tags=["x"])
    assert (await preview(client, only_texts))["counts"]["matched"] == 3


WRONG: list[tuple[Rule, str, str]] = [
    ({}, "/body/rule/conditions", "missing"),
    ({"conditions": []}, "/body/rule/conditions", "too_short"),
    ({"conditions": [text("a"), {"field": "colour"}]}, "/body/rule/conditions/1/field", "enum"),
    ({"conditions": [condition("text", "less", "a")]}, "/body/rule/conditions/0/operator", "enum"),
    ({"conditions": [condition("text", "contains", "")]}, "/body/rule/conditions/0/value", "string_too_short"),
    ({"conditions": [condition("text", "contains", " \t")]}, "/body/rule/conditions/0/value", "value_error"),
    ({"conditions": [condition("text", "contains", "a" * 201)]}, "/body/rule/conditions/0/value", "string_too_long"),
    ({"conditions": [condition("amount", "less", "much")]}, "/body/rule/conditions/0/value", "value_error"),
    ({"conditions": [condition("amount", "less", 1.5)]}, "/body/rule/conditions/0/value", "value_error"),
    ({"conditions": [condition("amount", "between", "1")]}, "/body/rule/conditions/0", "value_error"),
    ({"conditions": [condition("amount", "between", "2", to="1")]}, "/body/rule/conditions/0", "value_error"),
    ({"conditions": [condition("amount", "less", "2", to="3")]}, "/body/rule/conditions/0", "value_error"),
    ({"conditions": [condition("day", "equals", 32)]}, "/body/rule/conditions/0/value", "less_than_equal"),
    ({"conditions": [condition("booking_date", "on", "1.3.2026")]}, "/body/rule/conditions/0/value", "value_error"),
    ({"conditions": [condition("direction", "equals", "up")]}, "/body/rule/conditions/0/value", "enum"),
    ({"conditions": [condition("currency", "equals", "Euro")]}, "/body/rule/conditions/0/value", "value_error"),
    ({"conditions": [condition("account_id", "equals", "x")]}, "/body/rule/conditions/0/value", "uuid_parsing"),
    ({"conditions": [{**text("a"), "colour": 1}]}, "/body/rule/conditions/0/colour", "extra_forbidden"),
    ({"conditions": [5]}, "/body/rule/conditions/0", "model_type"),
    ({"conditions": [text("a")], "actions": {}}, "/body/rule/actions", "value_error"),
    ({"conditions": [text("a")], "actions": {"tags": [" "]}}, "/body/rule/actions/tags/0", "value_error"),
    ({"conditions": [text("a")], "actions": {"note": " "}}, "/body/rule/actions/note", "string_too_short"),
]


async def test_a_wrong_condition_is_refused_with_its_place(client: httpx2.AsyncClient) -> None:
    got = []
    for wrong, _, _ in WRONG:
        refused = await client.post("/v1/rules/preview", json={"rule": {"actions": {"transfer": True}, **wrong}})
        assert refused.status_code == 422
        error = refused.json()["errors"][0]
        got.append((wrong, error["pointer"], error["code"]))
    assert got == WRONG


UNREADABLE = {
    "a(b": "not a regular expression at character 1: missing ) (a(b)",
    "[z-a]": "not a regular expression at character 2: invalid character class range (z-a)",
    "x(?=y)": "not a regular expression at character 2: look-around and backreferences are not supported ((?=)",
    r"(a)\1": r"not a regular expression at character 4: look-around and backreferences are not supported (\1)",
    "a**": "not a regular expression at character 2: bad repetition operator (**)",
    "(?:a{900}){800}": "not a regular expression at character 11: invalid repetition size ({800})",
    r"(?:\pL*){400}b$": "the regular expression is too large; use fewer or smaller repetitions",
    r"\pL{50}": "the regular expression is too large; use fewer or smaller repetitions",
}


async def test_a_wrong_regular_expression_is_refused_with_its_place(client: httpx2.AsyncClient) -> None:
    got = {}
    for expression in UNREADABLE:
        refused = await client.post("/v1/rules", json=rule(condition("text", "matches", expression), transfer=True))
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/body/conditions/0/value")
        got[expression] = refused.json()["errors"][0]["detail"]
    assert got == UNREADABLE


async def test_what_a_rule_names_must_be_the_user_s(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    mine = await create(client, rule(condition("account_id", "equals", account["id"]), transfer=True))
    nobodys = str(uuid4())
    answers = [
        await client.post("/v1/rules", json=rule(text("a"), category_id=nobodys)),
        await client.post("/v1/rules", json=rule(condition("account_id", "equals", nobodys), transfer=True)),
        await household.change(f"/v1/rules/{mine['id']}", 1, actions={"category_id": nobodys}),
        await client.post("/v1/rules/order", json={"ids": [mine["id"], nobodys]}),
    ]
    codes = ["category_not_found", "account_not_found", "category_not_found", "rule_not_found"]
    assert [(a.status_code, a.json()["code"]) for a in answers] == [(404, code) for code in codes]
    twice = await client.post("/v1/rules/order", json={"ids": [mine["id"], mine["id"]]})
    assert (twice.status_code, twice.json()["errors"][0]["pointer"]) == (422, "/body/ids")


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

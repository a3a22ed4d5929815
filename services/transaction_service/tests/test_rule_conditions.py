"""What the conditions of rules find, and which are refused."""

from typing import Any
from uuid import uuid4

import httpx2
from rule_requests import Rule, condition, create, preview, rule, text

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

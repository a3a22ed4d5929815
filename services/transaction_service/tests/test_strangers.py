"""Whatever is asked with another user's ids, nothing of that user is read or changed: tried on every route there is."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from bank_files import BankRow, camt
from broker_files import BOUGHT, DEPOSIT, WORLD, broker, held
from fastapi import FastAPI

UNKNOWN = b"Wann;Wofuer;Wieviel\n13.04.2026;Tee;-2,80\n14.04.2026;Miete;-900,00\n15.04.2026;Lohn;1.500,00\n"

DAY = "2026-03-01"
ANY = {"field": "direction", "operator": "equals", "value": "out"}
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_PARAMETER = re.compile(r"\{(\w+)\}")
_FILES = ("/v1/imports", "/v1/archive", "/v1/csv-profiles/proposals")
_EVERYTHING = (("DELETE", "/v1/ledger"), ("DELETE", "/v1/ledger/users/{user_id}"))
"""Empty a ledger, which other tests try; the second asks for an administrator."""


def bodies(ids: Mapping[str, str]) -> dict[tuple[str, str], Any]:
    """A body for each route that takes one, with the owner's ids wherever an id can stand."""
    row = {"account_id": ids["account_id"], "booking_date": DAY, "amount": "-1"}
    rule = {
        "conditions": [{"field": "account_id", "operator": "equals", "value": ids["account_id"]}],
        "actions": {"category_id": ids["category_id"]},
    }
    rows = [ids["transaction_id"], ids["other_row"]]
    return {
        ("POST", "/v1/accounts"): {"name": "Theirs", "currency": "EUR"},
        ("PATCH", "/v1/accounts/{account_id}"): {"name": "Taken"},
        ("POST", "/v1/accounts/{account_id}/assertions"): {"date": DAY, "amount": "1"},
        ("PATCH", "/v1/accounts/{account_id}/assertions/{assertion_id}"): {"amount": "2"},
        ("POST", "/v1/transactions"): row,
        ("POST", "/v1/transactions/bulk"): {"ids": rows, "changes": {"note": "Taken"}},
        ("PATCH", "/v1/transactions/{transaction_id}"): {"note": "Taken"},
        ("PUT", "/v1/transactions/{transaction_id}/splits"): {"splits": [{"amount": "-1"}, {"amount": "-2"}]},
        ("POST", "/v1/transfers"): {"transaction_ids": rows},
        ("PATCH", "/v1/tags/{tag}"): {"name": "Taken"},
        ("POST", "/v1/categories"): {"name": "Taken", "parent_id": ids["category_id"]},
        ("PATCH", "/v1/categories/{category_id}"): {"name": "Taken"},
        ("POST", "/v1/rules"): rule,
        ("POST", "/v1/rules/order"): {"ids": [ids["rule_id"]]},
        ("POST", "/v1/rules/suggest"): {"transaction_ids": rows},
        ("POST", "/v1/rules/preview"): {"rule": rule},
        ("PATCH", "/v1/rules/{rule_id}"): {"name": "Taken"},
        ("POST", "/v1/proposals/bulk"): {"decision": "rejected", "ids": [ids["proposal_id"]]},
        ("POST", "/v1/csv-profiles"): {"name": "Theirs"},
        ("PATCH", "/v1/csv-profiles/{profile_id}"): {"name": "Taken"},
    }


@pytest.fixture
async def owned(household: Any, client: httpx2.AsyncClient) -> dict[str, str]:
    """The ids of one thing of each kind, by the names that routes give them."""
    checking, savings = await household.account(), await household.account(name="Savings")
    row = await household.enter(checking, "-3", tags=["mine"], note="Private")
    other = await household.enter(savings, "3")
    moved = await client.post("/v1/transfers", json={"transaction_ids": [row["id"], other["id"]]})
    asserted = await client.post(f"/v1/accounts/{checking['id']}/assertions", json={"date": DAY, "amount": "-3"})
    category = await client.post("/v1/categories", json={"name": "Mine", "kind": "expense"})
    actions = {"category_id": category.json()["id"]}
    rule = await client.post(
        "/v1/rules",
        json={"conditions": [{"field": "text", "operator": "contains", "value": "zoo"}], "actions": actions},
    )
    booked = [BankRow(date(2026, 3, 2), Decimal(-7), "Zoo", bank_id) for bank_id in ("a", "b")]
    await household.upload(camt(booked[:1]))
    again = await household.upload(camt(booked[1:]))
    proposals = (await client.get(f"/v1/imports/{again['id']}/proposals")).json()["items"]
    await household.upload(broker(DEPOSIT, BOUGHT, positions=held(WORLD, "1", "10")))
    shape = (await client.post("/v1/imports", content=UNKNOWN)).json()["proposal"]
    profile = await client.post("/v1/csv-profiles", json={"name": "Mine", "mapping": shape["mapping"]})
    return {
        "account_id": checking["id"],
        "transaction_id": row["id"],
        "other_row": other["id"],
        "transfer_id": moved.json()["id"],
        "assertion_id": asserted.json()["id"],
        "category_id": category.json()["id"],
        "reassign_to": category.json()["id"],
        "rule_id": rule.json()["id"],
        "import_id": again["id"],
        "proposal_id": proposals[0]["id"],
        "security_id": (await client.get("/v1/securities")).json()["items"][0]["id"],
        "profile_id": profile.json()["id"],
        "entry_id": (await client.get("/v1/journal")).json()["items"][0]["id"],
        "tag": "mine",
    }


def routes(app: FastAPI) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
        if path.startswith("/v1/")
    ]


async def everything(client: httpx2.AsyncClient, app: FastAPI, headers: Mapping[str, str]) -> dict[str, str]:
    """The answers of all routes that read without being told an id."""
    answers = {}
    for method, path, _ in routes(app):
        if method == "GET" and "{" not in path and path != "/v1/archive":
            answers[path] = (await client.get(path, headers=headers)).text
    return answers


def ids_in(texts: Iterable[str]) -> set[str]:
    return {found for text in texts for found in _ID.findall(text)}


def sent(answer: httpx2.Response) -> set[str]:
    """The ids that the request itself named, which an error may repeat."""
    return ids_in([str(answer.request.url), answer.request.content.decode()])


async def test_the_ids_of_another_user_open_nothing_on_any_route(
    client: httpx2.AsyncClient, app: FastAPI, owned: dict[str, str], stranger: dict[str, str]
) -> None:
    before = await everything(client, app, {})
    known = ids_in(before.values()) - ids_in([(await client.get("/v1/categories", headers=stranger)).text])
    given = bodies(owned)
    for method, path, operation in routes(app):
        named = _PARAMETER.findall(path)
        asked = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query" and p["name"] in owned]
        takes_body = "requestBody" in operation and path not in _FILES
        assert not takes_body or (method, path) in given, f"{method} {path} needs a body here"
        if (method, path) in _EVERYTHING or not (named or asked or takes_body):
            continue
        for extra in (None, *asked):
            answer = await client.request(
                method,
                _PARAMETER.sub(lambda match: owned[match[1]], path),
                params={extra: owned[extra]} if extra else {},
                json=given.get((method, path)),
                headers={**stranger, "If-Match": "*"},
            )
            said = f"{method} {path} {extra}: {answer.status_code} {answer.text}"
            assert not ids_in([answer.text]) & known - sent(answer), said
            assert answer.status_code in ((404,) if named else (200, 201, 404, 422)), said
    assert await everything(client, app, {}) == before
    foreign = await everything(client, app, stranger)
    assert not ids_in(foreign.values()) & known


async def test_of_an_id_that_another_user_has_nothing_is_said_but_what_is_said_of_one_s_own(
    client: httpx2.AsyncClient, owned: dict[str, str], stranger: dict[str, str]
) -> None:
    account = (await client.post("/v1/accounts", json={"name": "A", "currency": "EUR"}, headers=stranger)).json()

    async def answer(path: str, body: dict[str, Any], status: int) -> dict[str, Any]:
        posted = await client.post(path, json=body, headers=stranger)
        assert posted.status_code == status, f"{path}: {posted.text}"
        return {name: value for name, value in posted.json().items() if name != "trace_id"}

    rule = {"conditions": [ANY], "actions": {"note": "x"}}
    for name, path, body, other in (
        ("account_id", "/v1/accounts", {"name": "Theirs", "currency": "EUR"}, {"name": "Else"}),
        (
            "transaction_id",
            "/v1/transactions",
            {"account_id": account["id"], "booking_date": DAY, "amount": "1"},
            {"amount": "2"},
        ),
        ("category_id", "/v1/categories", {"name": "Theirs", "kind": "expense"}, {"name": "Else"}),
        (
            "assertion_id",
            f"/v1/accounts/{account['id']}/assertions",
            {"date": DAY, "amount": "1"},
            {"date": "2026-03-02"},
        ),
        ("rule_id", "/v1/rules", rule, {"name": "Else"}),
    ):
        own = str(uuid4())
        await answer(path, {**body, "id": own}, 201)
        taken = await answer(path, {**body, **other, "id": own}, 409)
        assert taken["code"] == "id_taken"
        assert await answer(path, {**body, **other, "id": owned[name]}, 409) == taken

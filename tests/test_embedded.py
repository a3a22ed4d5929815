"""All services in one process, as a user and as a stranger meet them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx2

if TYPE_CHECKING:
    from conftest import Server, User

METHODS = {"get", "post", "put", "patch", "delete"}

OPEN_TO_EVERYBODY = {
    ("get", "/"),
    ("get", "/livez"),
    ("get", "/readyz"),
    ("get", "/health"),
    ("get", "/metrics"),
    ("post", "/v1/auth/sign-up"),
    ("post", "/v1/auth/token"),
    ("post", "/v1/auth/revoke"),
    ("get", "/.well-known/jwks.json"),
    ("get", "/.well-known/openid-configuration"),
    ("get", "/.well-known/oauth-authorization-server"),
}
"""What needs no access token: who I am, health, how to get a token, and the keys that tokens are checked with."""


def operations(server: Server) -> Iterator[tuple[str, str, dict[str, object]]]:
    document = httpx2.get(f"{server.url}/openapi.json", timeout=30).json()
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield method, path, item[method]


def test_every_operation_needs_a_token_unless_it_is_meant_for_everybody(embedded: Server) -> None:
    answers = {
        (method, path): httpx2.request(method, embedded.url + re.sub(r"{\w+}", str(uuid4()), path)).status_code
        for method, path, _ in operations(embedded)
    }

    assert len(answers) > 50
    assert {operation for operation, status in answers.items() if status != 401} == OPEN_TO_EVERYBODY


def test_the_merged_document_names_each_operation_and_component_once(embedded: Server) -> None:
    document = httpx2.get(f"{embedded.url}/openapi.json", timeout=30).json()
    names = Counter(str(operation["operationId"]) for _, _, operation in operations(embedded))
    referred = set(re.findall(r'#/components/schemas/([^"]+)"', httpx2.get(f"{embedded.url}/openapi.json").text))

    assert [name for name, count in names.items() if count > 1] == []
    assert referred <= document["components"]["schemas"].keys()
    assert [name for name in document["components"]["schemas"] if "__" in name] == []


def test_one_user_can_neither_see_nor_touch_what_another_has(
    embedded: Server, sign_up: Callable[..., User], repository: Path
) -> None:
    ada, bob = sign_up(embedded.url), sign_up(embedded.url)
    belongings = fill(ada, (repository / "docs/examples/statement.ofx").read_bytes())
    before = {path: ada.get(path).text for path in LISTS}

    answers = {}
    for method, path, operation in operations(embedded):
        if not (named := re.findall(r"{(\w+)}", path)) or not belongings.keys() >= set(named):
            continue
        address = path.format(**belongings)
        body: dict[str, str] | None = {} if "requestBody" in operation else None
        answers[method, path] = bob.client.request(method.upper(), address, headers={"If-Match": "*"}, json=body)

    touched = {operation: answer.status_code for operation, answer in answers.items()}
    assert len(touched) >= 12
    assert {operation: status for operation, status in touched.items() if status not in {403, 404, 422}} == {}
    assert {path: ada.get(path).text for path in LISTS} == before
    seen = "".join(bob.get(path).text for path in LISTS)
    assert [identifier for identifier in belongings.values() if identifier in seen] == []
    foreign = bob.get("/v1/analytics/summary", account_id=belongings["account_id"])
    assert (foreign.status_code, foreign.json()["code"]) == (404, "account_not_found")


LISTS = (
    "/v1/accounts",
    "/v1/transactions",
    "/v1/categories",
    "/v1/rules",
    "/v1/imports",
    "/v1/csv-profiles",
    "/v1/ledger?format=csv",
    "/v1/auth/me",
    "/v1/analytics/summary",
    "/v1/analytics/merchants",
)


def fill(user: User, statement: bytes) -> dict[str, str]:
    """Give a user an import, an account, rows, a category, a rule, a CSV profile; the ids by the names in paths."""
    imported = user.upload(statement, "statement.ofx").json()
    category = user.client.post("/v1/categories", json={"name": "Hobby", "kind": "expense"}).json()
    condition = {"field": "text", "operator": "contains", "value": "BERGSPORT"}
    wanted = {"conditions": [condition], "actions": {"category_id": category["id"]}}
    rule = user.client.post("/v1/rules", json=wanted).json()
    table = b"Wann;Wofuer;Wieviel\n31.03.2026;Tee;-2,80\n"
    proposal = user.client.post("/v1/csv-profiles/proposals", content=table).json()
    kept = {"name": "My bank", "mapping": proposal["mapping"]}
    profile = user.client.post("/v1/csv-profiles", json=kept).json()
    return {
        "profile_id": profile["id"],
        "import_id": imported["id"],
        "account_id": imported["accounts"][0]["account_id"],
        "transaction_id": user.get("/v1/transactions", limit=1).json()["items"][0]["id"],
        "category_id": category["id"],
        "rule_id": rule["id"],
        "user_id": user.get("/v1/auth/me").json()["id"],
        "session_id": user.get("/v1/auth/me/sessions").json()["items"][0]["id"],
    }

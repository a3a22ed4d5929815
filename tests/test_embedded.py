"""All services in one process, as a user and as a stranger meet them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
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
    repeated = [
        name for name, count in Counter(str(one["operationId"]) for _, _, one in operations(embedded)).items() if count > 1
    ]
    referred = set(re.findall(r'#/components/schemas/([^"]+)"', httpx2.get(f"{embedded.url}/openapi.json").text))

    assert repeated == []
    assert referred <= document["components"]["schemas"].keys()
    assert [name for name in document["components"]["schemas"] if "__" in name] == []

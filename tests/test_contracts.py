"""What one package reads of another is what the other publishes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import narwhals as nw
import pytest
from analytics_api.clients import ACCOUNT_PATH, ARROW_STREAM, LEDGER_PATH, SCHEMA_HEADER, SCHEMA_VERSION
from analytics_api.service import COLUMNS
from analytics_core import ledger
from api_common.service import JWKS_PATH
from data_processing import LEDGER_SCHEMA, LEDGER_SCHEMA_VERSION
from transaction_service.categories.tree import PATH_SEPARATOR


def operation(repository: Path, service: str, method: str, path: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        (repository / "services" / service / "openapi.json").read_text(encoding="utf-8")
    )
    assert path in document["paths"], f"{service} publishes no {path}"
    found: dict[str, Any] = document["paths"][path][method]
    return found


def test_analytics_core_reads_columns_that_the_published_ledger_has_in_types_that_it_accepts() -> None:
    published = nw.Schema.from_polars(LEDGER_SCHEMA)

    assert ledger.DTYPES.keys() <= published.keys()
    assert {
        name: str(published[name]) for name, accepted in ledger.DTYPES.items() if str(published[name]) not in accepted
    } == {}


def test_the_levels_of_a_category_are_separated_alike() -> None:
    assert ledger.CATEGORY_SEPARATOR == PATH_SEPARATOR


def test_analytics_api_keeps_columns_that_the_published_ledger_has() -> None:
    assert set(COLUMNS) <= LEDGER_SCHEMA.keys()
    assert str(LEDGER_SCHEMA_VERSION) == SCHEMA_VERSION


def test_the_ledger_is_published_as_an_arrow_stream_that_can_be_revalidated(repository: Path) -> None:
    export = operation(repository, "transaction_service", "get", LEDGER_PATH)
    parameters = {(one["in"], one["name"]): one["schema"] for one in export["parameters"]}

    assert ARROW_STREAM in export["responses"]["200"]["content"]
    assert {"ETag", SCHEMA_HEADER} <= export["responses"]["200"]["headers"].keys()
    assert "304" in export["responses"]
    assert ("header", "if-none-match") in parameters
    assert "arrow" in json.dumps(resolved(repository, parameters["query", "format"]))


def test_an_unknown_account_is_published_as_not_found(repository: Path) -> None:
    account = operation(repository, "transaction_service", "get", ACCOUNT_PATH)

    assert {"200", "404"} <= account["responses"].keys()


@pytest.mark.parametrize(
    ("service", "method", "path"),
    [
        ("transaction_service", "get", "/livez"),
        ("transaction_service", "delete", "/v1/ledger/users/{user_id}"),
        ("auth_service", "get", JWKS_PATH),
    ],
)
def test_an_operation_that_another_service_calls_is_published(
    repository: Path, service: str, method: str, path: str
) -> None:
    assert "200" in operation(repository, service, method, path)["responses"]


def resolved(repository: Path, schema: dict[str, Any]) -> list[Any]:
    """The schema with the components that it refers to, one level deep."""
    document = json.loads((repository / "services/transaction_service/openapi.json").read_text(encoding="utf-8"))
    parts = [schema, *schema.get("anyOf", [])]
    references = [part["$ref"] for part in parts if "$ref" in part]
    return [schema, *(document["components"]["schemas"][reference.rsplit("/", 1)[1]] for reference in references)]

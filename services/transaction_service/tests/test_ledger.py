"""The ledger as a whole over HTTP: export in three forms, entity tags, deletion; and its tables' migrations."""

import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx2
import polars as pl
import pytest
from api_common import migrations
from api_common.testing import Issuer
from data_processing import LEDGER_SCHEMA, LEDGER_SCHEMA_VERSION
from polars.testing import assert_frame_equal
from sqlalchemy import make_url
from transaction_service.categories.defaults import default_category_id
from transaction_service.main import DATABASE

GROCERIES = str(default_category_id("food/groceries"))
SAVINGS = str(default_category_id("transfers/savings"))
ARROW = "application/vnd.apache.arrow.stream"


@pytest.fixture
async def ledger(household: Any) -> Any:
    """Four rows of every kind."""
    account = household.account_made = await household.account(name="=Checking")
    await household.enter(account, "1000", booking_date="2026-01-31", description="Salary")
    await household.enter(account, "-12.3456", booking_date="2026-02-01", counterparty="@Market", category_id=GROCERIES)
    await household.enter(account, "-100", booking_date="2026-02-02", value_date="2026-02-03", category_id=SAVINGS)
    await household.enter(account, "-0.000001", booking_date="2026-02-04", description='-1+1, "x"')
    return household


async def test_the_arrow_stream_has_the_published_columns(ledger: Any, client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v1/ledger", headers={"Accept": ARROW})
    assert answer.headers["content-type"] == ARROW
    assert answer.headers["purser-ledger-schema"] == str(LEDGER_SCHEMA_VERSION)
    frame = pl.read_ipc_stream(answer.content)
    assert frame.schema == LEDGER_SCHEMA
    rows = await ledger.rows()
    assert frame["id"].to_list() == [row["id"] for row in rows]
    assert set(frame["account_id"]) == {ledger.account_made["id"]}
    assert frame.select("booking_date", "amount_micros", "kind", "category_id", "category").rows() == [
        (date(2026, 1, 31), 1_000_000_000, "income", None, None),
        (date(2026, 2, 1), -12_345_600, "expense", GROCERIES, "Food > Groceries"),
        (date(2026, 2, 2), -100_000_000, "transfer", SAVINGS, "Transfers > Savings and investments"),
        (date(2026, 2, 4), -1, "expense", None, None),
    ]
    assert frame["value_date"].to_list() == [None, None, date(2026, 2, 3), None]
    parquet = await client.get("/v1/ledger", params={"format": "parquet"})
    assert_frame_equal(pl.read_parquet(io.BytesIO(parquet.content)), frame)
    metadata = pl.read_parquet_metadata(io.BytesIO(parquet.content))
    assert metadata["purser.ledger_schema_version"] == str(LEDGER_SCHEMA_VERSION)


async def test_an_empty_ledger_has_the_columns_too(client: httpx2.AsyncClient) -> None:
    frame = pl.read_ipc_stream((await client.get("/v1/ledger")).content)
    assert (frame.schema, frame.height) == (LEDGER_SCHEMA, 0)


async def test_the_csv_is_exact_and_harmless_in_a_spreadsheet(ledger: Any, client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v1/ledger", headers={"Accept": "text/csv"})
    assert answer.headers["content-disposition"] == 'attachment; filename="ledger.csv"'
    frame = pl.read_csv(answer.content, infer_schema=False)
    assert frame["amount"].to_list() == ["1000.00", "-12.3456", "-100.00", "-0.000001"]
    assert sum(map(Decimal, frame["amount"]), Decimal(0)) == await ledger.total()
    assert set(frame["account"]) == {"'=Checking"}
    assert frame["counterparty"].to_list() == [None, "'@Market", None, None]
    assert frame["description"].to_list()[3] == '\'-1+1, "x"'
    assert frame["booking_date"].to_list()[0] == "2026-01-31"


async def test_the_entity_tag_changes_with_every_write_and_only_then(ledger: Any, client: httpx2.AsyncClient) -> None:
    first = await client.get("/v1/ledger")
    tag = first.headers["etag"]
    assert tag.startswith('"')
    unchanged = await client.get("/v1/ledger", headers={"If-None-Match": f'"other", {tag}'})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", tag)
    csv = await client.get("/v1/ledger", params={"format": "csv"}, headers={"If-None-Match": tag})
    assert csv.status_code == 200
    row = (await ledger.rows())[0]
    seen = {tag}
    for change in (
        lambda: ledger.change(f"/v1/transactions/{row['id']}", 1, note="x"),
        lambda: ledger.delete(f"/v1/transactions/{row['id']}", 2),
        lambda: client.post("/v1/categories", json={"name": "Mine", "kind": "income"}),
        lambda: ledger.account(name="Second"),
    ):
        await change()
        later = await client.get("/v1/ledger", headers={"If-None-Match": tag})
        assert (later.status_code, later.headers["etag"] in seen) == (200, False)
        seen.add(later.headers["etag"])


async def test_a_form_that_does_not_exist_is_not_acceptable(client: httpx2.AsyncClient) -> None:
    refused = await client.get("/v1/ledger", headers={"Accept": "image/png"})
    assert (refused.status_code, refused.json()["code"]) == (406, "not_acceptable")
    preferred = await client.get("/v1/ledger", headers={"Accept": f"text/csv;q=0.5, {ARROW};q=0.9, image/png"})
    assert preferred.headers["content-type"] == ARROW
    assert (await client.get("/v1/ledger", params={"format": "xls"})).status_code == 422


def some(answer: httpx2.Response) -> dict[str, int]:
    """What was deleted, without the tables that were empty."""
    return {table: rows for table, rows in answer.json()["deleted"].items() if rows}


async def test_a_user_deletes_the_own_ledger_only_with_a_word_of_confirmation(
    ledger: Any, client: httpx2.AsyncClient, stranger: dict[str, str]
) -> None:
    body = {"name": "Theirs", "currency": "EUR"}
    await client.post("/v1/accounts", json=body, headers={**stranger, "Idempotency-Key": "k"})
    tag = (await client.get("/v1/ledger")).headers["etag"]
    refused = await client.delete("/v1/ledger")
    assert (refused.status_code, refused.json()["code"]) == (422, "confirmation_needed")
    assert len(await ledger.rows()) == 4
    deleted = await client.delete("/v1/ledger", params={"confirm": "delete everything"})
    assert some(deleted) == {"transactions": 4, "accounts": 1, "journal_entries": 4, "journal_changes": 4}
    after = await client.get("/v1/ledger", headers={"If-None-Match": tag})
    assert (after.status_code, pl.read_ipc_stream(after.content).height) == (200, 0)
    assert len((await client.get("/v1/accounts", headers=stranger)).json()["items"]) == 1


async def test_an_administrator_deletes_all_data_of_a_user_and_learns_how_much_it_was(
    ledger: Any, client: httpx2.AsyncClient, user_id: UUID, issuer: Issuer, ofx: Callable[..., bytes], row: Any
) -> None:
    await ledger.upload(ofx(row("2026-03-01", "-5"), closing="1"))
    path = f"/v1/ledger/users/{user_id}"
    refused = await client.delete(path)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    deleted = await client.delete(path, headers=issuer.headers(scopes=["users:admin"]))
    expected = {"transactions": 5, "statement_balances": 1, "imports": 1, "account_references": 1, "accounts": 2}
    assert expected.items() <= some(deleted).items()
    assert await ledger.rows() == []
    nothing = await client.delete(path, headers=issuer.headers(scopes=["users:admin"]))
    assert set(nothing.json()["deleted"].values()) == {0}
    late = await client.post("/v1/accounts", json={"name": "Late", "type": "cash", "currency": "EUR"})
    assert (late.status_code, late.json()["code"]) == (403, "ledger_closed")
    assert (await client.get("/v1/accounts")).json()["items"] == []


def test_the_migrations_lead_to_the_models_and_back(database_url: str) -> None:
    url = make_url(database_url.replace("{service}", DATABASE.schema))
    assert migrations.differences(DATABASE, url) == ""
    migrations.downgrade(DATABASE, url, "base")
    migrations.upgrade(DATABASE, url)
    assert migrations.differences(DATABASE, url) == ""

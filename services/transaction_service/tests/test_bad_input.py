"""Whatever is sent: a clear problem, and nothing lost or half-written."""

import io
import zipfile
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from api_common.database import Database
from api_common.testing import Issuer, SettingsFactory, client_for, new_key
from fastapi import FastAPI
from sqlalchemy import text
from transaction_service.main import service
from transaction_service.settings import Settings


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("statement.csv", "Date,Amount\n")
    return buffer.getvalue()


FILES: dict[str, tuple[bytes, str]] = {
    "an empty file": (b"", "empty_file"),
    "blank lines": (b" \r\n\r\n", "empty_file"),
    "binary noise": (bytes(range(256)) * 64, "binary_file"),
    "a zip archive": (zipped(), "archive_file"),
    "a web page": (b"<!DOCTYPE html><html><body>Session expired</body></html>", "html_page"),
    "a PDF document": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "pdf_file"),
    "a CSV of an unknown bank": (b"Foo;Bar;Baz\n1;2;3\n", "unknown_csv_shape"),
    "a damaged encoding": (
        "Date,Description,Amount,Currency\n2026-04-02,Café für Müller,1.00,EUR\n".encode()
        + b"2026-04-02,Caf\xe9,1.00,EUR\n",
        "wrong_encoding",
    ),
}


@pytest.mark.parametrize(("content", "code"), FILES.values(), ids=FILES.keys())
async def test_a_file_that_is_no_statement_is_refused_with_its_reason_and_changes_nothing(
    household: Any, client: httpx2.AsyncClient, content: bytes, code: str
) -> None:
    await household.account()
    before = (await client.get("/v1/ledger")).headers["etag"]
    refused = await client.post("/v1/imports", params={"filename": "statement.ofx"}, content=content)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert refused.json()["detail"]
    assert (await client.get("/v1/ledger")).headers["etag"] == before
    assert (await client.get("/v1/imports")).json()["items"] == []


async def test_the_header_of_an_unknown_csv_is_part_of_the_answer(client: httpx2.AsyncClient) -> None:
    refused = await client.post("/v1/imports", content=b"Foo;Bar;Baz\n1;2;3\n")
    assert refused.json()["header"] == ["Foo", "Bar", "Baz"]


async def test_a_file_beyond_the_limit_is_refused_however_it_is_sent(
    settings_for: SettingsFactory, issuer: Issuer
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * 1024 * 1024:
            sent += 1024 * 1024
            yield b"x" * 1024 * 1024

    small = service(settings_for(Settings, import_limit=8 * 1024 * 1024))
    async with client_for(small, headers=issuer.headers()) as client:
        streamed = await client.post("/v1/imports", content=endless())
        declared = await client.post("/v1/imports", content=b"x", headers={"Content-Length": str(100 * 1024 * 1024)})
    assert [(a.status_code, a.json()["code"]) for a in (streamed, declared)] == [(413, "payload_too_large")] * 2
    assert sent < 16 * 1024 * 1024


async def test_a_row_without_a_date_and_a_garbled_amount_are_refused_and_the_rest_is_booked(
    household: Any, ofx: Callable[..., bytes], row: Any
) -> None:
    file = ofx(row("", "-1", fitid="no-date"), row("2026-03-01", "12..34", fitid="garbled"), row("2026-03-02", "-3"))
    answer = await household.upload(file)
    assert (answer["read"], answer["booked"], answer["refused"]) == (3, 1, 2)
    assert [refusal["bank_id"] for refusal in answer["refusals"]] == ["no-date", "garbled"]
    assert "12..34" in answer["refusals"][1]["reason"]
    assert [r["amount"] for r in await household.rows()] == ["-3.00"]
    again = await household.upload(file)
    assert (again["booked"], again["repeated"], again["refused"]) == (0, 1, 2)


async def test_tokens_that_are_not_good_open_nothing(client: httpx2.AsyncClient, issuer: Issuer) -> None:
    def bearer(**options: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {issuer.token(user_id=uuid4(), **options)}"}

    cases = [
        (bearer(expires_in=-3600), 401, "expired_token"),
        (bearer(key=new_key()), 401, "invalid_token"),
        (bearer(audience="another"), 401, "wrong_audience"),
        ({"Authorization": "Bearer nonsense"}, 401, "invalid_token"),
        ({"Authorization": ""}, 401, "missing_token"),
        (bearer(scopes=["ledger:read"]), 403, "insufficient_scope"),
        ({"Authorization": f"Bearer {issuer.service_token(scopes=['ledger:write'])}"}, 403, "user_only"),
    ]
    body = {"name": "X", "currency": "EUR"}
    for headers, status, code in cases:
        refused = await client.post("/v1/accounts", json=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (status, code)


@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/transactions", "/v1/imports", "/v1/ledger", "/v1/categories"])
async def test_an_unknown_query_parameter_is_named(client: httpx2.AsyncClient, path: str) -> None:
    refused = await client.get(path, params={"acount_id": "1"})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_parameter")
    assert "acount_id" in refused.text


@pytest.mark.parametrize("day", [0, 86400, "1767225600", "2026-01-01T00:00:00", "2026-W01-1", "2026-02-30", ""])
async def test_a_day_is_given_as_a_date_and_not_in_seconds(
    household: Any, client: httpx2.AsyncClient, day: object
) -> None:
    account = await household.account()
    entered = await client.post(
        "/v1/transactions", json={"account_id": account["id"], "booking_date": day, "amount": "-1"}
    )
    listed = await client.get("/v1/transactions", params={"from": str(day)})
    for refused in (entered, listed):
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
        assert "is not a date such as 2026-01-31" in refused.json()["detail"]
    assert await household.rows() == []


@pytest.mark.parametrize(
    "amount", ["1_000", "１２", "1e3", "12,50", "NaN", "1000000000000", "0.0000001", "", 1.5, True]
)
async def test_an_amount_that_is_no_plain_number_is_refused(
    household: Any, client: httpx2.AsyncClient, amount: object
) -> None:
    account = await household.account()
    body = {"account_id": account["id"], "booking_date": "2026-01-01", "amount": amount}
    refused = await client.post("/v1/transactions", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/body/amount")
    assert "Decimal(" not in refused.text
    assert await household.rows() == []


async def test_a_reference_that_names_nothing_is_refused(household: Any, client: httpx2.AsyncClient) -> None:
    body = {"name": "X", "currency": "EUR", "references": [{"number": " - "}]}
    refused = await client.post("/v1/accounts", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/body/references/0")


async def fill_the_disk(database: Database) -> None:
    """Let the database find no room for the rows of an import: SQLite by its own limit, PostgreSQL by its own error."""
    async with database.write() as session:
        if database.dialect == "sqlite":
            pages = await session.scalar(text("PRAGMA page_count"))
            await session.execute(text(f"PRAGMA max_page_count = {int(pages or 0) + 20}"))
            return
        await session.execute(
            text(
                "CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN IF NEW.text LIKE '%row 900' THEN RAISE 'No space left on device' USING ERRCODE = '53100'; "
                "END IF; RETURN NEW; END $$"
            )
        )
        await session.execute(
            text("CREATE TRIGGER full_disk BEFORE INSERT ON transactions FOR EACH ROW EXECUTE FUNCTION disk_is_full()")
        )


async def test_a_full_disk_refuses_the_import_and_leaves_nothing_of_it(
    household: Any, client: httpx2.AsyncClient, app: FastAPI, ofx: Callable[..., bytes], row: Any
) -> None:
    await household.upload(ofx(row("2026-03-01", "-1")))
    before = (await client.get("/v1/ledger")).content
    await fill_the_disk(app.state.runtimes["transaction_service"].database)
    file = ofx(*(row("2026-03-02", f"-{n}", name=f"row {n}", fitid=str(n)) for n in range(1, 2000)), account="9")
    refused = await client.post("/v1/imports", content=file)
    assert (refused.status_code, refused.json()["code"]) == (507, "storage_full")
    assert (await client.get("/v1/ledger")).content == before
    assert [len((await client.get(path)).json()["items"]) for path in ("/v1/accounts", "/v1/imports")] == [1, 1]


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2200-01-01", "9999-12-31"])
async def test_a_day_at_the_end_of_the_calendar_is_refused_wherever_the_ledger_would_keep_it(
    client: httpx2.AsyncClient, household: Any, day: str
) -> None:
    account = await household.account()
    path = f"/v1/accounts/{account['id']}"
    row = {"account_id": account["id"], "booking_date": day, "amount": "1"}
    for answer in (
        await client.post("/v1/accounts", json={"name": "Old", "currency": "EUR", "opening_date": day}),
        await client.post("/v1/transactions", json=row),
        await client.post("/v1/transactions", json={**row, "booking_date": "2026-01-01", "value_date": day}),
        await client.post(f"{path}/assertions", json={"date": day, "amount": "1"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text
        assert f"{day} is not kept: days go from 1900-01-01 to 2199-12-31" in answer.text
    csv = f"Date,Description,Amount,Currency\n{day},Tea,-1.00,EUR\n2026-01-01,Tea,-1.00,EUR\n"
    booked = await household.upload(csv.encode(), account_id=account["id"])
    assert (booked["booked"], booked["refused"]) == (1, 1)
    for reading in (f"{path}/reconciliation?from={day}&to={day}", "/v1/reconciliation", f"/v1/transactions?from={day}"):
        assert (await client.get(reading)).status_code == 200, reading

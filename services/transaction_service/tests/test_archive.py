"""Everything as one file and back: the round trip is exact."""

import io
import json
import re
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import polars as pl
from api_common import create_app
from api_common.testing import Issuer, SettingsFactory, client_for
from archives import Archive, Rows, archive_of, imported
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from transaction_service.archive.format import LEFT_OUT, Kind, archived_tables
from transaction_service.categories.defaults import DEFAULT_CATEGORIES
from transaction_service.main import service
from transaction_service.models import Table
from transaction_service.settings import Settings


@asynccontextmanager
async def server(url: str, folder: Path, issuer: Issuer, user_id: UUID) -> AsyncIterator[httpx2.AsyncClient]:
    chosen = Settings.model_validate(
        {
            "profile": "test",
            "data_dir": folder,
            "config_dir": folder,
            "database_url": url,
            "jwks_file": issuer.jwks_file,
            "log_level": "warning",
        }
    )
    app = create_app(service(chosen))
    async with client_for(app, headers=issuer.headers(user_id)) as client:
        client.app = app  # type: ignore[attr-defined]  # for the rows that a test puts into the database
        yield client


def test_every_table_with_rows_of_users_is_in_the_archive_or_left_out_for_a_reason() -> None:
    with_owner = {table.name for table in Table.metadata.sorted_tables if "user_id" in table.columns}
    assert {table.name for table in archived_tables()} == with_owner - LEFT_OUT.keys()
    assert with_owner == set(Table.metadata.tables)


async def test_an_archive_moves_a_ledger_between_databases_without_a_difference(
    sqlite_url: str, postgresql_url: str, tmp_path: Path, issuer: Issuer
) -> None:
    ada, bob = uuid4(), uuid4()
    async with (
        server(sqlite_url, tmp_path, issuer, ada) as lite,
        server(postgresql_url, tmp_path, issuer, bob) as post,
    ):
        await Rows(ada, 1).insert(lite.app)  # type: ignore[attr-defined]
        first = await archive_of(lite)
        told = await imported(post, first)
        second = await archive_of(post)
        assert (await lite.delete("/v1/ledger", params={"confirm": "delete everything"})).status_code == 200
        back = await imported(lite, second)
        third = await archive_of(lite)
    counts = {name: table["rows"] for name, table in first.manifest["tables"].items()}
    assert told == {"tables": counts, "ids": "kept", "created_at": told["created_at"]}
    assert min(counts.values()) > 3
    assert back["ids"] == "kept"
    assert first.told == second.told == third.told


async def test_two_archives_of_one_state_have_the_same_bytes(
    client: httpx2.AsyncClient, app: FastAPI, user_id: UUID
) -> None:
    await Rows(user_id, 2).insert(app)
    one, other = await archive_of(client), await archive_of(client)
    assert one.told == other.told
    differing = {key for key in one.manifest if one.manifest[key] != other.manifest[key]}
    assert differing == {"created_at"}


async def test_an_empty_ledger_has_an_archive_too(client: httpx2.AsyncClient, stranger: dict[str, str]) -> None:
    archive = await archive_of(client)
    assert (await imported(client, archive, headers=stranger))["tables"] == {}
    with zipfile.ZipFile(io.BytesIO(archive.content)) as file:
        assert pl.read_parquet(file.read("ledger.parquet")).height == 0


def random_part(text: str) -> int:
    """The bits of a UUIDv7 that are neither time nor version nor variant."""
    bits = UUID(text).int
    return (bits >> 64 & 0xFFF) << 62 | bits % 2**62


async def test_another_user_of_the_server_gets_the_same_ledger_with_ids_of_its_own(
    client: httpx2.AsyncClient, app: FastAPI, user_id: UUID, stranger: dict[str, str]
) -> None:
    await Rows(user_id, 3).insert(app)
    mine = await archive_of(client)
    assert (await imported(client, mine, headers=stranger))["ids"] == "renewed"
    theirs = await archive_of(client, headers=stranger)
    assert (await archive_of(client)).told == mine.told
    pairs = list(zip(mine.rows("accounts"), theirs.rows("accounts"), strict=True))
    (step,) = {random_part(other["id"]) - random_part(one["id"]) for one, other in pairs}
    built_in = {str(category.id) for category in DEFAULT_CATEGORIES}

    def renamed(found: re.Match[str]) -> str:
        if found[0] in built_in:
            return found[0]
        moved = random_part(found[0]) + step
        last = moved % 2**62 | 2**63
        return f"{found[0][:15]}{moved >> 62:03x}-{last >> 48:04x}-{last % 2**48:012x}"

    for name in mine.manifest["tables"]:
        before, after = (archive.files[f"data/{name}.jsonl"].decode() for archive in (mine, theirs))
        assert after == re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", renamed, before)


async def test_nobody_s_rows_are_in_another_s_archive(
    client: httpx2.AsyncClient, app: FastAPI, user_id: UUID, issuer: Issuer
) -> None:
    other = uuid4()
    await Rows(user_id, 4).insert(app)
    await Rows(other, 5).insert(app)
    mine, theirs = await archive_of(client), await archive_of(client, headers=issuer.headers(other))
    ids = {table.name: {row["id"] for row in mine.rows(table.name) if "id" in row} for table in archived_tables()}
    foreign = {table.name: {row["id"] for row in theirs.rows(table.name) if "id" in row} for table in archived_tables()}
    assert {name for name in ids if ids[name] & foreign[name]} == set()
    assert str(user_id).encode() not in b"".join(mine.files.values())


async def test_parquet_holds_the_same_rows_as_the_lines_of_json(
    client: httpx2.AsyncClient, app: FastAPI, user_id: UUID
) -> None:
    rows = await Rows(user_id, 6).insert(app)
    archive = await archive_of(client)
    for table in archived_tables():
        frame = pl.read_parquet(archive.files[table.parquet_file])
        assert frame.columns == [column.name for column in table.columns]
        for column in table.columns:
            stored = [row[column.name] for row in rows.by_table[table.name]]
            read = frame[column.name].to_list()
            match column.kind:
                case Kind.ID:
                    stored = [value and str(value) for value in stored]
                case Kind.MONEY:
                    stored = [None if value is None else value.quantize(Decimal("0.000001")) for value in stored]
                case Kind.JSON:
                    read = [value and json.loads(value) for value in read]
            assert sorted(map(str, read)) == sorted(map(str, stored)), (table.name, column.name)


async def test_the_ledger_stands_in_the_archive_as_it_is_exported(
    client: httpx2.AsyncClient, household: Any, ofx: Callable[..., bytes], row: Any
) -> None:
    await household.upload(ofx(*(row(f"2026-03-{day:02}", f"-{day}.50") for day in range(1, 29))))
    archive = await archive_of(client)
    as_csv, as_parquet = [
        (await client.get("/v1/ledger", params={"format": form})).content for form in ("csv", "parquet")
    ]
    assert archive.files["ledger.csv"] == as_csv
    assert pl.read_parquet(archive.files["ledger.parquet"]).equals(pl.read_parquet(as_parquet))


async def test_after_an_import_the_statement_files_book_nothing_and_can_be_undone(
    client: httpx2.AsyncClient, household: Any, ofx: Callable[..., bytes], row: Any, stranger: dict[str, str]
) -> None:
    files = [
        ofx(
            row("2026-03-01", "-4.50", fitid="1"),
            row("2026-03-02", "-4.50"),
            row("2026-03-02", "-4.50"),
            closing="86.50",
        ),
        ofx(row("2026-03-02", "-4.50"), row("2026-03-05", "1200", name="Employer"), account="77", currency="USD"),
    ]
    for file in files:
        await household.upload(file)
    changed = (await household.rows())[0]
    await household.change(f"/v1/transactions/{changed['id']}", changed["version"], note="for the party")
    deleted = (await household.rows())[1]
    await household.delete(f"/v1/transactions/{deleted['id']}", deleted["version"])
    archive = await archive_of(client)
    await imported(client, archive, headers=stranger)
    again = [(await client.post("/v1/imports", content=file, headers=stranger)).json() for file in files]
    assert [answer["booked"] for answer in again] == [0, 0]
    first = (await client.get("/v1/imports", headers=stranger)).json()["items"]
    for record in first:
        undone = await client.post(f"/v1/imports/{record['id']}/undo", params={"edited": "drop"}, headers=stranger)
        assert undone.status_code == 200, undone.text
    assert (await client.get("/v1/transactions", headers=stranger)).json()["items"] == []
    assert (await archive_of(client)).told == archive.told


async def test_delete_everything_leaves_no_row_of_the_user_in_any_table(
    client: httpx2.AsyncClient, app: FastAPI, user_id: UUID
) -> None:
    rows = await Rows(user_id, 7).insert(app)
    others = await Rows(uuid4(), 8).insert(app)
    body = {"name": "Cash", "currency": "EUR"}
    assert (await client.post("/v1/accounts", json=body, headers={"Idempotency-Key": "k"})).status_code == 201
    answer = await client.delete("/v1/ledger", params={"confirm": "delete everything"})
    counts = {name: len(found) for name, found in rows.by_table.items()}
    assert answer.json()["deleted"] == counts | {"accounts": counts["accounts"] + 1}
    async with app.state.runtimes["transaction_service"].database.read() as session:
        left = {
            table.name: await session.scalar(select(func.count()).select_from(table).where(table.c.user_id == user_id))
            for table in Table.metadata.sorted_tables
        }
        kept = await session.scalar(select(func.count()).select_from(Table.metadata.tables["transactions"]))
    assert {name: count for name, count in left.items() if count} == {"ledgers": 1}
    assert kept == len(others.by_table["transactions"])


async def test_an_archive_goes_into_an_empty_ledger_only(
    client: httpx2.AsyncClient, household: Any, stranger: dict[str, str]
) -> None:
    archive = await archive_of(client, headers=stranger)
    account = await household.account()
    await household.enter(account, "5")
    refused = await client.post("/v1/archive", content=archive.content)
    assert (refused.status_code, refused.json()["code"]) == (409, "ledger_not_empty")
    assert "1 accounts" in refused.json()["detail"]
    assert refused.json()["present"]["transactions"] == 1


async def test_an_archive_of_an_older_purser_gets_the_defaults_of_younger_columns(
    client: httpx2.AsyncClient, app: FastAPI, user_id: UUID
) -> None:
    await Rows(user_id, 12).insert(app)
    archive = await archive_of(client)
    older = Archive(archive.changed("accounts", lambda rows: [row.pop("archived") for row in rows]))
    older = Archive(older.with_manifest(lambda m: m["tables"]["accounts"]["columns"].pop("archived")))
    await client.delete("/v1/ledger", params={"confirm": "delete everything"})
    await imported(client, older)
    assert {row["archived"] for row in (await archive_of(client)).rows("accounts")} == {False}
    lacking = older.with_manifest(lambda m: m["tables"]["accounts"]["columns"].pop("name"))
    await client.delete("/v1/ledger", params={"confirm": "delete everything"})
    refused = await client.post("/v1/archive", content=lacking)
    assert "lacks the column name of accounts" in refused.json()["detail"]


async def test_a_form_and_an_idempotency_key_work_as_for_statement_files(
    client: httpx2.AsyncClient, app: FastAPI, user_id: UUID
) -> None:
    await Rows(user_id, 13).insert(app)
    archive = await archive_of(client)
    await client.delete("/v1/ledger", params={"confirm": "delete everything"})
    answers = [
        await client.post(
            "/v1/archive", files={"file": ("a.zip", archive.content)}, headers={"Idempotency-Key": "once"}
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].headers["idempotency-replayed"] == "true"
    missing = await client.post("/v1/archive", files={"files": ("a.zip", archive.content)})
    assert (missing.status_code, missing.json()["code"]) == (400, "file_needed")


async def test_reading_takes_a_token_to_read_and_importing_one_to_write(
    client: httpx2.AsyncClient, issuer: Issuer
) -> None:
    reader, nobody = (issuer.headers(uuid4(), scopes=(scope,)) for scope in ("ledger:read", "profile:read"))
    archive = await archive_of(client, headers=reader)
    assert (await client.post("/v1/archive", content=archive.content, headers=reader)).status_code == 403
    assert (await client.get("/v1/archive", headers=nobody)).status_code == 403


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), count=st.integers(1, 30))
async def test_the_round_trip_is_exact_for_any_ledger(
    seed: int, count: int, settings_for: SettingsFactory, issuer: Issuer
) -> None:
    user_id = uuid4()
    app = create_app(service(settings_for(Settings)))
    async with client_for(app, headers=issuer.headers(user_id)) as client:
        await Rows(user_id, seed, count).insert(app)
        archive = await archive_of(client)
        await client.delete("/v1/ledger", params={"confirm": "delete everything"})
        await imported(client, archive)
        assert (await archive_of(client)).told == archive.told

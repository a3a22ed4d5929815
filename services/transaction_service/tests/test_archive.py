"""Everything as one file and back: the round trip is exact, and whatever is wrong with a file, nothing is imported."""

import errno
import hashlib
import io
import json
import random
import re
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import polars as pl
import pytest
from api_common import create_app
from api_common.columns import new_id
from api_common.problems import InsufficientStorage
from api_common.testing import Issuer, SettingsFactory, client_for
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, PrimaryKeyConstraint, UniqueConstraint, func, insert, select
from transaction_service.archive.format import LEFT_OUT, ArchivedColumn, ArchivedTable, Kind, archived_tables
from transaction_service.categories.defaults import DEFAULT_CATEGORIES
from transaction_service.disk_room import room_on_disk
from transaction_service.main import service
from transaction_service.models import Table
from transaction_service.settings import Settings

TEXTS = ("", "Bäckerei", '=cmd|"x"', "line\nbreak", "'quoted'", "😀", "\u2028", "a" * 60, "null", "\\N", "1e5")

READ_BACK: dict[tuple[str, str], Any] = {
    ("csv_profiles", "mapping"): {
        "columns": [{"name": "Wann", "role": "booking_date"}, {"name": "Betrag", "role": "amount"}],
        "decimal": ",",
    },
    ("imports", "report"): {
        "refusals": [],
        "accounts": [],
        "sums": [],
        "balances": [],
        "reconciliations": [],
        "notes": [],
    },
    ("proposals", "also_in"): [],
    ("proposals", "row"): {"place": "line 2", "booking_date": "2026-03-01", "amount": "-2.80"},
    ("transactions", "details"): [{"amount": "-1.00", "text": "ü\u2028", "parts": [None, 2.5, True]}],
    ("rules", "actions"): {"tags": ["ü"], "transfer": True},
    ("rules", "conditions"): [{"field": "text", "operator": "contains", "value": "😀"}],
}
"""Columns of JSON that answers are made of; the others are shown as they are."""


def unique_columns(table: ArchivedTable) -> Iterator[Sequence[Column[Any]]]:
    for constraint in table.table.constraints:
        if isinstance(constraint, UniqueConstraint | PrimaryKeyConstraint):
            yield list(constraint.columns)
    for index in table.table.indexes:
        if index.unique:
            yield list(index.columns)


class Rows:
    """Rows of every table for one user, as odd as the columns allow."""

    def __init__(self, user_id: UUID, seed: int, count: int = 12) -> None:
        self.user_id = user_id
        self._random = random.Random(seed)
        self._count = count
        self.by_table: dict[str, list[dict[str, Any]]] = {}
        for table in archived_tables():
            self.by_table[table.name] = list(self._rows(table))
        whole = {row["id"]: row["amount"] for row in self.by_table["transactions"]}
        parts = {row["transaction_id"]: row for row in self.by_table["splits"]}
        self.by_table["splits"] = [{**row, "amount": whole[row["transaction_id"]]} for row in parts.values()]

    def _rows(self, table: ArchivedTable) -> Iterator[dict[str, Any]]:
        seen: set[tuple[tuple[str, ...], tuple[str, ...]]] = set()
        for number in range(self._count):
            row = {column.name: self._value(table, column, number) for column in table.columns}
            keys = {
                (tuple(c.name for c in columns), tuple(str(row.get(c.name)) for c in columns))
                for columns in unique_columns(table)
            }
            if seen & keys:
                continue
            seen |= keys
            yield {"user_id": self.user_id, **row}

    def _value(self, table: ArchivedTable, column: ArchivedColumn, number: int) -> Any:
        draw = self._random
        if column.column.foreign_keys:
            (reference,) = column.column.foreign_keys
            ids = [row["id"] for row in self.by_table[reference.column.table.name]]
            return None if column.column.nullable and draw.random() < 0.3 else draw.choice(ids)
        if column.column.nullable and draw.random() < 0.3:
            return None
        if column.choices is not None:
            return draw.choice(sorted(column.choices))
        if column.name == "currency":
            return draw.choice(["EUR", "USD"])
        match column.kind:
            case Kind.ID if column.name == "id":
                return new_id()
            case Kind.ID if column.name in {"category_id", "parent_id"}:
                own = [row["id"] for row in self.by_table.get("categories", [])]
                return draw.choice([*own, *(category.id for category in DEFAULT_CATEGORIES[:3])])
            case Kind.ID:
                return new_id()
            case Kind.TEXT if (table.name, column.name) == ("transfers", "reason"):
                return draw.choice(["", "account_numbers equal_amount"])
            case Kind.TEXT:
                text = draw.choice(TEXTS)
                if column.longest is not None and column.longest <= 8:
                    return "EUR"
                return f"{text if column.longest is None else text[: column.longest - 4]}{number}"
            case Kind.MONEY:
                return draw.choice(
                    [Decimal("-9223372036854.775807"), Decimal("0.000001"), Decimal(0), Decimal("12.30")]
                )
            case Kind.DATE:
                return date(1900, 1, 1) + timedelta(days=draw.randrange(100_000))
            case Kind.TIMESTAMP:
                return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=draw.randrange(10**16))
            case Kind.BOOLEAN:
                return draw.random() < 0.5
            case Kind.INTEGER:
                return draw.choice([1, 0, -5, 2**31 - 1]) if column.name != "version" else draw.randrange(1, 9)
            case Kind.NUMBER:
                return draw.choice([0.1, 1 / 3, 1.0])
            case Kind.JSON if (table.name, column.name) in READ_BACK:
                return READ_BACK[table.name, column.name]
            case Kind.JSON:
                return self._json() if column.container is dict else [self._json()]

    def _json(self) -> Any:
        account = str(self.by_table["accounts"][0]["id"])
        return {"account_id": account, "z": [1, 2.5, None, True, {"value": account}], "a": "ü\u2028", "big": 2**70}

    async def insert(self, app: FastAPI) -> "Rows":
        database = app.state.runtimes["transaction_service"].database
        async with database.write() as session:
            for table in archived_tables():
                await session.execute(insert(table.table), self.by_table[table.name])
        return self


class Archive:
    """An archive as a test looks at it, and changes it."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            self.files = {entry.filename: file.read(entry) for entry in file.infolist()}
        self.manifest: dict[str, Any] = json.loads(self.files["manifest.json"])

    @property
    def told(self) -> dict[str, bytes]:
        """All that depends on the ledger alone."""
        return {name: content for name, content in self.files.items() if name != "manifest.json"}

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.files[f"data/{table}.jsonl"].splitlines()]

    def changed(self, table: str, change: Callable[[list[Any]], object]) -> bytes:
        """The archive with other rows in a table, and a manifest that tells of them."""
        rows = self.rows(table)
        change(rows)
        lines = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        manifest = json.loads(json.dumps(self.manifest))
        manifest["tables"][table]["rows"] = len(rows)
        manifest["files"][f"data/{table}.jsonl"] = {"bytes": len(lines), "sha256": hashlib.sha256(lines).hexdigest()}
        return zipped({**self.files, f"data/{table}.jsonl": lines, "manifest.json": json.dumps(manifest).encode()})

    def with_manifest(self, change: Callable[[dict[str, Any]], object]) -> bytes:
        manifest = json.loads(json.dumps(self.manifest))
        change(manifest)
        return zipped({**self.files, "manifest.json": json.dumps(manifest).encode()})


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def random_part(text: str) -> int:
    """The bits of a UUIDv7 that are neither time nor version nor variant."""
    bits = UUID(text).int
    return (bits >> 64 & 0xFFF) << 62 | bits % 2**62


async def archive_of(client: httpx2.AsyncClient, **options: Any) -> Archive:
    answer = await client.get("/v1/archive", **options)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip"), answer.text
    assert re.fullmatch(r'attachment; filename="purser-\d{4}-\d\d-\d\d.zip"', answer.headers["content-disposition"])
    return Archive(answer.content)


async def imported(client: httpx2.AsyncClient, archive: Archive, **options: Any) -> dict[str, Any]:
    answer = await client.post("/v1/archive", content=archive.content, **options)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


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


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


BROKEN: dict[str, tuple[Callable[[Archive], bytes], str, str]] = {
    "no zip": (lambda a: b"PK nothing", "archive_broken", "no zip archive"),
    "an empty file": (lambda a: b"", "archive_broken", "no zip archive"),
    "half of it": (lambda a: a.content[: len(a.content) // 2], "archive_broken", "no zip archive"),
    "another zip": (lambda a: zipped({"x.csv": b"1"}), "archive_broken", "it has no manifest.json"),
    "a manifest that is none": (lambda a: zipped({"manifest.json": b"[]"}), "archive_broken", "its beginning"),
    "another service's": (
        lambda a: a.with_manifest(lambda m: m.update(service="auth_service")),
        "archive_broken",
        "one of auth_service",
    ),
    "a newer format": (lambda a: a.with_manifest(lambda m: m.update(format=2)), "archive_too_new", "has format 2"),
    "an unknown table": (
        lambda a: zipped(
            {
                **a.files,
                "data/robots.jsonl": b"",
                "manifest.json": json.dumps(
                    {
                        **a.manifest,
                        "tables": {**a.manifest["tables"], "robots": {"rows": 0, "columns": {}}},
                        "files": {
                            **a.manifest["files"],
                            "data/robots.jsonl": {"bytes": 0, "sha256": hashlib.sha256().hexdigest()},
                        },
                    }
                ).encode(),
            }
        ),
        "archive_too_new",
        "holds robots",
    ),
    "an unknown column": (
        lambda a: a.with_manifest(lambda m: m["tables"]["accounts"]["columns"].update(colour="text")),
        "archive_too_new",
        "accounts.colour",
    ),
    "a file too many": (lambda a: zipped({**a.files, "../../etc/passwd": b"x"}), "archive_broken", "../../etc/passwd"),
    "a file too few": (
        lambda a: zipped({name: content for name, content in a.files.items() if name != "data/rules.jsonl"}),
        "archive_broken",
        "data/rules.jsonl",
    ),
    "a changed byte": (
        lambda a: zipped({**a.files, "data/accounts.jsonl": a.files["data/accounts.jsonl"].replace(b"EUR", b"USD")}),
        "archive_broken",
        "data/accounts.jsonl is not the file",
    ),
    "a row too few": (
        lambda a: a.with_manifest(lambda m: m["tables"]["accounts"].update(rows=99)),
        "archive_broken",
        "the manifest tells of 99",
    ),
    "a bomb": (
        lambda a: zipped({**a.files, "data/accounts.jsonl": b" " * 200_000_000}),
        "archive_broken",
        "200000000 bytes large",
    ),
    "no JSON": (
        lambda a: a.changed("accounts", lambda rows: rows.insert(1, [])),
        "archive_broken",
        "line 2 is no JSON",
    ),
    "a column too many": (
        lambda a: a.changed("accounts", lambda rows: rows[1].update(user_id="x")),
        "archive_broken",
        "line 2: the row has other columns",
    ),
    "a float as money": (
        lambda a: a.changed("accounts", lambda rows: rows[0].update(opening_balance=1.5)),
        "archive_broken",
        "line 1: opening_balance is no money",
    ),
    "too much money": (
        lambda a: a.changed("accounts", lambda rows: rows[0].update(opening_balance="9999999999999.00")),
        "archive_broken",
        "opening_balance is no money",
    ),
    "a name too long": (
        lambda a: a.changed("accounts", lambda rows: rows[0].update(name="x" * 201)),
        "archive_broken",
        "name is no text",
    ),
    "a NUL": (
        lambda a: a.changed("accounts", lambda rows: rows[0].update(name="x\x00")),
        "archive_broken",
        "name is no text",
    ),
    "no name": (
        lambda a: a.changed("accounts", lambda rows: rows[0].update(name=None)),
        "archive_broken",
        "not be null",
    ),
    "a kind that is none": (
        lambda a: a.changed("categories", lambda rows: rows[0].update(kind="gift")),
        "archive_broken",
        "kind is no text that fits there",
    ),
    "a day that is none": (
        lambda a: a.changed("transactions", lambda rows: rows[0].update(booking_date="2026-02-30")),
        "archive_broken",
        "booking_date is no date",
    ),
    "a number too large": (
        lambda a: a.changed("imports", lambda rows: rows[0].update(booked=2**31)),
        "archive_broken",
        "booked is no integer",
    ),
    "a row twice": (
        lambda a: a.changed("transactions", lambda rows: rows.append(rows[0])),
        "archive_broken",
        "Rows of transactions repeat",
    ),
    "a reference to nothing": (
        lambda a: a.changed("transactions", lambda rows: rows[0].update(account_id=str(uuid4()))),
        "archive_broken",
        "transactions",
    ),
    "a category of nobody": (
        lambda a: a.changed("splits", lambda rows: rows[0].update(category_id=str(uuid4()))),
        "archive_broken",
        "the category",
    ),
    "a deed that is none": (
        lambda a: a.changed("journal_entries", lambda rows: rows[1].update(action="robbed")),
        "archive_broken",
        "line 2: action is no text that fits there",
    ),
    "a category by nobody known": (
        lambda a: a.changed("transactions", lambda rows: rows[1].update(categorised_by="robot")),
        "archive_broken",
        "line 2: categorised_by is no text",
    ),
    "a mapping of nothing": (
        lambda a: a.changed("csv_profiles", lambda rows: rows[1].update(mapping={"columns": 5})),
        "archive_broken",
        "data/csv_profiles.jsonl, line 2: columns: ",
    ),
    "a report of nothing": (
        lambda a: a.changed("imports", lambda rows: rows[1].update(report={})),
        "archive_broken",
        "data/imports.jsonl, line 2: refusals: ",
    ),
    "a rule without conditions": (
        lambda a: a.changed("rules", lambda rows: rows[1].update(conditions=[{"field": "mood"}])),
        "archive_broken",
        "data/rules.jsonl, line 2: ",
    ),
    "a rule that gives nothing": (
        lambda a: a.changed("rules", lambda rows: rows[1].update(actions={}, category_id=None)),
        "archive_broken",
        "a rule gives at least one",
    ),
    "a proposal of nothing": (
        lambda a: a.changed("proposals", lambda rows: rows[1].update(row={"amount": "much"})),
        "archive_broken",
        "data/proposals.jsonl, line 2: ",
    ),
    "a transfer for no reason": (
        lambda a: a.changed("transfers", lambda rows: rows[1].update(reason="love")),
        "archive_broken",
        "data/transfers.jsonl, line 2: the row is none of transfers",
    ),
    "a number that no answer can hold": (
        lambda a: a.changed("transactions", lambda rows: rows[1].update(details=[{"amount": 2**70}])),
        "archive_broken",
        "data/transactions.jsonl, line 2: the row is none of transactions",
    ),
    "a matryoshka": (
        lambda a: a.changed("journal_entries", lambda rows: rows[1].update(summary=nested(65))),
        "archive_broken",
        "line 2: summary is no json that fits there",
    ),
    "parts that are not the whole": (
        lambda a: a.changed(
            "splits", lambda rows: rows.append({**rows[0], "id": str(uuid4()), "amount": "9223372036854.775807"})
        ),
        "archive_broken",
        "The parts of the row",
    ),
    "categories in a circle": (
        lambda a: a.changed("categories", lambda rows: rows[0].update(parent_id=rows[0]["id"])),
        "archive_broken",
        "the category",
    ),
}


async def test_a_broken_archive_is_refused_and_imports_nothing(
    client: httpx2.AsyncClient, app: FastAPI, user_id: UUID, issuer: Issuer
) -> None:
    await Rows(user_id, 9).insert(app)
    archive = await archive_of(client)
    await client.delete("/v1/ledger", params={"confirm": "delete everything"})
    for name, (breaking, code, words) in BROKEN.items():
        refused = await client.post("/v1/archive", content=breaking(archive))
        assert (refused.status_code, refused.json()["code"]) == (422, code), (name, refused.text)
        assert words in refused.json()["detail"], name
    assert (await archive_of(client)).manifest["tables"]["accounts"]["rows"] == 0
    await imported(client, archive)
    assert (await archive_of(client)).told == archive.told


async def test_rows_of_an_archive_cannot_hang_on_another_user_s(
    client: httpx2.AsyncClient, app: FastAPI, user_id: UUID, stranger: dict[str, str]
) -> None:
    rows = await Rows(user_id, 10).insert(app)
    theirs = Rows(uuid4(), 11)
    await theirs.insert(app)
    archive = await archive_of(client, headers=stranger)
    balance = {
        **json.loads((await archive_of(client)).files["data/balance_assertions.jsonl"].splitlines()[0]),
        "id": str(uuid4()),
        "account_id": str(rows.by_table["accounts"][0]["id"]),
    }
    refused = await client.post(
        "/v1/archive", content=archive.changed("balance_assertions", lambda r: r.append(balance)), headers=stranger
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "archive_broken")
    assert "balance_assertions.account_id refers to a row of accounts" in refused.json()["detail"]


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


def test_a_full_disk_is_told_from_other_faults() -> None:
    with pytest.raises(InsufficientStorage), room_on_disk():
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(FileNotFoundError), room_on_disk():
        Path("/nowhere").read_bytes()


SHOWN = (
    *("/v1/ledger", "/v1/archive", "/v1/accounts", "/v1/transactions", "/v1/categories", "/v1/rules", "/v1/imports"),
    *("/v1/proposals", "/v1/csv-profiles", "/v1/transfers", "/v1/tags", "/v1/journal"),
    *("/v1/securities", "/v1/investments", "/v1/positions"),
)

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from([str(UUID(int=0)), "2026-01-01", "2026-01-01T00:00:00.000000Z", "1.00", "\ud800", "\x00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_whatever_a_row_of_an_archive_holds_it_is_imported_or_refused_with_a_reason(
    data: st.DataObject, attacked: tuple[httpx2.AsyncClient, Archive]
) -> None:
    client, archive = attacked
    table = data.draw(st.sampled_from(archived_tables()))
    column = data.draw(st.sampled_from([column.name for column in table.columns]))
    value = data.draw(JSON_VALUES)
    answer = await client.post(
        "/v1/archive", content=archive.changed(table.name, lambda r: r[0].update({column: value}))
    )
    assert answer.status_code in {201, 422}, (table.name, column, value, answer.text)
    if answer.status_code == 422:
        assert answer.json()["code"] == "archive_broken"
    else:
        for path in SHOWN:
            shown = await client.get(path)
            assert shown.status_code == 200, (table.name, column, value, path, shown.text)
        await client.delete("/v1/ledger", params={"confirm": "delete everything"})


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), count=st.integers(1, 50), byte=st.integers(0, 255))
async def test_whatever_byte_of_an_archive_is_changed_nothing_but_the_archive_is_imported(
    place: float, count: int, byte: int, attacked: tuple[httpx2.AsyncClient, Archive]
) -> None:
    client, archive = attacked
    damaged = bytearray(archive.content)
    start = int(place * len(damaged))
    damaged[start : start + count] = bytes([byte]) * len(damaged[start : start + count])
    answer = await client.post("/v1/archive", content=bytes(damaged))
    assert answer.status_code in {201, 422}, answer.text
    if answer.status_code == 201:
        assert (await archive_of(client)).told == archive.told
        await client.delete("/v1/ledger", params={"confirm": "delete everything"})


@pytest.fixture
async def attacked(client: httpx2.AsyncClient, app: FastAPI, user_id: UUID) -> tuple[httpx2.AsyncClient, Archive]:
    """A user with an empty ledger, and the archive that was made of it."""
    await Rows(user_id, 14, 4).insert(app)
    archive = await archive_of(client)
    await client.delete("/v1/ledger", params={"confirm": "delete everything"})
    return client, archive


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

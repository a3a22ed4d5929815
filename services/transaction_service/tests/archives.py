"""Archives as tests make them, look at them and change them, and ledgers with odd rows in every table."""

import hashlib
import io
import json
import random
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx2
from api_common.columns import new_id
from fastapi import FastAPI
from sqlalchemy import Column, PrimaryKeyConstraint, UniqueConstraint, insert
from transaction_service.archive.format import ArchivedColumn, ArchivedTable, Kind, archived_tables
from transaction_service.categories.defaults import DEFAULT_CATEGORIES

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

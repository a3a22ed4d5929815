"""The index of words: whatever happens to rows, it finds each by every beginning of its words, and nothing else."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from api_common import create_app
from api_common.database import Database
from api_common.testing import Issuer, SettingsFactory, client_for
from bank_files import camt, march
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transaction_service.main import service
from transaction_service.search.words import query_words, search_words
from transaction_service.settings import Settings

TEXTS = ("Müller Straße 5", "Kartenzahlung REWE 123", "kartenhaus", "blau blue blu", "Ørsted ☕ A/S", "")
LONGEST = 6
QUERIES = sorted(
    {word[:length] for text in TEXTS for word in search_words(text).split() for length in range(1, LONGEST + 1)}
)


@dataclass
class Doings:
    """What a user does to rows; `choice` says to which, and with which text."""

    client: httpx2.AsyncClient
    imports: list[str] = field(default_factory=list)

    async def rows(self, **filters: str) -> list[dict[str, Any]]:
        """The user's rows."""
        items: list[dict[str, Any]] = (await self.client.get("/v1/transactions", params=filters)).json()["items"]
        return items

    async def enter(self, choice: int) -> None:
        """Enter a row by hand."""
        accounts = (await self.client.get("/v1/accounts")).json()["items"]
        account_id = (accounts or [await self._account()])[0]["id"]
        texts = {"description": _text(choice), "merchant": _text(choice + 1) or None}
        row = {"account_id": account_id, "booking_date": "2026-01-01", "amount": "-1.00", **texts}
        assert (await self.client.post("/v1/transactions", json=row)).status_code == 201

    async def upload(self, choice: int) -> None:
        """Import three rows."""
        rows = [march(n, f"-{choice + n}.50", _text(choice + n), f"{choice}-{n}") for n in (1, 2, 3)]
        booked = await self.client.post("/v1/imports", content=camt(rows))
        if booked.status_code == 201:
            self.imports.append(booked.json()["id"])

    async def undo(self, choice: int) -> None:
        """Undo an import."""
        if self.imports:
            chosen = self.imports.pop(choice % len(self.imports))
            assert (await self.client.post(f"/v1/imports/{chosen}/undo")).is_success

    async def edit(self, choice: int) -> None:
        """Change what a row is found by."""
        row = await self._row(choice)
        if row is not None:
            changes = {
                "note": _text(choice + 2),
                "tags": [_text(choice + 3) or "tag"],
                "merchant": _text(choice + 4) or None,
            }
            path = f"/v1/transactions/{row['id']}"
            assert (await self.client.patch(path, json=changes, headers={"If-Match": "*"})).is_success

    async def edit_many(self, choice: int) -> None:
        """Change many rows at once."""
        edit = {"filter": {"q": QUERIES[choice % len(QUERIES)]}, "changes": {"note": _text(choice)}}
        assert (await self.client.post("/v1/transactions/bulk", json=edit)).is_success

    async def delete(self, choice: int) -> None:
        """Put a row into the trash."""
        row = await self._row(choice)
        if row is not None:
            path = f"/v1/transactions/{row['id']}"
            assert (await self.client.delete(path, headers={"If-Match": "*"})).is_success

    async def restore(self, choice: int) -> None:
        """Bring a row back from the trash."""
        row = await self._row(choice, deleted="true")
        if row is not None:
            assert (await self.client.post(f"/v1/transactions/{row['id']}/restore")).is_success

    async def move(self, _choice: int) -> None:
        """Take everything out, delete it, and bring it back."""
        archive = (await self.client.get("/v1/archive")).content
        await self.client.delete("/v1/ledger", params={"confirm": "delete everything"})
        assert (await self.client.post("/v1/archive", content=archive)).status_code == 201
        self.imports.clear()

    async def _account(self) -> dict[str, Any]:
        account: dict[str, Any] = (
            await self.client.post("/v1/accounts", json={"name": "Purse", "currency": "EUR"})
        ).json()
        return account

    async def _row(self, choice: int, **filters: str) -> dict[str, Any] | None:
        rows = await self.rows(**filters)
        return rows[choice % len(rows)] if rows else None


OPERATIONS: tuple[Callable[[Doings, int], Awaitable[None]], ...] = (
    Doings.enter,
    Doings.upload,
    Doings.undo,
    Doings.edit,
    Doings.edit_many,
    Doings.delete,
    Doings.restore,
    Doings.move,
)


def _text(choice: int) -> str:
    return TEXTS[choice % len(TEXTS)]


def _words_of(row: dict[str, Any]) -> str:
    texts = (row["description"], row["merchant"], row["note"], row["counterparty"], *row["tags"])
    return search_words(" ".join(text for text in texts if text))


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(doings=st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 60)), min_size=3, max_size=25))
async def test_the_index_is_what_the_rows_say_after_any_doings(
    doings: list[tuple[Callable[[Doings, int], Awaitable[None]], int]], settings_for: SettingsFactory, issuer: Issuer
) -> None:
    async with client_for(create_app(service(settings_for(Settings))), headers=issuer.headers(uuid4())) as client:
        user = Doings(client)
        await user.enter(0)
        for operation, choice in doings:
            await operation(user, choice)
        words = [_words_of(row) for row in await user.rows(limit="500")]
        expected = {q: sum(all(word.fits(text) for word in query_words(q)) for text in words) for q in QUERIES}
        # Totals are always taken from the index of words.
        found = {q: (await client.get("/v1/transactions/totals", params={"q": q})).json()["rows"] for q in QUERIES}
        assert found == expected


async def test_the_index_follows_every_change(household: Any, client: httpx2.AsyncClient) -> None:
    account = await household.account()
    row = await household.enter(account, "-1", description="first")
    path = f"/v1/transactions/{row['id']}"

    async def finds(query: str) -> bool:
        # Totals are always taken from the index of words.
        return bool((await client.get("/v1/transactions/totals", params={"q": query})).json()["rows"])

    assert await finds("first")
    changed = (await household.change(path, 1, note="noted", tags=["tagged"], merchant="Shop")).json()
    assert [await finds(query) for query in ("first", "noted", "tagged", "shop")] == [True] * 4
    changed = (await household.change(path, changed["version"], note="other", tags=[])).json()
    assert [await finds(query) for query in ("noted", "tagged", "other")] == [False, False, True]
    await household.delete(path, changed["version"])
    assert not await finds("first")
    trash = (await client.get("/v1/transactions/totals", params={"q": "first", "deleted": "true"})).json()
    assert trash["rows"] == 1
    await client.post(f"{path}/restore")
    assert await finds("first")
    edit = {"filter": {"q": "first"}, "changes": {"tags_add": ["bulk"], "note": "many"}}
    edited = await client.post("/v1/transactions/bulk", json=edit)
    assert edited.status_code == 200, edited.text
    assert [await finds(query) for query in ("bulk", "many", "other")] == [True, True, False]


async def test_the_index_follows_imports_and_their_undoing(
    household: Any, client: httpx2.AsyncClient, ofx: Any, row: Any
) -> None:
    names = ("Alpha", "Beta", "Gamma")

    async def found() -> list[int]:
        totals = [await client.get("/v1/transactions/totals", params={"q": name}) for name in names]
        return [answer.json()["rows"] for answer in totals]

    uploads = []
    for n, name in enumerate(names):
        rows = [row(f"2026-01-{day:02d}", f"-{n + 1}.{day:02d}", name, f"{n}-{day}") for day in range(1, 5)]
        uploads.append(await household.upload(ofx(*rows)))
    assert await found() == [4, 4, 4]
    # The last rows of the table go, and others take their places.
    await client.post(f"/v1/imports/{uploads[2]['id']}/undo")
    await client.post(f"/v1/imports/{uploads[0]['id']}/undo")
    assert await found() == [0, 4, 0]
    await household.upload(
        ofx(*[row(f"2026-02-{day:02d}", f"-9.{day:02d}", "Delta", f"d-{day}") for day in range(1, 7)])
    )
    assert await found() == [0, 4, 0]
    assert (await client.get("/v1/transactions/totals", params={"q": "delta"})).json()["rows"] == 6


@pytest.mark.parametrize("statement", ["VACUUM", "VACUUM INTO 'copy'"])
async def test_the_index_of_sqlite_outlives_a_vacuum(
    household: Any, app: FastAPI, statement: str, tmp_path: Path
) -> None:
    database: Database = app.state.runtimes["transaction_service"].database
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL keeps its own index")
    account = await household.account()
    rows = [await household.enter(account, "-1", description=f"word {n}") for n in range(6)]
    copy = tmp_path / "copy.sqlite3"
    with closing(sqlite3.connect(str(database.url.database), isolation_level=None)) as connection:
        connection.execute("DELETE FROM transactions WHERE id = ?", (UUID(str(rows[1]["id"])).hex,))
        connection.execute(statement.replace("'copy'", f"'{copy}'"))
    target = copy if "INTO" in statement else Path(str(database.url.database))
    query = (
        "SELECT t.text FROM transactions_search AS s JOIN transactions AS t ON t.rowid = s.rowid "
        "WHERE transactions_search MATCH ?"
    )
    with closing(sqlite3.connect(target)) as connection:
        user = connection.execute("SELECT user_id FROM transactions").fetchone()[0]
        found = [connection.execute(query, (f'"{user[-8:]}{n}"*',)).fetchall() for n in range(6)]
    assert found == [[(f"word {n}",)] if n != 1 else [] for n in range(6)]

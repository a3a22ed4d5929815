"""Archives in which something is wrong: whatever it is, nothing is imported."""

import errno
import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from api_common.problems import InsufficientStorage
from api_common.testing import Issuer, SettingsFactory, client_for
from archives import Archive, Rows, archive_of, imported, zipped
from fastapi import FastAPI
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from transaction_service.archive.format import archived_tables
from transaction_service.disk_room import room_on_disk
from transaction_service.main import service
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.settings import Settings


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


async def test_an_archive_is_looked_through_while_another_writes(
    client: httpx2.AsyncClient, app: FastAPI, user_id: UUID
) -> None:
    """On SQLite only one may write: what is found broken is refused without waiting for that one."""
    await Rows(user_id, 15).insert(app)
    archive = await archive_of(client)
    broken = archive.changed("transfers", lambda rows: rows[-1].update(reason="love"))
    async with app.state.runtimes["transaction_service"].database.write() as session:
        await LedgerRepository(session, user_id).begin_change()
        refused = await client.post("/v1/archive", content=broken, headers={"Idempotency-Key": "k"})
    assert (refused.status_code, refused.json()["code"]) == (422, "archive_broken")


@pytest.mark.parametrize("name", ["data/accounts.jsonl", "parquet/accounts.parquet", "README.txt"])
async def test_files_that_are_too_large_together_are_not_unpacked(
    settings_for: SettingsFactory, issuer: Issuer, user_id: UUID, name: str
) -> None:
    """Each file is compressed no better than rows are, and all of them would fill the disk."""
    limit = 1_000_000
    async with client_for(
        service(settings_for(Settings, archive_unpacked_limit=limit)), headers=issuer.headers(user_id)
    ) as client:
        archive = await archive_of(client)
        filled = zipped({**archive.files, name: random.Random(1).randbytes(2_000) * 501})
        refused = await client.post("/v1/archive", content=filled)
        told = refused.json()
        assert (refused.status_code, told["code"], told["limit"]) == (422, "archive_too_large", limit)
        assert told["size"] > limit > len(filled)
        assert (await imported(client, archive))["tables"] == {}


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
@example(place=0.99, count=25, byte=8)
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

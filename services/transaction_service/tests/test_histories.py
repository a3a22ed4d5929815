"""Laws of importing: whatever a bank's files repeat, in whatever order, the ledger holds each row exactly once."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx2
from api_common.testing import Issuer
from bank_files import BankRow, camt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transaction_service.categories.defaults import DEFAULT_CATEGORIES

START = date(2026, 3, 1)
# Few different values, so that equal rows are common.
MOVEMENTS = st.tuples(
    st.integers(0, 3), st.sampled_from(["-2.80", "-0.01", "1234.5678"]), st.sampled_from(["Coffee", "Bakery"])
)
WINDOWS = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda days: (min(days), max(days)))
HISTORIES = st.tuples(
    st.lists(MOVEMENTS, min_size=1, max_size=8), st.lists(WINDOWS, min_size=1, max_size=4), st.booleans()
)
History = tuple[list[tuple[int, str, str]], list[tuple[int, int]], bool]
over_http = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def expected(history: History) -> list[Decimal]:
    """The amounts that the ledger holds after all files: of each day that a file is about, the bank's rows."""
    movements, windows, _ = history
    return [Decimal(amount) for day, amount, _ in movements if any(first <= day <= last for first, last in windows)]


def files_of(history: History) -> list[bytes]:
    """A file for each window of the history, with the bank's ids or without any."""
    movements, windows, with_ids = history
    rows = [
        BankRow(START + timedelta(days=day), Decimal(amount), name, str(number) if with_ids else "")
        for number, (day, amount, name) in enumerate(movements)
    ]
    files = []
    for first, last in (tuple(START + timedelta(days=day) for day in window) for window in windows):
        files.append(camt([row for row in rows if first <= row.day <= last], first=first, last=last))
    return files


async def upload_all(client: httpx2.AsyncClient, headers: dict[str, str], files: list[bytes]) -> list[dict[str, Any]]:
    answers = []
    for content in files:
        answer = await client.post("/v1/imports", content=content, headers=headers)
        assert answer.status_code == 201, answer.text
        answers.append(answer.json())
    return answers


async def ledger_rows(client: httpx2.AsyncClient, headers: dict[str, str]) -> list[dict[str, Any]]:
    answer = await client.get("/v1/transactions", params={"limit": 500}, headers=headers)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@over_http
@given(history=HISTORIES, data=st.data())
async def test_uploads_conserve_sums_are_idempotent_and_their_order_does_not_matter(
    client: httpx2.AsyncClient, issuer: Issuer, history: History, data: st.DataObject
) -> None:
    files, ledger = files_of(history), expected(history)
    for order in (files, data.draw(st.permutations(files))):
        headers = issuer.headers(uuid4())
        answers = await upload_all(client, headers, order)
        became = ("booked", "repeated", "replaced", "refused", "proposed")
        assert all(a["read"] == sum(a[name] for name in became) for a in answers)
        assert sum(a["booked"] for a in answers) == len(ledger)
        rows = await ledger_rows(client, headers)
        assert sorted(Decimal(r["amount"]) for r in rows) == sorted(ledger)
        again = await upload_all(client, headers, order)
        assert [(a["booked"], a["proposed"]) for a in again] == [(0, 0)] * len(files)
        assert await ledger_rows(client, headers) == rows


@over_http
@given(history=HISTORIES, data=st.data())
async def test_deleted_rows_stay_deleted_and_undone_imports_leave_nothing(
    client: httpx2.AsyncClient, issuer: Issuer, history: History, data: st.DataObject
) -> None:
    headers, files = issuer.headers(uuid4()), files_of(history)
    imports = await upload_all(client, headers, files)
    rows = await ledger_rows(client, headers)
    deleted = data.draw(st.sets(st.sampled_from([r["id"] for r in rows]))) if rows else set()
    for row_id in sorted(deleted):
        await client.delete(f"/v1/transactions/{row_id}", headers={**headers, "If-Match": "*"})
    again = await upload_all(client, headers, files)
    assert [a["booked"] for a in again] == [0] * len(files)
    assert {r["id"] for r in await ledger_rows(client, headers)} == {r["id"] for r in rows} - deleted
    for done in [*imports, *again]:
        await client.post(f"/v1/imports/{done['id']}/undo", params={"edited": "drop"}, headers=headers)
    assert await ledger_rows(client, headers) == []
    anew = await upload_all(client, headers, files)
    assert sum(a["booked"] for a in anew) == len(expected(history))


WORDS = st.text(st.sampled_from("aÄßẞ%_\\'  İ"), min_size=1, max_size=5).filter(str.strip)


@over_http
@given(names=st.lists(WORDS, min_size=1, max_size=5), contains=st.lists(WORDS, min_size=1, max_size=4))
async def test_applying_the_rules_right_after_an_import_changes_nothing(
    client: httpx2.AsyncClient,
    issuer: Issuer,
    ofx: Callable[..., bytes],
    row: Any,
    names: list[str],
    contains: list[str],
) -> None:
    headers = issuer.headers(uuid4())
    for number, text in enumerate(contains):
        category_id = str(DEFAULT_CATEGORIES[number].id)
        rule = {
            "conditions": [{"field": "text", "operator": "contains", "value": text}],
            "actions": {"category_id": category_id},
        }
        answer = await client.post("/v1/rules", json=rule, headers=headers)
        assert answer.status_code == 201
    file = ofx(*(row("2026-03-01", "-1", name=f"{name}.", fitid=str(n)) for n, name in enumerate(names)))
    await client.post("/v1/imports", content=file, headers=headers)
    categorised = sum(r["categorised_by"] == "rule" for r in await ledger_rows(client, headers))
    applied = await client.post("/v1/rules/apply", headers=headers)
    assert applied.json() == {"matched": categorised, "changed": 0, "cleared": 0}

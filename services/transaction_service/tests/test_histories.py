"""Laws of importing: whatever a bank's files repeat, in whatever order, the ledger holds each row exactly once."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx2
from api_common.testing import Issuer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transaction_service.default_categories import DEFAULT_CATEGORIES

# Few different values, so that equal rows are common.
ROWS = st.tuples(
    st.dates(date(2026, 3, 1), date(2026, 3, 3)),
    st.sampled_from(["-2.80", "-0.01", "1234.5678"]),
    st.sampled_from(["Coffee", "Bakery"]),
    st.sampled_from(["", "", "1", "2"]),
)
FILES = st.lists(st.lists(ROWS, min_size=1, max_size=8), min_size=1, max_size=4)
Row = tuple[date, str, str, str]
over_http = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def distinct(rows: list[Row]) -> Counter[tuple[Any, ...]]:
    """What a file holds: rows with a bank's id once for each wording of it; others as often as they are listed."""
    with_id = Counter((day, amount, fitid) for day, amount, _, fitid in set(rows) if fitid)
    without = Counter((day, amount, name) for day, amount, name, fitid in rows if not fitid)
    return with_id + Counter({("no id", *key): n for key, n in without.items()})


def expected(files: list[list[Row]]) -> Counter[tuple[Any, ...]]:
    """What the ledger holds after all files: of each row as many as the file that has the most of them."""
    ledger: Counter[tuple[Any, ...]] = Counter()
    for file in files:
        ledger |= distinct(file)
    return ledger


def amount_of(key: tuple[Any, ...]) -> Decimal:
    return Decimal(key[2] if key[0] == "no id" else key[1])


async def upload_all(
    client: httpx2.AsyncClient, headers: dict[str, str], files: list[list[Row]], ofx: Callable[..., bytes], row: Any
) -> list[dict[str, Any]]:
    answers = []
    for file in files:
        content = ofx(*(row(str(day), amount, name=name, fitid=fitid) for day, amount, name, fitid in file))
        answer = await client.post("/v1/imports", content=content, headers=headers)
        assert answer.status_code == 201, answer.text
        answers.append(answer.json())
    return answers


async def ledger_rows(client: httpx2.AsyncClient, headers: dict[str, str]) -> list[dict[str, Any]]:
    answer = await client.get("/v1/transactions", params={"limit": 500}, headers=headers)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@over_http
@given(files=FILES, data=st.data())
async def test_uploads_conserve_sums_are_idempotent_and_their_order_does_not_matter(
    client: httpx2.AsyncClient,
    issuer: Issuer,
    ofx: Callable[..., bytes],
    row: Any,
    files: list[list[Row]],
    data: st.DataObject,
) -> None:
    shuffled = data.draw(st.permutations(files))
    ledger = expected(files)
    for history in (files, shuffled):
        headers = issuer.headers(uuid4())
        answers = await upload_all(client, headers, history, ofx, row)
        assert all(a["read"] == a["booked"] + a["repeated"] + a["replaced"] + a["refused"] for a in answers)
        assert sum(a["booked"] for a in answers) == ledger.total()
        rows = await ledger_rows(client, headers)
        assert len(rows) == ledger.total()
        assert sum(Decimal(r["amount"]) for r in rows) == sum(amount_of(key) * n for key, n in ledger.items())
        again = await upload_all(client, headers, history, ofx, row)
        assert [a["booked"] for a in again] == [0] * len(history)
        assert await ledger_rows(client, headers) == rows


@over_http
@given(files=FILES, data=st.data())
async def test_deleted_rows_stay_deleted_and_undone_imports_leave_nothing(
    client: httpx2.AsyncClient,
    issuer: Issuer,
    ofx: Callable[..., bytes],
    row: Any,
    files: list[list[Row]],
    data: st.DataObject,
) -> None:
    headers = issuer.headers(uuid4())
    imports = await upload_all(client, headers, files, ofx, row)
    rows = await ledger_rows(client, headers)
    deleted = data.draw(st.sets(st.sampled_from([r["id"] for r in rows])))
    for row_id in sorted(deleted):
        await client.delete(f"/v1/transactions/{row_id}", headers={**headers, "If-Match": "*"})
    again = await upload_all(client, headers, files, ofx, row)
    assert [a["booked"] for a in again] == [0] * len(files)
    assert {r["id"] for r in await ledger_rows(client, headers)} == {r["id"] for r in rows} - deleted
    for done in [*imports, *again]:
        await client.post(f"/v1/imports/{done['id']}/undo", params={"edited": "drop"}, headers=headers)
    assert await ledger_rows(client, headers) == []
    anew = await upload_all(client, headers, files, ofx, row)
    assert sum(a["booked"] for a in anew) == expected(files).total()


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

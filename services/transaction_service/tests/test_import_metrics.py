"""What `/metrics` tells of imports."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

Files = Callable[..., bytes]
Counted = dict[str, float]


@pytest.fixture
async def counted(client: httpx2.AsyncClient) -> Callable[[], Any]:
    """Gives what imports have counted since the test began; counters are the process's, so other tests are in them."""

    async def read() -> Counted:
        lines = (await client.get("/metrics")).text.splitlines()
        found = [line.rpartition(" ") for line in lines if line.startswith("purser_import_")]
        kept = ("_total{", "_seconds_count")
        return {name: float(value) for name, _, value in found if any(part in name for part in kept)}

    before = await read()

    async def since() -> Counted:
        return {name: value - before[name] for name, value in (await read()).items() if value != before[name]}

    return since


async def test_files_rows_and_their_outcomes_are_counted_once_booked(
    household: Any, client: httpx2.AsyncClient, ofx: Files, row: Any, counted: Callable[[], Any]
) -> None:
    file = ofx(row("2026-03-02", "-1.50"), row("2026-03-03", "-7", fitid="x"))
    await client.post("/v1/imports", params={"preview": "true"}, content=file)
    assert await counted() == {'purser_import_files_total{outcome="previewed"}': 1}
    await household.upload(file)
    await household.upload(file)
    assert await counted() == {
        'purser_import_files_total{outcome="previewed"}': 1,
        'purser_import_files_total{outcome="booked"}': 2,
        'purser_import_rows_total{outcome="booked"}': 2,
        'purser_import_rows_total{outcome="repeated"}': 2,
        "purser_import_duration_seconds_count": 2,
    }


async def test_files_that_are_refused_are_counted_and_a_replayed_request_is_not(
    client: httpx2.AsyncClient, ofx: Files, row: Any, counted: Callable[[], Any]
) -> None:
    unreadable = await client.post("/v1/imports", content=b"\x00\x01 no statement")
    nameless = await client.post("/v1/imports", content=b'"Date","Amount"\n"2026-12-06","-8,78"\n')
    assert (unreadable.status_code, nameless.status_code) == (422, 422)
    for _ in range(2):
        await client.post(
            "/v1/imports", content=ofx(row("2026-03-02", "-1")), headers={"Idempotency-Key": "upload-metrics"}
        )
    assert await counted() == {
        'purser_import_files_total{outcome="refused"}': 2,
        'purser_import_files_total{outcome="booked"}': 1,
        'purser_import_rows_total{outcome="booked"}': 1,
        "purser_import_duration_seconds_count": 1,
    }

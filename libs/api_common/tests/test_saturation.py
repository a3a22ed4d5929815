"""Gauges of what is in use and what waits, and counts of what a service did."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from enum import StrEnum
from uuid import uuid4

import httpx2
import pytest
from api_common import Service, create_app
from api_common.compute import offload, thread_use
from api_common.database import Database, on_commit
from api_common.metrics import Durations, OutcomeCounter
from api_common.testing import SettingsFactory, client_for
from bookkeeping_example import SPEC, Account
from config import ServiceSettings
from example_service import example
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text


class Sent(StrEnum):
    DELIVERED = "delivered"
    LOST = "lost"


LETTERS = OutcomeCounter("test_letters", "Letters that were sent.", Sent)
JOURNEYS = Durations("test_journey_seconds", "How long a letter travelled.", buckets=(1, 10))


def samples(families: Iterable[Metric], prefix: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith(prefix) and not sample.name.endswith("_created")
    }


async def turns_until(condition: Callable[[], bool]) -> None:
    """Let the other tasks go on until it is so, for a thousand turns at most."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("still not so")


async def use(database: Database) -> None:
    """Hold a connection for writing for a moment."""
    async with database.write() as session:
        await session.execute(text("SELECT 1"))


async def test_tasks_that_wait_for_a_connection_are_counted_until_they_have_one(database: Database) -> None:
    limit = database.pools()["write"].limit
    full, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with database.write() as session:
            await session.execute(text("SELECT 1"))
            if database.pools()["write"].in_use == limit:
                full.set()
            await go_on.wait()

    holders = [asyncio.create_task(hold()) for _ in range(limit)]
    await full.wait()
    waiting = [asyncio.create_task(use(database)) for _ in range(3)]
    await turns_until(lambda: database.pools()["write"].waiting == 3)
    found = database.pools()["write"]
    go_on.set()
    await asyncio.gather(*holders, *waiting)
    after = database.pools()["write"]
    assert (found.in_use, found.waiting) == (limit, 3)
    assert (after.in_use, after.waiting) == (0, 0)


async def test_work_that_waits_for_a_thread_is_counted() -> None:
    limit, go_on = thread_use().limit, threading.Event()
    work = [asyncio.create_task(offload(go_on.wait)) for _ in range(limit + 2)]
    await turns_until(lambda: thread_use().waiting == 2)
    found = thread_use()
    go_on.set()
    await asyncio.gather(*work)
    assert (found.busy, found.waiting) == (limit, 2)
    assert (thread_use().busy, thread_use().waiting) == (0, 0)


async def test_the_metrics_of_an_application_tell_what_is_in_use(
    database: Database, settings_for: SettingsFactory
) -> None:
    service = Service(SPEC.schema, "1.0.0", "Books", settings_for(ServiceSettings), database=SPEC)
    async with client_for(service) as client:
        families = list(text_string_to_metric_families((await client.get("/metrics")).text))
    limits = {pool: use.limit for pool, use in database.pools().items()}
    assert samples(families, "purser_database") == {
        (f"purser_database_{name}", pool, SPEC.schema): value
        for pool in ("read", "write")
        for name, value in (("connections_limit", limits[pool]), ("connections_in_use", 0), ("waiting", 0))
    }
    assert samples(families, "purser_threads") == {
        ("purser_threads_limit",): thread_use().limit,
        ("purser_threads_busy",): 0,
        ("purser_threads_waiting",): 0,
    }


async def test_the_queues_that_a_service_declares_are_shown_once_it_has_started(settings_for: SettingsFactory) -> None:
    waiting = iter((2, 5))
    service = Service(
        "letters", "1.0.0", "Letters", settings_for(ServiceSettings), queues={"sorting": lambda _: next(waiting)}
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(create_app(service)), base_url="http://test") as early:
        before = (await early.get("/metrics")).text
    async with client_for(service) as client:
        shown = [(await client.get("/metrics")).text for _ in range(2)]
    line = 'purser_queue_waiting{queue="sorting",service="letters"}'
    assert line not in before
    assert [f"{line} {length}.0" in text for length, text in zip((2, 5), shown, strict=True)] == [True, True]


async def test_what_a_unit_of_work_counts_is_counted_when_it_is_committed_and_not_before(database: Database) -> None:
    counted: list[str] = []
    with pytest.raises(KeyError):
        async with database.write() as session:
            on_commit(session, lambda: counted.append("undone"))
            raise KeyError
    async with database.write() as session:
        session.add(Account(user_id=uuid4(), name="Current"))
        on_commit(session, lambda: counted.append("done"))
        before = list(counted)
    assert (before, counted) == ([], ["done"])


async def test_outcomes_and_durations_are_shown_from_the_start() -> None:
    async with client_for(example()) as client:
        families = list(text_string_to_metric_families((await client.get("/metrics")).text))
        LETTERS.add(Sent.DELIVERED, 2)
        JOURNEYS.observe(5)
        later = list(text_string_to_metric_families((await client.get("/metrics")).text))
    assert samples(families, "test_letters") == {
        ("test_letters_total", "delivered"): 0,
        ("test_letters_total", "lost"): 0,
    }
    assert samples(later, "test_letters")["test_letters_total", "delivered"] == 2
    assert samples(later, "test_journey") == {
        ("test_journey_seconds_bucket", "1.0"): 0,
        ("test_journey_seconds_bucket", "10.0"): 1,
        ("test_journey_seconds_bucket", "+Inf"): 1,
        ("test_journey_seconds_count",): 1,
        ("test_journey_seconds_sum",): 5,
    }

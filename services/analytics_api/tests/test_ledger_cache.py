import asyncio
from uuid import UUID, uuid4

import polars as pl
import pytest
from analytics_api.ledger_cache import Ledger, LedgerCache, SingleFlight
from hypothesis import given
from hypothesis import strategies as st


def ledger(rows: int, etag: str = '"1"') -> Ledger:
    return Ledger(pl.DataFrame({"amount_micros": range(rows)}), etag)


def test_the_least_recently_read_ledger_leaves_first() -> None:
    first, second, third = uuid4(), uuid4(), uuid4()
    cache = LedgerCache(max_bytes=2 * ledger(100).size)
    cache.put(first, ledger(100))
    cache.put(second, ledger(100))

    cache.get(first)
    cache.put(third, ledger(100))

    assert [cache.get(user) is not None for user in (first, second, third)] == [True, False, True]


def test_a_ledger_larger_than_the_bound_is_not_kept_and_evicts_nobody() -> None:
    small, large = uuid4(), uuid4()
    cache = LedgerCache(max_bytes=ledger(100).size)
    cache.put(small, ledger(10))

    cache.put(large, ledger(101))

    assert (cache.get(large), len(cache)) == (None, 1)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 200)), max_size=60))
def test_the_bytes_held_are_those_of_the_kept_frames_and_never_exceed_the_bound(puts: list[tuple[int, int]]) -> None:
    cache = LedgerCache(max_bytes=2000)
    users = [UUID(int=number) for number in range(6)]
    for number, rows in puts:
        cache.put(users[number], ledger(rows))
        kept = [found for user in users if (found := cache.get(user)) is not None]
        assert cache.bytes == sum(one.size for one in kept) <= 2000


def test_a_version_is_the_etag_without_quotes_and_weakness() -> None:
    assert [ledger(0, etag).version for etag in ('"7-abc"', 'W/"7-abc"')] == ["7-abc", "7-abc"]


async def test_equal_calls_at_once_run_once() -> None:
    flights: SingleFlight[int] = SingleFlight()
    runs = 0

    async def load() -> int:
        nonlocal runs
        runs += 1
        return runs

    assert await asyncio.gather(*(flights.run("a", load) for _ in range(20))) == [1] * 20


async def test_a_call_during_a_run_gets_a_run_that_starts_later() -> None:
    flights: SingleFlight[int] = SingleFlight()
    started, release = asyncio.Event(), asyncio.Event()
    state = 1

    async def load() -> int:
        read = state
        started.set()
        await release.wait()
        return read

    under_way = asyncio.create_task(flights.run("a", load))
    await started.wait()
    state = 2
    later = [asyncio.create_task(flights.run("a", load)) for _ in range(5)]
    release.set()

    assert (await under_way, await asyncio.gather(*later)) == (1, [2] * 5)


async def test_a_caller_that_goes_away_does_not_stop_the_others() -> None:
    flights: SingleFlight[str] = SingleFlight()
    started, release = asyncio.Event(), asyncio.Event()

    async def load() -> str:
        started.set()
        await release.wait()
        return "loaded"

    leaver = asyncio.create_task(flights.run("a", load))
    stayer = asyncio.create_task(flights.run("a", load))
    await started.wait()
    leaver.cancel()
    release.set()

    assert await stayer == "loaded"
    with pytest.raises(asyncio.CancelledError):
        await leaver


async def test_a_failed_run_fails_its_callers_and_the_next_one_starts_afresh() -> None:
    flights: SingleFlight[str] = SingleFlight()

    async def fail() -> str:
        raise ConnectionError

    async def load() -> str:
        return "loaded"

    failed = await asyncio.gather(*(flights.run("a", fail) for _ in range(2)), return_exceptions=True)

    assert [type(one) for one in failed] == [ConnectionError, ConnectionError]
    assert await flights.run("a", load) == "loaded"


async def test_different_keys_do_not_wait_for_each_other() -> None:
    flights: SingleFlight[str] = SingleFlight()
    release = asyncio.Event()

    async def slow() -> str:
        await release.wait()
        return "slow"

    async def quick() -> str:
        return "quick"

    waiting = asyncio.create_task(flights.run("a", slow))
    assert await flights.run("b", quick) == "quick"
    release.set()
    assert await waiting == "slow"

"""Work that would hold up the event loop, done in threads of its own."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

T = TypeVar("T")

_holding_back = Lock()
_holders = 0

_limiter: RunVar[CapacityLimiter] = RunVar("purser_compute_limiter")


@dataclass(frozen=True)
class ThreadUse:
    """How many threads `offload` has, how many of them work, and how many calls wait for one."""

    limit: int
    busy: int
    waiting: int


def thread_use() -> ThreadUse:
    """Tell what the threads of this event loop do."""
    limiter = _threads()
    return ThreadUse(int(limiter.total_tokens), limiter.borrowed_tokens, limiter.statistics().tasks_waiting)


async def offload(function: Callable[..., T], *args: object) -> T:
    """Run a CPU-bound or blocking function in a thread and await its result.

    At most as many run at once as there are processors (at least two); more wait their turn, so that a burst of heavy
    requests cannot starve the rest. Meant for work that releases the interpreter lock (Polars, Numba, hashing); pure
    Python work of more than some milliseconds shares the interpreter with every other request.
    """
    return await to_thread.run_sync(function, *args, limiter=_threads())


def _threads() -> CapacityLimiter:
    try:
        return _limiter.get()
    except LookupError:
        limiter = CapacityLimiter(max(2, os.cpu_count() or 2))
        _limiter.set(limiter)
        return limiter


@contextmanager
def uncollected() -> Iterator[None]:
    """Hold the cyclic garbage collector back while a function makes very many objects that all stay.

    Else it looks through all of them again and again, for cycles that are not there: up to half of the time of a large
    import. As a decorator, `@uncollected()`, or in a `with`; several threads may be inside at once.
    """
    global _holders
    with _holding_back:
        _holders += 1
        gc.disable()
    try:
        yield
    finally:
        with _holding_back:
            _holders -= 1
            if not _holders:
                gc.enable()

"""Work that would hold up the event loop, done in threads of its own."""

import os
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

T = TypeVar("T")

_limiter: RunVar[CapacityLimiter] = RunVar("purser_compute_limiter")


async def offload(function: Callable[..., T], *args: object) -> T:
    """Run a CPU-bound or blocking function in a thread and await its result.

    At most as many run at once as there are processors (at least two); more wait their turn, so that a burst of heavy
    requests cannot starve the rest. Meant for work that releases the interpreter lock (Polars, Numba, hashing); pure
    Python work of more than some milliseconds shares the interpreter with every other request.
    """
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = CapacityLimiter(max(2, os.cpu_count() or 2))
        _limiter.set(limiter)
    return await to_thread.run_sync(function, *args, limiter=limiter)

"""Frames of users' ledgers, kept between requests within a bound on memory."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import UUID

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")


@dataclass(frozen=True)
class Ledger:
    """One user's ledger as transaction_service gave it: the rows, and the ETag that names this state of them."""

    frame: pl.DataFrame
    etag: str

    @property
    def version(self) -> str:
        """The ETag without its quotes: the name of this state of the ledger in answers."""
        return self.etag.removeprefix("W/").strip('"')

    @cached_property
    def accounts(self) -> frozenset[UUID]:
        """The accounts that have any row."""
        return frozenset(UUID(account_id) for account_id in self.frame["account_id"].unique())

    @property
    def size(self) -> int:
        """Bytes that the frame holds in memory."""
        return int(self.frame.estimated_size())


class LedgerCache:
    """The last known ledger of each user; the least recently read ones leave when `max_bytes` is exceeded.

    A kept ledger is never an answer by itself: its ETag is revalidated with transaction_service on each request.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._ledgers: OrderedDict[UUID, Ledger] = OrderedDict()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """Bytes held by all kept frames."""
        return self._bytes

    def get(self, user_id: UUID) -> Ledger | None:
        """The kept ledger of `user_id`, which becomes the most recently read one."""
        ledger = self._ledgers.get(user_id)
        if ledger is not None:
            self._ledgers.move_to_end(user_id)
        return ledger

    def put(self, user_id: UUID, ledger: Ledger) -> None:
        """Keep `ledger` in place of the user's former one; one that alone exceeds the bound is not kept."""
        self.drop(user_id)
        if ledger.size > self._max_bytes:
            return
        self._ledgers[user_id] = ledger
        self._bytes += ledger.size
        while self._bytes > self._max_bytes:
            _, oldest = self._ledgers.popitem(last=False)
            self._bytes -= oldest.size

    def drop(self, user_id: UUID) -> None:
        """Forget the user's ledger."""
        former = self._ledgers.pop(user_id, None)
        if former is not None:
            self._bytes -= former.size

    def __len__(self) -> int:
        return len(self._ledgers)


class SingleFlight(Generic[T]):
    """Equal calls share one run.

    A call joins a run that has not started yet, never one that is under way: what that one read may be older than
    something which the caller has just written. So any number of equal calls cost at most the run under way and one
    more.
    """

    def __init__(self) -> None:
        self._boarding: dict[object, asyncio.Task[T]] = {}
        self._flying: dict[object, asyncio.Task[T]] = {}

    async def run(self, key: object, load: Callable[[], Awaitable[T]]) -> T:
        """The result of `load`, run once for all calls with an equal `key` that came before it started.

        A caller that goes away does not stop the run, which others may be waiting for.
        """
        task = self._boarding.get(key)
        if task is None:
            task = asyncio.create_task(self._fly(key, load))
            self._boarding[key] = task
        return await asyncio.shield(task)

    async def _fly(self, key: object, load: Callable[[], Awaitable[T]]) -> T:
        if (ahead := self._flying.get(key)) is not None:
            await asyncio.wait([ahead])
        task = self._boarding.pop(key)
        self._flying[key] = task
        try:
            return await load()
        finally:
            if self._flying.get(key) is task:
                del self._flying[key]

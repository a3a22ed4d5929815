"""How many wrong passwords are too many: counted per account and per network address.

Counters live in this process, or in Redis where `redis_url` is set, so that several copies of it count together.
"""

import hashlib
import time
from collections.abc import Awaitable, Callable
from math import ceil
from typing import TypeVar

from api_common import get_logger
from api_common.ratelimit import REDIS_REST_SECONDS, network_of, redis_storage
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from pydantic import SecretStr

from auth_service.problems import TooManyFailures, TooManySignUps

T = TypeVar("T")

log = get_logger()


class Counters:
    """Where attempts are counted: in Redis when it is given and answers, else in this process.

    A sign-in must not fail because Redis is away, and must not go uncounted either.
    """

    def __init__(self, redis_url: SecretStr | None = None) -> None:
        self._here = MovingWindowRateLimiter(MemoryStorage())
        self._shared = (
            None if redis_url is None else MovingWindowRateLimiter(redis_storage(redis_url.get_secret_value()))
        )
        self._rests_until = float("-inf")

    async def may(self, limit: RateLimitItem, *key: str) -> bool:
        """Tell whether one more would be within the limit."""
        return await self._counted(lambda limiter: limiter.test(limit, *key))

    async def count(self, limit: RateLimitItem, *key: str) -> bool:
        """Count one; tell whether it was within the limit."""
        return await self._counted(lambda limiter: limiter.hit(limit, *key))

    async def forget(self, limit: RateLimitItem, *key: str) -> None:
        """Count from zero."""
        await self._counted(lambda limiter: limiter.clear(limit, *key))

    async def wait(self, limit: RateLimitItem, *key: str) -> int:
        """Give the seconds after which one more is within the limit."""
        stats = await self._counted(lambda limiter: limiter.get_window_stats(limit, *key))
        return max(1, ceil(stats.reset_time - time.time()))

    async def _counted(self, ask: Callable[[MovingWindowRateLimiter], Awaitable[T]]) -> T:
        if self._shared is not None and time.monotonic() >= self._rests_until:
            try:
                return await ask(self._shared)
            except StorageError as error:
                self._rests_until = time.monotonic() + REDIS_REST_SECONDS
                log.warning("throttle_counts_here_only", reason=type(error.storage_error).__name__)
        return await ask(self._here)


class SignInThrottle:
    """Counts failed sign-ins, and refuses further ones before a password is looked at.

    A success forgets the failures of the account, not those of the address: else an attacker with an account of his own
    could always start afresh. An account counts the same whether it exists or not.
    """

    def __init__(self, counters: Counters, *, per_account: str, per_address: str) -> None:
        self._counters = counters
        self._per_account = parse(per_account)
        self._per_address = parse(per_address)

    async def check(self, account: str, address: str | None) -> None:
        """Raise `TooManyFailures` when the account or the address has had too many."""
        for limit, key in self._counted(account, address):
            if not await self._counters.may(limit, *key):
                wait = await self._counters.wait(limit, *key)
                raise TooManyFailures("Too many failed attempts. Wait before you try again.", retry_after=wait)

    async def failed(self, account: str, address: str | None) -> None:
        """Count one failure."""
        for limit, key in self._counted(account, address):
            await self._counters.count(limit, *key)

    async def succeeded(self, account: str) -> None:
        """Forget the failures of an account."""
        await self._counters.forget(self._per_account, "account", _digest(account))

    def _counted(self, account: str, address: str | None) -> list[tuple[RateLimitItem, tuple[str, str]]]:
        counted = [(self._per_account, ("account", _digest(account)))]
        if address is not None:
            counted.append((self._per_address, ("address", network_of(address))))
        return counted


class SignUpThrottle:
    """Bounds how many accounts one address makes."""

    def __init__(self, counters: Counters, *, per_address: str) -> None:
        self._counters = counters
        self._per_address = parse(per_address)

    async def count(self, address: str | None) -> None:
        """Count one sign-up; raises `TooManySignUps` when it is one too many."""
        if address is None:
            return
        key = ("sign-up", network_of(address))
        if not await self._counters.count(self._per_address, *key):
            raise TooManySignUps(
                "Too many accounts were made from this address. Wait before you make another.",
                retry_after=await self._counters.wait(self._per_address, *key),
            )


def _digest(account: str) -> str:
    # Redis is shared with others and needs no list of e-mail addresses.
    return hashlib.sha256(account.encode()).hexdigest()

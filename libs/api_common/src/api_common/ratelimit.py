"""The rate limit per network address, in memory or shared through Redis."""

import ipaddress
import math
import time
from typing import Any

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError as LimitsConfigurationError
from starlette.types import Scope

from api_common.errors import StartupError
from api_common.logging import get_logger
from api_common.problems import TooManyRequests

log = get_logger()

RawHeaders = tuple[tuple[bytes, bytes], ...]
REDIS_SECONDS = 0.5
"""How long a request waits for Redis to connect, and to answer."""
REDIS_REST_SECONDS = 10.0
"""How long Redis is not asked after it has failed."""
IN_PROCESS = "in-process"
"""Client address of calls between services of one process; they were limited when they came in.

Compared by identity: a proxy may hand on any text as an address, and this one as well.
"""


class RateLimit:
    """Counts requests of one address in a sliding window.

    A token that is not verified yet says nothing, and a new one is made up quickly, so the address alone counts. When
    Redis does not answer, requests pass, and it is left alone for a while: a limit must not become an outage.
    """

    def __init__(self, rate: str, redis_url: str | None = None) -> None:
        self._item = _parse(rate)
        self._limiter = SlidingWindowCounterRateLimiter(redis_storage(redis_url) if redis_url else MemoryStorage())
        self._rests_until = float("-inf")
        window = self._item.get_expiry()
        self._policy = (b"ratelimit-policy", f'"default";q={self._item.amount};w={window}'.encode())

    async def hit(self, scope: Scope) -> tuple[RawHeaders, TooManyRequests | None]:
        """Count a request; give the headers of its answer, and the problem when it is one too many."""
        client = scope.get("client")
        address = client[0] if client else "unknown"
        if address is IN_PROCESS:
            return (), None
        if time.monotonic() < self._rests_until:
            return (), None
        address = network_of(address)
        try:
            allowed = await self._limiter.hit(self._item, address)
            stats = await self._limiter.get_window_stats(self._item, address)
        except Exception as error:
            self._rests_until = time.monotonic() + REDIS_REST_SECONDS
            log.warning("rate_limit_unavailable", reason=type(error).__name__)
            return (), None
        wait = max(1, math.ceil(stats.reset_time - time.time()))
        headers = (self._policy, (b"ratelimit", f'"default";r={max(0, stats.remaining)};t={wait}'.encode()))
        if allowed:
            return headers, None
        detail = f"More than {self._item.amount} requests in {self._item.get_expiry()} seconds; wait {wait} seconds."
        return headers, TooManyRequests(detail, retry_after=wait)


def network_of(address: str) -> str:
    """Give what counts as one address: an IPv4 address, or the /64 network that one IPv6 subscriber has to himself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((int(parsed), 64), strict=False))


def _parse(rate: str) -> RateLimitItem:
    try:
        return parse(rate)
    except ValueError:
        raise StartupError(f'PURSER_RATE_LIMIT="{rate}" is not a rate. Accepted: such as 600/minute.') from None


def redis_storage(redis_url: str) -> Storage:
    """Give counters in Redis, which fail with `limits.errors.StorageError` when it does not answer at once.

    Raises StartupError when the address cannot be used.
    """
    # The address may hold a password, so no message repeats it.
    if not redis_url.startswith(("redis://", "rediss://")):
        raise StartupError("PURSER_REDIS_URL is wrong. Accepted: an address that begins with redis:// or rediss://.")
    # Typed as the texts and numbers of an address, and handed on to redis-py, for which None means: do not try again.
    patience: dict[str, Any] = {
        "socket_connect_timeout": REDIS_SECONDS,
        "socket_timeout": REDIS_SECONDS,
        "retry": None,
    }
    try:
        return RedisStorage(f"async+{redis_url}", implementation="redispy", wrap_exceptions=True, **patience)
    except LimitsConfigurationError:
        raise StartupError("PURSER_REDIS_URL needs the package redis: install purser-api-common[redis].") from None

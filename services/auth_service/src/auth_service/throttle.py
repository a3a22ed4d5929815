"""How many wrong passwords are too many: counted per account and per network address.

Counters live in this process, or in Redis where `redis_url` is set, so that several copies of it count together.
"""

import hashlib
import ipaddress
import time
from math import ceil

from limits import RateLimitItem, parse
from limits.aio.storage import Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.storage import storage_from_string
from pydantic import SecretStr

from auth_service.problems import TooManyFailures, TooManySignUps


def counters(redis_url: SecretStr | None) -> Storage:
    """Open the place where attempts are counted."""
    if redis_url is None:
        storage = storage_from_string("async+memory://")
    else:
        storage = storage_from_string(f"async+{redis_url.get_secret_value()}", implementation="redispy")
    if not isinstance(storage, Storage):
        raise TypeError(f"{type(storage).__name__} cannot be awaited")
    return storage


class SignInThrottle:
    """Counts failed sign-ins, and refuses further ones before a password is looked at.

    A success forgets the failures of the account, not those of the address: else an attacker with an account of his own
    could always start afresh. An account counts the same whether it exists or not.
    """

    def __init__(self, storage: Storage, *, per_account: str, per_address: str) -> None:
        self._limiter = MovingWindowRateLimiter(storage)
        self._per_account = parse(per_account)
        self._per_address = parse(per_address)

    async def check(self, account: str, address: str | None) -> None:
        """Raise `TooManyFailures` when the account or the address has had too many."""
        for limit, key in self._counters(account, address):
            if not await self._limiter.test(limit, *key):
                stats = await self._limiter.get_window_stats(limit, *key)
                raise TooManyFailures(
                    "Too many failed attempts. Wait before you try again.", retry_after=_seconds_until(stats.reset_time)
                )

    async def failed(self, account: str, address: str | None) -> None:
        """Count one failure."""
        for limit, key in self._counters(account, address):
            await self._limiter.hit(limit, *key)

    async def succeeded(self, account: str) -> None:
        """Forget the failures of an account."""
        await self._limiter.clear(self._per_account, "account", _digest(account))

    def _counters(self, account: str, address: str | None) -> list[tuple[RateLimitItem, tuple[str, str]]]:
        counted = [(self._per_account, ("account", _digest(account)))]
        if address is not None:
            counted.append((self._per_address, ("address", network_of(address))))
        return counted


class SignUpThrottle:
    """Bounds how many accounts one address makes."""

    def __init__(self, storage: Storage, *, per_address: str) -> None:
        self._limiter = MovingWindowRateLimiter(storage)
        self._per_address = parse(per_address)

    async def count(self, address: str | None) -> None:
        """Count one sign-up; raises `TooManySignUps` when it is one too many."""
        if address is None:
            return
        key = ("sign-up", network_of(address))
        if not await self._limiter.hit(self._per_address, *key):
            stats = await self._limiter.get_window_stats(self._per_address, *key)
            raise TooManySignUps(
                "Too many accounts were made from this address. Wait before you make another.",
                retry_after=_seconds_until(stats.reset_time),
            )


def network_of(address: str) -> str:
    """Give what counts as one address: an IPv4 address, or the /64 network that one IPv6 subscriber has to himself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _digest(account: str) -> str:
    # Redis is shared with others and needs no list of e-mail addresses.
    return hashlib.sha256(account.encode()).hexdigest()


def _seconds_until(moment: float) -> int:
    return max(1, ceil(moment - time.time()))

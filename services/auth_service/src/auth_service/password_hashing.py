"""Argon2id, off the event loop and never more at once than the machine can bear."""

import base64
import secrets
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from auth_service.problems import TooManySignIns

T = TypeVar("T")

LONGEST_VERIFIED = 1024
"""Characters of a password that are looked at: more than the policy lets anybody have, and too few to be a burden."""


@dataclass(frozen=True)
class Argon2Parameters:
    """The cost of one hash: memory in KiB, passes over it, and threads."""

    memory_kib: int
    passes: int
    parallelism: int


class PasswordHashing:
    """Hash and verify passwords by Argon2id.

    Each computation takes a slot; at most ``slots`` run at once, each in a worker thread, and at most ``queue`` wait
    for one. Beyond that `TooManySignIns` (503) is raised at once, so that a burst of sign-ins costs neither memory
    without bound nor the answers of other routes.
    """

    def __init__(self, parameters: Argon2Parameters, *, slots: int, queue: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=parameters.passes, memory_cost=parameters.memory_kib, parallelism=parameters.parallelism
        )
        self._slots = CapacityLimiter(slots)
        self._threads = CapacityLimiter(slots)
        self._queue = queue
        # Verified in place of the missing one when nobody has the address, so that both cases cost the same.
        self._nobody = _hash_of_no_password(self._hasher)

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return self._slots.statistics().tasks_waiting

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot and hold it; `hash` and `verify` are called inside."""
        if self.waiting >= self._queue:
            raise TooManySignIns
        async with self._slots:
            yield

    async def hash(self, password: str) -> str:
        """Give the encoded hash of a password."""
        return await self._run(partial(self._hasher.hash, normalise_password(password)))

    async def verify(self, password: str, encoded: str | None) -> bool:
        """Tell whether the password belongs to the hash; without a hash the same work is done and the answer is no."""
        matches = await self._run(partial(self._matches, normalise_password(password), encoded or self._nobody))
        return matches and encoded is not None

    def needs_rehash(self, encoded: str) -> bool:
        """Tell whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(encoded)

    def _matches(self, password: str, encoded: str) -> bool:
        try:
            return self._hasher.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._threads)


def _hash_of_no_password(hasher: PasswordHasher) -> str:
    """Give a well-formed hash with a random digest; computing a real one would hold up every start."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (hasher.salt_len, hasher.hash_len)
    )
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${digest}"


def normalise_password(password: str) -> str:
    """Give the form that is hashed: Unicode NFKC, so that a password typed on another keyboard is the same one."""
    return unicodedata.normalize("NFKC", password[:LONGEST_VERIFIED])

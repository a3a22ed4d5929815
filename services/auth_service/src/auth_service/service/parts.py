"""What the use cases work with, made once when the service starts."""

from dataclasses import dataclass
from typing import Self

from api_common.database import Database

from auth_service.clock import Clock
from auth_service.password_hashing import PasswordHashing
from auth_service.refresh_tokens import SuccessorBox
from auth_service.settings import Settings
from auth_service.signing_keys import KeyRing
from auth_service.throttle import Counters, SignInThrottle, SignUpThrottle
from auth_service.tokens import AccessTokens


@dataclass(frozen=True)
class Caller:
    """Where a request comes from: its network address, and what the program says of itself."""

    address: str | None
    device: str | None


@dataclass(frozen=True)
class Parts:
    """The collaborators of every use case."""

    settings: Settings
    database: Database
    clock: Clock
    hashing: PasswordHashing
    sign_in_throttle: SignInThrottle
    sign_up_throttle: SignUpThrottle
    keys: KeyRing
    tokens: AccessTokens
    successors: SuccessorBox

    @classmethod
    async def open(cls, settings: Settings, database: Database, *, clock: Clock) -> Self:
        """Make them, and with them the first signing key of a new installation."""
        secret_key = settings.require_secret_key()
        counters = Counters(settings.redis_url)
        keys = KeyRing(database, secret_key, clock=clock, reload_seconds=settings.key_reload_seconds)
        await keys.open()
        return cls(
            settings=settings,
            database=database,
            clock=clock,
            hashing=PasswordHashing(settings.argon2, slots=settings.hashing_slots, queue=settings.hashing_queue),
            sign_in_throttle=SignInThrottle(
                counters, per_account=settings.failures_per_account, per_address=settings.failures_per_address
            ),
            sign_up_throttle=SignUpThrottle(counters, per_address=settings.sign_ups_per_address),
            keys=keys,
            tokens=AccessTokens(
                keys,
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                seconds=settings.access_token_seconds,
                clock=clock,
            ),
            successors=SuccessorBox(secret_key),
        )

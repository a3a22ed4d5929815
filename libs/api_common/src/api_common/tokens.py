"""Verifying access tokens offline: RFC 9068 JWTs against the issuer's published keys."""

import binascii
import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from api_common.logging import get_logger
from api_common.problems import FieldError, ServiceUnavailable, Unauthorized

log = get_logger()

ALGORITHM = "ES256"
"""The one algorithm that is accepted, whatever a token's header says."""
TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt"})
LEEWAY_SECONDS = 10
"""How far the clocks of issuer and verifier may differ."""
_REMEMBERED_TOKENS = 2048
_MAX_TOKEN_LENGTH = 8192
_NO_KEYS = "The public keys of the token issuer cannot be fetched; try again shortly."

Clock = Callable[[], float]


class MissingToken(Unauthorized):
    """401: the request carries no bearer token."""

    code = "missing_token"


class InvalidToken(Unauthorized):
    """401: the token is forged, malformed or from another issuer."""

    code = "invalid_token"
    title = "The token is not valid"

    def __init__(
        self, detail: str, *, errors: tuple[FieldError, ...] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        super().__init__(detail, errors=errors, headers={**challenge, **(headers or {})})


class ExpiredToken(InvalidToken):
    """401: the token was good and has expired."""

    code = "expired_token"
    title = "The token has expired"


class WrongAudience(InvalidToken):
    """401: the token is meant for somebody else."""

    code = "wrong_audience"
    title = "The token is meant for another audience"


class KeysUnavailable(ServiceUnavailable):
    """503: the issuer's public keys cannot be fetched and none are known yet."""

    code = "token_keys_unavailable"


@dataclass(frozen=True)
class Principal:
    """Who calls: a user, or a service of its own right.

    Attributes:
        user_id: the user; None for a service token.
        client_id: the client that the token was issued to.
        scopes: what the token allows.
        token: the token itself, to be passed on to other services.
    """

    user_id: UUID | None
    client_id: str | None
    scopes: frozenset[str]
    token: str = field(repr=False)


@dataclass(frozen=True)
class UserPrincipal(Principal):
    """A caller that is a user for certain."""

    user_id: UUID


class JwksCache:
    """The issuer's public keys by key id.

    An unknown key id makes it fetch again, because the issuer may have rotated; not more often than every
    ``min_interval`` seconds, since anybody can invent key ids. Requests that need keys at the same time share one
    fetch. Keys are fetched anew after ``max_age`` seconds, so that a withdrawn key stops working; if that fails, the
    known ones are kept, and who brings one of them never waits for a fetch that is under way.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Mapping[str, Any]]],
        *,
        min_interval: float = 10.0,
        retry_interval: float = 1.0,
        max_age: float = 3600.0,
        clock: Clock = time.monotonic,
    ) -> None:
        self.generation = 0
        """Grows with every fetch; who remembers verdicts forgets them when it does."""
        self._fetch = fetch
        self._min_interval = min_interval
        self._retry_interval = retry_interval
        self._max_age = max_age
        self._clock = clock
        self._keys: dict[str, ECKey] = {}
        self._fetched_at: float | None = None
        self._not_before = float("-inf")
        self._is_down = False
        self._lock = anyio.Lock()

    async def key(self, key_id: str) -> ECKey:
        """Return the key of this id.

        Raises:
            InvalidToken: the issuer has no such key.
            KeysUnavailable: the key is not known, and the issuer cannot be asked for it.
        """
        if key_id not in self._keys or self._is_old():
            await self._refresh(key_id)
        try:
            return self._keys[key_id]
        except KeyError:
            raise InvalidToken("The token is signed with a key that its issuer does not publish.") from None

    def _is_old(self) -> bool:
        return self._fetched_at is None or self._clock() - self._fetched_at > self._max_age

    async def _refresh(self, key_id: str) -> None:
        if key_id in self._keys and self._lock.locked():
            return
        async with self._lock:
            # Another request may have fetched while this one waited for the lock.
            if (key_id not in self._keys or self._is_old()) and self._clock() >= self._not_before:
                await self._fetch_anew()
        # The key may be a new one, whose tokens are good: no reason to log their bearers out.
        if self._is_down and key_id not in self._keys:
            raise KeysUnavailable(_NO_KEYS, headers={"Retry-After": "1"})

    async def _fetch_anew(self) -> None:
        try:
            self._keys = _import_keys(await self._fetch())
        except Exception as error:
            log.warning("token_keys_not_fetched", reason=type(error).__name__)
            self._not_before = self._clock() + self._retry_interval
            self._is_down = True
            return
        self._fetched_at = self._clock()
        self._not_before = self._fetched_at + self._min_interval
        self._is_down = False
        self.generation += 1


def _import_keys(document: Mapping[str, Any]) -> dict[str, ECKey]:
    """Take the keys that can verify ES256; an issuer may publish others for other purposes."""
    keys: dict[str, ECKey] = {}
    for entry in document.get("keys", []):
        if entry.get("kty") != "EC" or entry.get("crv") != "P-256" or entry.get("use", "sig") != "sig":
            continue
        if isinstance(entry.get("kid"), str):
            keys[entry["kid"]] = ECKey.import_key({name: entry[name] for name in ("kty", "crv", "x", "y", "kid")})
    return keys


def read_jwks_file(path: Path) -> Callable[[], Awaitable[Mapping[str, Any]]]:
    """Return a fetch function for `JwksCache` that reads a file."""

    async def fetch() -> Mapping[str, Any]:
        document: Mapping[str, Any] = json.loads(await anyio.Path(path).read_text())
        return document

    return fetch


class TokenVerifier:
    """Tells from a token alone who calls.

    Args:
        keys: the issuer's public keys.
        issuer, audience: what ``iss`` must be and ``aud`` must contain.
        now: seconds since the epoch.
    """

    def __init__(self, keys: JwksCache, *, issuer: str, audience: str, now: Clock = time.time) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._now = now
        self._remembered: dict[str, tuple[Principal, float]] = {}
        self._generation = 0

    async def verify(self, token: str) -> Principal:
        """Return the principal of a valid token.

        A verdict is remembered until the token expires or the keys are fetched anew, since the signature costs more
        than the rest of a cheap request.

        Raises:
            InvalidToken: malformed, forged, wrong type, wrong issuer, claims missing.
            ExpiredToken: it has expired.
            WrongAudience: it is meant for another audience.
            KeysUnavailable: the keys cannot be fetched.
        """
        if self._generation == self._keys.generation and (known := self._remembered.get(token)) is not None:
            principal, expires = known
            if self._now() < expires:
                return principal
        claims = await self._claims(token)
        principal = self._principal(claims, token)
        self._remember(token, principal, claims["exp"] + LEEWAY_SECONDS)
        return principal

    async def _claims(self, token: str) -> dict[str, Any]:
        key = await self._keys.key(_key_id(token))
        try:
            return jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError):
            raise InvalidToken("The token's signature is not valid.") from None

    def _principal(self, claims: Mapping[str, Any], token: str) -> Principal:
        _check_shape(claims)
        now = self._now()
        if claims["iss"] != self._issuer:
            raise InvalidToken("The token comes from another issuer.")
        audience = claims["aud"]
        if self._audience not in ([audience] if isinstance(audience, str) else audience):
            raise WrongAudience(f'The token is not meant for the audience "{self._audience}".')
        if now >= claims["exp"] + LEEWAY_SECONDS:
            raise ExpiredToken("The token has expired; get a new one with the refresh token or log in again.")
        if max(claims["iat"], claims.get("nbf", 0)) > now + LEEWAY_SECONDS:
            raise InvalidToken("The token is not valid yet.")
        return Principal(_user_id(claims), claims["client_id"], frozenset(claims["scope"].split()), token)

    def _remember(self, token: str, principal: Principal, expires: float) -> None:
        if self._generation != self._keys.generation or len(self._remembered) >= _REMEMBERED_TOKENS:
            self._remembered.clear()
            self._generation = self._keys.generation
        self._remembered[token] = (principal, expires)


def _key_id(token: str) -> str:
    """Check a token's header and return the id of its key."""
    if len(token) > _MAX_TOKEN_LENGTH:
        raise InvalidToken("The token is too long.")
    encoded = token.partition(".")[0]
    try:
        header = json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        raise InvalidToken("The token is not a JWT.") from None
    if not isinstance(header, dict) or not isinstance(header.get("kid"), str):
        raise InvalidToken("The token's header names no key.")
    if header.get("alg") != ALGORITHM:
        raise InvalidToken(f"Tokens must be signed with {ALGORITHM}.")
    if str(header.get("typ", "")).lower() not in TOKEN_TYPES:
        raise InvalidToken("The token is not an access token (typ at+jwt).")
    return str(header["kid"])


def _check_shape(claims: Mapping[str, Any]) -> None:
    texts = ("iss", "sub", "client_id", "jti", "scope")
    # bool is an int in Python, and no time.
    times = [claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)]
    audience = claims.get("aud")
    if not (
        all(isinstance(claims.get(name), str) for name in texts)
        and all(isinstance(moment, int | float) and not isinstance(moment, bool) for moment in times)
        and isinstance(audience, str | list)
    ):
        raise InvalidToken("The token lacks a claim that an access token must have.")


def _user_id(claims: Mapping[str, Any]) -> UUID | None:
    if claims["sub"] == claims["client_id"]:
        return None
    try:
        return UUID(claims["sub"])
    except ValueError:
        raise InvalidToken("The token's subject is neither a user nor the client itself.") from None

"""Access tokens: RFC 9068 JWTs, signed here, verified by every service on its own."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from joserfc import jws, jwt
from joserfc.errors import JoseError

from auth_service.clock import Clock
from auth_service.scopes import format_scope
from auth_service.signing_keys import ALGORITHM, KeyRing

TOKEN_TYPE = "at+jwt"  # noqa: S105  (a media type)


@dataclass(frozen=True)
class AccessToken:
    """A signed token and what the answer says of it."""

    text: str = field(repr=False)
    expires_in: int
    scope: str


@dataclass(frozen=True)
class AccessClaims:
    """Whom a token was given to, and for a person, in which session."""

    client_id: str
    session_id: UUID | None


class AccessTokens:
    """Issues access tokens, and recognises its own."""

    def __init__(self, keys: KeyRing, *, issuer: str, audience: str, seconds: int, clock: Clock) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._seconds = seconds
        self._clock = clock

    async def for_user(self, user_id: UUID, session_id: UUID, *, client_id: str, scopes: frozenset[str]) -> AccessToken:
        """Sign a token for a person; `sid` names the session, so that it can be ended."""
        return await self._sign({"sub": str(user_id), "client_id": client_id, "sid": str(session_id)}, scopes)

    async def for_client(self, client_id: str, *, scopes: frozenset[str]) -> AccessToken:
        """Sign a token for a program: its subject is the client itself (RFC 9068 section 2.2)."""
        return await self._sign({"sub": client_id, "client_id": client_id}, scopes)

    async def claims(self, token: str) -> AccessClaims | None:
        """Give what a token of this installation says, expired or not; None for anything that was not signed here."""
        try:
            header = jws.extract_compact(token.encode()).headers()
            key = await self._keys.public_key(str(header.get("kid")))
            found = jwt.decode(token, key, algorithms=[ALGORITHM]).claims if key else {}
            if found.get("iss") != self._issuer:
                return None
            session = found.get("sid")
            return AccessClaims(client_id=str(found["client_id"]), session_id=UUID(str(session)) if session else None)
        except (JoseError, ValueError, KeyError, RecursionError):
            return None

    async def _sign(self, subject: dict[str, str], scopes: frozenset[str]) -> AccessToken:
        key = await self._keys.signing_key()
        now = int(self._clock().timestamp())
        scope = format_scope(scopes)
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            **subject,
            "iat": now,
            "exp": now + self._seconds,
            "jti": str(uuid4()),
            "scope": scope,
        }
        text = jwt.encode(
            {"alg": ALGORITHM, "kid": key.kid}, claims, key, algorithms=[ALGORITHM], default_type=TOKEN_TYPE
        )
        return AccessToken(text, self._seconds, scope)

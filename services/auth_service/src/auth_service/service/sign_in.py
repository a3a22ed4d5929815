"""Signing in with a password, and staying signed in with refresh tokens."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from api_common import get_logger
from api_common.columns import new_id

from auth_service.email_addresses import normalise_email
from auth_service.models import RefreshToken, Session, User
from auth_service.oauth import InvalidGrant, InvalidScope
from auth_service.refresh_tokens import digest, new_token
from auth_service.repository.sessions import Sessions
from auth_service.repository.users import Users
from auth_service.schemas import TokenAnswer
from auth_service.scopes import UnknownScopeError, format_scope, narrow, parse_scope, scopes_of
from auth_service.sealing import SealError
from auth_service.service.parts import Caller, Parts

KEPT_AFTER_END = timedelta(days=30)
LONGEST_DEVICE = 200
MOST_SESSIONS = 100

log = get_logger()


@dataclass(frozen=True)
class Rotation:
    """The outcome of a refresh: whose session it is, and the next token; no next token when the session was ended."""

    session: Session
    scopes: frozenset[str]
    successor: str | None = field(repr=False)


class SignIn:
    """The password and refresh token grants."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def with_password(
        self, username: str, password: str, *, client_id: str, scope: str | None, caller: Caller
    ) -> TokenAnswer:
        """Open a session. Raises `InvalidGrant`, `InvalidScope` and `auth_service.problems.TooManyFailures`.

        An unknown address, a locked account and a wrong password get the same answer after the same work.
        """
        account = account_key(username)
        user = await self.verify(account, password, caller=caller)
        if user is None:
            raise InvalidGrant("The e-mail address or the password is wrong.")
        scopes = _narrowed(scopes_of(user.role), scope)
        now = self._parts.clock()
        session = self._new_session(user, scopes, client_id=client_id, caller=caller, now=now)
        token = new_token()
        async with self._parts.database.write() as unit:
            # Between the verification and this moment the user may have been locked or have changed the password.
            if not await Users(unit).sign_in(user.id, password_of=user.password_changed_at, now=now):
                raise InvalidGrant("The e-mail address or the password is wrong.")
            sessions = Sessions(unit)
            await sessions.forget_old(user.id, before=now - KEPT_AFTER_END)
            await sessions.make_room(user.id, keep=MOST_SESSIONS - 1, now=now)
            await sessions.add(session, self._stored(token, session, now=now))
        log.info("signed_in", user_id=str(user.id), session_id=str(session.id))
        return await self._answer(session, scopes, refresh_token=token)

    async def verify(self, account: str, password: str, *, caller: Caller) -> User | None:
        """Give the user whose password this is, or None; failures count towards the throttle.

        A hash made with other parameters than today's is replaced on the way.
        """
        parts = self._parts
        await parts.sign_in_throttle.check(account, caller.address)
        async with parts.hashing.slot():
            # Again inside the slot: of many attempts at once only as many as there are slots can pass the limit.
            await parts.sign_in_throttle.check(account, caller.address)
            async with parts.database.read() as session:
                user = await Users(session).by_email(account)
            matches = await parts.hashing.verify(password, user.password_hash if user else None)
            if user is None or not matches or user.locked_at is not None:
                await parts.sign_in_throttle.failed(account, caller.address)
                log.info("sign_in_refused")
                return None
            await parts.sign_in_throttle.succeeded(account)
            if parts.hashing.needs_rehash(user.password_hash):
                await self._rehash(user, password)
            return user

    async def with_refresh_token(self, token: str, *, client_id: str, scope: str | None) -> TokenAnswer:
        """Exchange a refresh token for the next one. Raises `InvalidGrant` and `InvalidScope`.

        A token that was used before ends its session, unless it is the last one used, its successor has not been
        used, and the grace window is open: then the answer was lost on the way, and the same successor is given again.
        """
        rotation = await self._rotate(token, client_id=client_id, scope=scope)
        if rotation.successor is None:
            log.warning("refresh_token_reused", session_id=str(rotation.session.id))
            raise InvalidGrant("The refresh token was used before, so its session has been ended. Sign in again.")
        return await self._answer(rotation.session, rotation.scopes, refresh_token=rotation.successor)

    async def _rotate(self, token: str, *, client_id: str, scope: str | None) -> Rotation:
        now = self._parts.clock()
        refused = InvalidGrant("The refresh token is not valid. Sign in again.")
        async with self._parts.database.write() as unit:
            sessions = Sessions(unit)
            stored = await sessions.token(digest(token))
            if stored is None or stored.expires_at <= now:
                raise refused
            session = await sessions.touch(stored.session_id, now=now)
            if session is None or session.client_id != client_id:
                raise refused
            user = await Users(unit).get(session.user_id)
            scopes = _narrowed(parse_scope(session.scope) & scopes_of(user.role), scope)
            successor = await self._use(sessions, token, session, now=now)
            if successor is None:
                await sessions.end(session.id, reason="refresh_token_reused", now=now)
            return Rotation(session, scopes, successor)

    async def _use(self, sessions: Sessions, token: str, session: Session, *, now: datetime) -> str | None:
        """Use a token up and give its successor; None when it was used before and nothing excuses that."""
        successor = new_token()
        sealed = self._parts.successors.seal(successor, used=token)
        if await sessions.use_token(digest(token), sealed_successor=sealed, now=now):
            await sessions.add_token(self._stored(successor, session, now=now))
            await sessions.forget_successors(session.id, except_of=digest(token))
            await sessions.forget_expired_tokens(session.id, now=now)
            return successor
        stored = await sessions.token(digest(token))
        if stored is None or stored.used_at is None or stored.sealed_successor is None:
            return None
        if now - stored.used_at >= timedelta(seconds=self._parts.settings.refresh_grace_seconds):
            return None
        try:
            return self._parts.successors.open(stored.sealed_successor, used=token)
        except SealError:
            return None

    def _new_session(
        self, user: User, scopes: frozenset[str], *, client_id: str, caller: Caller, now: datetime
    ) -> Session:
        return Session(
            id=new_id(),
            user_id=user.id,
            client_id=client_id,
            scope=format_scope(scopes),
            device=caller.device[:LONGEST_DEVICE] if caller.device else None,
            created_at=now,
            last_used_at=now,
            expires_at=now + timedelta(seconds=self._parts.settings.session_seconds),
        )

    def _stored(self, token: str, session: Session, *, now: datetime) -> RefreshToken:
        expires_at = min(now + timedelta(seconds=self._parts.settings.refresh_token_seconds), session.expires_at)
        return RefreshToken(digest=digest(token), session_id=session.id, issued_at=now, expires_at=expires_at)

    async def _answer(self, session: Session, scopes: frozenset[str], *, refresh_token: str) -> TokenAnswer:
        access = await self._parts.tokens.for_user(
            session.user_id, session.id, client_id=session.client_id, scopes=scopes
        )
        return TokenAnswer(
            access_token=access.text, expires_in=access.expires_in, refresh_token=refresh_token, scope=access.scope
        )

    async def _rehash(self, user: User, password: str) -> None:
        renewed = await self._parts.hashing.hash(password)
        async with self._parts.database.write() as unit:
            await Users(unit).replace_hash(user.id, verified_hash=user.password_hash, new_hash=renewed)


def account_key(username: str) -> str:
    """Give what a typed address is looked up and counted by; one that cannot be an address belongs to nobody."""
    try:
        return normalise_email(username)
    except ValueError:
        return username.strip().lower()


def _narrowed(allowed: frozenset[str], requested: str | None) -> frozenset[str]:
    try:
        return narrow(allowed, requested)
    except UnknownScopeError as error:
        raise InvalidScope(str(error)) from error


async def session_user(parts: Parts, user_id: UUID, session_id: UUID | None) -> User | None:
    """Give the user behind an access token, as long as the session lives and the user is not locked; else None."""
    if session_id is None:
        return None
    async with parts.database.read() as session:
        return await Sessions(session).alive_with_user(session_id, user_id, now=parts.clock())

"""Queries on sessions and their refresh tokens."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from auth_service.models import RefreshToken, Session, User

MOST_ENDED_AT_ONCE = 1000


class Sessions:
    """Sign-ins and the tokens that keep them alive."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, session: Session, token: RefreshToken) -> None:
        """Insert a session with its first refresh token."""
        self._session.add(session)
        await self._session.flush()
        self._session.add(token)
        await self._session.flush()

    async def add_token(self, token: RefreshToken) -> None:
        """Insert a further refresh token."""
        self._session.add(token)
        await self._session.flush()

    async def find(self, session_id: UUID) -> Session | None:
        """Give a session, or None."""
        return await self._session.get(Session, session_id)

    async def alive_with_user(self, session_id: UUID, user_id: UUID, *, now: datetime) -> User | None:
        """Give the user of a session that has not ended, when the user is not locked; else None."""
        statement = (
            select(User)
            .join(Session, col(Session.user_id) == col(User.id))
            .where(
                col(Session.id) == session_id,
                col(User.id) == user_id,
                col(Session.ended_at).is_(None),
                col(Session.expires_at) > now,
                col(User.locked_at).is_(None),
            )
        )
        found: User | None = await self._session.scalar(statement)
        return found

    async def of_user(self, user_id: UUID, *, now: datetime) -> list[Session]:
        """Give the sessions of a user that are alive, the one used last first."""
        statement = (
            select(Session)
            .where(col(Session.user_id) == user_id, col(Session.ended_at).is_(None), col(Session.expires_at) > now)
            .order_by(col(Session.last_used_at).desc(), col(Session.id).desc())
        )
        return list(await self._session.scalars(statement))

    async def token(self, token_digest: bytes) -> RefreshToken | None:
        """Give a refresh token as the database has it at this moment, or None."""
        statement = select(RefreshToken).where(col(RefreshToken.digest) == token_digest)
        found: RefreshToken | None = await self._session.scalar(statement.execution_options(populate_existing=True))
        return found

    async def touch(self, session_id: UUID, *, now: datetime) -> Session | None:
        """Note a use of a session and hold it until the unit of work ends; None when it has ended.

        Whoever ends the session meanwhile waits for us or we for them, so no token outlives the session's end.
        """
        statement = (
            update(Session)
            .where(col(Session.id) == session_id, col(Session.ended_at).is_(None), col(Session.expires_at) > now)
            .values(last_used_at=now)
            .returning(Session)
        )
        return (await self._session.scalars(statement)).first()

    async def use_token(self, token_digest: bytes, *, sealed_successor: bytes, now: datetime) -> bool:
        """Mark a token as used, once: of several that try at the same time only one is told yes."""
        statement = (
            update(RefreshToken)
            .where(col(RefreshToken.digest) == token_digest, col(RefreshToken.used_at).is_(None))
            .values(used_at=now, sealed_successor=sealed_successor)
        )
        return (await self._session.execute(statement.returning(col(RefreshToken.digest)))).first() is not None

    async def forget_successors(self, session_id: UUID, *, except_of: bytes) -> None:
        """Remove the sealed successors of a session's other tokens: these have arrived, since one of them was used."""
        await self._session.execute(
            update(RefreshToken)
            .where(
                col(RefreshToken.session_id) == session_id,
                col(RefreshToken.digest) != except_of,
                col(RefreshToken.sealed_successor).is_not(None),
            )
            .values(sealed_successor=None)
        )

    async def forget_expired_tokens(self, session_id: UUID, *, now: datetime) -> None:
        """Delete tokens of a session that have been dead for long, so that a long session does not grow for ever."""
        await self._session.execute(
            delete(RefreshToken).where(col(RefreshToken.session_id) == session_id, col(RefreshToken.expires_at) < now)
        )

    async def forget_old(self, user_id: UUID, *, before: datetime) -> None:
        """Delete the sessions of a user that ended or expired long ago."""
        await self._session.execute(
            delete(Session).where(
                col(Session.user_id) == user_id, (col(Session.ended_at) < before) | (col(Session.expires_at) < before)
            )
        )

    async def make_room(self, user_id: UUID, *, keep: int, now: datetime) -> None:
        """End the sessions of a user that were unused for longest, beyond the number to keep."""
        last_used = (col(Session.last_used_at).desc(), col(Session.id).desc())
        beyond = (
            select(col(Session.id))
            .where(col(Session.user_id) == user_id, col(Session.ended_at).is_(None))
            .order_by(*last_used)
            .limit(MOST_ENDED_AT_ONCE)
            .offset(keep)
        )
        await self._end(col(Session.id).in_(beyond), reason="too_many_sessions", now=now)

    async def end(self, session_id: UUID, *, reason: str, now: datetime) -> bool:
        """End one session; False when it had ended before."""
        return await self._end(col(Session.id) == session_id, reason=reason, now=now) > 0

    async def end_all(self, user_id: UUID, *, reason: str, now: datetime, keep: UUID | None = None) -> int:
        """End the sessions of a user, except the one to keep; give how many were alive."""
        condition = col(Session.user_id) == user_id
        if keep is not None:
            condition &= col(Session.id) != keep
        return await self._end(condition, reason=reason, now=now)

    async def count(self, user_id: UUID) -> tuple[int, int]:
        """Count the stored sessions and refresh tokens of a user."""
        sessions = await self._session.scalar(select(func.count()).where(col(Session.user_id) == user_id))
        tokens = await self._session.scalar(
            select(func.count())
            .select_from(RefreshToken)
            .join(Session, col(Session.id) == col(RefreshToken.session_id))
            .where(col(Session.user_id) == user_id)
        )
        return int(sessions or 0), int(tokens or 0)

    async def _end(self, condition: ColumnElement[bool], *, reason: str, now: datetime) -> int:
        statement = update(Session).where(condition, col(Session.ended_at).is_(None))
        ended = await self._session.execute(
            statement.values(ended_at=now, end_reason=reason).returning(col(Session.id))
        )
        return len(ended.all())

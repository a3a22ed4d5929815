"""Queries on users."""

from datetime import datetime
from uuid import UUID

from api_common.pagination import Keyset, PageQuery, Slice, paginate
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from auth_service.models import Installation, User
from auth_service.problems import LastAdministrator, UserNotFound
from auth_service.scopes import Role

OLDEST_FIRST = Keyset(col(User.id).asc())


class Users:
    """The people of this installation; scoped by nobody, so only for a user's own row and for administrators."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, user_id: UUID) -> User:
        """Give a user; raises `UserNotFound`."""
        user = await self._session.get(User, user_id)
        if user is None:
            raise UserNotFound(f"There is no user {user_id}.")
        return user

    async def find(self, user_id: UUID) -> User | None:
        """Give a user, or None."""
        return await self._session.get(User, user_id)

    async def by_email(self, email: str) -> User | None:
        """Give the user with a normalised address, or None."""
        found: User | None = await self._session.scalar(select(User).where(col(User.email) == email))
        return found

    async def page(self, page: PageQuery, *, email: str | None, role: Role | None, locked: bool | None) -> Slice[User]:
        """Give a page of users, oldest first; ``email`` is any part of the address."""
        statement = select(User)
        if email is not None:
            statement = statement.where(col(User.email).contains(email.lower(), autoescape=True))
        if role is not None:
            statement = statement.where(col(User.role) == role)
        if locked is not None:
            statement = statement.where(col(User.locked_at).is_not(None) if locked else col(User.locked_at).is_(None))
        return await paginate(self._session, statement, OLDEST_FIRST, page)

    async def add(self, user: User) -> None:
        """Insert a user; a taken address raises `auth_service.problems.EmailTaken`."""
        self._session.add(user)
        await self._session.flush()

    async def remove(self, user: User) -> None:
        """Delete a user."""
        await self._session.delete(user)
        await self._session.flush()

    async def claim_first(self, user_id: UUID) -> bool:
        """Tell whether this is the first account that the installation ever had; of several at once only one is."""
        claim = update(Installation).where(col(Installation.first_user_id).is_(None)).values(first_user_id=user_id)
        return (await self._session.execute(claim.returning(col(Installation.id)))).first() is not None

    async def sign_in(self, user_id: UUID, *, password_of: datetime, now: datetime) -> bool:
        """Note a sign-in, unless the user was locked or deleted or the password changed since it was verified."""
        statement = (
            update(User)
            .where(col(User.id) == user_id, col(User.password_changed_at) == password_of, col(User.locked_at).is_(None))
            .values(last_sign_in_at=now)
        )
        return (await self._session.execute(statement.returning(col(User.id)))).first() is not None

    async def change_password(self, user_id: UUID, *, password_of: datetime, new_hash: str, now: datetime) -> bool:
        """Store a new password, unless it changed since the current one was verified."""
        statement = (
            update(User)
            .where(col(User.id) == user_id, col(User.password_changed_at) == password_of)
            .values(password_hash=new_hash, password_changed_at=now)
        )
        return (await self._session.execute(statement.returning(col(User.id)))).first() is not None

    async def replace_hash(self, user_id: UUID, *, verified_hash: str, new_hash: str) -> bool:
        """Store another hash of the same password; False when the verified one is no longer there."""
        statement = (
            update(User)
            .where(col(User.id) == user_id, col(User.password_hash) == verified_hash)
            .values(password_hash=new_hash)
        )
        return (await self._session.execute(statement.returning(col(User.id)))).first() is not None

    async def lock_administrators(self) -> None:
        """Make other changes to who is an administrator wait until this unit of work has ended."""
        await self._session.execute(select(Installation).with_for_update())

    async def keep_an_administrator(self, leaving: User) -> None:
        """Raise `LastAdministrator` unless somebody can administer without this user."""
        if leaving.role != Role.ADMINISTRATOR or leaving.locked_at is not None:
            return
        others = select(func.count()).where(
            col(User.role) == Role.ADMINISTRATOR, col(User.locked_at).is_(None), col(User.id) != leaving.id
        )
        if await self._session.scalar(others) == 0:
            raise LastAdministrator(
                f"{leaving.email} is the only administrator who can sign in. Make somebody else an administrator first."
            )

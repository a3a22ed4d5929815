"""What administrators do with accounts: find, lock, unlock, give roles, delete."""

from uuid import UUID

from api_common import get_logger
from api_common.pagination import PageQuery, Slice

from auth_service.clients import DataOwners
from auth_service.models import User
from auth_service.repository.sessions import Sessions
from auth_service.repository.users import Users
from auth_service.schemas import DeletionReport
from auth_service.scopes import Role
from auth_service.service.parts import Parts

OWN_NAME = "auth_service"

log = get_logger()


class Administration:
    """The use cases of an administrator, and the deletion of an account by whoever may ask for it."""

    def __init__(self, parts: Parts, owners: DataOwners) -> None:
        self._parts = parts
        self._owners = owners

    async def page(self, page: PageQuery, *, email: str | None, role: Role | None, locked: bool | None) -> Slice[User]:
        """Give a page of users, oldest first."""
        async with self._parts.database.read() as session:
            return await Users(session).page(page, email=email, role=role, locked=locked)

    async def get(self, user_id: UUID) -> User:
        """Give a user. Raises UserNotFound."""
        async with self._parts.database.read() as session:
            return await Users(session).get(user_id)

    async def lock(self, user_id: UUID, *, reason: str | None) -> User:
        """Lock an account and end its sessions; locking again changes the reason. Raises LastAdministrator."""
        now = self._parts.clock()
        async with self._parts.database.write() as unit:
            users = Users(unit)
            await users.lock_administrators()
            user = await users.get(user_id)
            await users.keep_an_administrator(user)
            user.locked_at = user.locked_at or now
            user.lock_reason = reason
            await Sessions(unit).end_all(user_id, reason="locked", now=now)
        log.info("user_locked", user_id=str(user_id))
        return user

    async def unlock(self, user_id: UUID) -> User:
        """Let a locked user sign in again; an account that is not locked stays as it is."""
        async with self._parts.database.write() as unit:
            user = await Users(unit).get(user_id)
            user.locked_at = None
            user.lock_reason = None
        log.info("user_unlocked", user_id=str(user_id))
        return user

    async def give_role(self, user_id: UUID, role: Role) -> User:
        """Make somebody an administrator or a member. Raises LastAdministrator."""
        async with self._parts.database.write() as unit:
            users = Users(unit)
            await users.lock_administrators()
            user = await users.get(user_id)
            if role is not Role.ADMINISTRATOR:
                await users.keep_an_administrator(user)
            user.role = role
        log.info("role_given", user_id=str(user_id), role=role)
        return user

    async def delete(self, user_id: UUID, *, token: str | None) -> DeletionReport:
        """Delete an account with all its data in all services, and report what was deleted.

        The data owners are asked first, with the administrator's token or (None) one of our own; only when all of them
        have deleted is the account deleted. Raises UserNotFound, LastAdministrator and DataOwnerUnavailable.
        """
        async with self._parts.database.read() as session:
            users = Users(session)
            user = await users.get(user_id)
            await users.keep_an_administrator(user)
        await self._owners.check()
        deleted = await self._owners.delete(str(user_id), token=token or await self._own_token())
        async with self._parts.database.write() as unit:
            users = Users(unit)
            await users.lock_administrators()
            user = await users.get(user_id)
            await users.keep_an_administrator(user)
            sessions, tokens = await Sessions(unit).count(user_id)
            await users.remove(user)
        log.info("user_deleted", user_id=str(user_id))
        own = {"users": 1, "sessions": sessions, "refresh_tokens": tokens}
        return DeletionReport(user_id=user_id, email=user.email, deleted={**deleted, OWN_NAME: own})

    async def _own_token(self) -> str:
        token = await self._parts.tokens.for_client(OWN_NAME, scopes=frozenset({"users:admin"}))
        return token.text

"""What people do with their own account: make it, read and change it, change the password, see and end sessions."""

from uuid import UUID

from api_common import get_logger
from api_common.columns import new_id
from api_common.preconditions import Precondition
from config import Profile

from auth_service.email_addresses import normalise_email
from auth_service.models import Session, User
from auth_service.password_policy import PasswordPolicyError, check_password
from auth_service.problems import (
    BadAddress,
    EmailTaken,
    SessionNotFound,
    SignUpClosed,
    UnacceptablePassword,
    WrongPassword,
)
from auth_service.repository.sessions import Sessions
from auth_service.repository.users import Users
from auth_service.schemas import PasswordChange, ProfileChange, SignUp
from auth_service.scopes import Role
from auth_service.service.parts import Caller, Parts
from auth_service.service.sign_in import SignIn

log = get_logger()


class Accounts:
    """The use cases of a person's own account."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def sign_up(self, body: SignUp, *, caller: Caller) -> User:
        """Make an account.

        The first account of an installation becomes its administrator, except in production: there anybody could be
        first, so the operator names administrators by command.

        Raises SignUpClosed, BadAddress, UnacceptablePassword, TooManySignUps and EmailTaken. An address that is taken
        is answered openly: without sending mail no answer can hide it and still tell the owner anything.
        """
        parts = self._parts
        if not parts.settings.sign_up_open:
            raise SignUpClosed("The operator of this installation makes the accounts. Ask for one.")
        email = _valid_address(body.email)
        password = body.password.get_secret_value()
        _refuse_weak(password, "/body/password", personal=(email, body.display_name or ""))
        await parts.sign_up_throttle.count(caller.address)
        async with parts.hashing.slot():
            password_hash = await parts.hashing.hash(password)
        now = parts.clock()
        user = User(
            id=new_id(),
            email=email,
            password_hash=password_hash,
            display_name=body.display_name,
            created_at=now,
            password_changed_at=now,
        )
        async with parts.database.write() as unit:
            users = Users(unit)
            if await users.by_email(email) is not None:
                raise EmailTaken("There is an account with this address already. Sign in, or use another address.")
            is_first = await users.claim_first(user.id)
            if is_first and parts.settings.profile is not Profile.PRODUCTION:
                user.role = Role.ADMINISTRATOR
            await users.add(user)
        log.info("signed_up", user_id=str(user.id), role=user.role)
        return user

    async def change_profile(self, user_id: UUID, change: ProfileChange, *, if_match: Precondition) -> User:
        """Change what was sent of the profile. Raises 412 when it was changed in the meantime."""
        async with self._parts.database.write() as unit:
            user = await Users(unit).get(user_id)
            if_match.check(user.version)
            for name in change.model_fields_set:
                setattr(user, name, getattr(change, name))
        return user

    async def change_password(
        self, user: User, change: PasswordChange, *, session_id: UUID | None, caller: Caller
    ) -> None:
        """Replace the password and end all other sessions. Raises WrongPassword and UnacceptablePassword."""
        parts = self._parts
        verified = await self.confirm(user, change.current_password.get_secret_value(), caller=caller)
        new_password = change.new_password.get_secret_value()
        _refuse_weak(new_password, "/body/new_password", personal=(user.email, user.display_name or ""))
        async with parts.hashing.slot():
            new_hash = await parts.hashing.hash(new_password)
        now = parts.clock()
        async with parts.database.write() as unit:
            changed = await Users(unit).change_password(
                user.id, password_of=verified.password_changed_at, new_hash=new_hash, now=now
            )
            if not changed:
                raise WrongPassword("The password was changed by another request a moment ago. Sign in again.")
            ended = await Sessions(unit).end_all(user.id, reason="password_changed", now=now, keep=session_id)
        log.info("password_changed", user_id=str(user.id), sessions_ended=ended)

    async def confirm(self, user: User, password: str, *, caller: Caller) -> User:
        """Verify the password of somebody signed in; wrong ones count like failed sign-ins. Raises WrongPassword."""
        verified = await SignIn(self._parts).verify(user.email, password, caller=caller)
        if verified is None or verified.id != user.id:
            raise WrongPassword("The current password is wrong.")
        return verified

    async def sessions(self, user_id: UUID) -> list[Session]:
        """Give the sessions that are alive, the one used last first."""
        async with self._parts.database.read() as session:
            return await Sessions(session).of_user(user_id, now=self._parts.clock())

    async def end_session(self, user_id: UUID, session_id: UUID) -> None:
        """End one of the user's own sessions. Raises SessionNotFound."""
        now = self._parts.clock()
        async with self._parts.database.write() as unit:
            sessions = Sessions(unit)
            session = await sessions.find(session_id)
            if session is None or session.user_id != user_id or session.ended_at is not None:
                raise SessionNotFound(f"You have no session {session_id}.")
            await sessions.end(session_id, reason="ended_by_user", now=now)

    async def end_other_sessions(self, user_id: UUID, *, keep: UUID | None) -> int:
        """End all sessions of the user but this one; give how many were alive."""
        async with self._parts.database.write() as unit:
            return await Sessions(unit).end_all(user_id, reason="ended_by_user", now=self._parts.clock(), keep=keep)

    async def log_out(self, session_id: UUID) -> None:
        """End a session."""
        async with self._parts.database.write() as unit:
            await Sessions(unit).end(session_id, reason="logged_out", now=self._parts.clock())


def _valid_address(address: str) -> str:
    try:
        return normalise_email(address)
    except ValueError as error:
        detail = f"This is not an e-mail address: {error}"
        raise BadAddress(
            detail, errors=[{"pointer": "/body/email", "detail": str(error), "code": "email_invalid"}]
        ) from error


def _refuse_weak(password: str, pointer: str, *, personal: tuple[str, ...]) -> None:
    try:
        check_password(password, personal=personal)
    except PasswordPolicyError as error:
        raise UnacceptablePassword(
            str(error), errors=[{"pointer": pointer, "detail": str(error), "code": error.code}]
        ) from error

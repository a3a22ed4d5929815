"""What routes depend on: the use cases, where a request comes from, and who sends it."""

from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

from api_common import Runtime, runtime_of
from api_common.auth import Principal, UserPrincipal, requires, requires_user
from fastapi import Depends, Request

from auth_service.clients import DataOwners
from auth_service.models import User
from auth_service.problems import SessionEnded
from auth_service.scopes import Role
from auth_service.service.accounts import Accounts
from auth_service.service.administration import Administration
from auth_service.service.parts import Caller, Parts
from auth_service.service.programs import Programs
from auth_service.service.sign_in import SignIn, session_user

SERVICE = "auth_service"
ENDED = "The session has been ended. Sign in again."

RuntimeHere = Annotated[Runtime, Depends(runtime_of(SERVICE))]


async def _parts(runtime: RuntimeHere) -> Parts:
    return runtime.resource(Parts)


PartsHere = Annotated[Parts, Depends(_parts)]


async def _accounts(parts: PartsHere) -> Accounts:
    return Accounts(parts)


async def _administration(parts: PartsHere, runtime: RuntimeHere) -> Administration:
    return Administration(parts, runtime.resource(DataOwners))


async def _programs(parts: PartsHere) -> Programs:
    return Programs(parts)


async def _sign_in(parts: PartsHere) -> SignIn:
    return SignIn(parts)


async def _caller(request: Request) -> Caller:
    # The address is the connection's. Whether a proxy's X-Forwarded-For replaces it is decided once, in the server.
    return Caller(address=request.client.host if request.client else None, device=request.headers.get("user-agent"))


AccountsHere = Annotated[Accounts, Depends(_accounts)]
AdministrationHere = Annotated[Administration, Depends(_administration)]
ProgramsHere = Annotated[Programs, Depends(_programs)]
SignInHere = Annotated[SignIn, Depends(_sign_in)]
CallerHere = Annotated[Caller, Depends(_caller)]


@dataclass(frozen=True)
class SignedIn:
    """A person who is signed in at this moment, asked of the database and not only of the token."""

    user: User
    session_id: UUID


@dataclass(frozen=True)
class Administrator:
    """Who administers: a person who is an administrator at this moment, or a service client with the scope."""

    user_id: UUID | None
    token: str = field(repr=False)


def signed_in(*scopes: str) -> Any:
    """Depend on a person whose token has the scopes and whose session lives; gives `SignedIn`.

    Other services trust a token for its ten minutes. Here the database is at hand, so a session that was ended, or a
    user who was locked or deleted, is refused at once.
    """

    async def dependency(
        principal: Annotated[UserPrincipal, requires_user(*scopes, service=SERVICE)], parts: PartsHere
    ) -> SignedIn:
        return await _alive(principal, parts)

    return Depends(dependency)


def administrator() -> Any:
    """Depend on somebody who may administer users at this moment; gives `Administrator`."""

    async def dependency(
        principal: Annotated[Principal, requires("users:admin", service=SERVICE)], parts: PartsHere
    ) -> Administrator:
        if principal.user_id is None:
            # Else a client that was deleted because it was stolen could make itself a successor.
            if not await Programs(parts).exists(principal.client_id):
                raise SessionEnded("This service client has been deleted.")
            return Administrator(None, principal.token)
        found = await _alive(principal, parts)
        if found.user.role != Role.ADMINISTRATOR:
            raise SessionEnded("You are no longer an administrator. Sign in again.")
        return Administrator(found.user.id, principal.token)

    return Depends(dependency)


async def _alive(principal: Principal, parts: Parts) -> SignedIn:
    claims = await parts.tokens.claims(principal.token)
    session_id = claims.session_id if claims else None
    if session_id is None or principal.user_id is None:
        raise SessionEnded(ENDED)
    user = await session_user(parts, principal.user_id, session_id)
    if user is None:
        raise SessionEnded(ENDED)
    return SignedIn(user, session_id)

"""A person's own account."""

from typing import Annotated

from api_common.auth import ExpiredToken, InsufficientScope, InvalidToken, MissingToken
from api_common.preconditions import IfMatch, IfMatchMissing, Stale, etag
from api_common.problems import responses
from fastapi import APIRouter, Response

from auth_service.models import User
from auth_service.problems import (
    BadAddress,
    DataOwnerUnavailable,
    EmailTaken,
    LastAdministrator,
    SessionEnded,
    SignUpClosed,
    TooManyFailures,
    TooManySignIns,
    TooManySignUps,
    UnacceptablePassword,
    WrongPassword,
)
from auth_service.routes.dependencies import AccountsHere, AdministrationHere, CallerHere, SignedIn, signed_in
from auth_service.schemas import DeletionReport, OwnDeletion, PasswordChange, Profile, ProfileChange, SignUp

router = APIRouter(tags=["account"])

REFUSED_TOKEN = (MissingToken, InvalidToken, ExpiredToken, SessionEnded, InsufficientScope)


@router.post(
    "/v1/auth/sign-up",
    status_code=201,
    responses=responses(SignUpClosed, EmailTaken, BadAddress, UnacceptablePassword, TooManySignUps, TooManySignIns),
)
async def sign_up(body: SignUp, accounts: AccountsHere, caller: CallerHere, response: Response) -> Profile:
    """Make an account. The first one of an installation is its administrator, except in production."""
    return _profile(await accounts.sign_up(body, caller=caller), response)


@router.get("/v1/auth/me", responses=responses(*REFUSED_TOKEN))
async def read_profile(me: Annotated[SignedIn, signed_in("profile:read")], response: Response) -> Profile:
    """Give the own account, with its ETag."""
    return _profile(me.user, response)


@router.patch("/v1/auth/me", responses=responses(*REFUSED_TOKEN, IfMatchMissing, Stale))
async def change_profile(
    body: ProfileChange,
    me: Annotated[SignedIn, signed_in("profile:write")],
    if_match: IfMatch,
    accounts: AccountsHere,
    response: Response,
) -> Profile:
    """Change the own account; fields that are left out stay as they are."""
    return _profile(await accounts.change_profile(me.user.id, body, if_match=if_match), response)


@router.post(
    "/v1/auth/me/password",
    status_code=204,
    responses=responses(*REFUSED_TOKEN, WrongPassword, UnacceptablePassword, TooManyFailures, TooManySignIns),
)
async def change_password(
    body: PasswordChange,
    me: Annotated[SignedIn, signed_in("profile:write")],
    accounts: AccountsHere,
    caller: CallerHere,
) -> None:
    """Change the password, and end all other sessions."""
    await accounts.change_password(me.user, body, session_id=me.session_id, caller=caller)


@router.post(
    "/v1/auth/me/deletion",
    responses=responses(
        *REFUSED_TOKEN, WrongPassword, LastAdministrator, TooManyFailures, TooManySignIns, DataOwnerUnavailable
    ),
)
async def delete_own_account(
    body: OwnDeletion,
    me: Annotated[SignedIn, signed_in("profile:write")],
    accounts: AccountsHere,
    administration: AdministrationHere,
    caller: CallerHere,
) -> DeletionReport:
    """Delete the own account and all its data everywhere, and report what was deleted."""
    await accounts.confirm(me.user, body.password.get_secret_value(), caller=caller)
    return await administration.delete(me.user.id, token=None)


def _profile(user: User, response: Response) -> Profile:
    response.headers["ETag"] = etag(user.version)
    return Profile.model_validate(user)

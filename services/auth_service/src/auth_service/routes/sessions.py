"""The devices on which a person is signed in."""

from typing import Annotated
from uuid import UUID

from api_common.problems import responses
from fastapi import APIRouter

from auth_service.problems import SessionNotFound
from auth_service.routes.account import REFUSED_TOKEN
from auth_service.routes.dependencies import AccountsHere, SignedIn, signed_in
from auth_service.schemas import SessionDetail, SessionList

router = APIRouter(tags=["sessions"])


@router.post("/v1/auth/logout", status_code=204, responses=responses(*REFUSED_TOKEN))
async def log_out(me: Annotated[SignedIn, signed_in()], accounts: AccountsHere) -> None:
    """End this session: its refresh token is dead, its access token ends by itself within minutes."""
    await accounts.log_out(me.session_id)


@router.get("/v1/auth/me/sessions", responses=responses(*REFUSED_TOKEN))
async def list_sessions(me: Annotated[SignedIn, signed_in("profile:read")], accounts: AccountsHere) -> SessionList:
    """Give all sessions that are alive, the one used last first."""
    found = await accounts.sessions(me.user.id)
    return SessionList(
        items=[
            SessionDetail(**session.model_dump(exclude={"user_id"}), current=session.id == me.session_id)
            for session in found
        ]
    )


@router.delete("/v1/auth/me/sessions", status_code=204, responses=responses(*REFUSED_TOKEN))
async def end_other_sessions(me: Annotated[SignedIn, signed_in("profile:write")], accounts: AccountsHere) -> None:
    """End all sessions but this one."""
    await accounts.end_other_sessions(me.user.id, keep=me.session_id)


@router.delete(
    "/v1/auth/me/sessions/{session_id}", status_code=204, responses=responses(*REFUSED_TOKEN, SessionNotFound)
)
async def end_session(
    session_id: UUID, me: Annotated[SignedIn, signed_in("profile:write")], accounts: AccountsHere
) -> None:
    """End one session."""
    await accounts.end_session(me.user.id, session_id)

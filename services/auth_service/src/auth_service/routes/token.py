"""The token and the revocation endpoint of OAuth 2, which speak OAuth's dialect and not problem+json."""

from collections.abc import Awaitable
from typing import Any

from api_common.problems import Problem
from fastapi import APIRouter, Request
from fastapi.responses import Response

from auth_service.oauth import (
    FORM,
    LARGEST_BODY,
    InvalidRequest,
    OAuthRefusal,
    TokenForm,
    TryAgainLater,
    UnsupportedGrantType,
    read_form,
)
from auth_service.routes.dependencies import CallerHere, ProgramsHere, SignInHere
from auth_service.schemas import OAuthErrorAnswer, TokenAnswer
from auth_service.service.parts import Caller
from auth_service.service.programs import Programs
from auth_service.service.sign_in import SignIn

router = APIRouter(tags=["sign-in"])

GRANTS = ("password", "refresh_token", "client_credentials")
# RFC 6749 section 5.1 asks for both.
NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def _form_of(properties: dict[str, str], required: list[str]) -> dict[str, Any]:
    fields = {name: {"type": "string", "description": text} for name, text in properties.items()}
    schema = {"type": "object", "properties": fields, "required": required}
    return {"requestBody": {"required": True, "content": {FORM: {"schema": schema}}}}


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": OAuthErrorAnswer} for status in statuses}


_CLIENT = {
    "client_id": "The application or service client; also accepted by HTTP Basic. Default: the first public client.",
    "client_secret": "Of a service client; also accepted by HTTP Basic.",
}


@router.post(
    "/v1/auth/token",
    summary="Sign in, or exchange a refresh token",
    responses={200: {"model": TokenAnswer}, **_errors(400, 401, 429, 503)},
    openapi_extra=_form_of(
        {
            "grant_type": f"One of {', '.join(GRANTS)}.",
            "username": "The e-mail address (grant password).",
            "password": "The password (grant password).",
            "refresh_token": "The last refresh token (grant refresh_token).",
            "scope": "Scopes separated by spaces; fewer than possible, or all when it is left out.",
            **_CLIENT,
        },
        ["grant_type"],
    ),
)
async def give_token(request: Request, sign_in: SignInHere, programs: ProgramsHere, caller: CallerHere) -> Response:
    """Answer as RFC 6749 says: sections 4.3 (password), 4.4 (client_credentials) and 6 (refresh_token).

    An unknown address, a locked account and a wrong password get the same `invalid_grant`. A refresh token can be used
    once; using it again later ends the session it belongs to.
    """
    return await _in_oauth_terms(_granted(request, sign_in, programs, caller))


@router.post(
    "/v1/auth/revoke",
    summary="Revoke a token",
    responses={200: {"description": "The token is not good any more, or never was."}, **_errors(400, 401, 429, 503)},
    openapi_extra=_form_of(
        {"token": "A refresh token or an access token.", "token_type_hint": "Accepted and not needed.", **_CLIENT},
        ["token"],
    ),
)
async def revoke_token(request: Request, programs: ProgramsHere) -> Response:
    """Answer as RFC 7009 says. Either token of a person ends the whole session."""
    return await _in_oauth_terms(_revoked(request, programs))


async def _granted(request: Request, sign_in: SignIn, programs: Programs, caller: Caller) -> Response:
    form = await _read(request)
    match form.require("grant_type"):
        case "password":
            answer = await sign_in.with_password(
                form.require("username"),
                form.require("password"),
                client_id=programs.public_client(form.client),
                scope=form.get("scope"),
                caller=caller,
            )
        case "refresh_token":
            answer = await sign_in.with_refresh_token(
                form.require("refresh_token"), client_id=programs.public_client(form.client), scope=form.get("scope")
            )
        case "client_credentials":
            answer = await programs.token(form.client, scope=form.get("scope"))
        case other:
            raise UnsupportedGrantType(f'There is no grant "{other[:40]}". Possible: {", ".join(GRANTS)}.')
    return _json(answer.model_dump_json(exclude_none=True), 200)


async def _revoked(request: Request, programs: Programs) -> Response:
    form = await _read(request)
    await programs.revoke(form.require("token"), form.client)
    return Response(status_code=200, headers=NOT_STORED)


async def _read(request: Request) -> TokenForm:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM:
        raise InvalidRequest(f"The body must be a form: Content-Type: {FORM}.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise InvalidRequest(f"The body is larger than {LARGEST_BODY} bytes.")
    return read_form(body, request.headers.get("authorization"))


async def _in_oauth_terms(answer: Awaitable[Response]) -> Response:
    try:
        return await answer
    except OAuthRefusal as error:
        return _refusal(error)
    except Problem as problem:
        if problem.status < 429:
            raise
        return _refusal(TryAgainLater(problem.detail, status=problem.status, headers=problem.headers))


def _refusal(error: OAuthRefusal) -> Response:
    content = OAuthErrorAnswer(error=error.error, error_description=error.description)
    return _json(content.model_dump_json(), error.status, error.headers)


def _json(content: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(content, status, {**NOT_STORED, **(headers or {})}, media_type="application/json")

"""Who may call a route.

    @router.get("/v1/accounts")
    async def accounts(user: Annotated[UserPrincipal, requires_user("ledger:read", service="transaction_service")]): ...

The token is verified offline with the issuer's keys; the OpenAPI document lists the scopes that each route asks for.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fastapi import Request, Security, params
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlowPassword, OAuthFlows
from fastapi.security import OAuth2

from api_common.problems import FieldError, Forbidden
from api_common.tokens import (
    ExpiredToken,
    InvalidToken,
    JwksCache,
    KeysUnavailable,
    MissingToken,
    Principal,
    TokenVerifier,
    UserPrincipal,
    WrongAudience,
)

if TYPE_CHECKING:
    from api_common.service import Runtime

__all__ = [
    "SCOPES",
    "ExpiredToken",
    "InsufficientScope",
    "InvalidToken",
    "JwksCache",
    "KeysUnavailable",
    "MissingToken",
    "Principal",
    "TokenVerifier",
    "UserOnly",
    "UserPrincipal",
    "WrongAudience",
    "requires",
    "requires_user",
]

TOKEN_URL = "/v1/auth/token"  # noqa: S105
SCOPES: Mapping[str, str] = {
    "profile:read": "Read your own account",
    "profile:write": "Change your own account",
    "ledger:read": "Read accounts, transactions and categories",
    "ledger:write": "Change accounts, transactions and categories",
    "analytics:read": "Read figures worked out from the ledger",
    "users:admin": "Administer users",
}
"""All scopes, with what they allow."""


class InsufficientScope(Forbidden):
    """403: the token is valid and does not allow this."""

    code = "insufficient_scope"
    title = "The token does not allow that"

    def __init__(
        self,
        detail: str,
        *,
        errors: tuple[FieldError, ...] = (),
        headers: Mapping[str, str] | None = None,
        **extensions: object,
    ) -> None:
        challenge = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
        super().__init__(detail, errors=errors, headers={**challenge, **(headers or {})}, **extensions)


class UserOnly(Forbidden):
    """403: only a user can do this, and the token belongs to a service."""

    code = "user_only"
    title = "Only a user can do that"


class _Bearer(OAuth2):
    """Security scheme and dependency in one, so that a route pays for a single dependency."""

    def __init__(self, service: str, scopes: frozenset[str]) -> None:
        flows = OAuthFlows(
            password=OAuthFlowPassword(tokenUrl=TOKEN_URL, refreshUrl=TOKEN_URL, scopes=dict(SCOPES)),
            clientCredentials=OAuthFlowClientCredentials(tokenUrl=TOKEN_URL, scopes=dict(SCOPES)),
        )
        super().__init__(flows=flows, scheme_name="purser", description="Access token of the auth service.")
        self._service = service
        self._scopes = scopes

    async def principal(self, request: Request) -> Principal:
        runtime: Runtime = request.app.state.runtimes[self._service]
        principal = await runtime.verifier.verify(_token(request))
        missing = self._scopes - principal.scopes
        if missing:
            names = " ".join(sorted(missing))
            raise InsufficientScope(f"The token lacks the scope {names}.", required=sorted(self._scopes))
        return principal


class _AnyBearer(_Bearer):
    async def __call__(self, request: Request) -> Principal:  # type: ignore[override]  # the base returns the bare header
        return await self.principal(request)


class _UserBearer(_Bearer):
    async def __call__(self, request: Request) -> UserPrincipal:  # type: ignore[override]  # as above
        found = await self.principal(request)
        if found.user_id is None:
            raise UserOnly("The token belongs to a service; log in as a user.")
        return UserPrincipal(found.user_id, found.client_id, found.scopes, found.token)


def requires(*scopes: str, service: str) -> params.Depends:
    """Depend on a caller whose token has all these scopes; gives a `Principal`.

    Args:
        scopes: names from `SCOPES`; none asks for a valid token only.
        service: the service that the route belongs to; its verifier is used.

    Raises:
        ValueError: when the route is defined with a scope that does not exist.
    """
    _check_names(scopes)
    dependency: params.Depends = Security(_AnyBearer(service, frozenset(scopes)), scopes=list(scopes))
    return dependency


def requires_user(*scopes: str, service: str) -> params.Depends:
    """Like `requires`, for users only; gives a `UserPrincipal`."""
    _check_names(scopes)
    dependency: params.Depends = Security(_UserBearer(service, frozenset(scopes)), scopes=list(scopes))
    return dependency


def _check_names(scopes: tuple[str, ...]) -> None:
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        raise ValueError(f"Unknown scope {unknown[0]!r}; add it to api_common.auth.SCOPES or use one of {list(SCOPES)}")


def _token(request: Request) -> str:
    header = request.headers.get("authorization")
    if header is None:
        raise MissingToken(
            f"This needs an access token: get one at {TOKEN_URL} and send it as `Authorization: Bearer …`."
        )
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise MissingToken("The Authorization header must read `Bearer <access token>`.")
    return token.strip()

"""The documents by which others find and trust this installation's tokens."""

from fastapi import APIRouter, Response

from auth_service.routes.dependencies import PartsHere
from auth_service.routes.token import GRANTS
from auth_service.schemas import JwksDocument, ServerMetadata
from auth_service.scopes import ALL_SCOPES
from auth_service.signing_keys import ALGORITHM

router = APIRouter(prefix="/.well-known", tags=["discovery"])

LONGEST_CACHED = 300
"""Seconds."""


@router.get("/jwks.json")
async def read_keys(parts: PartsHere, response: Response) -> JwksDocument:
    """Give the public keys that verify access tokens: the one that signs, the next one, and old ones still in use."""
    # Shorter than the time for which a key is published before it signs.
    seconds = min(LONGEST_CACHED, parts.settings.key_publish_seconds // 3)
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    return JwksDocument(keys=await parts.keys.published())


@router.get("/openid-configuration")
async def read_configuration(parts: PartsHere, response: Response) -> ServerMetadata:
    """Say where everything is, in the form that OpenID Connect clients look for."""
    return _metadata(parts, response)


@router.get("/oauth-authorization-server")
async def read_metadata(parts: PartsHere, response: Response) -> ServerMetadata:
    """Say the same in the place of RFC 8414."""
    return _metadata(parts, response)


def _metadata(parts: PartsHere, response: Response) -> ServerMetadata:
    response.headers["Cache-Control"] = f"public, max-age={LONGEST_CACHED}"
    settings = parts.settings
    base = settings.public_url.rstrip("/")
    return ServerMetadata(
        issuer=settings.token_issuer,
        token_endpoint=f"{base}/v1/auth/token",
        revocation_endpoint=f"{base}/v1/auth/revoke",
        jwks_uri=f"{base}/.well-known/jwks.json",
        service_documentation=f"{base}/docs",
        grant_types_supported=list(GRANTS),
        response_types_supported=[],
        scopes_supported=sorted(ALL_SCOPES),
        token_endpoint_auth_methods_supported=["none", "client_secret_basic", "client_secret_post"],
        revocation_endpoint_auth_methods_supported=["none"],
        subject_types_supported=["public"],
        id_token_signing_alg_values_supported=[ALGORITHM],
    )

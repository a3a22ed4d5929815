"""A token issuer for tests, with real keys."""

import json
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

ISSUER = "http://127.0.0.1:8000"
"""The issuer that services expect by default, see `config.ServiceSettings.token_issuer`."""
AUDIENCE = "purser"


def new_key() -> ECKey:
    """Draw a signing key with an id."""
    return ECKey.generate_key("P-256", {"kid": secrets.token_hex(8), "use": "sig", "alg": "ES256"})


@dataclass
class Issuer:
    """Issues access tokens as the auth service would; its public keys lie in `jwks_file`."""

    jwks_file: Path
    key: ECKey = field(default_factory=new_key)

    def __post_init__(self) -> None:
        self.publish(self.key)

    def publish(self, *keys: ECKey) -> None:
        """Write these public keys, and no others, to the file."""
        document = {"keys": [key.as_dict(private=False) for key in keys]}
        self.jwks_file.write_text(json.dumps(document), encoding="utf-8")

    def token(
        self,
        *,
        user_id: UUID | None = None,
        scopes: Collection[str] = ("profile:read", "profile:write", "ledger:read", "ledger:write", "analytics:read"),
        client_id: str = "tests",
        audience: str | list[str] = AUDIENCE,
        issuer: str = ISSUER,
        expires_in: float = 600,
        key: ECKey | None = None,
        header: dict[str, str] | None = None,
        **claims: object,
    ) -> str:
        """Sign an access token; wrong ones are made by passing the wrong part.

        Args:
            user_id: the subject; a new user by default.
            expires_in: seconds from this moment; negative for an expired token.
            key: signs it; the issuer's own by default.
            header, claims: replace or add members.
        """
        signing_key = key or self.key
        now = int(time.time())
        payload = {
            "iss": issuer,
            "aud": audience,
            "sub": str(user_id or uuid4()),
            "client_id": client_id,
            "iat": now,
            "exp": now + int(expires_in),
            "jti": secrets.token_hex(16),
            "scope": " ".join(scopes),
            **claims,
        }
        full_header = {"alg": "ES256", "typ": "at+jwt", "kid": str(signing_key.kid), **(header or {})}
        return jwt.encode(full_header, payload, signing_key)

    def service_token(self, client_id: str = "analytics_api", **options: object) -> str:
        """Sign a token of a service that acts for itself."""
        return self.token(client_id=client_id, sub=client_id, **options)  # type: ignore[arg-type]  # passed on as given

    def headers(self, user_id: UUID | None = None, **options: object) -> dict[str, str]:
        """Return the Authorization header of a user's token."""
        return {"Authorization": f"Bearer {self.token(user_id=user_id, **options)}"}  # type: ignore[arg-type]  # as above


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """Give the token issuer of the session; `settings_for` makes services trust it."""
    return Issuer(tmp_path_factory.mktemp("issuer") / "jwks.json")

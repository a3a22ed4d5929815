"""What the routes take and give."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from auth_service.scopes import Role

Password = Annotated[SecretStr, Field(max_length=1024, description="At least 12 characters; any characters.")]
DisplayName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
ClientName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class Request(BaseModel):
    """A body that is refused when it holds a field that nobody reads."""

    model_config = ConfigDict(extra="forbid")


class SignUp(Request):
    """A new account."""

    email: Annotated[str, Field(max_length=254, examples=["ada@example.org"])]
    password: Password
    display_name: DisplayName | None = None


class ProfileChange(Request):
    """What a person changes of the own account; a field that is left out stays, null clears it."""

    display_name: DisplayName | None = None


class PasswordChange(Request):
    """Both passwords; the current one proves that it is still the owner who sits there."""

    current_password: Password
    new_password: Password


class OwnDeletion(Request):
    """The password, because nothing brings a deleted account back."""

    password: Password


class LockRequest(Request):
    """Why an account is locked, for other administrators; the user does not see it."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] | None = None


class RoleChange(Request):
    """The role that a user gets."""

    role: Role


class NewClient(Request):
    """A program that is to get tokens of its own."""

    name: ClientName
    scopes: Annotated[list[str], Field(min_length=1, max_length=20)]


class Answer(BaseModel):
    """Base of answers; read from the tables' attributes."""

    model_config = ConfigDict(from_attributes=True)


class Profile(Answer):
    """A person's own account."""

    id: UUID
    email: str
    display_name: str | None
    role: Role
    created_at: datetime
    password_changed_at: datetime
    last_sign_in_at: datetime | None


class UserDetail(Profile):
    """An account as administrators see it."""

    locked_at: datetime | None
    lock_reason: str | None


class SessionDetail(BaseModel):
    """One device that is signed in."""

    id: UUID
    device: str | None = Field(description="What the program said of itself at sign-in (User-Agent).")
    client_id: str
    scope: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool = Field(description="Whether it is the session that asks.")


class SessionList(BaseModel):
    """All devices that are signed in, the one used last first."""

    items: list[SessionDetail]


class DeletionReport(BaseModel):
    """What was deleted with a user: by service, how many of what."""

    user_id: UUID
    email: str
    deleted: dict[str, dict[str, int]] = Field(
        examples=[{"transaction_service": {"transactions": 812}, "auth_service": {"users": 1, "sessions": 2}}]
    )


class ClientDetail(BaseModel):
    """A service client, without its secret."""

    client_id: str
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None


class ClientWithSecret(ClientDetail):
    """A new service client; the secret is shown this once and cannot be read again."""

    client_secret: str


class TokenAnswer(BaseModel):
    """The success answer of RFC 6749 section 5.1."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  (the scheme's name)
    expires_in: int = Field(description="Seconds.")
    refresh_token: str | None = None
    scope: str


class OAuthErrorAnswer(BaseModel):
    """The error answer of RFC 6749 section 5.2."""

    error: str = Field(examples=["invalid_grant"])
    error_description: str


class JwksDocument(BaseModel):
    """The public keys by which access tokens are verified (RFC 7517)."""

    keys: list[dict[str, str]]


class ServerMetadata(BaseModel):
    """Where everything is (RFC 8414, and the discovery document of OpenID Connect)."""

    issuer: str
    token_endpoint: str
    revocation_endpoint: str
    jwks_uri: str
    service_documentation: str
    grant_types_supported: list[str]
    response_types_supported: list[str]
    scopes_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    subject_types_supported: list[str]
    id_token_signing_alg_values_supported: list[str]

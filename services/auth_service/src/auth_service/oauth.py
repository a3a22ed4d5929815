"""The forms of OAuth 2: errors of RFC 6749 section 5.2, form bodies, and how a client names itself.

Token and revocation endpoint speak this dialect and not problem+json, because OAuth client libraries know no other.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import parse_qsl, unquote_plus

FORM = "application/x-www-form-urlencoded"
LARGEST_BODY = 64 * 1024
MOST_FIELDS = 50
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class OAuthRefusal(Exception):  # noqa: N818  (its kinds carry the names of RFC 6749's codes)
    """A refusal in the form ``{"error": …, "error_description": …}``."""

    error: ClassVar[str]
    status: int = 400

    def __init__(self, description: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(description)
        self.description = description
        self.headers = headers or {}


class InvalidRequest(OAuthRefusal):
    """A parameter is missing, repeated or malformed."""

    error = "invalid_request"


class InvalidClient(OAuthRefusal):
    """The client is unknown or its secret is wrong."""

    error = "invalid_client"
    status = 401

    def __init__(self, description: str = "The client is unknown or its secret is wrong.") -> None:
        super().__init__(description, headers={"WWW-Authenticate": 'Basic realm="purser"'})


class InvalidGrant(OAuthRefusal):
    """The password, or the refresh token, does not open anything."""

    error = "invalid_grant"


class UnauthorizedClient(OAuthRefusal):
    """This client may not use this grant."""

    error = "unauthorized_client"


class UnsupportedGrantType(OAuthRefusal):
    """There is no such grant here."""

    error = "unsupported_grant_type"


class InvalidScope(OAuthRefusal):
    """A scope was asked for that cannot be granted."""

    error = "invalid_scope"


class UnsupportedTokenType(OAuthRefusal):
    """A token of this kind cannot be revoked (RFC 7009 section 2.2.1)."""

    error = "unsupported_token_type"


class TryAgainLater(OAuthRefusal):
    """Too many failures, or too much to do."""

    error = "temporarily_unavailable"

    def __init__(self, description: str, *, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__(description, headers=headers)
        self.status = status


@dataclass(frozen=True)
class ClientCredentials:
    """How the caller named itself: id and secret, an id alone, or not at all."""

    client_id: str | None
    secret: str | None = field(repr=False)


@dataclass(frozen=True)
class TokenForm:
    """The parameters of one request to the token or revocation endpoint; an empty one counts as missing."""

    values: dict[str, str] = field(repr=False)
    client: ClientCredentials

    def get(self, name: str) -> str | None:
        """Give a parameter, or None."""
        return self.values.get(name)

    def require(self, name: str) -> str:
        """Give a parameter; raises `InvalidRequest` when it is missing."""
        value = self.values.get(name)
        if value is None:
            raise InvalidRequest(f"The parameter {name} is missing.")
        return value


def read_form(body: bytes, authorization: str | None) -> TokenForm:
    """Read a form and the client's credentials in it or in the Authorization header.

    Raises `InvalidRequest` for a repeated parameter (RFC 6749 section 3.2) and for credentials in two places, and
    `InvalidClient` for a broken Authorization header.
    """
    values: dict[str, str] = {}
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise InvalidRequest(f"The body is not a form in UTF-8 with at most {MOST_FIELDS} fields.") from error
    for name, value in pairs:
        if name in values:
            raise InvalidRequest(f"The parameter {name[:40]} is given twice.")
        if _CONTROL.search(value):
            raise InvalidRequest(f"The parameter {name[:40]} holds a control character.")
        values[name] = value
    given = {name: value for name, value in values.items() if value}
    return TokenForm(given, _credentials(given, authorization))


def _credentials(values: dict[str, str], authorization: str | None) -> ClientCredentials:
    in_body = ClientCredentials(values.get("client_id"), values.get("client_secret"))
    if authorization is None:
        return in_body
    in_header = _basic(authorization)
    if in_body.secret is not None or in_body.client_id not in (None, in_header.client_id):
        raise InvalidRequest("The client is named in the Authorization header and in the body; use one of them.")
    return in_header


def _basic(authorization: str) -> ClientCredentials:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient("Only HTTP Basic is understood in the Authorization header of this endpoint.")
    try:
        name, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidClient("The Authorization header is not HTTP Basic.") from error
    if not colon or not name:
        raise InvalidClient("The Authorization header holds no client id and secret.")
    # RFC 6749 section 2.3.1: both halves are form-encoded before they are joined.
    client_id, secret = unquote_plus(name), unquote_plus(secret)
    if _CONTROL.search(client_id):
        raise InvalidClient
    return ClientCredentials(client_id, secret or None)

"""Refresh tokens: how they are made, what of them is stored, and how a lost answer is given again.

A token is 256 random bits; the database keeps its SHA-256. When a token is used, its successor is stored beside it,
encrypted under a key that is derived from the used token *and* the secret key of the installation. So a client whose
answer was lost sends the used token again and gets the very same successor: the family never splits in two, and whoever
holds a copy of a token collides with its owner at the next use. Neither a stolen database nor a stolen old token alone
opens the successor.
"""

import hashlib
import secrets

from pydantic import SecretStr

from auth_service.sealing import Sealer

TOKEN_BYTES = 32


def new_token() -> str:
    """Give a fresh token: 43 characters of URL-safe base64."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(token: str) -> bytes:
    """Give what the database stores and looks up; a plain hash suffices, for 256 random bits cannot be guessed."""
    return hashlib.sha256(token.encode()).digest()


class SuccessorBox:
    """Keeps the successor of a used token for the one who shows the used token again."""

    def __init__(self, secret_key: SecretStr) -> None:
        self._sealer = Sealer(secret_key, "auth_service refresh token successor")

    def seal(self, successor: str, *, used: str) -> bytes:
        """Lock the successor away under the used token."""
        return self._sealer.seal(successor.encode(), context=digest(used).hex(), material=used.encode())

    def open(self, sealed: bytes, *, used: str) -> str:
        """Give the successor to the bearer of the used token. Raises `auth_service.sealing.SealError`."""
        return self._sealer.open(sealed, context=digest(used).hex(), material=used.encode()).decode()

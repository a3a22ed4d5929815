"""Encryption of what the database must not show: AES-256-GCM under keys derived (HKDF, SHA-256) from the secret key."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

_NONCE_BYTES = 12
_KEY_BYTES = 32


class SealError(ValueError):
    """A sealed value was made under another secret key, for another purpose, or is damaged."""


class Sealer:
    """Seals and opens values under the secret key of the installation.

    ``purpose`` separates the keys of different uses; ``context`` binds a value to its place, so that one row's value
    cannot be moved to another row. ``material`` is a further secret without which the value cannot be opened.
    """

    def __init__(self, secret_key: SecretStr, purpose: str) -> None:
        self._secret = secret_key.get_secret_value().encode()
        self._purpose = purpose.encode()

    def seal(self, value: bytes, *, context: str, material: bytes = b"") -> bytes:
        """Encrypt a value; the result is a random nonce followed by the ciphertext."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher(material).encrypt(nonce, value, context.encode())

    def open(self, sealed: bytes, *, context: str, material: bytes = b"") -> bytes:
        """Decrypt a value. Raises `SealError`."""
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher(material).decrypt(nonce, ciphertext, context.encode())
        except (InvalidTag, ValueError) as error:
            raise SealError from error

    def _cipher(self, material: bytes) -> AESGCM:
        derived = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=material or None, info=b"purser " + self._purpose)
        return AESGCM(derived.derive(self._secret))

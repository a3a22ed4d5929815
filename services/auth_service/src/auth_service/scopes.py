"""What a token may do: the scopes, and which of them a role may ask for."""

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """What a person is in this installation."""

    MEMBER = "member"
    ADMINISTRATOR = "administrator"


MEMBER_SCOPES = frozenset({"profile:read", "profile:write", "ledger:read", "ledger:write", "analytics:read"})
ADMINISTRATOR_SCOPES = MEMBER_SCOPES | {"users:admin"}
ALL_SCOPES = ADMINISTRATOR_SCOPES


class UnknownScopeError(ValueError):
    """A scope was asked for that does not exist or that the asker may not have."""


def scopes_of(role: Role) -> frozenset[str]:
    """Give every scope that a person of this role may hold."""
    return ADMINISTRATOR_SCOPES if role is Role.ADMINISTRATOR else MEMBER_SCOPES


def narrow(allowed: frozenset[str], requested: str | None) -> frozenset[str]:
    """Give the scopes of a grant: all that are allowed, or exactly those asked for.

    ``requested`` is the space separated form of RFC 6749 section 3.3; empty or missing means everything allowed.
    A scope beyond ``allowed`` raises `UnknownScopeError` and is never dropped silently.
    """
    if requested is None or not requested.strip():
        return allowed
    wanted = frozenset(requested.split())
    beyond = wanted - allowed
    if beyond:
        raise UnknownScopeError(f"Scope {format_scope(beyond)} cannot be granted. Possible: {format_scope(allowed)}.")
    return wanted


def format_scope(scopes: Iterable[str]) -> str:
    """Write scopes as one space separated string, always in the same order."""
    return " ".join(sorted(scopes))


def parse_scope(scope: str) -> frozenset[str]:
    """Read a space separated scope string."""
    return frozenset(scope.split())

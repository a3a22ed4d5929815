"""The time, as a value that can be given: grace windows and key changes are tested without waiting for them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]


def utc_now() -> datetime:
    """Give this moment, aware, in UTC."""
    return datetime.now(UTC)

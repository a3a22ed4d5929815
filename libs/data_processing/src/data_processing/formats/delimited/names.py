"""How header cells are compared."""

from __future__ import annotations

import re
from typing import Final

CURRENCY_IN_BRACKETS: Final = re.compile(r"\(([A-Z]{3})\)")
_SPACES = re.compile(r"\s+")


def column_name(cell: str) -> str:
    """The form in which header cells are compared: case, spacing and the currency in brackets do not matter."""
    return _SPACES.sub(" ", CURRENCY_IN_BRACKETS.sub("(currency)", cell)).strip(" \ufeff").casefold()

"""What holds for the rows of every format."""

from __future__ import annotations

import re
from typing import Final

MAX_FIELD: Final = 10_000
"""The longest text of a row, in characters; a longer one is a damaged file or an attack."""

_NO_ID = re.compile(r"[0\-.*#?_ ]*|n/?a|none|null|nil|unknown|undefined", re.IGNORECASE)


def own_bank_id(text: str) -> str | None:
    """The bank's id of a row, or None where the text is a placeholder such as ``0`` or ``N/A``."""
    return None if _NO_ID.fullmatch(text) else text


def currency_code(text: str) -> str | None:
    """The ISO 4217 code in capitals, or None where the text is no three-letter code."""
    code = text.strip().upper()
    return code if len(code) == 3 and code.isascii() and code.isalpha() else None

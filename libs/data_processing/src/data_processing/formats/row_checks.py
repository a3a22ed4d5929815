"""What holds for the rows of every format."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

from data_processing.amounts import shortened
from data_processing.statement import Entry

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


def ids_that_tell_rows_apart(entries: Sequence[Entry], *, name: str) -> tuple[list[Entry], list[str]]:
    """The entries without ids that stand at several equal rows, and a note for each such id.

    A statement lists each row once. So an id that two rows with one date, amount and currency share is no id of a row,
    and taking it for one would lose a row; it stays as the reference.
    """
    ids = [entry.bank_id for entry in entries if entry.bank_id is not None]
    if len(set(ids)) == len(ids):
        return list(entries), []
    counts = Counter(_substance(entry) for entry in entries if entry.bank_id is not None)
    shared = {substance for substance, count in counts.items() if count > 1}
    if not shared:
        return list(entries), []
    kept = [
        replace(entry, bank_id=None, reference=entry.reference or entry.bank_id)
        if entry.bank_id is not None and _substance(entry) in shared
        else entry
        for entry in entries
    ]
    notes = [
        f"{name} {shortened(bank_id or '')} stands at several equal rows, so it is not taken as their id."
        for bank_id in dict.fromkeys(substance[0] for substance in shared)
    ]
    return kept, sorted(notes)


def _substance(entry: Entry) -> tuple[str | None, date, Decimal, str | None, bool]:
    return entry.bank_id, entry.booking_date, entry.amount, entry.currency, entry.pending

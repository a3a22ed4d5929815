"""Whether the signs of amounts agree with the kinds of their rows."""

from __future__ import annotations

from collections.abc import Sequence

from data_processing.statement import Entry


def doubtful_signs(entries: Sequence[Entry]) -> list[str]:
    """A note where the rows called DEBIT are all money in, and no other row says that amounts have signs at all.

    By the standard the sign decides, and so it is read. But some banks write none, or the opposite one.
    """
    debits = [entry.amount > 0 for entry in entries if entry.bank_category == "DEBIT" and entry.amount]
    if not debits or not all(debits):
        return []
    others = [entry for entry in entries if entry.amount < 0]
    if any(entry.bank_category != "CREDIT" for entry in others):
        return []
    return [
        "All amounts of rows called DEBIT are positive and count as money in, as the file writes them. If they were "
        "paid, the bank writes no signs: undo this import and choose another format of its export."
    ]

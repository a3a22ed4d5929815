"""Amounts without signs, whose direction the kind of their row tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from data_processing.statement import Entry, RefusedRow

_OUT: Final = frozenset({"DEBIT", "FEE", "SRVCHG", "ATM", "POS", "CHECK", "CASH", "DIRECTDEBIT", "REPEATPMT"})
_IN: Final = frozenset({"CREDIT", "DEP", "DIRECTDEP", "INT", "DIV"})
_ENOUGH: Final = 2
"""A single row called DEBIT may well be money that came back."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The rows of a statement with their signs, those whose direction nothing tells, and a note."""

    entries: Sequence[Entry]
    refused: Sequence[RefusedRow] = ()
    notes: Sequence[str] = ()


def with_signs(entries: Sequence[Entry]) -> Signed:
    """The rows with their signs.

    By the standard the sign of the amount decides. But some banks write none: then a statement has rows called DEBIT
    and not one negative amount, and the kinds decide. Some write the opposite one, which is only doubted.
    """
    negative = next((entry for entry in entries if entry.amount < 0), None)
    if negative is not None and negative.bank_category != "CREDIT":
        return Signed(entries)
    kinds = Counter(entry.bank_category for entry in entries if entry.amount)
    if not kinds["DEBIT"]:
        return Signed(entries)
    if negative is None and kinds["DEBIT"] + kinds["CREDIT"] >= _ENOUGH:
        return _by_kind(entries)
    if any(entry.amount < 0 and entry.bank_category != "CREDIT" for entry in entries):
        return Signed(entries)
    return Signed(
        entries,
        notes=[
            "All amounts of rows called DEBIT are positive and count as money in, as the file writes them. If they "
            "were paid, the bank writes the opposite signs: undo this import and choose another format of its export."
        ],
    )


def _by_kind(entries: Sequence[Entry]) -> Signed:
    kept: list[Entry] = []
    refused: list[RefusedRow] = []
    for entry in entries:
        kind = entry.bank_category or ""
        if kind in _OUT:
            kept.append(replace(entry, amount=entry.amount.copy_negate()) if entry.amount else entry)
        elif kind in _IN or not entry.amount:
            kept.append(entry)
        else:
            reason = (
                f'no amount of the statement has a sign, and the kind (TRNTYPE) "{kind}" does not tell whether '
                f"{entry.amount} came in or went out"
            )
            refused.append(RefusedRow(entry.place, reason, entry.bank_id, entry.text[:300]))
    note = "No amount of the statement has a sign; the kinds of the rows (TRNTYPE: DEBIT, CREDIT …) say what went out."
    return Signed(kept, refused, [note])

"""Texts of QIF records: payee and memo, and the account that a category names."""

from __future__ import annotations

import re

_TRANSFER = re.compile(r"(?:[^\[\]|]*+\|)?\[([^\]]+)\]").match


def transfer_account(category: str) -> str | None:
    """The account that a category names, as ``[Savings]`` does and, beside a category proper, ``Tax|[Savings]``."""
    found = _TRANSFER(category)
    return found[1].strip() or None if found else None


def joined(payee: str, memo: str) -> str:
    """Payee and memo in one line, without the one repeating the other."""
    if not memo or memo == payee:
        return payee
    return memo if memo.startswith(payee) else f"{payee} {memo}"

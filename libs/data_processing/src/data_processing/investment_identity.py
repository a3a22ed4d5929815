"""The identity of an entry of an investment account: what makes it the same entry in the next file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from hashlib import blake2b

from data_processing.identity import canonical
from data_processing.investments import InvestmentEntry


def investment_identities(entries: Iterable[InvestmentEntry]) -> list[str]:
    """The identity of each entry within its account, in the order of the entries.

    It is made of the bank's id, where there is one, and a hash of what the entry does: day, action, security, units and
    total; without an id the wording counts too. Equal entries of one file are told apart by the number of their
    occurrence. Call it with the entries of one statement.
    """
    seen: Counter[str] = Counter()
    result = []
    for entry in entries:
        parts = [
            entry.trade_date.isoformat(),
            entry.action.casefold(),
            entry.security.key if entry.security else "",
            _plain(entry.units),
            _plain(entry.total),
            entry.currency or "",
        ]
        if entry.bank_id is None:
            parts.append(canonical(entry.text))
        digest = blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        name = f"bank:{entry.bank_id}#{digest}" if entry.bank_id is not None else f"row:{digest}"
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return result


def _plain(number: Decimal | None) -> str:
    return "" if number is None else str(number.normalize()) if number else "0"

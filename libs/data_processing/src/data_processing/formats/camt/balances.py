"""The balances of a camt statement: which ones open and close it, and which only inform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from data_processing.formats.camt.elements import Record
from data_processing.formats.camt.values import day, signed_amount
from data_processing.statement import Balance, BalanceKind

_KINDS: dict[str, BalanceKind] = {
    "OPBD": "opening",
    "PRCD": "opening",
    "CLBD": "closing",
    "ITBD": "running",
    "OPAV": "available",
    "ITAV": "available",
    "CLAV": "available",
    "FWAV": "available",
}
_INTERIM = "ITBD"


def balance_of(record: Record) -> Balance:
    """The balance; raises ``ValueError`` with the reason where it cannot be read or its type is no balance of now."""
    code = record.text("Tp/CdOrPrtry/Cd", "Tp/Cd")
    kind = _KINDS.get(code)
    if kind is None:
        named = code or record.text("Tp/CdOrPrtry/Prtry") or "none"
        raise ValueError(f'its type is "{named[:35]}"')
    amount, currency = signed_amount(record)
    return Balance(kind, amount, currency, day(record, "Dt"), code)


def arranged(balances: Sequence[Balance], *, final: bool) -> tuple[Balance, ...]:
    """The balances with one opening and one closing, as far as the statement has them.

    The previous closing balance (PRCD) opens a statement that has no OPBD. The pages of a long statement open and close
    with interim balances (ITBD); ``final`` is false for reports within a day, whose interim balance closes nothing.
    """
    kept = list(balances)
    if any(balance.code == "OPBD" for balance in kept):
        kept = [balance for balance in kept if balance.code != "PRCD"]
    opened = any(balance.kind == "opening" for balance in kept)
    closed = any(balance.kind == "closing" for balance in kept)
    interim = [index for index, balance in enumerate(kept) if balance.code == _INTERIM]
    if final and interim:
        if not opened and (closed or len(interim) > 1):
            first = interim.pop(0)
            kept[first] = replace(kept[first], kind="opening")
            opened = True
        if not closed and opened and interim:
            kept[interim[-1]] = replace(kept[interim[-1]], kind="closing")
    return tuple(kept)

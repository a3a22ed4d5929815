"""What a row says of the money that was paid in another currency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from data_processing.formats.delimited.header import Header
from data_processing.formats.delimited.profile import Columns
from data_processing.formats.row_checks import currency_code
from data_processing.statement import Entry

OriginalFunction = Callable[[Entry, Sequence[str]], Entry]


def original_function(columns: Columns, header: Header, number: Callable[[str], Decimal]) -> OriginalFunction | None:
    """A function that adds the original amount to an entry; None where the file does not have it.

    What cannot be read is left out: it decides about no money.
    """
    amount, currency = (header.position(name) for name in (columns.original_amount, columns.original_currency))
    rate = header.position(columns.exchange_rate)
    if amount is None or currency is None:
        return None

    def read(cells: Sequence[str], position: int | None) -> Decimal | None:
        try:
            return abs(number(cells[position])) if position is not None and cells[position].strip() else None
        except ValueError:
            return None

    def with_original(entry: Entry, cells: Sequence[str]) -> Entry:
        code, paid = currency_code(cells[currency]), read(cells, amount)
        if code is None or paid is None or code == entry.currency:
            return entry
        signed = -paid if entry.amount < 0 else paid
        return replace(entry, original_amount=signed, original_currency=code, exchange_rate=read(cells, rate) or None)

    return with_original

"""Amounts, signs and dates as camt documents write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from data_processing.amounts import MAX_DECIMALS, shortened, within_range
from data_processing.formats.camt.elements import CURRENCY, Record
from data_processing.formats.row_checks import MAX_FIELD, currency_code

_AMOUNT = re.compile(rf"[0-9]{{1,18}}(?:\.[0-9]{{0,{MAX_DECIMALS}}})?").fullmatch
_FINER = re.compile(r"[0-9]+\.[0-9]+").fullmatch
_RATE = re.compile(r"[0-9]{1,12}(?:\.[0-9]{0,12})?").fullmatch
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T[0-9:.]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})?").fullmatch
_SURELY_IN_RANGE: Final = 12
_NO_REFERENCE: Final = {"", "NOTPROVIDED", "NOT PROVIDED", "NONREF", "NONE", "NOREF"}
_PAID: Final = tuple(
    (f"{kind}Amt", f"{kind}Amt{CURRENCY}", f"{kind}CcyXchg/XchgRate")
    for kind in ("AmtDtls/InstdAmt/", "AmtDtls/TxAmt/", "AmtDtls/CntrValAmt/", "")
)
"""Where the amount that was paid stands, with its currency and its rate; the last is the payment's own."""


def signed_amount(record: Record) -> tuple[Decimal, str | None]:
    """The exact amount of an entry or a balance, negative for DBIT, and its currency.

    A reversal needs no further turn: its indicator says the direction in which the money moved back.

    Raises ``ValueError`` with the reason.
    """
    texts = record.texts
    currency = texts.get("Amt@Ccy", "")
    written = texts.get("Amt")
    if written is None:
        raise ValueError("the amount is empty" if currency else "there is no amount (Amt)")
    return turned(exact_amount(written), texts.get("CdtDbtInd", "")), currency_code(currency)


def exact_amount(text: str) -> Decimal:
    """The amount without a sign; raises ``ValueError`` with the reason."""
    if _AMOUNT(text):
        return Decimal(text) if len(text) <= _SURELY_IN_RANGE else within_range(Decimal(text), text)
    if _FINER(text):
        raise ValueError(f'amount "{shortened(text)}" has more than {MAX_DECIMALS} decimals')
    raise ValueError(f'amount "{shortened(text)}" is not a number' if text else "the amount is empty")


def turned(amount: Decimal, indicator: str) -> Decimal:
    """The amount with the sign of the indicator; raises ``ValueError`` for any but CRDT and DBIT."""
    if indicator == "CRDT":
        return amount
    if indicator == "DBIT":
        return -amount
    raise ValueError(f'the direction (CdtDbtInd) is "{shortened(indicator)}", neither CRDT nor DBIT')


def day(record: Record, path: str) -> date | None:
    """The day of a date choice (``Dt`` or ``DtTm``) as the bank's clock showed it; None where there is none.

    Raises ``ValueError`` with the reason for a text that is no day.
    """
    texts = record.texts
    text = texts.get(f"{path}/Dt") or texts.get(f"{path}/DtTm")
    return iso_day(text) if text else None


@lru_cache(maxsize=4096)
def iso_day(text: str) -> date:
    """The day of an ISO date or time; raises ``ValueError`` with the reason."""
    match = _DAY(text)
    try:
        if match is None:
            raise ValueError
        return date.fromisoformat(match[1])
    except ValueError:
        raise ValueError(f'date "{shortened(text, 40)}" is no day of the calendar') from None


def foreign_amount(
    records: Sequence[Record], booked: Decimal, currency: str | None
) -> tuple[Decimal, str, Decimal | None] | None:
    """What was paid in another currency: amount, currency and the printed rate; None where nothing was.

    ``records`` are the payment and its entry. What cannot be read is passed over: no booked amount rests on it.
    """
    for path, named, rate in _PAID:
        for record in records:
            written = record.texts.get(named)
            if written is None or written == currency:
                continue
            code = currency_code(written)
            if code is None or code == currency:
                continue
            try:
                amount = exact_amount(record.texts.get(path, ""))
            except ValueError:
                continue
            return (-amount if booked < 0 else amount), code, _rate(records, rate)
    return None


def _rate(records: Sequence[Record], first: str) -> Decimal | None:
    for path in (first, *(rate for _, _, rate in _PAID)):
        for record in records:
            text = record.texts.get(path, "")
            if _RATE(text):
                return Decimal(text)
    return None


def reference(text: str) -> str | None:
    """A reference, or None where the bank writes that there is none."""
    return text if text and text.upper() not in _NO_REFERENCE else None


def joined(parts: list[str]) -> str:
    """The parts in one line, each once."""
    if len(parts) == 1:
        return parts[0]
    return " ".join(dict.fromkeys(part for part in parts if part))


def bounded(text: str) -> str:
    """The text; raises ``ValueError`` when it is longer than any bank's."""
    if len(text) > MAX_FIELD:
        raise ValueError(f"the texts of a payment are longer than {MAX_FIELD} characters")
    return text

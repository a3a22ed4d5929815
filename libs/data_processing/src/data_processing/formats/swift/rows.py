"""A statement line with its information to an entry."""

from __future__ import annotations

import re
from typing import Final

from data_processing.formats.row_checks import currency_code
from data_processing.formats.swift.fields import Field
from data_processing.formats.swift.information import Information
from data_processing.formats.swift.lines import StatementLine
from data_processing.statement import AccountReference, Entry, new_entry

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}").fullmatch
_ACCOUNT = re.compile(r"(.*[0-9])\s*([A-Z]{3})")
_PLACEHOLDERS: Final = frozenset({"NONREF", "EREF", "EREF+", "KREF", "KREF+", "PREF", "MARF", "NOTPROVIDED"})
_SHORTEST_ID: Final = 8
_SEVERAL_DIGITS = re.compile(r"(?:[^0-9]*[0-9]){5}").match


def entry_of(
    line: StatementLine, about: Information, *, supplement: str, place: str, currency: str, pending: bool
) -> Entry:
    """The entry; ``supplement`` is the text in the lines under ``:61:``.

    Some banks write the other side's account where the reference belongs, and its name or account in the supplement.
    """
    written = line.reference
    placeholder = not written or written in _PLACEHOLDERS or written.upper() in _PLACEHOLDERS
    reference = None if placeholder else written
    account = about.counterparty_account
    counterparty = about.counterparty
    if reference and _IBAN(reference):
        account, reference = account or reference, None
        counterparty = counterparty or supplement or None
    elif supplement and _IBAN(supplement):
        account = account or supplement
    text = about.text
    if supplement and supplement not in text:
        text = f"{supplement} {text}".strip()
    bank_id = _own_id(line.bank_reference)
    return new_entry(
        place=place,
        booking_date=line.booking_date,
        amount=line.amount,
        text=text or counterparty or reference or "",
        value_date=line.value_date,
        currency=currency,
        bank_id=bank_id,
        counterparty=counterparty,
        counterparty_account=account,
        reference=about.reference or reference or (None if bank_id else line.bank_reference or None),
        bank_category=about.code or line.kind or None,
        pending=pending,
    )


def _own_id(text: str) -> str | None:
    """The bank's reference where it can be an id; short ones, such as ``//55555``, stand at many rows."""
    return text if len(text) >= _SHORTEST_ID and _SEVERAL_DIGITS(text) and text.strip("0") else None


def account_of(field: Field | None, currency: str | None) -> AccountReference:
    """The account of ``:25:``: ``bank/number``, or a number with or without its currency behind it."""
    written = field.first if field is not None else ""
    bank, slash, number = written.partition("/")
    if not slash:
        bank, number = "", written
    with_currency = _ACCOUNT.fullmatch(number.strip())
    if with_currency is not None and currency_code(with_currency[2]) == currency:
        number = with_currency[1]
    return AccountReference(number=number.strip() or None, bank=bank.strip() or None, currency=currency)

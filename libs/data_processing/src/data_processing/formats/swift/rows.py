"""A statement line with its information to an entry."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Final

from data_processing.formats.row_checks import currency_code
from data_processing.formats.swift.fields import Field
from data_processing.formats.swift.information import Information
from data_processing.formats.swift.lines import line_dates, line_parts, signed_amount, swift_amount
from data_processing.statement import AccountReference, Entry, new_entry

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}").fullmatch
_WITH_CURRENCY = re.compile(r"(.*[0-9])[\s/]*([A-Z]{3})").fullmatch
_PAID = re.compile(r"/OCMT/([A-Z]{3})([0-9]+,[0-9]*)/").search
_NAMED = re.compile(r"(\S+)\s{2,}(\S.*)").fullmatch
_NUMBER = re.compile(r"P?[0-9]{9,10}").fullmatch
_PLACEHOLDERS: Final = frozenset(
    {"", "NONREF", "NOREF", "EREF", "EREF+", "KREF", "KREF+", "PREF", "MARF", "NOTPROVIDED"}
)
_SHORTEST_REFERENCE: Final = 2
# Short references of the bank, such as ``//55555``, stand at many rows.
_ID = re.compile(r"(?=.{8})(?!0++\Z)(?:[^0-9]*+[0-9]){5}").match
_PENDING: Final = frozenset({"EC", "ED"})


def entry_of(
    line: str, about: Information, *, place: str, currency: str | None, today: date
) -> tuple[Entry, tuple[str, ...]]:
    """The entry of a ``:61:`` and its ``:86:``, and what was read otherwise than it is written.

    Some banks write the other side's account where the reference belongs, and its name or account in the supplement.

    Raises ``ValueError`` with the reason.
    """
    value, entered, mark, written, kind, reference, bank_reference, supplement = line_parts(line)
    value_date, booking_date, notes = line_dates(value, entered, today)
    amount = signed_amount(written, mark)
    account, counterparty, text = about.counterparty_account, about.counterparty, about.text
    own = None if reference in _PLACEHOLDERS else _own_reference(reference)
    if own is not None:
        if _IBAN(own):
            account, own = account or own, None
            counterparty = counterparty or " ".join(supplement.split()) or None
        elif "  " in own and (named := _NAMED(own)) is not None:
            own, counterparty = _own_reference(named[1]), counterparty or named[2]
            if own is not None and _NUMBER(own):
                account, own = account or own, None
    paid = None
    if supplement:
        supplement = " ".join(supplement.split())
        if _IBAN(supplement):
            account = account or supplement
        if supplement not in text:
            text = f"{supplement} {text}".strip()
    if "/OCMT/" in text:
        paid = _paid(text, amount, currency)
    bank_reference = bank_reference.strip()
    bank_id = bank_reference if _ID(bank_reference) else None
    entry = new_entry(
        place=place,
        booking_date=booking_date,
        amount=amount,
        text=text or counterparty or own or "",
        value_date=value_date,
        currency=currency,
        bank_id=bank_id,
        counterparty=about.payee if about.payee and amount < 0 else counterparty,
        counterparty_account=account,
        reference=about.reference or own or (None if bank_id else bank_reference or None),
        bank_category=about.code or kind.strip() or None,
        pending=mark in _PENDING,
        original_amount=paid[0] if paid else None,
        original_currency=paid[1] if paid else None,
    )
    return entry, notes


def _own_reference(text: str) -> str | None:
    """The payer's reference, or None where the bank writes that there is none."""
    written = text.strip()
    return None if len(written) < _SHORTEST_REFERENCE or written.upper() in _PLACEHOLDERS else written


def _paid(text: str, booked: Decimal, currency: str | None) -> tuple[Decimal, str] | None:
    """What was paid in another currency (``/OCMT/USD49,00/``), signed like the booked amount."""
    found = _PAID(text)
    if found is None or found[1] == currency:
        return None
    try:
        amount = swift_amount(found[2])
    except ValueError:
        return None
    return -amount if booked < 0 else amount, found[1]


def account_of(field: Field | None, currency: str | None) -> AccountReference:
    """The account of ``:25:``: ``bank/number``, or a number, with or without its currency behind it."""
    written = field.first.lstrip("/") if field is not None else ""
    with_currency = _WITH_CURRENCY(written)
    if with_currency is not None and currency_code(with_currency[2]) == currency:
        written = with_currency[1]
    bank, slash, number = written.partition("/")
    if not slash:
        bank, number = "", written
    return AccountReference(number=number.strip() or None, bank=bank.strip() or None, currency=currency)

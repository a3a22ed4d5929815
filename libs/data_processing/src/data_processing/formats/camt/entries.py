"""One entry (Ntry) with the payments behind it: booked once, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from data_processing.formats.camt.details import Payment
from data_processing.formats.camt.elements import text_of
from data_processing.formats.camt.values import bounded, day, foreign_amount, joined, reference, signed_amount
from data_processing.formats.row_checks import MAX_FIELD, own_bank_id
from data_processing.statement import Entry

_PENDING = {"BOOK": False, "PDNG": True, "FUTR": True}
INFORMATION = "INFO"
"""The status of an entry that moves no money."""


def status_of(element: Element) -> str:
    """The entry's status, written as a code or inside a ``Cd`` element."""
    return text_of(element, "Sts") or text_of(element, "Sts", "Cd") or text_of(element, "Sts", "Prtry")


def bank_id_of(element: Element, payments: Sequence[Payment]) -> str | None:
    """The account servicer's reference, of the entry or of its only payment."""
    written = reference(text_of(element, "AcctSvcrRef"))
    if written is None and len(payments) == 1:
        written = payments[0].bank_id
    return own_bank_id(written) if written else None


def entry_of(element: Element, payments: Sequence[Payment], *, place: str) -> Entry:
    """The entry; raises ``ValueError`` with the reason where it must be refused."""
    status = status_of(element)
    pending = _PENDING.get(status)
    if pending is None:
        raise ValueError(f'the status (Sts) is "{status[:40]}", so it is unclear whether money moved')
    amount, currency = signed_amount(element)
    value_date = day(element.find("ValDt"))
    booking_date = day(element.find("BookgDt")) or (value_date if pending else None)
    if booking_date is None:
        raise ValueError("the entry has no booking date (BookgDt)")
    credited = amount > 0 or (amount == 0 and text_of(element, "CdtDbtInd") == "CRDT")
    money_in = credited is not (text_of(element, "RvslInd").lower() in ("true", "1"))
    only = payments[0] if len(payments) == 1 else None
    name, account = only.counterparty(money_in=money_in) if only else (None, None)
    foreign = (foreign_amount(only.element, amount, currency) if only else None) or foreign_amount(
        element, amount, currency
    )
    return Entry(
        place=place,
        booking_date=booking_date,
        amount=amount,
        text=_text(element, payments) or name or "",
        value_date=value_date,
        currency=currency,
        bank_id=bank_id_of(element, payments),
        counterparty=name,
        counterparty_account=account,
        reference=only.reference if only else _batch(element),
        bank_category=_category(element) or None,
        pending=pending,
        original_amount=foreign[0] if foreign else None,
        original_currency=foreign[1] if foreign else None,
        exchange_rate=foreign[2] if foreign else None,
        details=tuple(payment.detail(element, money_in=money_in) for payment in payments) if not only else (),
    )


def _text(element: Element, payments: Sequence[Payment]) -> str:
    """What the bank wrote to the entry and to its payments, as far as a row's text may go."""
    parts = [payment.text for payment in payments]
    text = joined([*parts, bounded(text_of(element, "AddtlNtryInf"))])
    return text if len(text) <= MAX_FIELD else text[: MAX_FIELD - 1] + "…"


def _batch(element: Element) -> str | None:
    return reference(text_of(element, "NtryDtls", "Btch", "PmtInfId")) or reference(
        text_of(element, "NtryDtls", "Btch", "MsgId")
    )


def _category(element: Element) -> str:
    """The transaction code: domain, family and sub-family, else the bank's own."""
    code = element.find("BkTxCd")
    domain = [text_of(code, "Domn", *path) for path in (("Cd",), ("Fmly", "Cd"), ("Fmly", "SubFmlyCd"))]
    return "-".join(part for part in domain if part) or text_of(code, "Prtry", "Cd")

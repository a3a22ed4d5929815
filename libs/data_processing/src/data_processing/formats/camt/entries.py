"""One entry (Ntry) with the payments behind it: booked once, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from data_processing.formats.camt.details import Party, Payment
from data_processing.formats.camt.elements import Record
from data_processing.formats.camt.values import day, foreign_amount, joined, reference, signed_amount
from data_processing.formats.row_checks import MAX_FIELD, own_bank_id
from data_processing.statement import Entry, new_entry

_PENDING = {"BOOK": False, "PDNG": True, "FUTR": True}
INFORMATION = "INFO"
"""The status of an entry that moves no money."""
_DOMAIN: Final = tuple(f"BkTxCd/Domn/{path}" for path in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd"))


def status_of(record: Record) -> str:
    """The entry's status, written as a code or inside a ``Cd`` element."""
    return record.text("Sts", "Sts/Cd", "Sts/Prtry")


def bank_id_of(record: Record, payments: Sequence[Payment]) -> str | None:
    """The account servicer's reference, of the entry or of its only payment."""
    written = reference(record.texts.get("AcctSvcrRef", ""))
    if written is None and len(payments) == 1:
        written = payments[0].bank_id
    return own_bank_id(written) if written else None


def entry_of(
    record: Record, payments: Sequence[Payment], *, place: str, bank_id: str | None, currency: str | None
) -> Entry:
    """The entry, in ``currency`` where it names none; raises ``ValueError`` where it must be refused."""
    texts = record.texts
    value_date, booked = day(record, "ValDt"), day(record, "BookgDt")
    pending = _pending(status_of(record), booked=booked is not None)
    amount, own_currency = signed_amount(record)
    currency = own_currency or currency
    booking_date = booked or value_date
    if booking_date is None:
        raise ValueError("the entry has neither a booking date (BookgDt) nor a value date (ValDt)")
    credited = texts.get("CdtDbtInd") == "CRDT"
    only = payments[0] if len(payments) == 1 else None
    turned_back = reversal(record)
    parties = [payment.counterparty(credited=credited, reversal=turned_back) for payment in payments]
    name, account = _shared(parties)
    foreign = foreign_amount([only.record, record] if only else [record], amount, currency)
    return new_entry(
        place=place,
        booking_date=booking_date,
        amount=amount,
        text=_text(record, payments) or name or "",
        value_date=value_date,
        currency=currency,
        bank_id=bank_id,
        counterparty=name,
        counterparty_account=account,
        reference=only.reference if only else _batch(record),
        bank_category=_category(record) or (_category(only.record) if only else None) or None,
        pending=pending,
        original_amount=foreign[0] if foreign else None,
        original_currency=foreign[1] if foreign else None,
        exchange_rate=foreign[2] if foreign else None,
        details=()
        if only
        else tuple(payment.detail(record, party) for payment, party in zip(payments, parties, strict=True)),
    )


def _shared(parties: Sequence[Party]) -> Party:
    """What the other sides of all payments have in common."""
    if len(parties) == 1:
        return parties[0]
    names, accounts = {name for name, _ in parties}, {account for _, account in parties}
    return names.pop() if len(names) == 1 else None, accounts.pop() if len(accounts) == 1 else None


def _pending(status: str, *, booked: bool) -> bool:
    """Whether the entry waits; one without a status that has a booking date was booked then."""
    pending = _PENDING.get(status) if status or not booked else False
    if pending is None:
        raise ValueError(f'the status (Sts) is "{status[:40]}", so it is unclear whether money moved')
    return pending


def reversal(record: Record) -> bool:
    """Whether the bank marks the entry as the reversal of an earlier one."""
    return record.texts.get("RvslInd", "").lower() in ("true", "1")


def _text(record: Record, payments: Sequence[Payment]) -> str:
    """What the bank wrote to the entry and to its payments, as far as a row's text may go."""
    added = record.texts.get("AddtlNtryInf", "")
    text = joined([*(payment.text for payment in payments), added])
    return text if len(text) <= MAX_FIELD else text[: MAX_FIELD - 1] + "…"


def _batch(record: Record) -> str | None:
    texts = record.texts
    return reference(texts.get("NtryDtls/Btch/PmtInfId", "")) or reference(texts.get("NtryDtls/Btch/MsgId", ""))


def _category(record: Record) -> str:
    """The transaction code: domain, family and sub-family, else the bank's own."""
    get = record.texts.get
    domain = [part for path in _DOMAIN if (part := get(path))]
    return "-".join(domain) or get("BkTxCd/Prtry/Cd", "")

"""One OFX transaction: its fields to an entry, or to a refusal with its reason."""

from __future__ import annotations

import re
from decimal import Decimal

from data_processing.amounts import ofx_amount, shortened
from data_processing.formats.ofx.balance_rows import states_a_balance
from data_processing.formats.ofx.dates import ofx_date, ofx_date_or_none
from data_processing.formats.ofx.statements import StatementInProgress
from data_processing.formats.ofx.tokens import value
from data_processing.formats.row_checks import MAX_FIELD, currency_code, own_bank_id
from data_processing.statement import Deletion, Entry, RefusedRow, new_entry

INNER_AGGREGATES = frozenset({"BANKACCTTO", "CCACCTTO", "CURRENCY", "ORIGCURRENCY", "PAYEE", "EXTDPAYEE", "IMAGEDATA"})
"""The aggregates a transaction may hold; their fields are named ``AGGREGATE.FIELD`` here."""
_RATE = re.compile(r"[0-9]{1,12}(?:[.,][0-9]{1,12})?")


def read_row(statement: StatementInProgress, fields: dict[str, str], *, pending: bool) -> None:
    """Add the row to the statement's entries, or to its refused rows."""
    bank_id = own_bank_id(value(fields.get("FITID", "")))
    place = f"transaction {statement.rows} (FITID {shortened(bank_id)})" if bank_id else f"transaction {statement.rows}"
    name, text = _wording(fields)
    if states_a_balance(text):
        statement.balance_rows.append(place)
        return
    try:
        if "CORRECTFITID" in fields and (deletion := _deletion(fields, place)) is not None:
            statement.deletions.append(deletion)
            return
        entry = _entry(statement, fields, name, text, place=place, bank_id=bank_id, pending=pending)
        statement.entries.append(entry)
    except ValueError as reason:
        raw = " ".join(f"<{tag}>{value(raw)}" for tag, raw in fields.items())
        statement.refused.append(RefusedRow(place, str(reason), bank_id, shortened(raw, 300)))


def _deletion(fields: dict[str, str], place: str) -> Deletion | None:
    """The earlier row that this one deletes; None where it is a row of its own."""
    corrected = _corrected(fields)
    if corrected is None:
        return None
    action = value(fields.get("CORRECTACTION", "")).upper()
    if action not in ("REPLACE", "DELETE"):
        raise ValueError(
            f"the row corrects the earlier row FITID {shortened(corrected)} and does not say whether it replaces or "
            "deletes it (CORRECTACTION); change that one in the ledger by hand"
        )
    return Deletion(place, corrected) if action == "DELETE" else None


def _corrected(fields: dict[str, str]) -> str | None:
    written = fields.get("CORRECTFITID")
    return own_bank_id(value(written)) if written else None


def _entry(
    statement: StatementInProgress,
    fields: dict[str, str],
    name: str,
    text: str,
    *,
    place: str,
    bank_id: str | None,
    pending: bool,
) -> Entry:
    if max(map(len, fields.values()), default=0) > MAX_FIELD:
        raise ValueError(f"a field of the row is longer than {MAX_FIELD} characters")
    get = fields.get
    posted = get("DTPOSTED") or (get("DTTRAN") if pending else None)
    if posted is None or not (posted := posted.strip()):
        raise ValueError("the row has no booking date (DTPOSTED)")
    amount = get("TRNAMT", "").strip()
    if not amount:
        raise ValueError("the row has no amount (TRNAMT)")
    currency = statement.currency
    if (symbol := get("CURRENCY.CURSYM")) is not None:
        currency = currency_code(symbol) or currency
    available = get("DTAVAIL")
    other = get("BANKACCTTO.ACCTID") or get("CCACCTTO.ACCTID")
    category = get("TRNTYPE")
    paid_in, rate = _converted_from(fields, currency) if "ORIGCURRENCY.CURSYM" in fields else (None, None)
    return new_entry(
        place=place,
        booking_date=ofx_date(posted),
        amount=ofx_amount(amount, currency),
        text=text,
        value_date=ofx_date_or_none(available.strip()) if available else None,
        currency=currency,
        bank_id=bank_id,
        counterparty=name or None,
        counterparty_account=(value(other) or None) if other else None,
        reference=_reference(fields) if "CHECKNUM" in fields or "REFNUM" in fields else None,
        bank_category=(value(category) or None) if category else None,
        pending=pending,
        original_currency=paid_in,
        exchange_rate=rate,
        corrects=_corrected(fields) if "CORRECTFITID" in fields else None,
    )


def _converted_from(fields: dict[str, str], currency: str | None) -> tuple[str | None, Decimal | None]:
    """The currency that was paid in and the printed rate.

    The amount that was paid is not in the file, and a rounded rate does not give it to the cent.
    """
    paid_in = currency_code(fields["ORIGCURRENCY.CURSYM"])
    if paid_in is None or paid_in == currency:
        return None, None
    written = value(fields.get("ORIGCURRENCY.CURRATE", ""))
    return paid_in, Decimal(written.replace(",", ".")) if _RATE.fullmatch(written) else None


def _wording(fields: dict[str, str]) -> tuple[str, str]:
    """The other party, and the whole text of the row."""
    name = value(fields.get("NAME", ""))
    if not name:
        name = value(fields.get("PAYEE.NAME", "")) or value(fields.get("EXTDPAYEE.NAME", ""))
    text = name
    if "EXTDNAME" in fields:
        extended = value(fields["EXTDNAME"])
        text = _text(name, extended)
        if extended.startswith(name):  # a name has 32 characters at most, and goes on in the extended one
            name = extended
    if "MEMO" in fields:
        text = _text(text, value(fields["MEMO"]))
    return name, _text(text, value(fields["MEMO2"])) if "MEMO2" in fields else text


def _reference(fields: dict[str, str]) -> str | None:
    """The number of the cheque, else the reference."""
    for tag in ("CHECKNUM", "REFNUM"):
        if (written := fields.get(tag)) and (reference := own_bank_id(value(written))):
            return reference
    return None


def _text(name: str, memo: str) -> str:
    """Name and memo in one line, without the one repeating the other."""
    if not memo or name.startswith(memo):
        return name
    if not name or memo.startswith(name):
        return memo
    return f"{name} {memo}"

"""OFX securities and positions: what the list of securities describes, and what an account holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from data_processing.amounts import ofx_amount, ofx_quantity, shortened
from data_processing.formats.ofx.dates import ofx_date_or_none
from data_processing.formats.row_checks import MAX_FIELD, currency_code
from data_processing.investments import Position, Security, SecurityKind
from data_processing.statement import RefusedRow

SECURITIES: Final = {
    "STOCKINFO": SecurityKind.STOCK,
    "MFINFO": SecurityKind.FUND,
    "DEBTINFO": SecurityKind.BOND,
    "OPTINFO": SecurityKind.OPTION,
    "OTHERINFO": SecurityKind.OTHER,
    "SECINFO": SecurityKind.OTHER,
}
"""The aggregates of the list of securities; the last is what all hold, and is met alone in one of an unknown kind."""
POSITIONS: Final = {
    "POSSTOCK": SecurityKind.STOCK,
    "POSMF": SecurityKind.FUND,
    "POSDEBT": SecurityKind.BOND,
    "POSOPT": SecurityKind.OPTION,
    "POSOTHER": SecurityKind.OTHER,
    "INVPOS": SecurityKind.OTHER,
}
"""The aggregates of the list of positions; the last is what all hold, and is met alone in one of an unknown kind."""


def described_security(tag: str, fields: Mapping[str, str]) -> Security | None:
    """A security of the list; None where it has no id by which it could be found again."""
    unique_id = fields.get("UNIQUEID")
    if not unique_id or max(map(len, fields.values())) > MAX_FIELD:
        return None
    symbol = fields.get("CURRENCY.CURSYM")
    return Security(
        id_type=(fields.get("UNIQUEIDTYPE") or "").upper() or None,
        unique_id=unique_id,
        name=fields.get("SECNAME") or None,
        ticker=fields.get("TICKER") or None,
        kind=SECURITIES[tag],
        currency=currency_code(symbol) if symbol else None,
    )


def identifier(security: Security) -> tuple[str, str]:
    """What transactions name a security by."""
    return security.id_type or "", security.unique_id or ""


def named_security(
    fields: Mapping[str, str], described: Mapping[tuple[str, str], Security], kind: SecurityKind | None
) -> Security | None:
    """The security that a transaction names, as the list describes it where it is there."""
    unique_id = fields.get("UNIQUEID")
    if not unique_id:
        return None
    id_type = (fields.get("UNIQUEIDTYPE") or "").upper()
    known = described.get((id_type, unique_id))
    return known or Security(id_type or None, unique_id, kind=kind or SecurityKind.OTHER)


def read_position(
    number: int,
    tag: str,
    fields: Mapping[str, str],
    *,
    described: Mapping[tuple[str, str], Security],
    currency: str | None,
    as_of: date | None,
) -> Position | RefusedRow:
    """One position, or its refusal with the reason."""
    security = named_security(fields, described, POSITIONS[tag])
    place = f"position {number}" + (f" ({shortened(security.label)})" if security else "")
    try:
        return _position(security, fields, currency=currency, as_of=as_of)
    except ValueError as reason:
        raw = " ".join(f"<{name}>{text}" for name, text in fields.items())
        return RefusedRow(place, f"{tag}: {reason}", None, shortened(raw, 300))


def _position(
    security: Security | None, fields: Mapping[str, str], *, currency: str | None, as_of: date | None
) -> Position:
    if max(map(len, fields.values()), default=0) > MAX_FIELD:
        raise ValueError(f"a field of the position is longer than {MAX_FIELD} characters")
    if security is None:
        raise ValueError("the position names no security (UNIQUEID)")
    if not fields.get("UNITS"):
        raise ValueError("the position has no units (UNITS)")
    if as_of is None:
        raise ValueError("neither the statement nor the position says the day (DTASOF, DTPRICEASOF)")
    symbol = fields.get("CURRENCY.CURSYM")
    stated = (currency_code(symbol) if symbol else None) or currency
    units = ofx_quantity(fields["UNITS"])
    value = ofx_amount(fields["MKTVAL"], stated) if fields.get("MKTVAL") else None
    if fields.get("POSTYPE", "").upper() == "SHORT":
        units, value = _negative(units), None if value is None else _negative(value)
    return Position(
        security=security,
        units=units,
        as_of=as_of,
        unit_price=ofx_quantity(fields["UNITPRICE"]) if fields.get("UNITPRICE") else None,
        market_value=value,
        currency=stated,
        price_date=ofx_date_or_none(fields.get("DTPRICEASOF", "")),
        sub_account=fields.get("HELDINACCT") or None,
    )


def _negative(number: Decimal) -> Decimal:
    return number.copy_abs().copy_negate() if number else number

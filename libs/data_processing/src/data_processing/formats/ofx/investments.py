"""OFX transactions in securities: the fields of one to a typed entry and the row of its cash."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from typing import Final

from data_processing.amounts import ofx_amount, ofx_quantity, shortened
from data_processing.formats.ofx.dates import ofx_date, ofx_date_or_none
from data_processing.formats.ofx.securities import named_security
from data_processing.formats.row_checks import MAX_FIELD, currency_code, own_bank_id
from data_processing.investments import InvestmentEntry, InvestmentKind, Security, SecurityKind
from data_processing.statement import Entry, RefusedRow

_TRADED: Final = {
    "STOCK": SecurityKind.STOCK,
    "MF": SecurityKind.FUND,
    "DEBT": SecurityKind.BOND,
    "OPT": SecurityKind.OPTION,
    "OTHER": SecurityKind.OTHER,
}
_KINDS: Final = {
    **{f"BUY{kind}": InvestmentKind.BUY for kind in _TRADED},
    **{f"SELL{kind}": InvestmentKind.SELL for kind in _TRADED},
    "INCOME": InvestmentKind.OTHER_INCOME,
    "REINVEST": InvestmentKind.REINVEST,
    "RETOFCAP": InvestmentKind.RETURN_OF_CAPITAL,
    "MARGININTEREST": InvestmentKind.INTEREST,
    "INVEXPENSE": InvestmentKind.EXPENSE,
    "TRANSFER": InvestmentKind.TRANSFER_IN,
    "SPLIT": InvestmentKind.SPLIT,
    "CLOSUREOPT": InvestmentKind.OPTION,
    "JRNLFUND": InvestmentKind.JOURNAL,
    "JRNLSEC": InvestmentKind.JOURNAL,
}
INVESTMENTS: Final = frozenset(_KINDS)
"""The aggregates that are transactions in securities."""

_INCOME: Final = {
    "DIV": InvestmentKind.DIVIDEND,
    "INTEREST": InvestmentKind.INTEREST,
    "CGLONG": InvestmentKind.CAPITAL_GAIN,
    "CGSHORT": InvestmentKind.CAPITAL_GAIN,
    "MISC": InvestmentKind.OTHER_INCOME,
}
_COSTS: Final = frozenset({"INVEXPENSE", "MARGININTEREST"})
_NO_SECURITY: Final = frozenset({"MARGININTEREST", "JRNLFUND", "INVEXPENSE"})
_TOTALLED: Final = (
    frozenset(tag for tag in _KINDS if tag.startswith(("BUY", "SELL")))
    | _COSTS
    | {
        "INCOME",
        "REINVEST",
        "RETOFCAP",
        "JRNLFUND",
    }
)
_EXACT: Final = Context(prec=80)
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class RawInvestment:
    """A transaction in securities as its fields; `after` is the number of cash rows that the file has before it."""

    number: int
    tag: str
    fields: dict[str, str]
    after: int


@dataclass(frozen=True, slots=True)
class ReadInvestments:
    """The transactions of one statement: all its rows of cash in order, the typed entries, and what was refused."""

    entries: list[Entry]
    investments: list[InvestmentEntry]
    refused: list[RefusedRow]
    notes: list[str]


def read_investments(
    found: Sequence[RawInvestment],
    entries: Sequence[Entry],
    *,
    currency: str | None,
    securities: Mapping[tuple[str, str], Security],
    employers_plan: bool,
) -> ReadInvestments:
    """Read the transactions, and put the rows of their cash between the statement's other rows.

    Banks write costs with or without a minus. Where none of the statement's costs has one, all are money out.
    """
    result = ReadInvestments([], [], [], [])
    unsigned_costs = not any(
        raw.tag in _COSTS and raw.fields.get("TOTAL", "").lstrip().startswith(("-", "\u2212")) for raw in found
    )
    turned = taken = 0
    for raw in found:
        result.entries.extend(entries[taken : raw.after])
        taken = raw.after
        bank_id = own_bank_id(raw.fields.get("FITID", ""))
        place = f"transaction {raw.number}" + (f" (FITID {shortened(bank_id)})" if bank_id else "")
        try:
            entry = _Reader(
                raw, currency, securities, unsigned_costs=unsigned_costs, employers_plan=employers_plan
            ).read(place, bank_id)
        except ValueError as reason:
            text = " ".join(f"<{tag}>{value}" for tag, value in raw.fields.items())
            result.refused.append(RefusedRow(place, f"{raw.tag}: {reason}", bank_id, shortened(text, 300)))
            continue
        turned += entry.amount < 0 < (entry.total or _ZERO)
        result.investments.append(entry)
        if entry.amount:
            result.entries.append(cash_row(entry))
    result.entries.extend(entries[taken:])
    if turned:
        result.notes.append(
            f"{turned} {'purchase or cost has' if turned == 1 else 'purchases or costs have'} a total without a minus "
            "and count as money out."
        )
    return result


def cash_row(entry: InvestmentEntry) -> Entry:
    """The row of the money that an entry moved."""
    label = entry.security.label if entry.security else ""
    return Entry(
        place=entry.place,
        booking_date=entry.trade_date,
        amount=entry.amount,
        text=entry.text or " ".join(part for part in (entry.action, label) if part),
        value_date=entry.settle_date,
        currency=entry.currency,
        bank_id=entry.bank_id,
        counterparty=label or None,
        bank_category=entry.action,
    )


class _Reader:
    """Reads one transaction; raises ``ValueError`` with the reason when it must be refused."""

    def __init__(
        self,
        raw: RawInvestment,
        currency: str | None,
        securities: Mapping[tuple[str, str], Security],
        *,
        unsigned_costs: bool,
        employers_plan: bool,
    ) -> None:
        self._employers_plan = employers_plan or bool(raw.fields.get("INV401KSOURCE"))
        self._tag = raw.tag
        self._fields = raw.fields
        self._unsigned_costs = unsigned_costs
        self._securities = securities
        symbol = raw.fields.get("CURRENCY.CURSYM")
        self._currency = (currency_code(symbol) if symbol else None) or currency

    def read(self, place: str, bank_id: str | None) -> InvestmentEntry:
        """The entry."""
        if self._tag not in _KINDS:
            raise ValueError("transactions of this kind are not known, so what it moved is unclear")
        if max(map(len, self._fields.values()), default=0) > MAX_FIELD:
            raise ValueError(f"a field of the row is longer than {MAX_FIELD} characters")
        traded = self._text("DTTRADE")
        if traded is None:
            raise ValueError("the row has no trade date (DTTRADE)")
        security = named_security(self._fields, self._securities, self._traded())
        if security is None and self._tag not in _NO_SECURITY:
            raise ValueError("the row names no security (UNIQUEID)")
        total = self._number("TOTAL", self._money)
        if total is None and self._tag in _TOTALLED:
            raise ValueError("the row has no total (TOTAL)")
        plain = InvestmentEntry(
            place=place,
            kind=_KINDS[self._tag],
            action=self._tag,
            trade_date=ofx_date(traded),
            settle_date=ofx_date_or_none(self._fields.get("DTSETTLE", "")),
            security=security,
            units=self._number("UNITS", ofx_quantity),
            unit_price=self._number("UNITPRICE", ofx_quantity),
            total=total,
            commission=self._number("COMMISSION", self._money),
            fees=self._sum("FEES", "LOAD", "PENALTY"),
            taxes=self._sum("TAXES", "WITHHOLDING", "STATEWITHHOLDING"),
            currency=self._currency,
            bank_id=bank_id,
            text=self._text("MEMO") or "",
            sub_account=self._text("SUBACCTSEC") or self._text("SUBACCTFUND") or self._text("SUBACCTFROM"),
            sub_account_to=self._text("SUBACCTTO"),
            other_account=self._text("INVACCTFROM.ACCTID"),
        )
        return self._interpreted(plain)

    def _interpreted(self, plain: InvestmentEntry) -> InvestmentEntry:
        """The entry with the direction of its cash and units, as its kind has it."""
        total, units = plain.total or _ZERO, plain.units
        match plain.kind:
            case InvestmentKind.BUY | InvestmentKind.SELL:
                return self._trade(plain, total)
            case InvestmentKind.SPLIT:
                return self._split(plain)
            case InvestmentKind.TRANSFER_IN:
                return self._transfer(plain)
            case InvestmentKind.JOURNAL:
                return replace(plain, units=_ZERO if units is not None else None)
            case InvestmentKind.REINVEST:
                if units is None:
                    raise ValueError("the row has no units (UNITS)")
                return replace(plain, action=f"REINVEST {self._income_type()}".strip())
            case InvestmentKind.OPTION:
                return replace(plain, action=f"CLOSUREOPT {self._text('OPTACTION') or ''}".strip())
        if self._tag == "INCOME":
            income = self._income_type()
            kind = _INCOME.get(income, InvestmentKind.OTHER_INCOME)
            return replace(plain, kind=kind, action=f"INCOME {shortened(income, 40)}".strip(), amount=total)
        if self._tag in _COSTS and self._unsigned_costs:
            return replace(plain, amount=total.copy_negate())
        return replace(plain, amount=total)

    def _trade(self, plain: InvestmentEntry, total: Decimal) -> InvestmentEntry:
        """Money and units move in opposite directions; where both are written without a sign, the tag tells."""
        units = plain.units
        if units is None:
            raise ValueError("the row has no units (UNITS)")
        amount = total
        if units > 0 and total > 0:
            if plain.kind is InvestmentKind.BUY:
                amount = total.copy_negate()
            else:
                units = units.copy_negate()
        return replace(plain, amount=_ZERO if self._paid_elsewhere() else amount, units=units)

    def _paid_elsewhere(self) -> bool:
        """Whether the money is none of the account's: of an employer's plan, or of another account than the securities.

        Brokers that know no parts of accounts call them all OTHER, so that word alone says nothing.
        """
        if (self._text("SUBACCTFUND") or "").upper() != "OTHER":
            return False
        return self._employers_plan or (self._text("SUBACCTSEC") or "OTHER").upper() != "OTHER"

    def _split(self, plain: InvestmentEntry) -> InvestmentEntry:
        after, before = self._number("NUMERATOR", ofx_quantity), self._number("DENOMINATOR", ofx_quantity)
        new, old = self._number("NEWUNITS", ofx_quantity), self._number("OLDUNITS", ofx_quantity)
        if after is None and before is None:
            after, before = new, old
        if not after or not before or after < 0 or before < 0:
            raise ValueError("the row does not say the ratio of the split (NUMERATOR, DENOMINATOR)")
        gained = _EXACT.subtract(new, old) if new is not None and old is not None else None
        return replace(
            plain, split=(after, before), units=gained, amount=self._number("FRACCASH", self._money) or _ZERO
        )

    def _transfer(self, plain: InvestmentEntry) -> InvestmentEntry:
        direction = (self._text("TFERACTION") or "").upper()
        if plain.units is None:
            raise ValueError("the row has no units (UNITS)")
        if direction not in ("IN", "OUT"):
            raise ValueError(f'the direction of the transfer (TFERACTION) is "{shortened(direction, 40)}"')
        short = (self._text("POSTYPE") or "").upper() == "SHORT"
        units = plain.units.copy_abs()
        return replace(
            plain,
            kind=InvestmentKind.TRANSFER_IN if direction == "IN" else InvestmentKind.TRANSFER_OUT,
            action=f"TRANSFER {direction}",
            units=units if (direction == "IN") is not short else units.copy_negate(),
        )

    def _traded(self) -> SecurityKind | None:
        return _TRADED.get(self._tag.removeprefix("BUY").removeprefix("SELL"))

    def _income_type(self) -> str:
        return (self._text("INCOMETYPE") or "").upper()

    def _text(self, tag: str) -> str | None:
        return self._fields.get(tag) or None

    def _money(self, text: str) -> Decimal:
        return ofx_amount(text, self._currency)

    def _number(self, tag: str, read: Callable[[str], Decimal]) -> Decimal | None:
        text = self._text(tag)
        if text is None:
            return None
        try:
            return read(text)
        except ValueError as reason:
            raise ValueError(f"{tag}: {reason}") from None

    def _sum(self, *tags: str) -> Decimal | None:
        found = [number for tag in tags if (number := self._number(tag, self._money)) is not None]
        return sum(found, _ZERO) if found else None

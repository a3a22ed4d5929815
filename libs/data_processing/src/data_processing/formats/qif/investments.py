"""QIF records of investment registers: the typed entry and the row of its cash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Final

from data_processing.amounts import AmountReader, shortened
from data_processing.dates import DateReader
from data_processing.formats.qif.records import Record
from data_processing.formats.qif.securities import SecurityList
from data_processing.formats.qif.texts import joined, transfer_account
from data_processing.investments import InvestmentEntry, InvestmentKind
from data_processing.statement import Entry


@dataclass(frozen=True, slots=True)
class _Action:
    """What an action does: the sign of its cash and of its units; 0 where it has none."""

    kind: InvestmentKind
    cash: int
    units: int = 0


_WITH_CASH: Final = {
    "buy": _Action(InvestmentKind.BUY, -1, 1),
    "cvrshrt": _Action(InvestmentKind.BUY, -1, 1),
    "sell": _Action(InvestmentKind.SELL, 1, -1),
    "shtsell": _Action(InvestmentKind.SELL, 1, -1),
    "div": _Action(InvestmentKind.DIVIDEND, 1),
    "intinc": _Action(InvestmentKind.INTEREST, 1),
    "margint": _Action(InvestmentKind.INTEREST, -1),
    "cglong": _Action(InvestmentKind.CAPITAL_GAIN, 1),
    "cgmid": _Action(InvestmentKind.CAPITAL_GAIN, 1),
    "cgshort": _Action(InvestmentKind.CAPITAL_GAIN, 1),
    "rtrncap": _Action(InvestmentKind.RETURN_OF_CAPITAL, 1),
    "miscinc": _Action(InvestmentKind.OTHER_INCOME, 1),
    "miscexp": _Action(InvestmentKind.EXPENSE, -1),
}
_WITHOUT_CASH: Final = {
    **{f"{name}x": _Action(action.kind, 0, action.units) for name, action in _WITH_CASH.items()},
    **{f"reinv{what}": _Action(InvestmentKind.REINVEST, 0, 1) for what in ("div", "int", "lg", "md", "sh")},
    "shrsin": _Action(InvestmentKind.TRANSFER_IN, 0, 1),
    "shrsout": _Action(InvestmentKind.TRANSFER_OUT, 0, -1),
    "stksplit": _Action(InvestmentKind.SPLIT, 0),
    **{name: _Action(InvestmentKind.OPTION, 0) for name in ("grant", "vest", "exercise", "exercisx", "expire")},
}
_ACTIONS: Final = _WITH_CASH | _WITHOUT_CASH
_CASH_ALONE: Final = {"xin": 1, "contribx": 1, "xout": -1, "withdrwx": -1}
_SIGNED: Final = frozenset({"cash", "check", "deposit", "payment"})
_EXACT: Final = Context(prec=80)


@dataclass(frozen=True, slots=True)
class Conventions:
    """How the file writes dates, amounts and quantities, and the securities that it describes."""

    dates: DateReader
    amounts: AmountReader
    quantities: AmountReader
    securities: SecurityList


def read_investment(
    record: Record, place: str, plain_date: str, conventions: Conventions
) -> tuple[Entry | None, InvestmentEntry | None]:
    """The row of the record's cash and its typed entry, either of which may be missing; neither for a reminder.

    Raises ``ValueError`` with the reason for a record that must be refused.
    """
    action = record.get("N")
    kind = action.casefold()
    if kind == "reminder":
        return None, None
    if not kind and record.get("Y"):
        raise ValueError("the record has no action (N), so it is unclear what it does with the security (Y)")
    if kind in _CASH_ALONE or kind in _SIGNED or not kind:
        amount = _stated(record, conventions)
        if kind in _CASH_ALONE:
            amount = _directed(amount, _CASH_ALONE[kind], action)
        return _cash(record, place, plain_date, amount, conventions), None
    found = _ACTIONS.get(kind)
    if found is None:
        raise ValueError(f'the action (N) is "{shortened(action, 40)}", so it is unclear whether cash moved')
    entry = _entry(record, place, plain_date, found, conventions)
    return _cash(record, place, plain_date, entry.amount, conventions) if entry.amount else None, entry


def _entry(record: Record, place: str, plain_date: str, action: _Action, conventions: Conventions) -> InvestmentEntry:
    written = record.get("T") or record.get("U") or ("" if action.cash else record.get("$"))
    if not written and action.cash:
        raise ValueError("the record has no amount (T)")
    total = conventions.amounts(written) if written else None
    amount = Decimal(0)
    if total is not None and action.cash:
        amount = _directed(total, action.cash, record.get("N"), trade=bool(action.units))
    quantity = _number(record, "Q", conventions.quantities)
    if action.units and quantity is not None and quantity < 0:
        raise ValueError(f"the quantity (Q) has a minus although the action {record.get('N')} gives the direction")
    split = action.kind is InvestmentKind.SPLIT
    units = quantity if quantity is None or action.units > 0 else quantity.copy_negate()
    return InvestmentEntry(
        place=place,
        kind=action.kind,
        action=record.get("N"),
        trade_date=conventions.dates.read(plain_date),
        security=conventions.securities.named(record.get("Y")),
        units=units if action.units else None,
        unit_price=_number(record, "I", conventions.quantities),
        amount=amount,
        total=total,
        commission=_number(record, "O", conventions.amounts),
        text=joined(record.get("P"), record.get("M")),
        # Quicken writes the new units for ten old ones.
        split=(quantity.scaleb(-1, context=_EXACT), Decimal(1)) if split and quantity else None,
        other_account=transfer_account(record.get("L")),
    )


def _cash(record: Record, place: str, plain_date: str, amount: Decimal, conventions: Conventions) -> Entry:
    action, security, payee = record.get("N"), record.get("Y"), record.get("P")
    return Entry(
        place=place,
        booking_date=conventions.dates.read(plain_date),
        amount=amount,
        text=" ".join(part for part in (action, security, joined(payee, record.get("M"))) if part),
        counterparty=payee or security or None,
        counterparty_account=transfer_account(record.get("L")),
        bank_category=action or None,
    )


def _stated(record: Record, conventions: Conventions) -> Decimal:
    written = record.get("T") or record.get("U")
    if not written:
        raise ValueError("the record has no amount (T)")
    return conventions.amounts(written)


def _directed(amount: Decimal, direction: int, action: str, *, trade: bool = False) -> Decimal:
    """The amount with the sign that the action gives it.

    A minus at income takes it back, as where accrued interest is paid for. Elsewhere it is unclear: it may stand for
    the direction, or take the action back.
    """
    if amount < 0 and (direction < 0 or trade):
        raise ValueError(f"the amount has a minus, and the action {action} leaves open whether that is money in or out")
    return amount if direction > 0 else amount.copy_negate()


def _number(record: Record, letter: str, read: Callable[[str], Decimal]) -> Decimal | None:
    text = record.get(letter)
    if not text:
        return None
    try:
        return read(text)
    except ValueError as reason:
        raise ValueError(f"{letter}: {reason}") from None

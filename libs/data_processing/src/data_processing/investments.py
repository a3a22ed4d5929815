"""What statements of investment accounts say beside the movements of cash: securities, trades, positions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class SecurityKind(StrEnum):
    """What a security is, as far as the file says."""

    STOCK = "stock"
    FUND = "fund"
    BOND = "bond"
    OPTION = "option"
    OTHER = "other"


class InvestmentKind(StrEnum):
    """What an entry of an investment account does.

    ``journal`` moves cash or securities between the parts of one account; ``option`` is the exercise, assignment or
    expiry of an option, whose cash is an entry of its own.
    """

    BUY = "buy"
    SELL = "sell"
    DIVIDEND = "dividend"
    INTEREST = "interest"
    CAPITAL_GAIN = "capital_gain"
    RETURN_OF_CAPITAL = "return_of_capital"
    OTHER_INCOME = "other_income"
    REINVEST = "reinvest"
    EXPENSE = "expense"
    TRANSFER_IN = "transfer_in"
    TRANSFER_OUT = "transfer_out"
    SPLIT = "split"
    OPTION = "option"
    JOURNAL = "journal"


@dataclass(frozen=True, slots=True)
class Security:
    """A security as a file names it. ``id_type`` says what ``unique_id`` is: ``CUSIP``, ``ISIN``, ``SEDOL`` …"""

    id_type: str | None = None
    unique_id: str | None = None
    name: str | None = None
    ticker: str | None = None
    kind: SecurityKind = SecurityKind.OTHER
    currency: str | None = None

    @property
    def key(self) -> str:
        """What makes it the same security in another file: its id, else its name, else its ticker.

        >>> Security("CUSIP", "037833100", "Apple Inc.").key, Security(name="Apple  Inc.").key
        ('cusip:037833100', 'name:apple inc.')
        """
        if self.unique_id:
            return f"{(self.id_type or 'id').casefold()}:{self.unique_id.casefold()}"
        if self.name:
            return f"name:{' '.join(self.name.split()).casefold()}"
        return f"ticker:{(self.ticker or '').casefold()}"

    @property
    def label(self) -> str:
        """What to call it before people: its name, else its ticker, else its id."""
        return self.name or self.ticker or self.unique_id or "an unnamed security"


@dataclass(frozen=True, slots=True)
class InvestmentEntry:
    """A trade, distribution or transfer of an investment account.

    ``amount`` is its effect on the account's cash: negative for money out, zero where none moves, as in a transfer in
    kind, a reinvestment, or a purchase that another account pays. Where it is not zero, the statement's ``entries``
    hold the same money as an ordinary row with the same ``place`` and ``bank_id``. ``total`` is the total as the file
    writes it, also where no cash moves. ``units`` is the effect on the holding: negative for units out.

    ``commission``, ``fees`` and ``taxes`` are contained in the amount. ``split`` is the number of units after a split
    and before it, as in ``(3, 2)``. ``action`` is the format's own name, such as ``BUYMF`` or ``ReinvDiv``.
    ``sub_account`` and ``sub_account_to`` are the parts of the account (``CASH``, ``MARGIN``), ``other_account``
    the account that sends or receives.
    """

    place: str
    kind: InvestmentKind
    action: str
    trade_date: date
    settle_date: date | None = None
    security: Security | None = None
    units: Decimal | None = None
    unit_price: Decimal | None = None
    amount: Decimal = Decimal(0)
    total: Decimal | None = None
    commission: Decimal | None = None
    fees: Decimal | None = None
    taxes: Decimal | None = None
    currency: str | None = None
    bank_id: str | None = None
    text: str = ""
    split: tuple[Decimal, Decimal] | None = None
    sub_account: str | None = None
    sub_account_to: str | None = None
    other_account: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """What the account holds of a security on a day; short positions are negative.

    ``price_date`` is the day of ``unit_price``, where the file says one.
    """

    security: Security
    units: Decimal
    as_of: date
    unit_price: Decimal | None = None
    market_value: Decimal | None = None
    currency: str | None = None
    price_date: date | None = None
    sub_account: str | None = None


@dataclass(frozen=True, slots=True)
class SecurityPrice:
    """The price of a security on a day, from a file's list of prices."""

    security: Security
    price: Decimal
    day: date

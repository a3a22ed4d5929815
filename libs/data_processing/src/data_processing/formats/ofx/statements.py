"""One OFX statement while its tags pass by."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import cast

from data_processing.amounts import ofx_amount
from data_processing.formats.ofx.dates import ofx_date_or_none
from data_processing.formats.row_checks import currency_code
from data_processing.statement import AccountReference, Balance, BalanceKind, Entry, RefusedRow, Statement

_ACCOUNT_TYPES = {
    "CHECKING": "checking",
    "SAVINGS": "savings",
    "MONEYMRKT": "savings",
    "CD": "savings",
    "CREDITLINE": "loan",
}


class StatementInProgress:
    """Collects the account, the currency, the rows and the balances of one statement."""

    def __init__(self, account_type: str | None, *, rows_before: int) -> None:
        self.currency: str | None = None
        self.entries: list[Entry] = []
        self.refused: list[RefusedRow] = []
        self.rows = rows_before
        self._account: dict[str, str] = {}
        self._account_type = account_type
        self._balances: list[Balance] = []
        self._notes: list[str] = []
        self._period: dict[str, date | None] = {}
        self._open: str | None = None
        self._fields: dict[str, str] = {}
        self._investment: str | None = None

    def open_account(self, account_type: str) -> None:
        """Following values belong to the account's name."""
        self._account_type = account_type or self._account_type
        self._open, self._fields = "account", self._account

    def open_balance(self, kind: str) -> None:
        """Following values belong to a balance of that kind."""
        self._open, self._fields = kind, {}

    def open_investment(self, kind: str) -> None:
        """Following values belong to a transaction in securities."""
        if self._investment is None and self._account_type == "investment":
            self._investment, self._fields = kind, {}

    def leaf(self, tag: str, text: str) -> None:
        """One value; those nobody asked for are passed over."""
        if self._open is not None or self._investment is not None:
            self._fields.setdefault(tag, text)
        elif tag == "CURDEF":
            self.currency = currency_code(text)
        elif tag in ("DTSTART", "DTEND"):
            self._period.setdefault(tag, ofx_date_or_none(text))

    def close(self, tag: str) -> None:
        """The end of an aggregate."""
        if tag in ("BANKACCTFROM", "CCACCTFROM", "INVACCTFROM"):
            self._open = None
        elif tag in ("LEDGERBAL", "AVAILBAL") and self._open is not None:
            self._balance(self._open)
            self._open = None

    def close_investment(self, kind: str) -> tuple[int, str, dict[str, str]] | None:
        """The transaction in securities that ends here: its number, kind and fields."""
        if self._investment != kind:
            return None
        self._investment = None
        self.rows += 1
        return self.rows, kind, self._fields

    def _balance(self, kind: str) -> None:
        amount = self._fields.get("BALAMT", "")
        if not amount:
            return
        try:
            exact: Decimal = ofx_amount(amount, self.currency)
        except ValueError as reason:
            self._notes.append(
                f"The {kind} balance of account {self._account.get('ACCTID', '?')} is left out: {reason}."
            )
            return
        day = ofx_date_or_none(self._fields.get("DTASOF", ""))
        self._balances.append(Balance(cast(BalanceKind, kind), exact, self.currency, day))

    def finished(self) -> tuple[Statement, list[str]]:
        """The statement and what the user should know about it."""
        account = AccountReference(
            number=self._account.get("ACCTID") or None,
            bank=self._account.get("BANKID") or self._account.get("BROKERID") or None,
            type=self._account_type or _ACCOUNT_TYPES.get(self._account.get("ACCTTYPE", "").upper()),
            currency=self.currency,
        )
        statement = Statement(
            account=account,
            currency=self.currency,
            entries=tuple(self.entries),
            refused=tuple(self.refused),
            balances=tuple(self._balances),
            period_start=self._period.get("DTSTART"),
            period_end=self._period.get("DTEND"),
        )
        return statement, self._notes

"""One OFX statement while its tags pass by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import cast

from data_processing.amounts import ofx_amount
from data_processing.formats.corrections import corrected
from data_processing.formats.ofx.dates import ofx_date_or_none
from data_processing.formats.ofx.investments import RawInvestment, read_investments
from data_processing.formats.ofx.securities import read_position
from data_processing.formats.ofx.signs import Signed, with_signs
from data_processing.formats.row_checks import currency_code
from data_processing.investments import Position, Security
from data_processing.statement import AccountReference, Balance, BalanceKind, Deletion, Entry, RefusedRow, Statement

_ACCOUNT_TYPES = {
    "CHECKING": "checking",
    "SAVINGS": "savings",
    "MONEYMRKT": "savings",
    "CD": "savings",
    "CREDITLINE": "loan",
}
_PARTS = frozenset(
    {
        *("BANKACCTFROM", "CCACCTFROM", "INVACCTFROM", "LOANACCTFROM"),
        *("LEDGERBAL", "AVAILBAL", "INVBAL"),
        *("BANKTRANLIST", "BANKTRANLISTP", "LOANTRANLIST", "INVTRANLIST"),
    }
)


class StatementInProgress:
    """Collects the account, the currency, the rows and the balances of one statement."""

    def __init__(self, account_type: str | None, *, rows_before: int) -> None:
        self.currency: str | None = None
        self.entries: list[Entry] = []
        self.refused: list[RefusedRow] = []
        self.deletions: list[Deletion] = []
        self.balance_rows: list[str] = []
        self.of_employers_plan = False
        self.rows = rows_before
        self._account: dict[str, str] = {}
        self._account_type = account_type
        self._balances: list[Balance] = []
        self._notes: list[str] = []
        self._as_of: date | None = None
        self._start: date | None = None
        self._end: date | None = None
        self._open: str | None = None
        self._fields: dict[str, str] = {}
        self._investments: list[RawInvestment] = []
        self._positions: list[tuple[str, dict[str, str]]] = []
        self._lists_positions = False

    @property
    def of_investments(self) -> bool:
        """Whether it is the statement of an investment account."""
        return self._account_type == "investment"

    def open_list(self) -> None:
        """Following values belong to a list of transactions, of which there may be several."""
        self._end_part()
        self._open, self._fields = "list", {}

    def open_account(self, account_type: str) -> None:
        """Following values belong to the account's name."""
        self._end_part()
        self._account_type = account_type or self._account_type
        self._open, self._fields = "account", self._account

    def open_balance(self, kind: str) -> None:
        """Following values belong to a balance of that kind."""
        self._end_part()
        self._open, self._fields = kind, {}

    def add_investment(self, tag: str, fields: dict[str, str]) -> None:
        """A transaction in securities, read when the document's list of securities is known."""
        self.rows += 1
        self._investments.append(RawInvestment(self.rows, tag, fields, len(self.entries)))

    def list_positions(self) -> None:
        """The statement says what the account holds, be it nothing."""
        self._lists_positions = True

    def add_position(self, tag: str, fields: dict[str, str]) -> None:
        """A position, read when the document's list of securities is known."""
        self._positions.append((tag, fields))

    def leaf(self, tag: str, text: str) -> None:
        """One value; those nobody asked for are passed over."""
        if self._open is not None:
            self._fields.setdefault(tag, text)
        elif tag == "CURDEF":
            self.currency = currency_code(text)
        elif tag == "DTASOF":
            self._as_of = self._as_of or ofx_date_or_none(text)

    def close(self, tag: str) -> None:
        """The end of an aggregate."""
        if tag in _PARTS:
            self._end_part()

    def _end_part(self) -> None:
        """Take the values of the part that is open; the next may begin without its end tag."""
        opened, self._open = self._open, None
        if opened == "list":
            self._list_period()
        elif opened not in (None, "account"):
            self._balance(opened)

    def _list_period(self) -> None:
        """The period from the first list to the last."""
        start, end = (ofx_date_or_none(self._fields.get(tag, "")) for tag in ("DTSTART", "DTEND"))
        self._start = min(filter(None, (self._start, start)), default=None)
        self._end = max(filter(None, (self._end, end)), default=None)

    def _balance(self, kind: str) -> None:
        if kind == "cash":
            self._cash_balance()
        elif amount := self._fields.get("BALAMT", ""):
            self._state(kind, kind, amount, ofx_date_or_none(self._fields.get("DTASOF", "")))

    def _cash_balance(self) -> None:
        """The cash of an investment account; what brokers sweep into a fund counts too, so it closes no period."""
        for tag, code in (("AVAILCASH", None), ("MARGINBALANCE", "margin"), ("SHORTBALANCE", "short")):
            amount = self._fields.get(tag, "")
            if amount and code is None:
                self._state("available", "cash", amount, self._as_of, code=tag)
            elif amount.strip("0.,+- "):
                self._notes.append(f"Account {self._account.get('ACCTID', '?')} has a {code} balance of {amount}.")

    def _state(self, kind: str, name: str, amount: str, day: date | None, *, code: str | None = None) -> None:
        try:
            exact: Decimal = ofx_amount(amount, self.currency)
        except ValueError as reason:
            account = self._account.get("ACCTID", "?")
            self._notes.append(f"The {name} balance of account {account} is left out: {reason}.")
            return
        self._balances.append(Balance(cast(BalanceKind, kind), exact, self.currency, day, code))

    def finished(self, securities: Mapping[tuple[str, str], Security]) -> tuple[Statement, list[str]]:
        """The statement and what the user should know about it."""
        self._end_part()
        account = AccountReference(
            number=self._account.get("ACCTID") or self._account.get("LOANACCTID") or None,
            bank=self._account.get("BANKID") or self._account.get("BROKERID") or None,
            type=self._account_type or _ACCOUNT_TYPES.get(self._account.get("ACCTTYPE", "").upper()),
            currency=self.currency,
        )
        signed = Signed(self.entries) if self.of_investments else with_signs(self.entries)
        read = read_investments(
            self._investments,
            signed.entries,
            currency=self.currency,
            securities=securities,
            employers_plan=self.of_employers_plan,
        )
        entries, notes = corrected(read.entries, self.deletions)
        left = {entry.place for entry in entries} if read.investments else set()
        investments = tuple(moved for moved in read.investments if not moved.amount or moved.place in left)
        as_of = self._positions_as_of()
        positions = self._read_positions(securities, as_of)
        statement = Statement(
            account=account,
            currency=self.currency,
            entries=tuple(entries),
            refused=(
                *self.refused,
                *signed.refused,
                *read.refused,
                *(row for row in positions if isinstance(row, RefusedRow)),
            ),
            balances=tuple(self._balances),
            period_start=self._start,
            period_end=self._end,
            investments=investments,
            positions=tuple(row for row in positions if isinstance(row, Position)),
            positions_as_of=as_of,
            deletions=tuple(self.deletions),
        )
        return statement, [*self._notes, *self._left_out_balances(), *signed.notes, *read.notes, *notes]

    def _left_out_balances(self) -> list[str]:
        count = len(self.balance_rows)
        if not count:
            return []
        rows = "1 row states" if count == 1 else f"{count} rows state"
        shown = self.balance_rows[0] if count == 1 else f"{self.balance_rows[0]} and others"
        return [f"{rows} a balance and no movement of money; left out: {shown}."]

    def _positions_as_of(self) -> date | None:
        """The day of the statement, else the latest day of a price."""
        if not self._lists_positions:
            return None
        priced = [ofx_date_or_none(fields.get("DTPRICEASOF", "")) for _, fields in self._positions]
        return self._as_of or max((day for day in priced if day), default=None)

    def _read_positions(
        self, securities: Mapping[tuple[str, str], Security], as_of: date | None
    ) -> list[Position | RefusedRow]:
        return [
            read_position(number, tag, fields, described=securities, currency=self.currency, as_of=as_of)
            for number, (tag, fields) in enumerate(self._positions, start=1)
        ]

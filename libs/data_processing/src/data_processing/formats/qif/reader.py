"""QIF files: one statement for each account that the file names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple, cast

from data_processing.amounts import shortened
from data_processing.dates import DateOrder, settle
from data_processing.errors import NoStatements
from data_processing.formats.qif.conventions import ShownMarks, amount_reader_of, quantity_reader_of
from data_processing.formats.qif.dates import WrittenDates, plain_date
from data_processing.formats.qif.entries import EntryReader
from data_processing.formats.qif.investments import Conventions
from data_processing.formats.qif.records import ORDER, PRICES, SECTION, UNNAMED, Record, records
from data_processing.formats.qif.securities import SecurityList, price_parts
from data_processing.formats.qif.texts import transfer_account
from data_processing.formats.source import Source
from data_processing.investments import InvestmentEntry, SecurityPrice
from data_processing.statement import AccountReference, Entry, RefusedRow, Statement, StatementFile

_REGISTERS: Final = {
    UNNAMED: None,
    "type:bank": "checking",
    "type:cash": None,
    "type:ccard": "credit_card",
    "type:oth a": None,
    "type:oth l": "loan",
    "type:invoice": None,
    "type:bill": None,
    "type:tax": None,
    "type:invst": "investment",
    "type:port": "investment",
}
_LISTS: Final = frozenset(
    {"type:cat", "type:class", "type:memorized", "type:security", "type:budget", "type:tag", PRICES}
)
_ACCOUNT_TYPES: Final = {
    "bank": "checking",
    "savings": "savings",
    "ccard": "credit_card",
    "credit card": "credit_card",
    "oth l": "loan",
    "invst": "investment",
    "port": "investment",
    "401(k)/403(b)": "investment",
    "mutual": "investment",
}
_START = re.compile(rf"(?:\s*#[^\n]*\n)*{SECTION.pattern}", re.IGNORECASE)
_RECORD = re.compile(r"\s*D ?[0-9][^\n]{5,20}\n(?:[TUPMNCLASE$%][^\n]*\n){1,40}\^")
"""A first record that no section comes before, as some banks leave it out."""


@dataclass(slots=True)
class _Register:
    """The rows of one account, while its records pass by."""

    name: str | None
    type: str | None
    entries: list[Entry] = field(default_factory=list)
    investments: list[InvestmentEntry] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    reminders: int = 0

    def add(self, record: Record, reader: EntryReader, *, cut_off: bool) -> None:
        """One more record; ``cut_off`` says that the last line of the file has no end."""
        try:
            entry, investment = reader.read(record, cut_off=cut_off)
        except ValueError as reason:
            raw = " ".join(f"{letter}{text}" for letter, text in record.fields.items())
            self.refused.append(RefusedRow(f"line {record.line}", str(reason), None, shortened(raw, 300)))
            return
        if entry is not None:
            self.entries.append(entry)
        if investment is not None:
            self.investments.append(investment)
        self.reminders += entry is None and investment is None

    @property
    def statement(self) -> Statement:
        """The account's statement."""
        return Statement(
            AccountReference(name=self.name, type=self.type),
            None,
            tuple(self.entries),
            tuple(self.refused),
            investments=tuple(self.investments),
        )


class QifFormat:
    """QIF of banks and of personal finance programs."""

    name = "qif"

    def detect(self, source: Source) -> float:
        """Certain when the text starts with a section, after comments if there are any."""
        head = _head(source)
        return 1.0 if _START.match(head) or _RECORD.match(head) else 0.0

    def read(self, source: Source) -> StatementFile:
        """The statements of the file; raises as ``Format.read`` says."""
        source.refuse_too_large()
        survey = _Survey(source.today)
        start = "" if _START.match(_head(source)) else UNNAMED
        with source.lines() as lines:
            for account, record in _accounts(records(lines, section=start)):
                survey.add(account, record)
        cut_off = source.open_ended
        if not survey.registers:
            raise NoStatements(
                "The QIF file holds no register of an account, only lists such as categories or securities. "
                "Export the account's transactions."
            )
        conventions = survey.conventions()
        reader = EntryReader(conventions, survey.plain_dates)
        with source.lines() as lines:
            for account, record in _accounts(records(lines, section=start)):
                if account is not None:
                    survey.registers[account].add(record, reader, cut_off=cut_off)
        notes = [
            f'The section "{section}" is of no known kind and read as the register of an account.'
            for section in survey.unknown
        ]
        notes += [
            f"{still} {'reminder is' if still == 1 else 'reminders are'} left out."
            for register in survey.registers.values()
            if (still := register.reminders)
        ]
        prices = _prices(survey.prices, conventions, source.today, notes)
        return StatementFile(
            self.name,
            source.encoding,
            tuple(register.statement for register in survey.registers.values()),
            (*notes, *reader.notes),
            securities=survey.securities.all,
            prices=prices,
        )


def _head(source: Source) -> str:
    return source.head.replace("\r\n", "\n").replace("\r", "\n")


class _Survey:
    """What must be known of all records before the first can be read, gathered while they pass by."""

    def __init__(self, today: date) -> None:
        self.registers: dict[_Account, _Register] = {}
        self.securities = SecurityList()
        self.prices: list[str] = []
        self.plain_dates: dict[str, str] = {}
        self._today = today
        self._dates = WrittenDates(today=today)
        self.unknown: dict[str, None] = {}
        self._order: DateOrder = "either"
        self._amounts = ShownMarks()
        self._quantities = ShownMarks()

    def add(self, account: _Account | None, record: Record) -> None:
        """One more record."""
        if account is None:
            if record.section == ORDER:
                self._order = cast(DateOrder, record.get("order"))
            elif record.section == "type:security":
                self.securities.describe(record)
            elif record.section == PRICES:
                self.prices.append(record.get("line"))
            return
        if record.section not in _REGISTERS:
            self.unknown.setdefault(record.section.removeprefix("type:"))
        if account not in self.registers:
            self.registers[account] = _Register(account.name or _own_name(record), account.type)
        if written := record.get("D"):
            self._dates.add(written)
        for amount in (record.get("T"), record.get("U"), *(split.amount for split in record.splits)):
            self._amounts.add(amount)
        for letter in "QI":
            self._quantities.add(record.get(letter))

    def conventions(self) -> Conventions:
        """How the file writes dates, amounts and quantities; raises ``UnclearDates`` or ``UnclearAmounts``."""
        self.plain_dates = self._dates.plain()
        return Conventions(
            settle(self._order, self.plain_dates.values(), today=self._today),
            amount_reader_of(self._amounts),
            quantity_reader_of(self._amounts, self._quantities),
            self.securities,
        )


class _Account(NamedTuple):
    """What tells the accounts of a file apart."""

    name: str | None
    type: str | None


def _accounts(found: Iterator[Record]) -> Iterator[tuple[_Account | None, Record]]:
    """The records with the account whose register they stand in; None for those of lists."""
    types: dict[str, str | None] = {}
    name = kind = None
    for record in found:
        if record.section == "account":
            name = record.get("N") or None
            kind = _ACCOUNT_TYPES.get(record.get("T").casefold())
        elif record.section in _REGISTERS or _may_be_a_row(record):
            type_ = _REGISTERS.get(record.section) or kind
            # A named account keeps the type it came with first.
            yield _Account(name, type_ if name is None else types.setdefault(name, type_)), record
        else:
            yield None, record


def _may_be_a_row(record: Record) -> bool:
    """Whether a record of a section that is neither a known register nor a known list is dated money."""
    if not record.section.startswith("type:") or record.section in _LISTS:
        return False
    return bool(record.get("T") or record.get("U")) and record.get("D")[:1].isdigit()


def _prices(lines: list[str], conventions: Conventions, today: date, notes: list[str]) -> tuple[SecurityPrice, ...]:
    prices, unread = [], 0
    for line in lines:
        parts = price_parts(line)
        try:
            if parts is None:
                raise ValueError(line)
            named, price, day = parts
            security = conventions.securities.named(named)
            if price and security is not None:
                read = conventions.dates.read(plain_date(day, today=today))
                prices.append(SecurityPrice(security, conventions.quantities(price), read))
        except ValueError:
            unread += 1
    if unread:
        notes.append(f"{unread} {'line' if unread == 1 else 'lines'} of the list of prices cannot be read.")
    return tuple(prices)


def _own_name(first: Record) -> str | None:
    """The account's name, which its first record says as a transfer to itself: ``POpening Balance``, ``L[Name]``."""
    return transfer_account(first.get("L")) if first.get("P").casefold() == "opening balance" else None

"""QIF files: one statement for each account that the file names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from data_processing.amounts import shortened
from data_processing.errors import NoStatements
from data_processing.formats.qif.conventions import amount_reader_of, date_reader, plain_date, quantity_reader_of
from data_processing.formats.qif.entries import EntryReader
from data_processing.formats.qif.investments import Conventions
from data_processing.formats.qif.records import PRICES, SECTION, Record, records
from data_processing.formats.qif.securities import SecurityList, price_parts
from data_processing.formats.qif.texts import transfer_account
from data_processing.formats.source import Source
from data_processing.investments import InvestmentEntry, SecurityPrice
from data_processing.statement import AccountReference, Entry, RefusedRow, Statement, StatementFile

_REGISTERS: Final = {
    "type:bank": "checking",
    "type:cash": None,
    "type:ccard": "credit_card",
    "type:oth a": None,
    "type:oth l": "loan",
    "type:invst": "investment",
    "type:port": "investment",
}
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


@dataclass(slots=True)
class _Register:
    """The records of one account."""

    name: str | None
    type: str | None
    records: list[Record] = field(default_factory=list)


class QifFormat:
    """QIF of banks and of personal finance programs."""

    name = "qif"

    def detect(self, source: Source) -> float:
        """Certain when the text starts with a section, after comments if there are any."""
        head = source.head.replace("\r\n", "\n").replace("\r", "\n")
        return 1.0 if _START.match(head) else 0.0

    def read(self, source: Source) -> StatementFile:
        """The statements of the file; raises as ``Format.read`` says."""
        found = _contents(source.text)
        if not found.registers:
            raise NoStatements(
                "The QIF file holds no register of an account, only lists such as categories or securities. "
                "Export the account's transactions."
            )
        every = [record for register in found.registers for record in register.records]
        texts = {text for record in every if (text := record.get("D"))}
        amounts = [text for record in every for text in _amounts(record)]
        quantities = [text for record in every for letter in "QI" if (text := record.get(letter))]
        conventions = Conventions(
            date_reader(texts, today=source.today),
            amount_reader_of(amounts),
            quantity_reader_of(amounts, quantities),
            found.securities,
        )
        reader = EntryReader(conventions, {text: plain_date(text, today=source.today) for text in texts})
        notes: list[str] = []
        statements = [_statement(register, reader, notes) for register in found.registers]
        prices = _prices(found, conventions, source.today, notes)
        return StatementFile(
            self.name,
            source.decoded.encoding,
            tuple(statements),
            (*notes, *reader.notes),
            securities=found.securities.all,
            prices=prices,
        )


@dataclass(slots=True)
class _Contents:
    """What the file holds: the registers of accounts, the securities it describes, and lines of prices."""

    registers: list[_Register]
    securities: SecurityList
    prices: list[str]


def _contents(text: str) -> _Contents:
    """The file's registers with their records, and its lists; an account list alone makes no register."""
    found: dict[tuple[str | None, str | None], _Register] = {}
    contents = _Contents([], SecurityList(), [])
    name = kind = None
    for record in records(text):
        if record.section == "account":
            name = record.get("N") or None
            kind = _ACCOUNT_TYPES.get(record.get("T").casefold())
        elif record.section == "type:security":
            contents.securities.describe(record)
        elif record.section == PRICES:
            contents.prices.append(record.get("line"))
        elif record.section in _REGISTERS:
            type_ = _REGISTERS[record.section] or kind
            register = found.get((name, type_ if name is None else None))
            if register is None:
                register = found[name, type_ if name is None else None] = _Register(name, type_)
            register.records.append(record)
    contents.registers = list(found.values())
    return contents


def _prices(found: _Contents, conventions: Conventions, today: date, notes: list[str]) -> tuple[SecurityPrice, ...]:
    prices, unread = [], 0
    for line in found.prices:
        parts = price_parts(line)
        try:
            if parts is None:
                raise ValueError(line)
            named, price, day = parts
            security = found.securities.named(named)
            if price and security is not None:
                read = conventions.dates.read(plain_date(day, today=today))
                prices.append(SecurityPrice(security, conventions.quantities(price), read))
        except ValueError:
            unread += 1
    if unread:
        notes.append(f"{unread} {'line' if unread == 1 else 'lines'} of the list of prices cannot be read.")
    return tuple(prices)


def _amounts(record: Record) -> list[str]:
    return [text for text in (record.get("T"), record.get("U"), *(split.amount for split in record.splits)) if text]


def _statement(register: _Register, reader: EntryReader, notes: list[str]) -> Statement:
    entries: list[Entry] = []
    investments: list[InvestmentEntry] = []
    refused: list[RefusedRow] = []
    still = 0
    for record in register.records:
        try:
            entry, investment = reader.read(record)
        except ValueError as reason:
            raw = " ".join(f"{letter}{text}" for letter, text in record.fields.items())
            refused.append(RefusedRow(f"line {record.line}", str(reason), None, shortened(raw, 300)))
            continue
        if entry is not None:
            entries.append(entry)
        if investment is not None:
            investments.append(investment)
        still += entry is None and investment is None
    if still:
        notes.append(f"{still} {'reminder is' if still == 1 else 'reminders are'} left out.")
    name = register.name or _own_name(register.records)
    return Statement(
        AccountReference(name=name, type=register.type),
        None,
        tuple(entries),
        tuple(refused),
        investments=tuple(investments),
    )


def _own_name(found: list[Record]) -> str | None:
    """The account's name, which its first record says as a transfer to itself: ``POpening Balance``, ``L[Name]``."""
    first = found[0]
    return transfer_account(first.get("L")) if first.get("P").casefold() == "opening balance" else None

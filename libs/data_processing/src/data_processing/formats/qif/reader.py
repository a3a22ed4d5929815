"""QIF files: one statement for each account that the file names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from data_processing.amounts import shortened
from data_processing.errors import NoStatements
from data_processing.formats.qif.conventions import amount_reader_of, date_reader, plain_date
from data_processing.formats.qif.entries import EntryReader, transfer_account
from data_processing.formats.qif.records import SECTION, Record, records
from data_processing.formats.source import Source
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
        registers = _registers(source.text)
        if not registers:
            raise NoStatements(
                "The QIF file holds no register of an account, only lists such as categories or securities. "
                "Export the account's transactions."
            )
        every = [record for register in registers for record in register.records]
        texts = {text for record in every if (text := record.get("D"))}
        dates = date_reader(texts, today=source.today)
        amounts = amount_reader_of(text for record in every for text in _amounts(record))
        reader = EntryReader(dates, amounts, {text: plain_date(text, today=source.today) for text in texts})
        notes: list[str] = []
        statements = [_statement(register, reader, notes) for register in registers]
        return StatementFile(self.name, source.decoded.encoding, tuple(statements), (*notes, *reader.notes))


def _registers(text: str) -> list[_Register]:
    """The registers with their records; an account list alone makes none."""
    found: dict[tuple[str | None, str | None], _Register] = {}
    name = kind = None
    for record in records(text):
        if record.section == "account":
            name = record.get("N") or None
            kind = _ACCOUNT_TYPES.get(record.get("T").casefold())
        elif record.section in _REGISTERS:
            type_ = _REGISTERS[record.section] or kind
            register = found.get((name, type_ if name is None else None))
            if register is None:
                register = found[name, type_ if name is None else None] = _Register(name, type_)
            register.records.append(record)
    return list(found.values())


def _amounts(record: Record) -> list[str]:
    return [text for text in (record.get("T"), record.get("U"), *(split.amount for split in record.splits)) if text]


def _statement(register: _Register, reader: EntryReader, notes: list[str]) -> Statement:
    entries: list[Entry] = []
    refused: list[RefusedRow] = []
    still = 0
    for record in register.records:
        try:
            entry = reader.read(record)
        except ValueError as reason:
            raw = " ".join(f"{letter}{text}" for letter, text in record.fields.items())
            refused.append(RefusedRow(f"line {record.line}", str(reason), None, shortened(raw, 300)))
            continue
        if entry is None:
            still += 1
        else:
            entries.append(entry)
    if still:
        moves = "1 action in securities moves" if still == 1 else f"{still} actions in securities move"
        notes.append(f"{moves} no cash of the account and {'is' if still == 1 else 'are'} left out.")
    name = register.name or _own_name(register.records)
    return Statement(AccountReference(name=name, type=register.type), None, tuple(entries), tuple(refused))


def _own_name(found: list[Record]) -> str | None:
    """The account's name, which its first record says as a transfer to itself: ``POpening Balance``, ``L[Name]``."""
    first = found[0]
    return transfer_account(first.get("L")) if first.get("P").casefold() == "opening balance" else None

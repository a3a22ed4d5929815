"""A statement file made ready for booking: its rows by account and statement, each with its content.

Pure and slow: runs in a thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import blake2b
from typing import IO, NamedTuple

from analytics_core import merchant_name
from api_common.compute import uncollected
from data_processing import (
    AccountReference,
    Balance,
    CsvMapping,
    Entry,
    Reconciliation,
    RefusedRow,
    Statement,
    StatementFile,
    content_hash,
    identities,
    read_statement_file,
    reconcile,
)

from transaction_service.amounts import LARGEST, keepable
from transaction_service.currencies import CURRENCIES
from transaction_service.days import FIRST_DAY, LAST_DAY, keepable_day
from transaction_service.statements.account_matching import ReferenceKey, reference_key

_LONGEST_IDENTITY = 300
_MOST_MERCHANTS = 20_000


class Row(NamedTuple):
    """An entry with what the ledger derives from it; a tuple, because a file has very many.

    `content` is the hash of what the bank wrote; which row of the ledger it is, the plan of the import says.
    """

    entry: Entry
    content: str
    merchant: str | None


@dataclass(slots=True)
class Section:
    """The rows that one statement of the file has for one account, with the balances that are about them.

    `reconciliation` is the whole statement's, where all its rows are here.
    """

    number: int
    rows: list[Row] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)
    period_start: date | None = None
    period_end: date | None = None
    reconciliation: Reconciliation | None = None

    def add(self, other: Section) -> None:
        """Take in the rows of the same statement that name the same account in another way."""
        self.rows += other.rows
        self.balances += other.balances
        self.reconciliation = None

    def identities(self) -> list[str]:
        """The identity of each row; equal rows are counted within the section."""
        entries = [row.entry for row in self.rows]
        return [_bounded(identity) for identity in identities(entries, [row.content for row in self.rows])]


@dataclass(slots=True)
class RowGroup:
    """The rows of one account in one currency, as far as the file tells; `key` is None when it names no account."""

    reference: AccountReference
    key: ReferenceKey | None
    currency: str | None
    sections: dict[int, Section] = field(default_factory=dict)
    balances: list[Balance] = field(default_factory=list)

    @property
    def rows(self) -> Iterator[Row]:
        """The rows of all statements."""
        for section in self.sections.values():
            yield from section.rows

    def section(self, number: int) -> Section:
        """The group's part of one statement."""
        found = self.sections.get(number)
        if found is None:
            found = self.sections[number] = Section(number)
        return found


@dataclass(frozen=True, slots=True)
class PreparedFile:
    """A file that was read, its rows by account, and every row that cannot be booked."""

    file: StatementFile
    groups: tuple[RowGroup, ...]
    refused: tuple[RefusedRow, ...]
    reconciliations: tuple[Reconciliation, ...]

    @property
    def currencies(self) -> set[str]:
        """The currencies that the file names."""
        return {group.currency for group in self.groups if group.currency is not None}


_Groups = dict[tuple[ReferenceKey | None, str | None], RowGroup]


@uncollected()
def prepare(content: bytes | IO[bytes], *, filename: str | None, profiles: Sequence[CsvMapping] = ()) -> PreparedFile:
    """Read a statement file, tables by the user's own profiles first, and make its rows ready for booking.

    Raises data_processing.StatementFileError when the file as a whole cannot be read.
    """
    file = _with_kept_days(read_statement_file(content, filename=filename, profiles=profiles))
    groups: _Groups = {}
    refused: list[RefusedRow] = []
    merchants: dict[str, str | None] = {}
    reconciliations = tuple(reconcile(statement) for statement in file.statements)
    for number, statement in enumerate(file.statements):
        refused.extend(statement.refused)
        touched = _add_rows(groups, number, statement, refused, merchants)
        _add_balances(groups, number, statement)
        if not statement.entries and statement.account.identified and statement.balances:
            touched = [_group(groups, statement.account, _currency_of(statement)).section(number)]
        for section in touched:
            section.period_start, section.period_end = statement.period_start, statement.period_end
            if len(touched) == 1:
                section.balances = list(statement.balances)
                section.reconciliation = reconciliations[number]
    return PreparedFile(file, tuple(groups.values()), tuple(refused), reconciliations)


def _with_kept_days(file: StatementFile) -> StatementFile:
    """The file without periods and days of balances that the ledger does not keep; such rows are refused later."""
    return replace(file, statements=tuple(_with_kept_period(statement) for statement in file.statements))


def _with_kept_period(statement: Statement) -> Statement:
    stated = [statement.period_start, statement.period_end, *(balance.date for balance in statement.balances)]
    if all(day is None or keepable_day(day) for day in stated):
        return statement
    return replace(
        statement,
        period_start=_kept(statement.period_start),
        period_end=_kept(statement.period_end),
        balances=tuple(replace(balance, date=_kept(balance.date)) for balance in statement.balances),
    )


def _kept(day: date | None) -> date | None:
    return day if day is not None and keepable_day(day) else None


def _add_rows(
    groups: _Groups, number: int, statement: Statement, refused: list[RefusedRow], merchants: dict[str, str | None]
) -> list[Section]:
    """Sort the statement's rows into groups; gives the sections that they are in."""
    touched: dict[int, Section] = {}
    group: RowGroup | None = None
    rows: list[Row] = []
    for entry in statement.entries:
        account = entry.account or statement.account
        currency = entry.currency or account.currency or statement.currency
        if reason := _unbookable(entry, currency):
            refused.append(refused_row(entry, reason))
            continue
        if group is None or group.reference is not account or group.currency != currency:
            group = _group(groups, account, currency)
            section = group.section(number)
            touched[id(section)] = section
            rows = section.rows
        rows.append(_row(entry, merchants))
    return list(touched.values())


def _group(groups: _Groups, reference: AccountReference, currency: str | None) -> RowGroup:
    key = reference_key(number=reference.number, bank=reference.bank, name=reference.name)
    group = groups.get((key, currency))
    if group is None:
        group = groups[(key, currency)] = RowGroup(reference, key, currency)
    return group


def _add_balances(groups: _Groups, number: int, statement: Statement) -> None:
    """Give the statement's balances to its account; a statement without rows still names its account this way."""
    if not statement.account.identified and not statement.balances:
        return
    if any(entry.account is not None for entry in statement.entries):
        return  # a file of several accounts states no balance that could be told to be of one of them
    stated = _currency_of(statement)
    if stated is not None and stated not in CURRENCIES:
        return
    if not statement.balances and not statement.entries:
        _group(groups, statement.account, stated)
    for balance in statement.balances:
        if keepable(balance.amount) and balance.currency in {None, *CURRENCIES}:
            _group(groups, statement.account, balance.currency or stated).balances.append(balance)


def _currency_of(statement: Statement) -> str | None:
    named = {entry.currency for entry in statement.entries}
    return statement.currency or statement.account.currency or (named.pop() if len(named) == 1 else None)


def _row(entry: Entry, merchants: dict[str, str | None]) -> Row:
    source = entry.counterparty or entry.text
    if source not in merchants:
        if len(merchants) >= _MOST_MERCHANTS:
            merchants.clear()  # a file whose rows all differ must not hold each of them twice
        merchants[source] = merchant_name(source) or None
    merchant = merchants[source]
    return Row(entry, content_hash(entry), merchant)


def row_of(entry: Entry) -> Row:
    """An entry with what the ledger derives from it."""
    return _row(entry, {})


def _bounded(identity: str) -> str:
    """The identity itself, or a hash of it where a bank's id is longer than an index should hold."""
    if len(identity) <= _LONGEST_IDENTITY:
        return identity
    return f"hash:{blake2b(identity.encode('utf-8', 'surrogatepass'), digest_size=32).hexdigest()}"


def _unbookable(entry: Entry, currency: str | None) -> str | None:
    if not keepable(entry.amount):
        return f"amount {entry.amount} cannot be kept: it must be below {LARGEST} with at most 6 decimals"
    if not keepable_day(entry.booking_date) or not keepable_day(entry.value_date or entry.booking_date):
        return f"its date is not kept: days go from {FIRST_DAY} to {LAST_DAY}"
    if currency is not None and currency not in CURRENCIES:
        return f'"{currency}" is no ISO 4217 currency'
    return None


def refused_row(entry: Entry, reason: str) -> RefusedRow:
    """An entry that could be read and cannot be booked."""
    return RefusedRow(place=entry.place, reason=reason, bank_id=entry.bank_id, raw=entry.text[:200])

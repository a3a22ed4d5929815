"""A statement file made ready for booking: its rows by account, each with its identity.

Pure and slow: runs in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from analytics_core import merchant_name
from api_common.compute import uncollected
from data_processing import (
    AccountReference,
    Balance,
    Entry,
    Reconciliation,
    RefusedRow,
    Statement,
    StatementFile,
    fingerprints,
    read_statement_file,
    reconcile,
)

from transaction_service.account_matching import ReferenceKey, reference_key
from transaction_service.amounts import LARGEST, keepable
from transaction_service.currencies import CURRENCIES
from transaction_service.search_text import searchable

_LONGEST_IDENTITY = 300


class Row(NamedTuple):
    """An entry with what the ledger derives from it; a tuple, because a file has very many."""

    entry: Entry
    identity: str
    merchant: str | None
    search_text: str


@dataclass(slots=True)
class RowGroup:
    """The rows of one account in one currency, as far as the file tells; `key` is None when it names no account."""

    reference: AccountReference
    key: ReferenceKey | None
    currency: str | None
    rows: list[Row] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)


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


@uncollected()
def prepare(content: bytes, *, filename: str | None) -> PreparedFile:
    """Read a statement file and make its rows ready for booking.

    Raises data_processing.StatementFileError when the file as a whole cannot be read.
    """
    file = read_statement_file(content, filename=filename)
    groups: dict[tuple[ReferenceKey | None, str | None], RowGroup] = {}
    refused: list[RefusedRow] = []
    merchants: dict[str, str | None] = {}
    for statement in file.statements:
        refused.extend(statement.refused)
        group: RowGroup | None = None
        for entry, identity in zip(statement.entries, fingerprints(statement.entries), strict=True):
            account = entry.account or statement.account
            currency = entry.currency or account.currency or statement.currency
            if reason := _unbookable(entry, currency):
                refused.append(refused_row(entry, reason))
                continue
            if group is None or group.reference is not account or group.currency != currency:
                group = _group(groups, account, currency)
            group.rows.append(_row(entry, identity, merchants))
        _add_balances(groups, statement)
    reconciliations = tuple(reconcile(statement) for statement in file.statements)
    return PreparedFile(file, tuple(groups.values()), tuple(refused), reconciliations)


def _group(
    groups: dict[tuple[ReferenceKey | None, str | None], RowGroup], reference: AccountReference, currency: str | None
) -> RowGroup:
    key = reference_key(number=reference.number, bank=reference.bank, name=reference.name)
    group = groups.get((key, currency))
    if group is None:
        group = groups[(key, currency)] = RowGroup(reference, key, currency)
    return group


def _add_balances(groups: dict[tuple[ReferenceKey | None, str | None], RowGroup], statement: Statement) -> None:
    """Give the statement's balances to its account; a statement without rows still names its account this way."""
    if not statement.account.identified and not statement.balances:
        return
    if any(entry.account is not None for entry in statement.entries):
        return  # a file of several accounts states no balance that could be told to be of one of them
    named = {entry.currency for entry in statement.entries}
    stated = statement.currency or statement.account.currency or (named.pop() if len(named) == 1 else None)
    if stated is not None and stated not in CURRENCIES:
        return
    if not statement.balances and not statement.entries:
        _group(groups, statement.account, stated)
    for balance in statement.balances:
        if keepable(balance.amount) and balance.currency in {None, *CURRENCIES}:
            _group(groups, statement.account, balance.currency or stated).balances.append(balance)


def _row(entry: Entry, identity: str, merchants: dict[str, str | None]) -> Row:
    source = entry.counterparty or entry.text
    if source not in merchants:
        merchants[source] = merchant_name(source) or None
    merchant = merchants[source]
    return Row(
        entry,
        _bounded(identity),
        merchant,
        searchable(entry.counterparty, entry.text, entry.reference, merchant),
    )


def _bounded(identity: str) -> str:
    """The identity itself, or a hash of it where a bank's id is longer than an index should hold."""
    if len(identity) <= _LONGEST_IDENTITY:
        return identity
    return f"hash:{blake2b(identity.encode('utf-8', 'surrogatepass'), digest_size=32).hexdigest()}"


def _unbookable(entry: Entry, currency: str | None) -> str | None:
    if not keepable(entry.amount):
        return f"amount {entry.amount} cannot be kept: it must be below {LARGEST} with at most 6 decimals"
    if currency is not None and currency not in CURRENCIES:
        return f'"{currency}" is no ISO 4217 currency'
    return None


def refused_row(entry: Entry, reason: str) -> RefusedRow:
    """An entry that could be read and cannot be booked."""
    return RefusedRow(place=entry.place, reason=reason, bank_id=entry.bank_id, raw=entry.text[:200])

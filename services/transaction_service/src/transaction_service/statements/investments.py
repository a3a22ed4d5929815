"""What a file says of investments, made ready to be kept: by account, each entry with its identity. No database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal
from uuid import UUID

from data_processing import (
    Entry,
    InvestmentEntry,
    Position,
    Security,
    StatementFile,
    content_hash,
    investment_identities,
)

from transaction_service.amounts import keepable
from transaction_service.days import keepable_day
from transaction_service.models import Account
from transaction_service.statements.accounts import StatementAccounts
from transaction_service.statements.spool import bounded, hashed

_LONGEST_KEY = 100
_EXACT = Context(prec=80)


@dataclass(frozen=True, slots=True)
class InvestmentRow:
    """An entry with its identity within the account, and the row of its cash, where it moves any."""

    entry: InvestmentEntry
    identity: str
    cash: Entry | None


@dataclass(slots=True)
class AccountInvestments:
    """What a file says of one account: its entries, and the positions by the days on which it states them."""

    account: Account
    rows: list[InvestmentRow] = field(default_factory=list)
    positions: dict[date, list[Position]] = field(default_factory=dict)


@dataclass(slots=True)
class FileInvestments:
    """What a file says of the user's investments; `left_out` counts what no ledger could keep exactly."""

    accounts: dict[UUID, AccountInvestments] = field(default_factory=dict)
    left_out: int = 0

    @property
    def securities(self) -> dict[str, Security]:
        """Every security that an entry or a position names, by its key."""
        named: list[Security] = []
        for found in self.accounts.values():
            named += [row.entry.security for row in found.rows if row.entry.security is not None]
            named += [position.security for held in found.positions.values() for position in held]
        return {security_key(security): security for security in named}

    def of(self, account: Account) -> AccountInvestments:
        """What it says of that account."""
        return self.accounts.setdefault(account.id, AccountInvestments(account))


def says_anything(file: StatementFile) -> bool:
    """Whether the file speaks of investments at all."""
    return any(s.investments or s.positions_as_of is not None for s in file.statements)


def file_investments(file: StatementFile, accounts: StatementAccounts) -> FileInvestments:
    """Sort a file's entries and positions by account; what is about no account is left out."""
    found = FileInvestments()
    for statement in file.statements:
        main = accounts.of(statement)
        cash = {entry.place: entry for entry in statement.entries} if statement.investments else {}
        entries = statement.investments
        for entry, identity in zip(entries, investment_identities(entries), strict=True):
            account = accounts.of(statement, entry.currency) if entry.amount else main
            if not all(keepable(number) for number in _money(entry)) or not keepable_day(entry.trade_date):
                found.left_out += 1
            elif account is not None:
                found.of(account).rows.append(InvestmentRow(entry, bounded(identity), cash.get(entry.place)))
        if statement.positions_as_of is not None and keepable_day(statement.positions_as_of) and main is not None:
            kept = [p for p in statement.positions if p.market_value is None or keepable(p.market_value)]
            found.left_out += len(statement.positions) - len(kept)
            found.of(main).positions[statement.positions_as_of] = list(_merged(kept))
    return found


def _money(entry: InvestmentEntry) -> Iterator[Decimal]:
    for number in (entry.amount, entry.total, entry.commission, entry.fees, entry.taxes):
        if number is not None:
            yield number


def _merged(positions: Iterable[Position]) -> Iterator[Position]:
    """One position for each security, which brokers state apart for each part of the account."""
    apart: dict[str, list[Position]] = {}
    for position in positions:
        apart.setdefault(security_key(position.security), []).append(position)
    for parts in apart.values():
        first = parts[0]
        if len(parts) == 1:
            yield first
            continue
        values = [part.market_value for part in parts]
        units = first.units
        for part in parts[1:]:
            units = _EXACT.add(units, part.units)
        yield Position(
            security=first.security,
            units=units,
            as_of=first.as_of,
            unit_price=first.unit_price if len({part.unit_price for part in parts}) == 1 else None,
            market_value=sum((v for v in values if v is not None), Decimal(0)) if None not in values else None,
            currency=first.currency,
        )


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A row of the ledger that may be the cash of an entry."""

    id: UUID
    booking_date: date
    amount: Decimal
    identity: str
    content: str


def cash_links(rows: Iterable[InvestmentRow], ledger: Iterable[LedgerRow]) -> dict[str, UUID]:
    """Which of an account's rows is the cash of each entry, by the entry's identity.

    It has the same day and amount, and the bank's id of the entry or the same wording; a row is the cash of one entry.
    """
    alike: dict[tuple[date, Decimal], list[LedgerRow]] = defaultdict(list)
    for known in ledger:
        alike[known.booking_date, known.amount].append(known)
    links: dict[str, UUID] = {}
    for row in rows:
        if row.cash is None:
            continue
        candidates = alike[row.cash.booking_date, row.cash.amount]
        content = content_hash(row.cash)
        prefix = f"bank:{row.cash.bank_id}#" if row.cash.bank_id is not None else f"row:{content}#"
        by_id = (found for found in candidates if found.identity.startswith(prefix))
        chosen = next(by_id, None) or next((found for found in candidates if found.content == content), None)
        if chosen is not None:
            candidates.remove(chosen)
            links[row.identity] = chosen.id
    return links


def security_key(security: Security) -> str:
    """The security's key, or a hash of it where it is longer than an index should hold."""
    return security.key if len(security.key) <= _LONGEST_KEY else hashed(security.key)

"""Rows that an import would book, as the search for transfers looks at rows of the ledger. No database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from transaction_service.transfers.own_accounts import OwnAccount


class PlannedRow(NamedTuple):
    """A row with the columns that are matched; ids are those that it would have."""

    id: UUID
    account_id: UUID
    import_id: UUID
    currency: str
    booking_date: date
    value_date: date | None
    amount: Decimal
    original_amount: Decimal | None
    original_currency: str | None
    exchange_rate: str | None
    counterparty_account: str | None
    counterparty: str | None
    text: str
    category_id: UUID | None
    marked_transfer: bool
    transfer_by: str
    search_text: str


@dataclass(frozen=True, slots=True)
class PlannedRows:
    """The booked rows that an import would bring, and what accounts would be called by beside what they are.

    `replaced` are rows of the ledger that would no longer stand.
    """

    rows: Mapping[UUID, PlannedRow] = field(default_factory=lambda: MappingProxyType({}))
    accounts: Iterable[OwnAccount] = ()
    replaced: frozenset[UUID] = frozenset()

    def accounts_between(self, first: date, last: date) -> set[UUID]:
        """The accounts that would get rows of these days."""
        return {row.account_id for row in self.rows.values() if first <= row.booking_date <= last}

    def named(self, accounts: Iterable[OwnAccount]) -> list[OwnAccount]:
        """The user's accounts, with those that the import would create and the names that it would teach."""
        known = {account.id: account for account in accounts}
        for more in self.accounts:
            before = known.get(more.id, more)
            known[more.id] = OwnAccount(
                more.id, before.currency, before.numbers | more.numbers, before.names | more.names
            )
        return list(known.values())


NOTHING_PLANNED = PlannedRows()

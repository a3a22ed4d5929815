"""Imports, the balances that statements state, and the bulk booking of rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from analytics_core import merchant_name
from api_common.bulk import bulk_insert
from api_common.columns import new_id
from api_common.compute import uncollected
from api_common.database import WriteSession
from api_common.pagination import Keyset, PageQuery, Slice
from api_common.repository import Repository
from sqlalchemy import delete
from sqlmodel import col

from transaction_service.categorisation import Categoriser, RowFacts
from transaction_service.errors import ImportNotFound
from transaction_service.import_plan import ImportPlan, PendingRow
from transaction_service.models import (
    Account,
    RepeatedRow,
    StatementBalance,
    StatementImport,
    Tag,
    Transaction,
)
from transaction_service.rule_effects import UNTOUCHED, booked
from transaction_service.search_text import searchable
from transaction_service.statement_rows import Row

_NEWEST = Keyset(col(StatementImport.id).desc())

_COLUMNS = (
    "id",
    "user_id",
    "account_id",
    "import_id",
    "identity",
    "booking_date",
    "value_date",
    "amount",
    "currency",
    "pending",
    "text",
    "counterparty",
    "counterparty_account",
    "reference",
    "bank_category",
    "search_text",
    "category_id",
    "categorised_by",
    "rule_id",
    "merchant",
    "merchant_by",
    "note",
    "note_by",
    "marked_transfer",
    "transfer_by",
    "version",
    "created_at",
)


@dataclass(frozen=True, slots=True)
class Settled:
    """A pending row, and the booked row that takes its place; `same_identity` when only its status differs."""

    pending_id: UUID
    booked_id: UUID
    same_identity: bool


@dataclass(frozen=True, slots=True)
class BookingRows:
    """What an import inserts, as values of the table's columns, and the pending rows that give way to it."""

    values: list[tuple[object, ...]] = field(default_factory=list)
    tags: list[tuple[UUID, str, UUID, str]] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)


@uncollected()
def booking_rows(plan: ImportPlan, *, import_id: UUID, categoriser: Categoriser, created_at: datetime) -> BookingRows:
    """The rows that the plan books. Slow for large files: runs in a thread."""
    found = BookingRows()
    for of_account in plan.accounts:
        account = of_account.account
        for row in of_account.book:
            _add(found, new_id(), account, row, None, import_id, categoriser, created_at)
        for announced, row in of_account.settle:
            row_id = new_id()
            _add(found, row_id, account, row, announced, import_id, categoriser, created_at)
            found.settled.append(Settled(announced.id, row_id, announced.identity == row.identity))
    return found


def _add(
    found: BookingRows,
    row_id: UUID,
    account: Account,
    row: Row,
    announced: PendingRow | None,
    import_id: UUID,
    categoriser: Categoriser,
    created_at: datetime,
) -> None:
    entry, chosen = row.entry, announced.chosen if announced is not None else UNTOUCHED
    counterparty, told_merchant, search_text = entry.counterparty, row.merchant, row.search_text
    if announced is not None:
        if announced.edited:
            counterparty = announced.counterparty
            told_merchant = merchant_name(counterparty or entry.text) or None
        search_text = searchable(
            counterparty, entry.text, entry.reference, chosen.merchant or told_merchant, chosen.note, *chosen.tags
        )
    decision = categoriser.decide(
        RowFacts(
            search_text,
            entry.text,
            counterparty,
            entry.counterparty_account,
            entry.reference,
            chosen.merchant or told_merchant,
            chosen.note,
            entry.bank_category,
            entry.amount,
            account.currency,
            account.id,
            entry.booking_date,
            chosen.tags,
        )
    )
    given = booked(told_merchant, decision, chosen)
    if decision.merchant or decision.note or decision.tags:
        names = [tag.name for tag in given.tags]
        search_text = searchable(counterparty, entry.text, entry.reference, given.merchant, given.note, *names)
    found.values.append(
        (
            row_id,
            account.user_id,
            account.id,
            import_id,
            row.identity,
            entry.booking_date,
            entry.value_date,
            entry.amount,
            account.currency,
            entry.pending,
            entry.text,
            counterparty,
            entry.counterparty_account,
            entry.reference,
            entry.bank_category,
            search_text,
            given.category_id,
            str(given.categorised_by),
            given.rule_id,
            given.merchant,
            str(given.merchant_by),
            given.note,
            str(given.note_by),
            given.marked_transfer,
            str(given.transfer_by),
            1,
            created_at,
        )
    )
    found.tags.extend((row_id, tag.name, account.user_id, str(tag.by)) for tag in given.tags)


class ImportRepository(Repository[StatementImport]):
    """The user's imports."""

    model = StatementImport
    not_found = ImportNotFound

    async def list(self, page: PageQuery) -> Slice[StatementImport]:
        """One page of the imports, newest first."""
        return await self.page(self.mine(), _NEWEST, page)

    async def book(self, rows: BookingRows) -> None:
        """Insert rows and their tags as `booking_rows` gives them, all at once."""
        session = WriteSession(self.session)
        await bulk_insert(session, Transaction, _COLUMNS, rows.values)
        await bulk_insert(session, Tag, ("transaction_id", "tag", "user_id", "tagged_by"), rows.tags)

    async def forget_repeated(self, import_id: UUID) -> None:
        """Forget which standing rows an import brought again."""
        await self.session.execute(
            delete(RepeatedRow).where(col(RepeatedRow.user_id) == self.user_id, col(RepeatedRow.import_id) == import_id)
        )

    async def keep_balances(self, plan: ImportPlan, import_id: UUID) -> None:
        """Store the balances that the statements state."""
        columns = ("id", "user_id", "account_id", "import_id", "kind", "amount", "currency", "balance_date")
        rows = [
            (new_id(), self.user_id, p.account.id, import_id, b.kind, b.amount, p.account.currency, b.date)
            for p in plan.accounts
            for b in p.balances
        ]
        await bulk_insert(WriteSession(self.session), StatementBalance, columns, rows)

    async def forget_balances(self, import_id: UUID) -> None:
        """Delete the balances that an import brought."""
        await self.session.execute(
            delete(StatementBalance).where(
                col(StatementBalance.user_id) == self.user_id, col(StatementBalance.import_id) == import_id
            )
        )

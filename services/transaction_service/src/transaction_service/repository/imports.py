"""Imports, the balances that statements state, and the bulk booking of rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from api_common.bulk import bulk_insert
from api_common.columns import new_id
from api_common.database import WriteSession
from api_common.pagination import Keyset, PageQuery, Slice
from api_common.repository import Repository
from sqlalchemy import bindparam, delete, update
from sqlmodel import col

from transaction_service.categorisation import Categoriser
from transaction_service.errors import ImportNotFound
from transaction_service.import_plan import ImportPlan, PendingRow
from transaction_service.models import Account, CategorisedBy, StatementBalance, StatementImport, Table, Transaction
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
    "merchant",
    "note",
    "search_text",
    "category_id",
    "categorised_by",
    "version",
    "created_at",
)


def booking_rows(
    plan: ImportPlan, *, import_id: UUID, categoriser: Categoriser, created_at: datetime
) -> list[tuple[object, ...]]:
    """The rows that the plan books, as values of the table's columns. Slow for large files: runs in a thread."""
    taken: list[tuple[Account, Row, PendingRow | None]] = []
    for of_account in plan.accounts:
        taken += [(of_account.account, row, None) for row in of_account.book]
        taken += [(of_account.account, row, pending) for pending, row in of_account.settle]
    return [_values(*one, import_id, categoriser, created_at) for one in taken]


def _values(
    account: Account,
    row: Row,
    announced: PendingRow | None,
    import_id: UUID,
    categoriser: Categoriser,
    created_at: datetime,
) -> tuple[object, ...]:
    entry = row.entry
    note = announced.note if announced is not None else None
    search_text = searchable(row.search_text, note) if note else row.search_text
    category_id = categoriser.category_of(search_text)
    categorised_by = CategorisedBy.NONE if category_id is None else CategorisedBy.RULE
    if announced is not None and announced.category_id is not None:
        category_id, categorised_by = announced.category_id, CategorisedBy.USER
    return (
        new_id(),
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
        entry.counterparty,
        entry.counterparty_account,
        entry.reference,
        entry.bank_category,
        row.merchant,
        note,
        search_text,
        category_id,
        str(categorised_by),
        1,
        created_at,
    )


class ImportRepository(Repository[StatementImport]):
    """The user's imports."""

    model = StatementImport
    not_found = ImportNotFound

    async def list(self, page: PageQuery) -> Slice[StatementImport]:
        """One page of the imports, newest first."""
        return await self.page(self.mine(), _NEWEST, page)

    async def book(self, rows: Sequence[Sequence[object]]) -> None:
        """Insert rows as `booking_rows` gives them, all at once."""
        await bulk_insert(WriteSession(self.session), Transaction, _COLUMNS, rows)

    async def replace_pending(self, plan: ImportPlan, import_id: UUID) -> None:
        """Turn the pending rows of the plan into the booked ones that the file brings."""
        changes = [
            {
                "row_id": row_id,
                "booked_by": import_id,
                "value": row.entry.value_date,
                "bank_text": row.entry.text,
                "other": row.entry.counterparty,
                "of_reference": row.entry.reference,
            }
            for of_account in plan.accounts
            for row_id, row in of_account.replace
        ]
        if not changes:
            return
        table = Table.metadata.tables["transactions"]
        statement = (
            update(table)
            .where(table.c.id == bindparam("row_id"), table.c.user_id == self.user_id)
            .values(
                pending=False,
                import_id=bindparam("booked_by"),
                value_date=bindparam("value"),
                text=bindparam("bank_text"),
                counterparty=bindparam("other"),
                reference=bindparam("of_reference"),
                version=table.c.version + 1,
            )
        )
        await self.session.execute(statement, changes)

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

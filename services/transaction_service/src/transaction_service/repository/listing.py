"""Lists of rows: which rows a list shows, in which order, page by page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from api_common.pagination import Keyset, PageQuery, Slice
from api_common.repository import Repository
from sqlalchemy import ColumnElement, Select, SQLColumnExpression
from sqlmodel import col

from transaction_service.errors import TransactionNotFound
from transaction_service.models import Transaction
from transaction_service.search_text import contains_pattern

NEWEST_FIRST = Keyset(col(Transaction.booking_date).desc(), col(Transaction.id).desc())
OLDEST_FIRST = Keyset(col(Transaction.booking_date).asc(), col(Transaction.id).asc())

_LISTED: tuple[SQLColumnExpression[Any], ...] = (
    col(Transaction.id),
    col(Transaction.account_id),
    col(Transaction.import_id),
    col(Transaction.booking_date),
    col(Transaction.value_date),
    col(Transaction.amount),
    col(Transaction.currency),
    col(Transaction.pending),
    col(Transaction.text).label("description"),
    col(Transaction.counterparty),
    col(Transaction.counterparty_account),
    col(Transaction.reference),
    col(Transaction.bank_category),
    col(Transaction.merchant),
    col(Transaction.note),
    col(Transaction.category_id),
    col(Transaction.categorised_by),
    col(Transaction.version),
    col(Transaction.created_at),
    col(Transaction.edited_at),
)


@dataclass(frozen=True, kw_only=True)
class TransactionFilter:
    """Which rows a list shows; what is None or empty does not limit it. Dates and amounts are inclusive."""

    account_ids: Collection[UUID] = ()
    from_date: date | None = None
    to_date: date | None = None
    amount_min: Decimal | None = None
    amount_max: Decimal | None = None
    category_ids: Collection[UUID] | None = None
    uncategorised: bool = False
    import_id: UUID | None = None
    text: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on the table."""
        found: list[ColumnElement[bool]] = []
        if self.account_ids:
            found.append(col(Transaction.account_id).in_(self.account_ids))
        if self.from_date is not None:
            found.append(col(Transaction.booking_date) >= self.from_date)
        if self.to_date is not None:
            found.append(col(Transaction.booking_date) <= self.to_date)
        if self.amount_min is not None:
            found.append(col(Transaction.amount) >= self.amount_min)
        if self.amount_max is not None:
            found.append(col(Transaction.amount) <= self.amount_max)
        if self.uncategorised:
            found.append(col(Transaction.category_id).is_(None))
        elif self.category_ids is not None:
            found.append(col(Transaction.category_id).in_(self.category_ids))
        if self.import_id is not None:
            found.append(col(Transaction.import_id) == self.import_id)
        if self.text:
            found.append(contains(self.text))
        return found


def contains(text: str) -> ColumnElement[bool]:
    """The condition that a row's texts contain `text`, in any case."""
    return col(Transaction.search_text).like(contains_pattern(text), escape="\\")


class ListingRepository(Repository[Transaction]):
    """The user's rows as lists show them: columns, without tombstones."""

    model = Transaction
    not_found = TransactionNotFound

    def mine(self) -> Select[Transaction]:
        """Start a query: the user's rows without tombstones."""
        return super().mine().where(col(Transaction.deleted_at).is_(None))

    async def list(self, wanted: TransactionFilter, keyset: Keyset, page: PageQuery) -> Slice[dict[str, Any]]:
        """One page of the rows that pass the filter, as the fields of `TransactionSchema`.

        Columns, not objects: the list is read more than anything else, and objects take longer than the query.
        """
        statement = self.mine().with_only_columns(*_LISTED).where(*wanted.conditions())
        if page.cursor is not None:
            statement = statement.where(keyset.after(page.cursor))
        found = await self.session.execute(statement.order_by(*keyset.order).limit(page.limit + 1))
        rows = found.all()
        more = len(rows) > page.limit
        items = rows[: page.limit]
        return Slice([row._asdict() for row in items], keyset.cursor(items[-1]) if more else None)

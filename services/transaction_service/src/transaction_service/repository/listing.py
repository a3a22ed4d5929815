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
from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlmodel import col

from transaction_service.errors import TransactionNotFound
from transaction_service.models import Split, Transaction
from transaction_service.repository.listed import LISTED, listed_rows
from transaction_service.search_text import contains_pattern

NEWEST_FIRST = Keyset(col(Transaction.booking_date).desc(), col(Transaction.id).desc())
OLDEST_FIRST = Keyset(col(Transaction.booking_date).asc(), col(Transaction.id).asc())


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
    deleted: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on the table."""
        found: list[ColumnElement[bool]] = [_is_deleted() if self.deleted else col(Transaction.deleted_at).is_(None)]
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
            found.append(_without_category())
        elif self.category_ids is not None:
            found.append(_in_categories(self.category_ids))
        if self.import_id is not None:
            found.append(col(Transaction.import_id) == self.import_id)
        if self.text:
            found.append(contains(self.text))
        return found


def contains(text: str) -> ColumnElement[bool]:
    """The condition that a row's texts contain `text`, in any case."""
    return col(Transaction.search_text).like(contains_pattern(text), escape="\\")


def _is_deleted() -> ColumnElement[bool]:
    """By the user: a pending row that gave way to its booking was not deleted."""
    return and_(col(Transaction.deleted_at).is_not(None), col(Transaction.replaced_by).is_(None))


def _in_categories(category_ids: Collection[UUID]) -> ColumnElement[bool]:
    """A row's own category, or that of one of its parts."""
    parts = select(col(Split.transaction_id)).where(col(Split.category_id).in_(category_ids))
    return or_(col(Transaction.category_id).in_(category_ids), col(Transaction.id).in_(parts))


def _without_category() -> ColumnElement[bool]:
    """A row without a category; of a split row a part."""
    parts = exists().where(col(Split.transaction_id) == col(Transaction.id))
    return and_(col(Transaction.category_id).is_(None), or_(~parts, parts.where(col(Split.category_id).is_(None))))


class ListingRepository(Repository[Transaction]):
    """The user's rows as lists show them: columns; tombstones only where the filter asks for them."""

    model = Transaction
    not_found = TransactionNotFound

    async def list(self, wanted: TransactionFilter, keyset: Keyset, page: PageQuery) -> Slice[dict[str, Any]]:
        """One page of the rows that pass the filter, as the fields of `TransactionSchema`.

        Columns, not objects: the list is read more than anything else, and objects take longer than the query.
        """
        statement = self.mine().with_only_columns(*LISTED).where(*wanted.conditions())
        if page.cursor is not None:
            statement = statement.where(keyset.after(page.cursor))
        found = await self.session.execute(statement.order_by(*keyset.order).limit(page.limit + 1))
        rows = found.all()
        more = len(rows) > page.limit
        items = rows[: page.limit]
        return Slice(await listed_rows(self.session, self.user_id, items), keyset.cursor(items[-1]) if more else None)

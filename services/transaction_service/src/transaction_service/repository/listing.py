"""Lists of rows, page by page.

A page is looked for where it probably is. The next rows in the order of the list are tried first: a filter that one
row in a hundred passes fills the page there. Only when they do not fill it, an index is asked which rows can pass at
all, and those are sorted. So neither a word that is in every second row nor one that is in three rows is slow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api_common.pagination import Keyset, PageQuery, Slice
from sqlalchemy import ColumnElement, Row, Select, select
from sqlmodel import col

from transaction_service.models import Transaction
from transaction_service.repository.filters import TransactionFilter
from transaction_service.repository.listed import LISTED, listed_rows
from transaction_service.repository.row_orders import MERCHANT_KEY, TransactionSort
from transaction_service.repository.row_search import RowSearch

TRIED_FIRST = (1_000, 10_000)
"""So many rows are tried in the order of the list before an index of the filter is asked; the second time only when
the first rows promise to fill the page then."""


class ListingRepository(RowSearch):
    """The user's rows as lists show them: columns; tombstones only where the filter asks for them."""

    async def list(
        self, wanted: TransactionFilter, sort: TransactionSort, keyset: Keyset, page: PageQuery
    ) -> Slice[dict[str, Any]]:
        """One page of the rows that pass the filter, as the fields of `TransactionSchema`.

        `keyset` is that of the sort, perhaps with cursors of its own. Columns, not objects: the list is read more than
        anything else, and objects take longer than the query.
        """
        rows = await self._page(wanted, sort, keyset, page)
        items = await listed_rows(self.session, self.user_id, rows[: page.limit])
        if sort.by_merchant:
            for item in items:
                del item[MERCHANT_KEY.name]
        return Slice(items, keyset.cursor(rows[page.limit - 1]) if len(rows) > page.limit else None)

    async def _page(
        self, wanted: TransactionFilter, sort: TransactionSort, keyset: Keyset, page: PageQuery
    ) -> Sequence[Row[Any]]:
        """The rows of the page and, when there are more, one beyond."""
        after = [keyset.after(page.cursor)] if page.cursor is not None else []
        if wanted.finds_nothing:
            return []
        statement = _listed(sort).order_by(*keyset.order).limit(page.limit + 1)
        indexed = _served_by_order(wanted, sort)
        near, far = _edges(wanted, sort)
        # An index is entered at one value: the cursor's, where there is one, and left at one.
        entered = after or near
        in_order = statement.where(*self.in_order(wanted, indexed - _RANGED), *entered)
        whole = in_order.where(*far)
        if not wanted.limits_beyond(*indexed):
            return await self._rows(whole)
        for tried, next_tried in zip(TRIED_FIRST, (*TRIED_FIRST[1:], 0), strict=True):
            bound = await self._bound(wanted, sort, keyset, after, tried)
            rows = await self._rows(whole if bound is None else in_order.where(keyset.until(bound)))
            if bound is None or len(rows) > page.limit:
                return rows
            if len(rows) * next_tried <= page.limit * tried:
                break
        source = await self.source(wanted, by_date=sort.by_date)
        if source is None and self.is_sqlite:
            return await self._rows(whole)
        pool = (
            select(col(Transaction.id).label("id"), sort.key.label("key"))
            .where(*self.among(wanted, source), *after)
            # Keeps the database from walking along the order of the list, which has just been tried.
            .offset(0)
            .subquery()
        )
        order = (pool.c.key.desc(), pool.c.id.desc()) if sort.descending else (pool.c.key, pool.c.id)
        chosen = select(pool.c.id).order_by(*order).limit(page.limit + 1)
        return await self._rows(statement.where(col(Transaction.id).in_(chosen)))

    async def _bound(
        self,
        wanted: TransactionFilter,
        sort: TransactionSort,
        keyset: Keyset,
        after: Sequence[ColumnElement[bool]],
        tried: int,
    ) -> str | None:
        """The cursor of the last of so many rows in the order of the list, None when there are not so many."""
        indexed = _served_by_order(wanted, sort)
        place = (
            select(col(Transaction.id), sort.key)
            .where(*self.in_range(wanted.only(*indexed), indexed), *after)
            .order_by(*keyset.order)
            .offset(tried - 1)
            .limit(1)
        )
        row = (await self.session.execute(place)).first()
        return None if row is None else keyset.cursor(row)

    async def _rows(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        # Past the session, which would look at every row for objects to load.
        connection = await self.session.connection()
        rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
        return rows


def _listed(sort: TransactionSort) -> Select[Any]:
    statement = select(*LISTED)
    return statement.add_columns(MERCHANT_KEY) if sort.by_merchant else statement


def _served_by_order(wanted: TransactionFilter, sort: TransactionSort) -> frozenset[str]:
    """The columns whose conditions the index of the order answers."""
    if sort.by_date and len(wanted.account_ids) == 1:
        return frozenset({"account_id", "booking_date"})
    if sort.by_date:
        return frozenset({"user_id", "booking_date"})
    return frozenset({"user_id", "amount"} if sort.by_amount else {"user_id"})


_RANGED = frozenset({"booking_date", "amount"})


def _edges(
    wanted: TransactionFilter, sort: TransactionSort
) -> tuple[list[ColumnElement[bool]], list[ColumnElement[bool]]]:
    """Where the filter lets the order begin, and where it ends."""
    lowest, highest = (
        (wanted.from_date, wanted.to_date)
        if sort.by_date
        else (wanted.amount_min, wanted.amount_max)
        if sort.by_amount
        else (None, None)
    )
    lower = [] if lowest is None else [sort.key >= lowest]
    upper = [] if highest is None else [sort.key <= highest]
    return (upper, lower) if sort.descending else (lower, upper)

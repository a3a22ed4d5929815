"""Lists of rows, page by page.

A page is looked for where it probably is. The next rows in the order of the list are read first: a filter that one
row in a hundred passes fills the page there. Only when they do not fill it, an index is asked which rows can pass at
all, and those are sorted. So neither a word that is in every second row nor one that is in three rows is slow.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from api_common.pagination import Keyset, PageQuery, Slice
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Dialect,
    Integer,
    Select,
    bindparam,
    func,
    inspect,
    literal_column,
    select,
)
from sqlmodel import col

from transaction_service.models import Transaction
from transaction_service.repository.candidates import Candidates
from transaction_service.repository.filters import TransactionFilter
from transaction_service.repository.prepared import PreparedStatement
from transaction_service.repository.row_json import RowWriter, row_writer
from transaction_service.repository.row_orders import MERCHANT_KEY, ORDERS, TransactionSort
from transaction_service.repository.row_search import RowSearch

FIRST, FURTHER, FURTHEST = 500, 10_000, 60_000
"""So many rows are read in the order of the list before candidates are looked up; so many when the first ones promise
to fill the page in half of them, or when candidates are many; and among so many are candidates looked for before all of
them are sorted, when the first rows promise the page there."""

_EVERYTHING = TransactionFilter()
_BETWEEN_ROWS = "\n"
"""JSON in one line has none."""

_Row = Sequence[Any]
"""What a writer of rows selects, and then the values of the order: its key and the id."""


class ListingRepository(RowSearch):
    """The user's rows as lists show them, as JSON; tombstones only where the filter asks for them."""

    async def list(
        self, wanted: TransactionFilter, sort: TransactionSort, keyset: Keyset, page: PageQuery
    ) -> Slice[str]:
        """One page of the rows that pass the filter, each as the JSON of `TransactionSchema`.

        `keyset` is that of the sort, perhaps with cursors of its own.
        """
        if wanted == _EVERYTHING:
            return await self._of_everything(sort, keyset, page)
        rows = [] if wanted.finds_nothing else await self._page(wanted, sort, keyset, page)
        return _sliced(rows, row_writer(self._dialect.name), keyset, page)

    async def _page(
        self, wanted: TransactionFilter, sort: TransactionSort, keyset: Keyset, page: PageQuery
    ) -> Sequence[_Row]:
        """The rows of the page and, when there are more, one beyond."""
        after = [keyset.after(page.cursor)] if page.cursor is not None else []
        statement = _listed(self._dialect.name, sort).order_by(*keyset.order).limit(page.limit + 1)
        indexed = _served_by_order(wanted, sort)
        # SQLite enters an index at one value, the cursor's where there is one, and leaves it at one. PostgreSQL knows
        # better how many rows there are when it is told once.
        near, far = _edges(wanted, sort) if self.is_sqlite else ([], [])
        entered = after or near
        whole = statement.where(*self.in_order(wanted, indexed - _RANGED), *entered, *far)
        if not wanted.limits_beyond(*indexed):
            return await self._rows(whole)

        async def read(most: int, known: Candidates | None = None) -> tuple[Sequence[_Row], bool]:
            """What the next so many rows in the order of the list have, and whether that is the page."""
            bound = await self._bound(wanted, sort, keyset, after, most)
            ended = far if bound is None else [_up_to(sort, keyset.values(bound)[0]), keyset.until(bound)]
            if known is None or self.is_sqlite:
                conditions = self.in_order(wanted, indexed - _RANGED, known)
                found = await self._rows(statement.where(*conditions, *entered, *ended))
            else:
                found = await self._rows(self._sorted(statement, page, wanted, sort, known, [*after, *ended]))
            return found, bound is None or len(found) > page.limit

        rows, is_page = await read(FIRST)
        likely = FIRST * (page.limit + 1) // max(1, len(rows))
        if not is_page and rows and 2 * likely <= FURTHER:
            rows, is_page = await read(FURTHER)
        if is_page:
            return rows
        candidates = await self.candidates(wanted, by_date=sort.by_date)
        if candidates is None and self.is_sqlite:
            return await self._rows(whole)
        if candidates is not None and candidates.many:
            rows, is_page = await read(FURTHER)
        elif candidates is not None and rows and 2 * likely <= FURTHEST:
            rows, is_page = await read(min(4 * likely, FURTHEST), candidates)
        return rows if is_page else await self._rows(self._sorted(statement, page, wanted, sort, candidates, after))

    def _sorted(
        self,
        statement: Select[Any],
        page: PageQuery,
        wanted: TransactionFilter,
        sort: TransactionSort,
        candidates: Candidates | None,
        within: Sequence[ColumnElement[bool]],
    ) -> Select[Any]:
        """The first of the candidates within a part of the order."""
        pool = (
            select(col(Transaction.id).label("id"), sort.key.label("key"))
            .where(*self.among(wanted, candidates), *within)
            # Keeps the database from walking along the order of the list, which has just been tried.
            .offset(0)
            .subquery()
        )
        order = (pool.c.key.desc(), pool.c.id.desc()) if sort.descending else (pool.c.key, pool.c.id)
        chosen = select(pool.c.id).order_by(*order).limit(page.limit + 1)
        return statement.where(col(Transaction.id).in_(chosen))

    async def _of_everything(self, sort: TransactionSort, keyset: Keyset, page: PageQuery) -> Slice[str]:
        """A page of all rows, which is read more than anything else."""
        values: dict[str, object] = {"user_id": self.user_id, "most": page.limit + 1}
        if page.cursor is not None:
            values |= keyset.parameters(page.cursor)
        connection = await self.session.connection()
        dialect = connection.dialect
        prepared = _everything(dialect, sort, continued=page.cursor is not None)
        rows = await prepared.rows(connection, values)
        if dialect.name == "sqlite":
            return _sliced(rows, row_writer(dialect.name), keyset, page)
        texts, *keys = rows[0]
        items = texts.split(_BETWEEN_ROWS) if texts else []
        if len(items) <= page.limit:
            return Slice(items, None)
        return Slice(items[:-1], keyset.cursor_at(keys))

    @property
    def _dialect(self) -> Dialect:
        return self.session.get_bind().dialect

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

    async def _rows(self, statement: Select[Any]) -> Sequence[_Row]:
        # Past the session, which would look at every row for objects to load.
        connection = await self.session.connection()
        rows: Sequence[_Row] = (await connection.execute(statement)).all()
        return rows


@cache
def _listed(dialect: str, sort: TransactionSort) -> Select[Any]:
    """A row as JSON, and where it stands in the order."""
    writer = row_writer(dialect)
    name = sort.removeprefix("-")
    key: ColumnElement[Any] = MERCHANT_KEY
    if not sort.by_merchant:
        column = inspect(Transaction).columns[name]
        key = literal_column(writer.value(f"transactions.{name}", column.type)).label(name)
    row_id: ColumnElement[Any] = literal_column("transactions.id").label("id")
    return select(*writer.columns, key, row_id).select_from(Transaction)


@lru_cache(maxsize=64)
def _everything(dialect: Dialect, sort: TransactionSort, *, continued: bool) -> PreparedStatement:
    """A page of the rows of `user_id`, with `most` rows, from the beginning or from a cursor on.

    On PostgreSQL the page is one row: its rows in one text, and the key and the id of the last row but one. Rows by
    themselves arrive in pieces, and the process wakes up for each of them.
    """
    keyset, most = ORDERS[sort], bindparam("most", type_=Integer())
    statement = (
        _listed(dialect.name, sort)
        .where(col(Transaction.user_id) == bindparam("user_id"), col(Transaction.deleted_at).is_(None))
        .order_by(*keyset.order)
        .limit(most)
    )
    if continued:
        statement = statement.where(keyset.after_parameters())
    if dialect.name == "sqlite":
        return PreparedStatement.of(statement, dialect)
    text, *keys = statement.subquery().c
    last = (func.array_agg(key, type_=ARRAY(key.type))[most - 1] for key in keys)
    return PreparedStatement.of(select(func.string_agg(text, _BETWEEN_ROWS), *last), dialect)


def _sliced(rows: Sequence[_Row], writer: RowWriter, keyset: Keyset, page: PageQuery) -> Slice[str]:
    """The rows of a page as JSON, out of them and perhaps one beyond."""
    items = writer.written(rows[: page.limit])
    return Slice(items, keyset.cursor_at(rows[page.limit - 1][-2:]) if len(rows) > page.limit else None)


def _up_to(sort: TransactionSort, key: object) -> ColumnElement[bool]:
    """Whether a row's key is not beyond this one: of such rows PostgreSQL knows how many they are."""
    return sort.key >= key if sort.descending else sort.key <= key


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

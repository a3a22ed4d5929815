"""How rows that pass a filter are looked for: on all of them, or on the few that an index gives."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from api_common.repository import Repository
from sqlalchemy import ColumnElement, SQLColumnExpression, func, select
from sqlmodel import col

from transaction_service.errors import TransactionNotFound
from transaction_service.models import Transaction
from transaction_service.repository.candidates import Candidates, on_postgresql, on_sqlite, search_of, with_words
from transaction_service.repository.filters import Columns, TransactionFilter, occurs
from transaction_service.repository.row_orders import unindexed
from transaction_service.search.words import SearchWord

MOST_CANDIDATES = 50_000
"""Beyond so many candidates, reading on in the order of an index is quicker than looking each of them up."""

FEW = 5_000
"""So few candidates need no smaller set."""

SAMPLE = 1_000
OFTEN = SAMPLE // 20
"""A word that so many rows of a sample have is no place to look for rows: its entries in the index are too many."""


class RowSearch(Repository[Transaction]):
    """The user's rows, for queries with filters."""

    model = Transaction
    not_found = TransactionNotFound

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is SQLite, which has to be told where to look."""
        return self.session.get_bind().dialect.name == "sqlite"

    async def source(self, wanted: TransactionFilter, *, by_date: bool) -> Candidates | None:
        """The smallest set of rows in which all that pass are, None when there is no small one."""
        if not self.is_sqlite:
            return None
        best, fewest = None, MOST_CANDIDATES + 1
        for candidates in on_sqlite(wanted, self.user_id, by_date=by_date):
            found = await candidates.count(self.session, fewest)
            if found < fewest:
                best, fewest = replace(candidates, size=found), found
        words = search_of(wanted)
        if not words or fewest <= FEW:
            return best
        seldom = await self._seldom(words) if best is not None or len(words) > 1 else words
        sought = seldom or (words if best is None else ())
        if not sought:
            return best
        sought_rows = with_words(sought, self.user_id)
        return await sought_rows.listed(self.session, fewest - 1) or best or replace(sought_rows, size=fewest)

    async def _seldom(self, words: tuple[SearchWord, ...]) -> tuple[SearchWord, ...]:
        """Those of the words that few of the newest rows have."""
        newest = (
            select(col(Transaction.search_words).label("words"))
            .where(col(Transaction.user_id) == self.user_id)
            .order_by(col(Transaction.booking_date).desc(), col(Transaction.id).desc())
            .limit(SAMPLE)
            .subquery()
        )
        counts = (await self.session.execute(select(*(_how_many(word, newest.c.words) for word in words)))).one()
        return tuple(word for word, count in zip(words, counts, strict=True) if count < OFTEN)

    def in_order(self, wanted: TransactionFilter, indexed: Collection[str]) -> list[ColumnElement[bool]]:
        """The conditions for rows that are read along an index over the columns named."""
        column: Columns = _indexed(indexed) if self.is_sqlite else col
        return [column(Transaction.user_id) == self.user_id, *wanted.conditions(self.user_id, column)]

    def in_range(self, wanted: TransactionFilter, indexed: Collection[str]) -> list[ColumnElement[bool]]:
        """Those of the conditions that the index itself answers, so that no row needs to be read."""
        column: Columns = _indexed(indexed) if self.is_sqlite else col
        return [column(Transaction.user_id) == self.user_id, *wanted.ranges(column)]

    def among(self, wanted: TransactionFilter, source: Candidates | None) -> list[ColumnElement[bool]]:
        """The conditions for rows that an index of the filter gives: `source`, or what PostgreSQL chooses."""
        if self.is_sqlite:
            if source is None:
                return self.in_order(wanted, {"user_id", "booking_date"})
            column = _indexed(())
            mine = column(Transaction.user_id) == self.user_id
            rest = wanted.conditions(self.user_id, column, without=source.words)
            return [source.condition(), mine, *rest]
        found = on_postgresql(wanted, self.user_id)
        rest = wanted.conditions(self.user_id, without=wanted.words)
        return [col(Transaction.user_id) == self.user_id, *rest, *([] if found is None else [found])]


def _how_many(word: SearchWord, words: ColumnElement[str]) -> ColumnElement[int]:
    return func.count().filter(occurs(word, words))


def _indexed(names: Collection[str]) -> Columns:
    def column(attribute: Any) -> SQLColumnExpression[Any]:
        return col(attribute) if attribute.key in names else unindexed(attribute)

    return column

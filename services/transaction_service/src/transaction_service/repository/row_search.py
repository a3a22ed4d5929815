"""How rows that pass a filter are looked for: on all of them, or on the few that an index gives."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import chain
from typing import Any

from api_common.repository import Repository
from sqlalchemy import ColumnElement, SQLColumnExpression, func, select
from sqlmodel import col

from transaction_service.errors import TransactionNotFound
from transaction_service.models import Transaction
from transaction_service.repository.candidates import Candidates, Indexed, besides_words, search_of, with_words
from transaction_service.repository.filters import Columns, TransactionFilter, occurs
from transaction_service.repository.row_orders import unindexed
from transaction_service.search.words import SearchWord

MOST_CANDIDATES = 50_000
"""Beyond so many candidates, reading on in the order of an index is quicker than looking each of them up."""

FEW = 5_000
"""So few candidates need no smaller set."""

SAMPLE = 400
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

    async def source(self, wanted: TransactionFilter, *, by_date: bool) -> Candidates | Indexed | None:
        """The smallest set of rows in which all that pass are, None when there is no small one.

        On PostgreSQL only words are a source: it knows itself when to use which of the other indexes.
        """
        words = search_of(wanted)
        seldom = await self._seldom(words) if words else ()
        others = besides_words(wanted, self.user_id, by_date=by_date)
        if not self.is_sqlite:
            many = not seldom and next(others, None) is None
            return Indexed(seldom or words, self.user_id, many) if words else None
        best: Candidates | None = None
        fewest = MOST_CANDIDATES + 1
        sources = [with_words(seldom, self.user_id)] if seldom else []
        for candidates in chain(sources, others):
            found = await candidates.count(self.session, fewest)
            if found < fewest:
                best, fewest = replace(candidates, size=found), found
            if fewest <= FEW:
                break
        return with_words(seldom or words, self.user_id) if best is None and words else best

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

    def in_order(
        self, wanted: TransactionFilter, indexed: Collection[str], known: Candidates | None = None
    ) -> list[ColumnElement[bool]]:
        """The conditions for rows that are read along an index over the columns named.

        Those that are not `known` to be candidates are not read themselves.
        """
        column: Columns = _indexed(indexed) if self.is_sqlite else col
        words = known.words if known is not None else ()
        rest = wanted.conditions(self.user_id, column, without=words)
        return [column(Transaction.user_id) == self.user_id, *([known.known()] if known is not None else []), *rest]

    def in_range(self, wanted: TransactionFilter, indexed: Collection[str]) -> list[ColumnElement[bool]]:
        """Those of the conditions that the index itself answers, so that no row needs to be read."""
        column: Columns = _indexed(indexed) if self.is_sqlite else col
        return [column(Transaction.user_id) == self.user_id, *wanted.ranges(column)]

    def among(self, wanted: TransactionFilter, source: Candidates | Indexed | None) -> list[ColumnElement[bool]]:
        """The conditions for rows that an index of the filter gives: `source`, or what PostgreSQL chooses."""
        if self.is_sqlite and source is None:
            return self.in_order(wanted, {"user_id", "booking_date"})
        column: Columns = _indexed(()) if self.is_sqlite else col
        rest = wanted.conditions(self.user_id, column, without=source.words if source is not None else ())
        found = [source.condition()] if source is not None else []
        return [*found, column(Transaction.user_id) == self.user_id, *rest]


def _how_many(word: SearchWord, words: ColumnElement[str]) -> ColumnElement[int]:
    return func.count().filter(occurs(word, words))


def _indexed(names: Collection[str]) -> Columns:
    def column(attribute: Any) -> SQLColumnExpression[Any]:
        return col(attribute) if attribute.key in names else unindexed(attribute)

    return column

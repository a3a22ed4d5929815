"""How rows that pass a filter are looked for: on all of them, or on the few that an index gives."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from api_common.repository import Repository
from sqlalchemy import ColumnElement, SQLColumnExpression, func, select
from sqlmodel import col

from transaction_service.errors import TransactionNotFound
from transaction_service.models import Transaction
from transaction_service.repository.candidates import (
    LONGEST_BEGINNING,
    Candidates,
    Source,
    besides_words,
    having_words,
    on_postgresql,
    search_of,
)
from transaction_service.repository.filters import Columns, TransactionFilter, occurs
from transaction_service.repository.row_orders import unindexed
from transaction_service.search.words import SearchWord

MANY = 50_000
"""Beyond so many candidates, reading on in the order of an index is tried before each of them is looked up."""

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

    async def candidates(self, wanted: TransactionFilter, *, by_date: bool) -> Candidates | None:
        """The smallest set of rows in which all that pass are, None when no index gives one.

        On PostgreSQL only words give one: it knows itself when to use which of the other indexes.
        """
        words = search_of(wanted)
        seldom = await self._seldom(words) if words else ()
        others = list(besides_words(wanted, self.user_id, by_date=by_date))
        if not self.is_sqlite:
            many = not seldom and not others
            return on_postgresql(seldom or words, self.user_id, many=many) if words else None
        quick = [word for word in words if word in seldom or len(word.prefix) <= LONGEST_BEGINNING]
        of_words = [having_words(quick or words, self.user_id)] if words else []
        if others:
            found = await self._smallest([*of_words, *others])
            if found is not None:
                return found.candidates()
        return of_words[0].candidates(many=not seldom) if words else None

    async def _smallest(self, sources: Iterable[Source]) -> Source | None:
        """None when all of them are large."""
        best, fewest = None, MANY + 1
        for source in sources:
            found = await source.count(self.session, fewest)
            if found < fewest:
                best, fewest = source, found
            if fewest <= FEW:
                break
        return best

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
        """The conditions for rows that are read along an index over the columns named, or for those `known` of them."""
        column: Columns = _indexed(indexed) if self.is_sqlite else col
        rest = wanted.conditions(self.user_id, column, without=known.words if known is not None else ())
        return [column(Transaction.user_id) == self.user_id, *([known.known] if known is not None else []), *rest]

    def in_range(self, wanted: TransactionFilter, indexed: Collection[str]) -> list[ColumnElement[bool]]:
        """Those of the conditions that the index itself answers, so that no row needs to be read."""
        column: Columns = _indexed(indexed) if self.is_sqlite else col
        return [column(Transaction.user_id) == self.user_id, *wanted.ranges(column)]

    def among(self, wanted: TransactionFilter, candidates: Candidates | None) -> list[ColumnElement[bool]]:
        """The conditions for rows that are looked up: the candidates, or those that PostgreSQL chooses."""
        if candidates is None:
            return self.in_order(wanted, {"user_id", "booking_date"})
        column: Columns = _indexed(()) if self.is_sqlite else col
        rest = wanted.conditions(self.user_id, column, without=candidates.words)
        return [candidates.condition, column(Transaction.user_id) == self.user_id, *rest]


def _how_many(word: SearchWord, words: ColumnElement[str]) -> ColumnElement[int]:
    return func.count().filter(occurs(word, words))


def _indexed(names: Collection[str]) -> Columns:
    def column(attribute: Any) -> SQLColumnExpression[Any]:
        return col(attribute) if attribute.key in names else unindexed(attribute)

    return column

"""Where to look for the rows of a filter that few rows pass: the sets of rows that indexes give.

Each source holds all rows that can pass one part of the filter, and the rest of the filter is checked on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    Uuid,
    and_,
    column,
    func,
    inspect,
    literal,
    literal_column,
    select,
    table,
    text,
    union_all,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from transaction_service.models import ChosenBy, Transaction
from transaction_service.repository.filters import TransactionFilter, linked_rows, split_into, tagged
from transaction_service.search.words import SearchWord, query_words

LONGEST_BEGINNING = 4
"""SQLite's index of words knows the rows of each beginning of so many letters, without putting them together."""

_ROWID: ColumnElement[int] = column("rowid", Integer(), _selectable=inspect(Transaction).local_table)
_UNFOLLOWED_ROWID: ColumnElement[int] = literal_column("+transactions.rowid")
_LAST_OF_ID = 8
"""A word in the index begins with so many last digits of its user's id."""
_VECTOR: ColumnElement[Any] = literal_column(
    "array_to_tsvector(string_to_array(ltrim(replace(rtrim(search_words), ' ', ' ' || right(user_id::text, 8))), ' '))"
)
"""Exactly the expression of the index."""


@dataclass(frozen=True)
class Candidates:
    """The rows for which `condition` holds: all that pass the filter are among them.

    They are looked up by it; `known` is the same condition for rows that are met on the way along an index, of which
    the others are not looked up. They have the `words` of the search, and are `many` when looking each of them up takes
    long.
    """

    condition: ColumnElement[bool]
    known: ColumnElement[bool]
    words: Sequence[SearchWord] = ()
    many: bool = False


@dataclass(frozen=True)
class Source:
    """Candidates on SQLite: the rows of the table whose rowids `rows` selects; `joined` joins the table to those."""

    rows: Select[Any] | CompoundSelect[Any]
    words: Sequence[SearchWord] = ()
    joined: ColumnElement[bool] | None = None

    async def count(self, session: AsyncSession, most: int) -> int:
        """How many they are, counted no further than one beyond `most`."""
        some = self.rows.limit(most + 1).subquery()
        return int(await session.scalar(select(func.count()).select_from(some)) or 0)

    def candidates(self, *, many: bool = False) -> Candidates:
        """What they are found by."""
        condition = self.joined if self.joined is not None else _ROWID.in_(self.rows)
        return Candidates(condition, _UNFOLLOWED_ROWID.in_(self.rows), self.words, many)


def search_of(wanted: TransactionFilter) -> tuple[SearchWord, ...]:
    """The words that a row must have, those of whole names among them."""
    named = query_words(" ".join(name for name in (wanted.merchant, wanted.counterparty) if name))
    return tuple(dict.fromkeys((*wanted.words, *named)))


def on_postgresql(words: Sequence[SearchWord], user_id: UUID, *, many: bool) -> Candidates:
    """The rows that have the words, from PostgreSQL's index of words."""
    prefix = user_id.hex[-_LAST_OF_ID:]
    query = " & ".join(
        "(" + " | ".join([f"'{prefix}{word.prefix}':*", *(f"'{prefix}{whole}'" for whole in word.whole)]) + ")"
        for word in words
    )
    condition = _VECTOR.op("@@")(sql_cast(literal(query), TSQUERY))
    return Candidates(condition, condition, words, many)


def having_words(words: Sequence[SearchWord], user_id: UUID) -> Source:
    """The rows that have the words, from SQLite's index of words."""
    index = table("transactions_search", column("rowid"))
    found = literal_column("transactions_search").op("MATCH")(_match(words, user_id))
    # Joined, its rows are looked up as they are found, and not put aside first.
    return Source(select(index.c.rowid).where(found), words, and_(found, index.c.rowid == _ROWID))


def besides_words(wanted: TransactionFilter, user_id: UUID, *, by_date: bool) -> Iterator[Source]:
    """The sources for the rest of a filter; `by_date` leaves out those that the order of dates serves as well."""
    row_id = col(Transaction.id)
    for tag in wanted.tags:
        yield _where(row_id.in_(tagged(user_id, tag)))
    if wanted.in_transfer:
        yield _where(row_id.in_(linked_rows(user_id)))
    if wanted.category_ids is not None:
        own = _where(col(Transaction.user_id) == user_id, col(Transaction.category_id).in_(sorted(wanted.category_ids)))
        parts = _where(row_id.in_(split_into(user_id, wanted.category_ids)))
        yield Source(union_all(own.rows, parts.rows))
    if wanted.import_id is not None:
        yield _where(col(Transaction.import_id) == wanted.import_id)
    yield from _few(wanted, user_id)
    for bounds in _ranges(wanted, by_date=by_date):
        yield _where(col(Transaction.user_id) == user_id, *bounds)


def _match(words: Sequence[SearchWord], user_id: UUID) -> str:
    prefix = user_id.hex[-_LAST_OF_ID:]
    return " AND ".join(
        "(" + " OR ".join([f'"{prefix}{word.prefix}"*', *(f'"{prefix}{whole}"' for whole in word.whole)]) + ")"
        for word in words
    )


def _where(*conditions: ColumnElement[bool]) -> Source:
    return Source(select(_ROWID).select_from(Transaction).where(*conditions).correlate(None))


def _few(wanted: TransactionFilter, user_id: UUID) -> Iterator[Source]:
    """The rows of the small indexes, each named: SQLite would rather read all of a larger one."""
    for chosen, index, condition in (
        (wanted.deleted, "ix_transactions_deleted", "deleted_at IS NOT NULL"),
        (wanted.pending, "ix_transactions_pending", "pending"),
        (wanted.has_note, "ix_transactions_with_note", "note IS NOT NULL"),
        (wanted.marked_transfer, "ix_transactions_marked", "marked_transfer"),
        (wanted.categorised_by == ChosenBy.USER, "ix_transactions_by_user", "categorised_by = 'user'"),
    ):
        if chosen:
            indexed: Select[Any] = select(literal_column("rowid")).select_from(text(f"transactions INDEXED BY {index}"))
            yield Source(indexed.where(column("user_id", Uuid()) == user_id, text(condition)))


def _ranges(wanted: TransactionFilter, *, by_date: bool) -> Iterator[list[ColumnElement[bool]]]:
    amount, day = col(Transaction.amount), col(Transaction.booking_date)
    amounts = [] if wanted.amount_min is None else [amount >= wanted.amount_min]
    amounts += [] if wanted.amount_max is None else [amount <= wanted.amount_max]
    if amounts:
        yield amounts
    days = [] if wanted.from_date is None else [day >= wanted.from_date]
    days += [] if wanted.to_date is None else [day <= wanted.to_date]
    if days and not by_date:
        yield days

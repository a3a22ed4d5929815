"""Which rows a list shows, as conditions on the table of rows."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    CompoundSelect,
    Select,
    SQLColumnExpression,
    and_,
    exists,
    false,
    not_,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import col

from transaction_service.models import Split, Tag, Transaction, Transfer, TransferStatus
from transaction_service.search.words import SearchWord, query_words

Columns = Callable[[Any], SQLColumnExpression[Any]]
"""How a condition names a column of the table: plainly (`col`), or so that no index answers it."""


class one_of(FunctionElement[bool]):  # noqa: N801  (a function of SQL)
    """Whether an id is among those of a query: of few rows, so that PostgreSQL can ask an index for each of them."""

    inherit_cache = True
    type = Boolean()


@compiles(one_of)
def _is_in(element: one_of, compiler: SQLCompiler, **options: Any) -> str:
    value, query = element.clauses
    return f"{compiler.process(value, **options)} IN {compiler.process(query, **options)}"


@compiles(one_of, "postgresql")
def _is_any(element: one_of, compiler: SQLCompiler, **options: Any) -> str:
    value, query = element.clauses
    return f"{compiler.process(value, **options)} = ANY (ARRAY {compiler.process(query, **options)})"


class Direction(StrEnum):
    """Money in, or money out."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, kw_only=True)
class TransactionFilter:
    """Which rows a list shows; what is None or empty does not limit it. Dates and amounts are inclusive.

    `text` is a search: all its words must begin a word of the row, see `search_words`. `tags` must all be there.
    `merchant` and `counterparty` are whole names.
    """

    account_ids: Collection[UUID] = ()
    from_date: date | None = None
    to_date: date | None = None
    amount_min: Decimal | None = None
    amount_max: Decimal | None = None
    category_ids: Collection[UUID] | None = None
    uncategorised: bool = False
    import_id: UUID | None = None
    text: str | None = None
    tags: tuple[str, ...] = ()
    direction: Direction | None = None
    currency: str | None = None
    pending: bool | None = None
    has_note: bool | None = None
    marked_transfer: bool | None = None
    in_transfer: bool | None = None
    categorised_by: str | None = None
    merchant: str | None = None
    counterparty: str | None = None
    deleted: bool = False

    @property
    def words(self) -> tuple[SearchWord, ...]:
        """The words of the search."""
        return query_words(self.text or "")

    @property
    def finds_nothing(self) -> bool:
        """Whether the search has no word at all, as `--` has none: it then finds nothing, and not everything."""
        return bool((self.text or "").strip()) and not self.words

    def limits_beyond(self, *columns: str) -> bool:
        """Whether it limits the rows by anything else than these columns, each named as in the table."""
        return self != self.only(*columns)

    def only(self, *columns: str) -> TransactionFilter:
        """What it says about these columns: `account_id`, `booking_date` or `amount`."""
        kept = {field for column in columns for field in _FIELDS.get(column, ())}
        return TransactionFilter(**{field: getattr(self, field) for field in kept})

    def conditions(
        self, user_id: UUID, column: Columns = col, *, without: Collection[SearchWord] = ()
    ) -> list[ColumnElement[bool]]:
        """The filter as conditions on the table, besides that the rows are the user's.

        `without` are words of the search that an index of words answers.
        """
        found = [*self._facts(user_id, column), *self._names(user_id, column)]
        words = column(Transaction.search_words)
        found += [occurs(word, words) for word in self.words if word not in without]
        found += self.ranges(column)
        if self.uncategorised:
            found.append(_without_category(column))
        elif self.category_ids is not None:
            found.append(_in_categories(user_id, self.category_ids, column))
        if self.import_id is not None:
            found.append(column(Transaction.import_id) == self.import_id)
        return found

    def ranges(self, column: Columns) -> list[ColumnElement[bool]]:
        """What it says about accounts, dates and amounts."""
        found: list[ColumnElement[bool]] = []
        if self.account_ids:
            found.append(column(Transaction.account_id).in_(sorted(set(self.account_ids))))
        if self.from_date is not None:
            found.append(column(Transaction.booking_date) >= self.from_date)
        if self.to_date is not None:
            found.append(column(Transaction.booking_date) <= self.to_date)
        if self.amount_min is not None:
            found.append(column(Transaction.amount) >= self.amount_min)
        if self.amount_max is not None:
            found.append(column(Transaction.amount) <= self.amount_max)
        return found

    def _facts(self, user_id: UUID, column: Columns) -> list[ColumnElement[bool]]:
        amount = column(Transaction.amount)
        found = [_is_deleted(column) if self.deleted else column(Transaction.deleted_at).is_(None)]
        if self.direction is not None:
            found.append(amount > 0 if self.direction is Direction.IN else amount < 0)
        if self.currency is not None:
            found.append(column(Transaction.currency) == self.currency)
        for wanted, flag in (
            (self.pending, column(Transaction.pending)),
            (self.marked_transfer, column(Transaction.marked_transfer)),
        ):
            if wanted is not None:
                # Plainly, as in the conditions of their indexes: PostgreSQL does not take `IS true` for the same.
                found.append(and_(flag) if wanted else not_(flag))
        if self.has_note is not None:
            note = column(Transaction.note)
            found.append(note.is_not(None) if self.has_note else note.is_(None))
        if self.in_transfer is not None:
            linked = column(Transaction.id).in_(linked_rows(user_id))
            found.append(linked if self.in_transfer else ~linked)
        if self.categorised_by is not None:
            found.append(column(Transaction.categorised_by) == self.categorised_by)
        return found

    def _names(self, user_id: UUID, column: Columns) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = [false()] if self.finds_nothing else []
        found += [column(Transaction.id).in_(tagged(user_id, tag)) for tag in self.tags]
        if self.merchant is not None:
            found.append(column(Transaction.merchant) == self.merchant)
        if self.counterparty is not None:
            found.append(column(Transaction.counterparty) == self.counterparty)
        return found


_FIELDS = {
    "account_id": ("account_ids",),
    "booking_date": ("from_date", "to_date"),
    "amount": ("amount_min", "amount_max"),
}


def occurs(word: SearchWord, words: SQLColumnExpression[str]) -> ColumnElement[bool]:
    """Whether a word of a search occurs among a row's words. No word holds a sign that LIKE knows."""
    patterns = [f"% {word.prefix}%", *(f"% {whole} %" for whole in word.whole)]
    return or_(*(words.like(pattern) for pattern in patterns))


def tagged(user_id: UUID, tag: str) -> Select[Any]:
    """The user's rows that have a tag."""
    return select(col(Tag.transaction_id)).where(col(Tag.user_id) == user_id, col(Tag.tag) == tag)


def linked_rows(user_id: UUID) -> CompoundSelect[Any]:
    """The user's rows that are a side of a linked transfer."""
    linked = and_(col(Transfer.user_id) == user_id, col(Transfer.status) == str(TransferStatus.LINKED))
    return union_all(*(select(side).where(linked) for side in (col(Transfer.outgoing_id), col(Transfer.incoming_id))))


def split_into(user_id: UUID, category_ids: Collection[UUID]) -> Select[Any]:
    """The user's rows of which a part has one of the categories."""
    return select(col(Split.transaction_id)).where(
        col(Split.user_id) == user_id, col(Split.category_id).in_(sorted(category_ids))
    )


def _is_deleted(column: Columns) -> ColumnElement[bool]:
    """By the user: a pending row that gave way to its booking was not deleted."""
    return and_(column(Transaction.deleted_at).is_not(None), column(Transaction.replaced_by).is_(None))


def _in_categories(user_id: UUID, category_ids: Collection[UUID], column: Columns) -> ColumnElement[bool]:
    """A row's own category, or that of one of its parts."""
    own = column(Transaction.category_id).in_(sorted(category_ids))
    return or_(own, one_of(column(Transaction.id), split_into(user_id, category_ids).scalar_subquery()))


def _without_category(column: Columns) -> ColumnElement[bool]:
    """A row without a category; of a split row a part."""
    parts = exists().where(col(Split.transaction_id) == col(Transaction.id))
    return and_(column(Transaction.category_id).is_(None), or_(~parts, parts.where(col(Split.category_id).is_(None))))

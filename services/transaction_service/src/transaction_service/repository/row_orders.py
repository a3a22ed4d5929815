"""The orders of lists of rows, each served by an index, and how a query is kept to one."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

from api_common.pagination import Keyset
from sqlalchemy import SQLColumnExpression, Text, inspect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import col

from transaction_service.models import Transaction

T = TypeVar("T")


class unindexed(FunctionElement[T]):  # noqa: N801  (a function of SQL)
    """A column that SQLite looks up in no index: without statistics it would take the first that fits."""

    inherit_cache = True

    def __init__(self, column: Any) -> None:
        super().__init__(column)
        self.type = inspect(Transaction).columns[column.key].type


@compiles(unindexed)
def _as_it_is(element: unindexed[Any], compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(unindexed, "sqlite")
def _with_a_plus(element: unindexed[Any], compiler: SQLCompiler, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


class merchant_key(FunctionElement[str]):  # noqa: N801  (a function of SQL)
    """The merchant as lists are sorted by it, empty for none: exactly the expression of the index by hand.

    Without the case of ASCII letters, which both databases fold alike.
    """

    inherit_cache = True
    type = Text()

    def __init__(self) -> None:
        super().__init__(col(Transaction.merchant))


@compiles(merchant_key)
def _merchant_key(element: merchant_key, compiler: SQLCompiler, **options: Any) -> str:
    return f"substr(lower(coalesce({compiler.process(element.clauses, **options)}, '')), 1, 60)"


@compiles(merchant_key, "postgresql")
def _merchant_key_in_c(element: merchant_key, compiler: SQLCompiler, **options: Any) -> str:
    return f"substr(lower(coalesce({compiler.process(element.clauses, **options)}, '') COLLATE \"C\"), 1, 60)"


MERCHANT_KEY = merchant_key().label("merchant_key")


class TransactionSort(StrEnum):
    """The orders of the list."""

    OLDEST_FIRST = "booking_date"
    NEWEST_FIRST = "-booking_date"
    SMALLEST_FIRST = "amount"
    LARGEST_FIRST = "-amount"
    MERCHANT = "merchant"
    MERCHANT_BACKWARDS = "-merchant"
    FIRST_CREATED = "created_at"
    LAST_CREATED = "-created_at"

    @property
    def key(self) -> SQLColumnExpression[Any]:
        """What rows are sorted by; rows of one key come in the order of their ids."""
        return _KEYS[self.removeprefix("-")]

    @property
    def descending(self) -> bool:
        """Whether the largest key comes first."""
        return self.startswith("-")

    @property
    def by_amount(self) -> bool:
        """Whether rows come in the order of their amounts."""
        return self in {TransactionSort.SMALLEST_FIRST, TransactionSort.LARGEST_FIRST}

    @property
    def by_merchant(self) -> bool:
        """Whether rows come in the order of their merchants."""
        return self in {TransactionSort.MERCHANT, TransactionSort.MERCHANT_BACKWARDS}

    @property
    def by_date(self) -> bool:
        """Whether rows come in the order of their booking dates."""
        return self in {TransactionSort.OLDEST_FIRST, TransactionSort.NEWEST_FIRST}


_KEYS: dict[str, SQLColumnExpression[Any]] = {
    "booking_date": col(Transaction.booking_date),
    "amount": col(Transaction.amount),
    "merchant": MERCHANT_KEY,
    "created_at": col(Transaction.created_at),
}


def _keyset(sort: TransactionSort) -> Keyset:
    columns = (sort.key, col(Transaction.id))
    return Keyset(*(column.desc() if sort.descending else column.asc() for column in columns))


ORDERS = {sort: _keyset(sort) for sort in TransactionSort}
"""The order of each sort; an index serves it."""

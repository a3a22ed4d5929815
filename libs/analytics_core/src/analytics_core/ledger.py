"""The ledger frame: which columns the functions need, and the check that a given frame has them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analytics_core.period import Period

if TYPE_CHECKING:
    import narwhals as nw
    from narwhals.typing import IntoFrame, IntoLazyFrame

ACCOUNT_ID = "account_id"
BOOKING_DATE = "booking_date"
AMOUNT_MICROS = "amount_micros"
CURRENCY = "currency"
KIND = "kind"
PENDING = "pending"
CATEGORY = "category"
MERCHANT = "merchant"
COUNTERPARTY = "counterparty"
DESCRIPTION = "description"

INCOME = "income"
EXPENSE = "expense"
TRANSFER = "transfer"
KINDS = (INCOME, EXPENSE, TRANSFER)
"""The values of `kind`."""

CATEGORY_SEPARATOR = " > "
"""What stands between the levels of a category: `Food > Groceries`."""

MONEY_COLUMNS = (AMOUNT_MICROS, CURRENCY, KIND, PENDING)
"""The columns that every function needs."""

_TEXT = frozenset({"String", "Categorical", "Enum"})
_DAY = frozenset({"Date", "Datetime"})
_WHOLE = frozenset({"Int8", "Int16", "Int32", "Int64"})

DTYPES = {
    ACCOUNT_ID: _TEXT,
    BOOKING_DATE: _DAY,
    AMOUNT_MICROS: _WHOLE,
    CURRENCY: _TEXT,
    KIND: _TEXT,
    PENDING: frozenset({"Boolean"}),
    CATEGORY: _TEXT,
    MERCHANT: _TEXT,
    COUNTERPARTY: _TEXT,
    DESCRIPTION: _TEXT,
}
"""Column name -> names of the accepted Narwhals data types."""

_ADVICE = {
    BOOKING_DATE: "a date, or a datetime without time zone",
    AMOUNT_MICROS: "whole micros as a signed integer of at most 64 bits (amount * 1_000_000, never a float)",
    PENDING: "a boolean",
}


class LedgerError(ValueError):
    """A frame is not a ledger: a column is missing, has the wrong type, or holds what it must not hold."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows of a ledger a question is about."""

    period: Period
    accounts: tuple[str, ...] | None

    @classmethod
    def of(cls, period: Period | None, accounts: Collection[str] | None) -> Scope:
        """Build the scope from the arguments of a public function."""
        if isinstance(accounts, str):
            msg = f"accounts must be a collection of account ids, not one string; write [{accounts!r}]"
            raise TypeError(msg)
        return cls(period or Period(), None if accounts is None else tuple(sorted(set(accounts))))

    @property
    def dated(self) -> tuple[str, ...]:
        """The booking date's column, when it decides what is in scope."""
        return (BOOKING_DATE,) if self.period != Period() else ()


def open_ledger(
    frame: IntoFrame, scope: Scope, columns: Collection[str], *, optional: Collection[str] = ()
) -> nw.LazyFrame[IntoLazyFrame]:
    """Check a frame, and give the rows in scope with the columns asked for, lazily.

    A frame held in memory (Polars, pandas, PyArrow) continues as a Polars lazy frame, which shares or converts only
    the columns needed; a DuckDB relation or a Spark frame stays in its engine.

    Parameters
    ----------
    frame
        A frame of any kind that the README lists.
    scope
        The rows that count.
    columns
        Columns that the frame must have.
    optional
        Columns that are taken along where the frame has them.

    Raises
    ------
    LedgerError
        When a column is missing or has a type that cannot be right; all problems are in one message.
    TypeError
        When `frame` is no frame, or one of an engine that is not supported.
    """
    import narwhals as nw

    wanted = [*dict.fromkeys([*columns, *scope.dated])]
    if scope.accounts is not None:
        wanted.append(ACCOUNT_ID)
    rows = _lazy(frame, [*wanted, *optional])
    schema = rows.collect_schema()
    _check_columns(schema, wanted, optional)
    rows = _normalise(rows.select(*(name for name in [*wanted, *optional] if name in schema)), schema)
    if scope.accounts is not None:
        # An empty list is not valid SQL everywhere.
        rows = rows.filter(nw.col(ACCOUNT_ID).is_in(scope.accounts)) if scope.accounts else rows.head(0)
    return _within(rows, scope.period)


def _lazy(frame: IntoFrame, columns: Collection[str]) -> nw.LazyFrame[IntoLazyFrame]:
    import narwhals as nw

    try:
        opened = nw.from_native(frame)
    except TypeError as error:
        msg = f"A ledger must be a Polars, pandas, PyArrow, DuckDB or Spark frame, not {type(frame).__name__}"
        raise TypeError(msg) from error
    if isinstance(opened, nw.LazyFrame):
        engine = opened.implementation
        if engine.is_polars() or engine.is_duckdb() or engine.is_spark_like():
            return opened
        msg = f"A {engine} frame is not supported as a ledger; convert it to Polars, pandas or PyArrow first"
        raise TypeError(msg)
    if opened.implementation.is_polars():
        return opened.lazy()
    known = [name for name in dict.fromkeys(columns) if name in opened.columns]
    if opened.is_empty():
        # An empty pandas frame has arbitrary types.
        return _empty(known)
    # Pandas and NumPy add 64-bit integers modulo 2**64 without a word; Polars has the wide sums, and is faster.
    try:
        return nw.from_native(opened.select(known).to_polars()).lazy()
    except (TypeError, ValueError) as error:
        msg = f"The ledger cannot be read as Arrow columns: {error}; give each column one type"
        raise LedgerError(msg) from error


def _empty(columns: Collection[str]) -> nw.LazyFrame[IntoLazyFrame]:
    import narwhals as nw
    import polars as pl

    return nw.from_native(pl.DataFrame(schema=dict.fromkeys(columns, pl.Null)).lazy())


def _check_columns(schema: nw.Schema, required: Collection[str], optional: Collection[str]) -> None:
    problems = [f"column {name!r} is missing" for name in dict.fromkeys(required) if name not in schema]
    for name in dict.fromkeys([*required, *optional]):
        if name not in schema or _accepted(name, schema[name]):
            continue
        problems.append(f"column {name!r} is {schema[name]}, must be {_ADVICE.get(name, 'text')}")
    if problems:
        msg = f"The frame is not a ledger: {'; '.join(problems)}. Its columns are {', '.join(schema) or 'none'}"
        raise LedgerError(msg)


def _accepted(name: str, dtype: nw.dtypes.DType) -> bool:
    # An untyped column (of an empty pandas frame, or all null) holds no value that could be wrong.
    if str(dtype) in {"Unknown", "Null"}:
        return True
    return dtype.base_type().__name__ in DTYPES[name] and getattr(dtype, "time_zone", None) is None


def _normalise(rows: nw.LazyFrame[IntoLazyFrame], schema: nw.Schema) -> nw.LazyFrame[IntoLazyFrame]:
    import narwhals as nw

    plain: dict[str, nw.dtypes.DType] = {BOOKING_DATE: nw.Date(), PENDING: nw.Boolean(), AMOUNT_MICROS: nw.Int64()}
    target = {name: plain.get(name, nw.String()) for name in rows.collect_schema()}
    changed = [nw.col(name).cast(dtype) for name, dtype in target.items() if schema[name] != dtype]
    return rows.with_columns(*changed) if changed else rows


def _within(rows: nw.LazyFrame[IntoLazyFrame], period: Period) -> nw.LazyFrame[IntoLazyFrame]:
    import narwhals as nw

    day = nw.col(BOOKING_DATE)
    inside: list[nw.Expr] = []
    if period.start is not None:
        inside.append(day >= nw.lit(period.start, dtype=nw.Date()))
    if period.end is not None:
        inside.append(day <= nw.lit(period.end, dtype=nw.Date()))
    # A row without a date must reach the check that refuses it, so no comparison may drop it here.
    return rows.filter(*(condition.fill_null(value=True) for condition in inside)) if inside else rows

"""The ledger frame: which columns the functions need, and the check that a given frame has them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analytics_core._frames import lazy_frame, summable
from analytics_core.errors import LedgerError
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
    rows, present, fits = lazy_frame(frame, [*wanted, *optional], AMOUNT_MICROS)
    schema = rows.collect_schema()
    _check_columns(schema, wanted, optional, present)
    rows = _normalise(rows.select(*(name for name in [*wanted, *optional] if name in schema)), schema)
    rows = summable(rows, AMOUNT_MICROS, fits=fits)
    if scope.accounts is not None:
        # An empty list is not valid SQL everywhere.
        rows = rows.filter(nw.col(ACCOUNT_ID).is_in(scope.accounts)) if scope.accounts else rows.head(0)
    return _within(rows, scope.period)


def _check_columns(
    schema: nw.Schema, required: Collection[str], optional: Collection[str], present: Collection[str]
) -> None:
    problems = [f"column {name!r} is missing" for name in dict.fromkeys(required) if name not in schema]
    for name in dict.fromkeys([*required, *optional]):
        if name not in schema or _accepted(name, schema[name]):
            continue
        problems.append(f"column {name!r} is {schema[name]}, must be {_ADVICE.get(name, 'text')}")
    if problems:
        msg = f"The frame is not a ledger: {'; '.join(problems)}. Its columns are {', '.join(present) or 'none'}"
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

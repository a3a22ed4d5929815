"""Frames of every supported kind, as lazy Narwhals frames whose amounts add up without overflow."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from analytics_core.errors import LedgerError

if TYPE_CHECKING:
    import narwhals as nw
    import polars as pl
    from narwhals.typing import IntoDataFrame, IntoFrame, IntoLazyFrame

_LARGEST = 2**63 - 1


class Opened(NamedTuple):
    """A frame as a lazy one, all its column names, and whether any sum of its amounts is sure to fit in 64 bits."""

    rows: nw.LazyFrame[IntoLazyFrame]
    columns: list[str]
    fits: bool


def lazy_frame(frame: IntoFrame, columns: Collection[str], amounts: str) -> Opened:
    """Open a frame of any supported kind, whose whole amounts are in the column `amounts`.

    What is in memory (Polars, pandas, PyArrow) goes on as Polars, pandas and PyArrow with the given columns only;
    DuckDB and Spark stay in their engines.

    Raises
    ------
    LedgerError
        When a column holds values of several types.
    TypeError
        When `frame` is no frame, or one of an engine that is not supported.
    """
    import narwhals as nw

    try:
        opened = nw.from_native(frame)
    except TypeError as error:
        msg = f"A ledger must be a Polars, pandas, PyArrow, DuckDB or Spark frame, not {type(frame).__name__}"
        raise TypeError(msg) from error
    if isinstance(opened, nw.LazyFrame):
        engine = opened.implementation
        if engine.is_polars() or engine.is_duckdb() or engine.is_spark_like():
            return Opened(opened, opened.collect_schema().names(), fits=False)
        msg = f"A {engine} frame is not supported as a ledger; convert it to Polars, pandas or PyArrow first"
        raise TypeError(msg)
    table = _in_polars(opened, [name for name in dict.fromkeys(columns) if name in opened.columns])
    fits = amounts in table.columns and _sums_fit(table[amounts])
    return Opened(nw.from_native(table.lazy()), opened.columns, fits)


def summable(rows: nw.LazyFrame[IntoLazyFrame], amounts: str, *, fits: bool) -> nw.LazyFrame[IntoLazyFrame]:
    """Give the 64-bit `amounts` a type whose sum cannot overflow: no engine may wrap a total of money silently."""
    import narwhals as nw

    engine = rows.implementation
    if engine.is_polars() and not fits:
        return rows.with_columns(nw.col(amounts).cast(nw.Int128()))
    if engine.is_spark_like():
        return rows.with_columns(nw.col(amounts).cast(nw.Decimal(38, 0)))
    # DuckDB adds BIGINT as HUGEINT (128 bits) by itself.
    return rows


def _in_polars(frame: nw.DataFrame[IntoDataFrame], columns: Collection[str]) -> pl.DataFrame:
    import polars as pl

    if frame.is_empty() and not frame.implementation.is_polars():
        # An empty pandas frame has arbitrary types.
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.Null))
    # Pandas and NumPy add 64-bit integers modulo 2**64 without a word; Polars has the wide sums, and is faster.
    try:
        return frame.select(*columns).to_polars()
    except (TypeError, ValueError) as error:
        msg = f"The ledger cannot be read as Arrow columns: {error}; give each column one type"
        raise LedgerError(msg) from error


def _sums_fit(amounts: pl.Series) -> bool:
    """Whether the amounts are so small and few that 64-bit sums of them are exact, which is faster than wider ones."""
    if not amounts.dtype.is_integer():
        return False
    low, high = amounts.min(), amounts.max()
    largest = max(-low, high) if isinstance(low, int) and isinstance(high, int) else 0
    return largest * len(amounts) <= _LARGEST

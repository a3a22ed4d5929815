"""Exact grouped sums on any engine, collected into a small Polars frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from analytics_core.errors import LedgerError
from analytics_core.ledger import AMOUNT_MICROS, BOOKING_DATE, CURRENCY, EXPENSE, KIND, KINDS, PENDING

if TYPE_CHECKING:
    import narwhals as nw
    import polars as pl
    from narwhals.typing import IntoLazyFrame

MICROS = "micros"
ROWS = "rows"
FIRST = "first"
LAST = "last"
_GIVEN = "given_"


def totals(
    rows: nw.LazyFrame[IntoLazyFrame], keys: Sequence[str], *, dates: bool = False, filled: Sequence[str] = ()
) -> pl.DataFrame:
    """Sum the amounts and count the rows of each group.

    Parameters
    ----------
    rows
        Ledger rows.
    keys
        Columns to group by.
    dates
        Whether to give the first and the last booking date of each group too.
    filled
        Further columns in which every row must have a value.

    Returns
    -------
    polars.DataFrame
        The keys, `micros` (Int128), `rows` (Int64) and, if asked, `first` and `last`; in no particular order.

    Raises
    ------
    LedgerError
        When a row has no amount or no value in a column of `filled`.
    """
    required = [AMOUNT_MICROS, *filled]
    return counted(grouped(rows, keys, required, dates=dates), required)


def grouped(
    rows: nw.LazyFrame[IntoLazyFrame], keys: Sequence[str], filled: Sequence[str], *, dates: bool = False
) -> nw.LazyFrame[IntoLazyFrame]:
    """Aggregate as `totals` does, lazily, and count the values that each group has in the columns `filled`."""
    import narwhals as nw

    aggregates = [nw.col(AMOUNT_MICROS).sum().alias(MICROS)] if AMOUNT_MICROS in filled else []
    aggregates += [nw.len().alias(ROWS), *(nw.col(name).count().alias(_GIVEN + name) for name in filled)]
    if dates:
        aggregates += [nw.col(BOOKING_DATE).min().alias(FIRST), nw.col(BOOKING_DATE).max().alias(LAST)]
    return rows.group_by(*keys).agg(*aggregates)


def regrouped(
    groups: nw.LazyFrame[IntoLazyFrame], keys: Sequence[str], filled: Sequence[str]
) -> nw.LazyFrame[IntoLazyFrame]:
    """Merge groups of `grouped` that have become equal in `keys`."""
    import narwhals as nw

    sums = [MICROS, ROWS, *(_GIVEN + name for name in filled)]
    return groups.group_by(*keys).agg(*(nw.col(name).sum() for name in sums))


def counted(groups: nw.LazyFrame[IntoLazyFrame], filled: Sequence[str]) -> pl.DataFrame:
    """Run the query of `grouped`, and give the same types for every engine.

    Raises
    ------
    LedgerError
        When a row has no value in a column of `filled`.
    """
    import polars as pl

    table: pl.DataFrame = groups.collect("polars").to_native()
    micros = [name for name in (MICROS,) if name in table.columns]
    given = [_GIVEN + name for name in filled]
    table = table.with_columns(pl.col(micros).cast(pl.Int128), pl.col(ROWS, *given).cast(pl.Int64))
    for name, column in zip(filled, given, strict=True):
        missing = int(table[ROWS].sum()) - int(table[column].sum())
        if missing:
            raise _missing(name, missing)
    return table.drop(given)


def refuse_gaps(table: pl.DataFrame, keys: Iterable[str]) -> None:
    """Raise when a group has no value in one of `keys`, or a `kind` that the ledger does not know."""
    import polars as pl

    for key in keys:
        missing = int(table.filter(pl.col(key).is_null())[ROWS].sum())
        if missing:
            raise _missing(key, missing)
    if KIND in table.columns:
        unknown = sorted(set(table[KIND].to_list()) - set(KINDS))
        if unknown:
            msg = f"Column 'kind' holds {', '.join(map(repr, unknown))}; it must hold {', '.join(map(repr, KINDS))}"
            raise LedgerError(msg)


def split_spending(
    rows: nw.LazyFrame[IntoLazyFrame],
) -> tuple[nw.LazyFrame[IntoLazyFrame], nw.LazyFrame[IntoLazyFrame]]:
    """Divide the rows into booked expenses and all others; every row is in exactly one of the two."""
    import narwhals as nw

    # Null (an unknown kind or state) counts as "other", where `refuse_gaps` finds it.
    spending = ((nw.col(KIND) == EXPENSE) & ~nw.col(PENDING)).fill_null(value=False)
    return rows.filter(spending), rows.filter(~spending)


def left_out(others: nw.LazyFrame[IntoLazyFrame], filled: Sequence[str] = ()) -> pl.DataFrame:
    """Count rows by currency, kind and pending; `filled` as in `totals`."""
    keys = (CURRENCY, KIND, PENDING)
    table = counted(grouped(others, keys, filled), filled)
    refuse_gaps(table, keys)
    return table


def _missing(column: str, count: int) -> LedgerError:
    noun, verb = ("row", "has") if count == 1 else ("rows", "have")
    return LedgerError(f"{count} ledger {noun} {verb} no {column!r}; fill the column, or filter these rows out first")

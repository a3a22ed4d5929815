"""What the breakdowns of spending have in common: order, shares, and what they rest on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from analytics_core._totals import ROWS, left_out
from analytics_core.basis import Basis
from analytics_core.ledger import CURRENCY, KIND, PENDING, TRANSFER, Scope
from analytics_core.money import decimal_of_micros, ratio

if TYPE_CHECKING:
    import narwhals as nw
    import polars as pl
    from narwhals.typing import IntoLazyFrame


class Spent(NamedTuple):
    """Spending on one thing: `micros` is positive for money out."""

    currency: str
    name: str | None
    micros: int
    rows: int


class Shared(NamedTuple):
    """Spending on one thing, with its share."""

    currency: str
    name: str | None
    spending: Decimal
    share: float | None
    share_of: Decimal
    rows: int


def shares(entries: Iterable[Spent]) -> Iterator[Shared]:
    """Put entries in order (currency, spending from high to low, name, no name last) and give each its share."""
    ordered = sorted(entries, key=lambda spent: (spent.currency, -spent.micros, spent.name is None, spent.name or ""))
    whole: Counter[str] = Counter()
    for spent in ordered:
        whole[spent.currency] += max(spent.micros, 0)
    for currency, name, micros, rows in ordered:
        share = ratio(max(micros, 0), whole[currency])
        yield Shared(currency, name, decimal_of_micros(micros), share, decimal_of_micros(whole[currency]), rows)


def spending_bases(table: pl.DataFrame, others: nw.LazyFrame[IntoLazyFrame], scope: Scope) -> dict[str, Basis]:
    """Say per currency what a breakdown rests on, from the totals of its rows and the rows that are no spending."""
    import polars as pl

    counted = table.group_by(CURRENCY).agg(pl.col(ROWS).sum())
    transfers: Counter[str] = Counter()
    pending: Counter[str] = Counter()
    for currency, kind, waiting, rows in (
        left_out(others, scope.dated).select(CURRENCY, KIND, PENDING, ROWS).iter_rows()
    ):
        if waiting:
            pending[currency] += rows
        elif kind == TRANSFER:
            transfers[currency] += rows
    return {
        currency: Basis(scope.period, scope.accounts, rows, transfers[currency], pending[currency])
        for currency, rows in counted.select(CURRENCY, ROWS).iter_rows()
    }

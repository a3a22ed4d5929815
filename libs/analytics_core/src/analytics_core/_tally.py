"""Income, spending and what was left out, per group, in whole micros."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analytics_core._totals import MICROS, ROWS
from analytics_core.basis import Basis
from analytics_core.ledger import BOOKING_DATE, CURRENCY, EXPENSE, INCOME, KIND, PENDING, TRANSFER, Scope

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    import polars as pl


@dataclass(slots=True)
class Tally:
    """The sums of one group: `income` and `spending` in micros, `rows` that make them up, rows left out."""

    income: int = 0
    spending: int = 0
    rows: int = 0
    transfers: int = 0
    pending: int = 0

    def add(self, kind: str, micros: int, rows: int, *, pending: bool) -> None:
        """Book the total of one kind."""
        if pending:
            self.pending += rows
        elif kind == TRANSFER:
            self.transfers += rows
        else:
            self.rows += rows
            if kind == INCOME:
                self.income += micros
            elif kind == EXPENSE:
                self.spending -= micros

    def basis(self, scope: Scope) -> Basis:
        """Say what the sums rest on."""
        return Basis(scope.period, scope.accounts, self.rows, self.transfers, self.pending)


def tallies(table: pl.DataFrame) -> dict[str, Tally]:
    """Fold the totals by kind and state into one tally per currency, in ascending order."""
    found: dict[str, Tally] = {}
    for currency, kind, pending, micros, rows in _sorted(table, CURRENCY, KIND, PENDING):
        found.setdefault(currency, Tally()).add(kind, micros, rows, pending=pending)
    return found


def dated_tallies(table: pl.DataFrame) -> dict[tuple[str, dt.date], Tally]:
    """Fold the totals by kind and state into one tally per currency and date, in ascending order."""
    found: dict[tuple[str, dt.date], Tally] = {}
    for currency, day, kind, pending, micros, rows in _sorted(table, CURRENCY, BOOKING_DATE, KIND, PENDING):
        found.setdefault((currency, day), Tally()).add(kind, micros, rows, pending=pending)
    return found


def _sorted(table: pl.DataFrame, *keys: str) -> Iterator[tuple[Any, ...]]:
    return table.select(*keys, MICROS, ROWS).sort(*keys).iter_rows()

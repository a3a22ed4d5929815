"""Income and spending month by month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from analytics_core._tally import Tally, dated_tallies
from analytics_core._totals import counted, grouped, refuse_gaps, regrouped, split_spending, totals
from analytics_core.basis import Basis
from analytics_core.ledger import (
    AMOUNT_MICROS,
    BOOKING_DATE,
    CURRENCY,
    EXPENSE,
    KIND,
    MONEY_COLUMNS,
    PENDING,
    Scope,
    open_ledger,
)
from analytics_core.money import decimal_of_micros, ratio
from analytics_core.period import Period, months_between

if TYPE_CHECKING:
    import narwhals as nw
    import polars as pl
    from narwhals.typing import IntoFrame, IntoLazyFrame

_KEYS = (CURRENCY, BOOKING_DATE, KIND, PENDING)


@dataclass(frozen=True, slots=True)
class MonthlyCashFlow:
    """What came in and went out in one month and currency.

    Attributes
    ----------
    month
        The first day of the calendar month.
    currency
        ISO 4217 code of all amounts.
    income, spending, net, savings_rate
        As in `CurrencySummary`, of this month: spending is positive, net is `income - spending`, the rate a fraction
        of one.
    basis
        The rows these figures rest on, of this month.
    """

    month: dt.date
    currency: str
    income: Decimal
    spending: Decimal
    net: Decimal
    savings_rate: float | None
    basis: Basis


def cash_flow(
    ledger: IntoFrame, *, period: Period | None = None, accounts: Collection[str] | None = None
) -> list[MonthlyCashFlow]:
    """Sum up income and spending per currency and calendar month of the booking date.

    Every month from the first to the last that has a row in scope is present, per currency: a month without rows, or
    with transfers and pending rows only, is there with zeros. So the months of a currency add up to its
    `CurrencySummary`, the counts too.

    Parameters
    ----------
    ledger
        A frame as for `summarise`.
    period
        The booking dates that count, inclusive; months at its edges hold only the days inside it.
    accounts
        The account ids that count; all by default.

    Returns
    -------
    list of MonthlyCashFlow
        Ordered by currency code, then month; empty for an empty ledger.

    Raises
    ------
    LedgerError
        When the frame lacks a column, or a row has no amount, currency, kind, state or date.

    Examples
    --------
    Nothing is booked in February:

    >>> import polars as pl
    >>> ledger = pl.DataFrame({
    ...     "booking_date": [dt.date(2024, 1, 31), dt.date(2024, 3, 1), dt.date(2024, 3, 31)],
    ...     "amount_micros": [100_000_000, -30_000_000, -12_500_000],
    ...     "currency": ["EUR"] * 3,
    ...     "kind": ["income", "expense", "expense"],
    ...     "pending": [False] * 3,
    ... })
    >>> for flow in cash_flow(ledger):
    ...     print(flow.month, flow.income, flow.spending, flow.net, flow.basis.rows)
    2024-01-01 100.00 0.00 100.00 1
    2024-02-01 0.00 0.00 0.00 0
    2024-03-01 0.00 42.50 -42.50 2
    """
    scope = Scope.of(period, accounts)
    rows = open_ledger(ledger, scope, [*MONEY_COLUMNS, BOOKING_DATE])
    table = _monthly_by_day(rows) if rows.implementation.is_polars() else totals(_monthly(rows), _KEYS)
    refuse_gaps(table, _KEYS)
    found = dated_tallies(table)
    months: dict[str, list[dt.date]] = {}
    for currency, month in found:
        months.setdefault(currency, []).append(month)
    return [
        _flow(currency, month, found.get((currency, month), Tally()), scope)
        for currency, present in months.items()
        for month in months_between(present[0], present[-1])
    ]


def _monthly(rows: nw.LazyFrame[IntoLazyFrame]) -> nw.LazyFrame[IntoLazyFrame]:
    """Put the first day of its month in place of each booking date."""
    import narwhals as nw

    # The cast matters: DuckDB and Spark truncate a date to a timestamp.
    return rows.with_columns(nw.col(BOOKING_DATE).dt.truncate("1mo").cast(nw.Date()))


def _monthly_by_day(rows: nw.LazyFrame[IntoLazyFrame]) -> pl.DataFrame:
    """Sum up by day first, and expenses, the bulk of the rows, by fewer keys.

    In Polars finding the month of every row costs more than all sums, and that of a few thousand days nothing; the
    other engines are slower this way.
    """
    import polars as pl

    spending, others = split_spending(rows)
    filled = [AMOUNT_MICROS]

    def by(keys: Sequence[str], part: nw.LazyFrame[IntoLazyFrame]) -> pl.DataFrame:
        return counted(regrouped(_monthly(grouped(part, keys, filled)), keys, filled), filled)

    spent = by([CURRENCY, BOOKING_DATE], spending).with_columns(
        pl.lit(EXPENSE).alias(KIND), pl.lit(value=False).alias(PENDING)
    )
    return pl.concat([spent, by(_KEYS, others).select(spent.columns)])


def _flow(currency: str, month: dt.date, tally: Tally, scope: Scope) -> MonthlyCashFlow:
    net = tally.income - tally.spending
    return MonthlyCashFlow(
        month=month,
        currency=currency,
        income=decimal_of_micros(tally.income),
        spending=decimal_of_micros(tally.spending),
        net=decimal_of_micros(net),
        savings_rate=ratio(net, tally.income),
        basis=tally.basis(scope),
    )

"""Income, spending, net and savings rate of a period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from analytics_core._tally import tallies
from analytics_core._totals import FIRST, LAST, refuse_gaps, totals
from analytics_core.basis import Basis
from analytics_core.ledger import BOOKING_DATE, CURRENCY, KIND, MONEY_COLUMNS, PENDING, TRANSFER, Scope, open_ledger
from analytics_core.money import decimal_of_micros, ratio
from analytics_core.period import Period

if TYPE_CHECKING:
    import polars as pl
    from narwhals.typing import IntoFrame


@dataclass(frozen=True, slots=True)
class CurrencySummary:
    """What came in and went out in one currency.

    Attributes
    ----------
    currency
        ISO 4217 code of all amounts.
    income
        Money in: the sum of the rows of kind income, in currency units.
    spending
        Money out, as a positive number: minus the sum of the rows of kind expense. Refunds reduce it.
    net
        `income - spending`.
    savings_rate
        `net / income` as a fraction of one (0.25 is 25 %); None unless the income is positive.
    first_date, last_date
        First and last booking date of the rows that were added up; None when there are none.
    basis
        The rows these figures rest on.
    """

    currency: str
    income: Decimal
    spending: Decimal
    net: Decimal
    savings_rate: float | None
    first_date: dt.date | None
    last_date: dt.date | None
    basis: Basis


def summarise(
    ledger: IntoFrame, *, period: Period | None = None, accounts: Collection[str] | None = None
) -> list[CurrencySummary]:
    r"""Sum up income, spending, net and savings rate, per currency.

    .. math:: \text{savings rate} = \frac{\text{income} - \text{spending}}{\text{income}}

    Transfers between own accounts (card payments too) and pending rows are left out and counted. Currencies are never
    added up. All sums are exact at any size.

    Parameters
    ----------
    ledger
        A frame of any supported kind with the columns `amount_micros` (signed, money out negative), `currency`,
        `kind`, `pending` and `booking_date`; with `accounts`, `account_id` too.
    period
        The booking dates that count, inclusive; all by default.
    accounts
        The account ids that count; all by default, none for an empty collection.

    Returns
    -------
    list of CurrencySummary
        One per currency that has any row in scope, ordered by currency code; empty for an empty ledger.

    Raises
    ------
    LedgerError
        When the frame lacks a column, or a row has no amount, currency, kind, state or date.

    Notes ----- The savings rate is the one of national accounts (net saving over disposable income; OECD, *Household
    savings*), on income as it reached the accounts, so after the taxes withheld at source.

    Examples
    --------
    2,000.00 come in, 1,520.50 go out and 20.50 of it come back: 500.00 or a quarter is kept.

    >>> import datetime as dt
    >>> import polars as pl
    >>> ledger = pl.DataFrame({
    ...     "booking_date": [dt.date(2024, 1, 1), dt.date(2024, 1, 9), dt.date(2024, 1, 20), dt.date(2024, 1, 31)],
    ...     "amount_micros": [2_000_000_000, -1_520_500_000, 20_500_000, -300_000_000],
    ...     "currency": ["EUR"] * 4,
    ...     "kind": ["income", "expense", "expense", "transfer"],
    ...     "pending": [False] * 4,
    ... })
    >>> [summary] = summarise(ledger)
    >>> summary.income, summary.spending, summary.net, summary.savings_rate
    (Decimal('2000.00'), Decimal('1500.00'), Decimal('500.00'), 0.25)
    >>> summary.basis.rows, summary.basis.transfers, str(summary.last_date)
    (3, 1, '2024-01-20')
    """
    scope = Scope.of(period, accounts)
    rows = open_ledger(ledger, scope, [*MONEY_COLUMNS, BOOKING_DATE])
    table = totals(rows, [CURRENCY, KIND, PENDING], dates=True, filled=[BOOKING_DATE])
    refuse_gaps(table, [CURRENCY, KIND, PENDING])
    dates = _counted_dates(table)
    found = []
    for currency, tally in tallies(table).items():
        net = tally.income - tally.spending
        first, last = dates.get(currency, (None, None))
        found.append(
            CurrencySummary(
                currency=currency,
                income=decimal_of_micros(tally.income),
                spending=decimal_of_micros(tally.spending),
                net=decimal_of_micros(net),
                savings_rate=ratio(net, tally.income),
                first_date=first,
                last_date=last,
                basis=tally.basis(scope),
            )
        )
    return found


def _counted_dates(table: pl.DataFrame) -> dict[str, tuple[dt.date, dt.date]]:
    import polars as pl

    counted = table.filter(~pl.col(PENDING) & (pl.col(KIND) != TRANSFER))
    spans = counted.group_by(CURRENCY).agg(pl.col(FIRST).min(), pl.col(LAST).max())
    return {currency: (first, last) for currency, first, last in spans.select(CURRENCY, FIRST, LAST).iter_rows()}

"""Spending by merchant."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from analytics_core._spending import spending_bases
from analytics_core._totals import MICROS, ROWS, counted, grouped, refuse_gaps, regrouped, split_spending, totals
from analytics_core.basis import Basis
from analytics_core.errors import LedgerError
from analytics_core.ledger import (
    AMOUNT_MICROS,
    COUNTERPARTY,
    CURRENCY,
    DESCRIPTION,
    MERCHANT,
    MONEY_COLUMNS,
    Scope,
    open_ledger,
)
from analytics_core.merchant_names import named
from analytics_core.money import decimal_of_micros
from analytics_core.period import Period

if TYPE_CHECKING:
    import narwhals as nw
    import polars as pl
    from narwhals.typing import IntoFrame, IntoLazyFrame

_FALLBACKS = (COUNTERPARTY, DESCRIPTION)
_TEXT = "text"
_WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class MerchantTotal:
    """What was spent at one merchant in one currency.

    Attributes
    ----------
    currency
        ISO 4217 code of all amounts.
    merchant
        The merchant's name; None for rows without any text to tell it by.
    spending
        Money out, as a positive number, net of refunds.
    share
        `spending / share_of`, from 0 to 1.
    share_of
        The sum of all merchants' positive spendings in this currency, those beyond the limit too.
    rows
        Rows of this merchant that were added up.
    basis
        The rows that all merchants of this currency rest on.
    """

    currency: str
    merchant: str | None
    spending: Decimal
    share: float
    share_of: Decimal
    rows: int
    basis: Basis


def top_merchants(
    ledger: IntoFrame,
    *,
    period: Period | None = None,
    accounts: Collection[str] | None = None,
    limit: int | None = 20,
) -> list[MerchantTotal]:
    r"""List the merchants on which most was spent, per currency.

    .. math:: \text{share}_m = \frac{s_m}{\sum_k \max(s_k, 0)}

    where :math:`s_m` is the spending at merchant *m* net of its refunds. Merchants that gave back at least as much as
    they took are no spending and are not listed.

    The merchant is the column `merchant` as it stands; where that is missing or empty, `merchant_name` of the
    counterparty, or else of the description.

    Parameters
    ----------
    ledger
        A frame with the columns `amount_micros`, `currency`, `kind`, `pending`, and at least one of `merchant`,
        `counterparty` and `description`; `booking_date` with `period`, `account_id` with `accounts`.
    period
        The booking dates that count, inclusive; all by default.
    accounts
        The account ids that count; all by default.
    limit
        How many merchants to list per currency; None lists all.

    Returns
    -------
    list of MerchantTotal
        Ordered by currency code, then spending from high to low, then name; empty when nothing was spent.

    Raises
    ------
    LedgerError
        When the frame lacks a column, or a row has no amount, currency, kind or state.
    ValueError
        When `limit` is less than 1.

    Examples
    --------
    >>> import polars as pl
    >>> ledger = pl.DataFrame({
    ...     "amount_micros": [-20_000_000, -12_500_000, -60_000_000, -10_000_000, 10_000_000],
    ...     "currency": ["EUR"] * 5,
    ...     "kind": ["expense"] * 5,
    ...     "pending": [False] * 5,
    ...     "description": ["TESCO STORES 3217", "Card payment to Tesco Express", "Rent May", "SHOES 24", "Shoes 24"],
    ... })
    >>> for total in top_merchants(ledger):
    ...     print(total.merchant, total.spending, round(total.share, 4), total.rows)
    RENT MAY 60.00 0.6486 1
    TESCO 32.50 0.3514 2
    """
    if limit is not None and limit < 1:
        msg = f"limit must be at least 1, not {limit}; None lists all merchants"
        raise ValueError(msg)
    scope = Scope.of(period, accounts)
    rows = open_ledger(ledger, scope, MONEY_COLUMNS, optional=[MERCHANT, *_FALLBACKS])
    columns = rows.collect_schema().names()
    if not any(name in columns for name in (MERCHANT, *_FALLBACKS)):
        msg = f"The frame is not a ledger: it needs 'merchant', 'counterparty' or 'description'; it has {columns}"
        raise LedgerError(msg)
    spending, others = split_spending(rows)
    table = _by_merchant(spending, columns, scope)
    refuse_gaps(table, [CURRENCY])
    bases = spending_bases(table, others, scope)
    return [
        MerchantTotal(
            currency=currency,
            merchant=merchant,
            spending=decimal_of_micros(-micros),
            share=micros / whole,
            share_of=decimal_of_micros(-whole),
            rows=count,
            basis=bases[currency],
        )
        for currency, merchant, micros, count, whole in _highest(table, limit).iter_rows()
    ]


def _by_merchant(spending: nw.LazyFrame[IntoLazyFrame], columns: Collection[str], scope: Scope) -> pl.DataFrame:
    import narwhals as nw
    import polars as pl

    fallbacks = [name for name in _FALLBACKS if name in columns]
    if MERCHANT not in columns:
        return _recognised(spending, fallbacks, scope)
    given = (nw.col(MERCHANT) != "").fill_null(value=False)
    table = totals(spending.filter(given), [CURRENCY, MERCHANT], filled=scope.dated)
    unnamed = _recognised(spending.filter(~given), fallbacks, scope)
    if unnamed.is_empty():
        return table
    return pl.concat([table, unnamed]).group_by(CURRENCY, MERCHANT).agg(pl.col(MICROS, ROWS).sum())


def _recognised(rows: nw.LazyFrame[IntoLazyFrame], texts: Collection[str], scope: Scope) -> pl.DataFrame:
    """Group by the names found in the texts; the rules run once per distinct text, not once per row."""
    import narwhals as nw

    filled = [AMOUNT_MICROS, *scope.dated]
    present = [nw.when(nw.col(name) != "").then(nw.col(name)) for name in texts]
    text = nw.coalesce(*present) if present else nw.lit(None, dtype=nw.String())
    by_text = grouped(rows.with_columns(text.alias(_TEXT)), [CURRENCY, _TEXT], filled)
    if by_text.implementation.is_polars():
        texts_found = by_text.collect()
        # Most ledgers have all their merchants, and compiling the rules takes longer than all the rest.
        by_text, present = texts_found.lazy(), [] if texts_found.is_empty() else present
    by_name = named(by_text, _TEXT, _TEXT) if present else by_text
    by_name = by_name.with_columns(nw.when(nw.col(_TEXT) != "").then(nw.col(_TEXT)).alias(MERCHANT))
    return counted(regrouped(by_name, [CURRENCY, MERCHANT], filled), filled)


def _highest(table: pl.DataFrame, limit: int | None) -> pl.DataFrame:
    import polars as pl

    # Money out is negative in the table, so the highest spending sorts first.
    spent = table.select(CURRENCY, MERCHANT, MICROS, ROWS).filter(pl.col(MICROS) < 0)
    ranked = spent.with_columns(pl.col(MICROS).sum().over(CURRENCY).alias(_WHOLE)).sort(
        CURRENCY, MICROS, MERCHANT, nulls_last=True
    )
    return ranked if limit is None else ranked.group_by(CURRENCY, maintain_order=True).head(limit)

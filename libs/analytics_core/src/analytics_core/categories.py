"""Spending by category."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from analytics_core._spending import Spent, shares, spending_bases
from analytics_core._totals import MICROS, ROWS, refuse_gaps, split_spending, totals
from analytics_core.basis import Basis
from analytics_core.ledger import CATEGORY, CATEGORY_SEPARATOR, CURRENCY, MONEY_COLUMNS, Scope, open_ledger
from analytics_core.period import Period

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame


@dataclass(frozen=True, slots=True)
class CategoryShare:
    """What was spent on one category in one currency.

    Attributes
    ----------
    currency
        ISO 4217 code of all amounts.
    category
        The category's path, such as `Food > Groceries`, cut to the depth asked for; None for rows without a category.
    spending
        Money out, as a positive number, net of refunds; negative when more came back than was spent.
    share
        `spending / share_of`, from 0 to 1; 0 for a category with net refunds; None when `share_of` is 0.
    share_of
        The sum of all positive category spendings of this currency: what the shares are shares of.
    rows
        Rows of this category that were added up.
    basis
        The rows that all categories of this currency rest on.
    """

    currency: str
    category: str | None
    spending: Decimal
    share: float | None
    share_of: Decimal
    rows: int
    basis: Basis


def category_breakdown(
    ledger: IntoFrame,
    *,
    period: Period | None = None,
    accounts: Collection[str] | None = None,
    depth: int | None = None,
) -> list[CategoryShare]:
    r"""Break spending down by category, per currency.

    .. math:: \text{share}_c = \frac{\max(s_c, 0)}{\sum_k \max(s_k, 0)}

    where :math:`s_c` is the spending of category *c* net of its refunds. A category that got more back than it cost
    is listed with its negative spending and a share of 0, so that shares always lie between 0 and 1 and add up to 1,
    while the spendings still add up to the spending of `summarise`. Without net refunds `share_of` is that total.

    Parameters
    ----------
    ledger
        A frame with the columns `amount_micros`, `currency`, `kind`, `pending` and `category`; `booking_date` with
        `period`, `account_id` with `accounts`.
    period
        The booking dates that count, inclusive; all by default.
    accounts
        The account ids that count; all by default.
    depth
        How many levels of the category tree to keep: 1 rolls `Food > Groceries` up into `Food`. All levels by
        default. Rows booked on `Food` itself stay there at any depth. Shares are computed after the roll-up.

    Returns
    -------
    list of CategoryShare
        Ordered by currency code, then spending from high to low, then name; empty when nothing was spent.

    Raises
    ------
    LedgerError
        When the frame lacks a column, or a row has no amount, currency, kind or state.
    ValueError
        When `depth` is less than 1.

    Examples
    --------
    60 of food and 40 without a category; 5 more came back for the car than it cost:

    >>> import polars as pl
    >>> ledger = pl.DataFrame({
    ...     "amount_micros": [-45_000_000, -15_000_000, -40_000_000, 5_000_000],
    ...     "currency": ["EUR"] * 4,
    ...     "kind": ["expense"] * 4,
    ...     "pending": [False] * 4,
    ...     "category": ["Food > Groceries", "Food > Restaurants", None, "Car"],
    ... })
    >>> for entry in category_breakdown(ledger, depth=1):
    ...     print(entry.category, entry.spending, entry.share, entry.share_of)
    Food 60.00 0.6 100.00
    None 40.00 0.4 100.00
    Car -5.00 0.0 100.00
    """
    if depth is not None and depth < 1:
        msg = f"depth must be at least 1, not {depth}; leave it out to keep all levels"
        raise ValueError(msg)
    scope = Scope.of(period, accounts)
    spending, others = split_spending(open_ledger(ledger, scope, [*MONEY_COLUMNS, CATEGORY]))
    table = totals(spending, [CURRENCY, CATEGORY], filled=scope.dated)
    refuse_gaps(table, [CURRENCY])
    bases = spending_bases(table, others, scope)
    entries = _roll_up(table.select(CURRENCY, CATEGORY, MICROS, ROWS).iter_rows(), depth)
    return [
        CategoryShare(currency, name, amount, share, share_of, rows, bases[currency])
        for currency, name, amount, share, share_of, rows in shares(entries)
    ]


def _roll_up(rows: Iterable[tuple[str, str | None, int, int]], depth: int | None) -> list[Spent]:
    merged: dict[tuple[str, str | None], Spent] = {}
    for currency, category, micros, count in rows:
        name = CATEGORY_SEPARATOR.join(category.split(CATEGORY_SEPARATOR)[:depth]) if category else None
        before = merged.get((currency, name), Spent(currency, name, 0, 0))
        merged[currency, name] = Spent(currency, name, before.micros - micros, before.rows + count)
    return list(merged.values())

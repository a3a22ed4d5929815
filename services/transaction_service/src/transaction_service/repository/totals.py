"""The sums of a whole list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from api_common.columns import MICROS_PER_UNIT
from sqlalchemy import BigInteger, ColumnElement, Numeric, and_, func, literal_column, select, true, type_coerce
from sqlmodel import col

from transaction_service.models import Account, Transaction
from transaction_service.repository.filters import TransactionFilter
from transaction_service.repository.row_search import RowSearch

_LARGEST_INTEGER = 2**63 - 1


@dataclass(frozen=True)
class CurrencyTotal:
    """The sums of rows in one currency; `money_out` is negative."""

    currency: str
    rows: int
    total: Decimal
    money_in: Decimal
    money_out: Decimal


@dataclass(frozen=True)
class _Addend:
    """A whole part of an amount that can be summed without rounding and without overflow, and its value."""

    column: ColumnElement[Any]
    per_unit: int


class TotalsRepository(RowSearch):
    """The user's rows, summed."""

    async def totals(self, wanted: TransactionFilter) -> Sequence[CurrencyTotal]:
        """The exact sums of all rows that pass the filter, by currency; a currency without rows is left out."""
        currencies = await self._currencies(wanted)
        if wanted.finds_nothing or not currencies:
            return []
        addends = await self._addends()
        # A column for each sum of each currency: grouping a million rows takes twice as long as adding them up.
        of_one = [
            _sums(addends, col(Transaction.currency) == currency if len(currencies) > 1 else true())
            for currency in currencies
        ]
        candidates = await self.candidates(wanted, by_date=False)
        statement = select(*(column for columns in of_one for column in columns)).where(*self.among(wanted, candidates))
        values = iter((await self.session.execute(statement)).one())
        found = [_total(currency, addends, [next(values) for _ in of_one[0]]) for currency in currencies]
        return [total for total in found if total.rows]

    async def _currencies(self, wanted: TransactionFilter) -> Sequence[str]:
        """The currencies that the rows may be in: a row is in the currency of its account."""
        statement = select(col(Account.currency)).where(col(Account.user_id) == self.user_id)
        if wanted.account_ids:
            statement = statement.where(col(Account.id).in_(wanted.account_ids))
        return sorted(set((await self.session.scalars(statement)).all()))

    async def _addends(self) -> list[_Addend]:
        amount = col(Transaction.amount)
        if not self.is_sqlite:
            return [_Addend(type_coerce(amount, Numeric), 1)]
        micros = type_coerce(amount, BigInteger)
        mine = col(Transaction.user_id) == self.user_id
        smallest = select(func.min(micros)).where(mine).scalar_subquery()
        largest = select(func.max(micros)).where(mine).scalar_subquery()
        most_rows = select(func.max(literal_column("rowid"))).select_from(Transaction).scalar_subquery()
        bounds = (await self.session.execute(select(smallest, largest, most_rows))).one()
        if max(abs(bounds[0] or 0), abs(bounds[1] or 0)) * (bounds[2] or 0) <= _LARGEST_INTEGER:
            return [_Addend(micros, MICROS_PER_UNIT)]
        return [_Addend(micros // MICROS_PER_UNIT, 1), _Addend(micros % MICROS_PER_UNIT, MICROS_PER_UNIT)]


def _sums(addends: Sequence[_Addend], chosen: ColumnElement[bool]) -> list[ColumnElement[Any]]:
    incoming = and_(chosen, col(Transaction.amount) > 0)
    columns: list[ColumnElement[Any]] = [func.count().filter(chosen)]
    for addend in addends:
        columns += [func.sum(addend.column).filter(chosen), func.sum(addend.column).filter(incoming)]
    return columns


def _total(currency: str, addends: Sequence[_Addend], values: Sequence[Any]) -> CurrencyTotal:
    rows, *sums = values
    total, money_in = (
        sum((Decimal(value or 0) / a.per_unit for value, a in zip(sums[first::2], addends, strict=True)), Decimal(0))
        for first in (0, 1)
    )
    return CurrencyTotal(currency, int(rows), total, money_in, total - money_in)

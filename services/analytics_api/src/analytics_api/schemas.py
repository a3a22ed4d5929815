"""What analytics_api answers: figures, and what each of them rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Annotated, Protocol, Self, TypeVar
from uuid import UUID

import analytics_core
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from analytics_api.service import CurrentLedger

Amount = Annotated[Decimal, PlainSerializer("{:f}".format, return_type=str)]
"""Money in units of the currency that stands beside it: exact, with at least two decimals."""

Month = Annotated[date, PlainSerializer("{:%Y-%m}".format, return_type=str)]
"""A calendar month, `2026-03`."""


class InCurrency(Protocol):
    """A figure of one currency."""

    @property
    def currency(self) -> str:
        """ISO 4217 code."""


Row = TypeVar("Row", bound=InCurrency)


def by_currency(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    """The rows of each currency, in the order that they come in."""
    for currency, group in groupby(rows, key=lambda row: row.currency):
        yield currency, list(group)


class Figures(BaseModel):
    """A part of an answer that is made from the result of analytics_core with the same names."""

    model_config = ConfigDict(from_attributes=True)


class Basis(Figures):
    """The rows that figures rest on, all in one currency, in the period and on the accounts asked for."""

    rows: int = Field(description="Rows that were added up.")
    transfers: int = Field(description="Rows left out because they move money between own accounts.")
    pending: int = Field(description="Rows left out because the bank has announced but not booked them.")


class Question(BaseModel):
    """What was asked, and of which state of the ledger."""

    model_config = ConfigDict(populate_by_name=True)

    start: date | None = Field(alias="from", description="First booking date asked for; null: no bound.")
    end: date | None = Field(alias="to", description="Last booking date asked for, included; null: no bound.")
    account_ids: list[UUID] | None = Field(description="The accounts asked for; null: all.")
    ledger_version: str = Field(description="Names the state of the ledger: an equal version gives equal figures.")

    @classmethod
    def answered(cls, current: CurrentLedger, currencies: Sequence[BaseModel]) -> Self:
        """The answer to the question that `current` stands for."""
        asked = current.selection
        return cls.model_validate(
            {
                "from": asked.period.start,
                "to": asked.period.end,
                "account_ids": asked.account_ids,
                "ledger_version": current.ledger.version,
                "currencies": currencies,
            }
        )


class CurrencySummary(Figures):
    """What came in and went out in one currency."""

    currency: str = Field(examples=["EUR"])
    income: Amount
    spending: Amount = Field(description="Money out as a positive number; refunds reduce it.")
    net: Amount = Field(description="income - spending")
    savings_rate: float | None = Field(description="net / income, 0.25 is 25 %; null unless the income is positive.")
    first_date: date | None = Field(description="First booking date that was added up.")
    last_date: date | None = Field(description="Last booking date that was added up.")
    basis: Basis


class Summary(Question):
    """Income, spending, net and savings rate: an entry per currency, which are never added up."""

    currencies: list[CurrencySummary]

    @classmethod
    def of(cls, current: CurrentLedger, rows: Sequence[analytics_core.CurrencySummary]) -> Self:
        """The answer with these figures."""
        return cls.answered(current, [CurrencySummary.model_validate(row) for row in rows])


class MonthCashFlow(Figures):
    """What came in and went out in one month, in one currency."""

    month: Month
    income: Amount
    spending: Amount
    net: Amount
    savings_rate: float | None
    basis: Basis


class CurrencyCashFlow(BaseModel):
    """The months of one currency, in order."""

    currency: str
    months: list[MonthCashFlow]


class CashFlow(Question):
    """Income, spending and net by calendar month."""

    currencies: list[CurrencyCashFlow]

    @classmethod
    def of(cls, current: CurrentLedger, rows: Sequence[analytics_core.MonthlyCashFlow]) -> Self:
        """The answer with these figures."""
        return cls.answered(
            current,
            [
                CurrencyCashFlow(currency=currency, months=[MonthCashFlow.model_validate(row) for row in months])
                for currency, months in by_currency(rows)
            ],
        )


class CategorySpending(Figures):
    """What was spent on one category."""

    category: str | None = Field(
        description="Path of the category; null: rows without one.", examples=["Food > Groceries"]
    )
    spending: Amount
    share: float | None = Field(description="spending / share_of, from 0 to 1; null when share_of is 0.")
    rows: int


class CurrencyCategories(BaseModel):
    """Spending by category in one currency, highest first."""

    currency: str
    share_of: Amount = Field(description="The sum of all positive spendings, which the shares are shares of.")
    basis: Basis
    categories: list[CategorySpending]


class Categories(Question):
    """Spending by category."""

    currencies: list[CurrencyCategories]

    @classmethod
    def of(cls, current: CurrentLedger, rows: Sequence[analytics_core.CategoryShare]) -> Self:
        """The answer with these figures."""
        return cls.answered(
            current,
            [
                CurrencyCategories(
                    currency=currency,
                    share_of=found[0].share_of,
                    basis=Basis.model_validate(found[0].basis),
                    categories=[CategorySpending.model_validate(row) for row in found],
                )
                for currency, found in by_currency(rows)
            ],
        )


class MerchantSpending(Figures):
    """What was spent at one merchant."""

    merchant: str | None = Field(description="Normalised name; null: the bank's text names nobody.")
    spending: Amount
    share: float | None = Field(description="spending / share_of, from 0 to 1; null when share_of is 0.")
    rows: int


class CurrencyMerchants(BaseModel):
    """The merchants on whom most was spent in one currency, highest first."""

    currency: str
    share_of: Amount = Field(description="The sum of all positive spendings, those of unlisted merchants too.")
    basis: Basis
    merchants: list[MerchantSpending]


class Merchants(Question):
    """Spending by merchant."""

    currencies: list[CurrencyMerchants]

    @classmethod
    def of(cls, current: CurrentLedger, rows: Sequence[analytics_core.MerchantTotal]) -> Self:
        """The answer with these figures."""
        return cls.answered(
            current,
            [
                CurrencyMerchants(
                    currency=currency,
                    share_of=found[0].share_of,
                    basis=Basis.model_validate(found[0].basis),
                    merchants=[MerchantSpending.model_validate(row) for row in found],
                )
                for currency, found in by_currency(rows)
            ],
        )

"""What is said of a whole list."""

from __future__ import annotations

from pydantic import BaseModel, Field

from transaction_service.amounts import ExactAmount


class CurrencyTotals(BaseModel):
    """The sums of the rows in one currency."""

    currency: str
    rows: int
    total: ExactAmount
    money_in: ExactAmount
    money_out: ExactAmount = Field(description="Negative, so that `total` is the sum of the two.")


class ListTotals(BaseModel):
    """How many rows pass the filters, and their sums by currency, in the order of the codes."""

    rows: int
    currencies: list[CurrencyTotals]

"""Securities, entries of investment accounts and positions as clients read them."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from data_processing import InvestmentKind, SecurityKind
from pydantic import BaseModel, ConfigDict, Field

from transaction_service.amounts import ExactAmount

Quantity = Annotated[str, Field(examples=["12.3456789"])]
"""Units or a price: an exact decimal string."""


class SecuritySchema(BaseModel):
    """A security as statements name it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    id_type: str | None = Field(examples=["ISIN"])
    unique_id: str | None = Field(examples=["IE00B4L5Y983"])
    name: str | None
    ticker: str | None
    kind: SecurityKind
    currency: str | None


class InvestmentSchema(BaseModel):
    """A trade, distribution or transfer of an investment account."""

    id: UUID
    account_id: UUID
    import_id: UUID
    transaction_id: UUID | None = Field(description="The ledger's row of the cash that it moved.")
    security: SecuritySchema | None
    kind: InvestmentKind
    action: str = Field(description="The format's own name.", examples=["BUYMF", "ReinvDiv"])
    trade_date: date
    settle_date: date | None
    units: Quantity | None = Field(description="The effect on the holding: negative for units out.")
    unit_price: Quantity | None
    split: str | None = Field(description="The units after a split, and before.", examples=["3:2"])
    amount: ExactAmount | None = Field(description="The effect on the account's cash, zero where none moves.")
    total: ExactAmount | None = Field(description="The total as the file states it.")
    commission: ExactAmount | None
    fees: ExactAmount | None
    taxes: ExactAmount | None
    currency: str | None
    other_account: str | None = Field(description="The account that sends or receives, as the file names it.")
    description: str


class PositionSchema(BaseModel):
    """What an account held of a security on a day. Short positions are negative."""

    id: UUID
    account_id: UUID
    import_id: UUID
    security: SecuritySchema
    as_of: date
    units: Quantity
    unit_price: Quantity | None
    market_value: ExactAmount | None
    currency: str | None

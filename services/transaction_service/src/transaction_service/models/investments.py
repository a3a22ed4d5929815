"""What investment statements say beside the movements of cash: securities, trades and positions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from api_common.columns import Money, Owned
from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field

from transaction_service.models.base import Table


class Security(Table, Owned, table=True):
    """A security as statements name it. `key` is the comparable form of its id, such as `cusip:037833100`."""

    __tablename__ = "securities"
    __table_args__ = (UniqueConstraint("user_id", "key"),)

    key: str = Field(max_length=100)
    id_type: str | None = Field(default=None, max_length=20)
    unique_id: str | None = Field(default=None, max_length=80)
    name: str | None = Field(default=None, max_length=200)
    ticker: str | None = Field(default=None, max_length=40)
    kind: str = Field(default="other", max_length=20)
    currency: str | None = Field(default=None, max_length=3)


class InvestmentEntry(Table, Owned, table=True):
    """A trade, dividend or transfer of an investment account.

    Units and prices are exact decimals, as text. `transaction_id` is the row of its cash side.
    """

    __tablename__ = "investment_entries"
    __table_args__ = (UniqueConstraint("account_id", "identity"),)

    account_id: UUID = Field(foreign_key="accounts.id", ondelete="CASCADE")
    import_id: UUID | None = Field(default=None, foreign_key="imports.id", index=True, ondelete="CASCADE")
    transaction_id: UUID | None = Field(default=None, foreign_key="transactions.id", index=True, ondelete="SET NULL")
    security_id: UUID | None = Field(default=None, foreign_key="securities.id", ondelete="CASCADE")
    identity: str = Field(sa_type=Text)
    kind: str = Field(max_length=20)
    trade_date: date
    settle_date: date | None = None
    units: str | None = Field(default=None, max_length=40)
    unit_price: str | None = Field(default=None, max_length=40)
    amount: Decimal | None = Field(default=None, sa_type=Money)
    commission: Decimal | None = Field(default=None, sa_type=Money)
    fees: Decimal | None = Field(default=None, sa_type=Money)
    currency: str | None = Field(default=None, max_length=3)
    text: str = Field(default="", sa_type=Text)


class Position(Table, Owned, table=True):
    """What an investment account held of a security on a day, as a statement states it."""

    __tablename__ = "positions"
    __table_args__ = (UniqueConstraint("account_id", "security_id", "import_id", "as_of"),)

    account_id: UUID = Field(foreign_key="accounts.id", ondelete="CASCADE")
    security_id: UUID = Field(foreign_key="securities.id", ondelete="CASCADE")
    import_id: UUID = Field(foreign_key="imports.id", index=True, ondelete="CASCADE")
    as_of: date
    units: str = Field(max_length=40)
    unit_price: str | None = Field(default=None, max_length=40)
    market_value: Decimal | None = Field(default=None, sa_type=Money)
    currency: str | None = Field(default=None, max_length=3)

"""What investment statements say beside the movements of cash: securities, trades and positions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from api_common.columns import Money, Owned
from sqlalchemy import Index, Text, UniqueConstraint
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

    Each import keeps its own row of an entry that several imports bring, so that undoing one leaves those of the
    others; the earliest stands for all. Units and prices are exact decimals, as text, and so is `split`, the units
    after it and before, as in `3:2`. `amount` is the effect on the account's cash, `total` what the file states, and
    `transaction_id` is the row of the cash.
    """

    __tablename__ = "investment_entries"
    __table_args__ = (
        UniqueConstraint("account_id", "identity", "import_id"),
        Index(None, "user_id", "trade_date", "id"),
    )

    user_id: UUID = Field(index=False)
    account_id: UUID = Field(foreign_key="accounts.id", ondelete="CASCADE")
    import_id: UUID = Field(foreign_key="imports.id", index=True, ondelete="CASCADE")
    transaction_id: UUID | None = Field(default=None, foreign_key="transactions.id", index=True, ondelete="SET NULL")
    security_id: UUID | None = Field(default=None, foreign_key="securities.id", index=True, ondelete="CASCADE")
    identity: str = Field(sa_type=Text)
    kind: str = Field(max_length=20)
    action: str = Field(default="", max_length=40)
    trade_date: date
    settle_date: date | None = None
    units: str | None = Field(default=None, max_length=40)
    unit_price: str | None = Field(default=None, max_length=40)
    split: str | None = Field(default=None, max_length=80)
    amount: Decimal | None = Field(default=None, sa_type=Money)
    total: Decimal | None = Field(default=None, sa_type=Money)
    commission: Decimal | None = Field(default=None, sa_type=Money)
    fees: Decimal | None = Field(default=None, sa_type=Money)
    taxes: Decimal | None = Field(default=None, sa_type=Money)
    currency: str | None = Field(default=None, max_length=3)
    other_account: str | None = Field(default=None, max_length=200)
    text: str = Field(default="", sa_type=Text)


class PositionStatement(Table, Owned, table=True):
    """That a statement says what an account holds on a day, be it nothing."""

    __tablename__ = "position_statements"
    __table_args__ = (UniqueConstraint("account_id", "as_of", "import_id"),)

    account_id: UUID = Field(foreign_key="accounts.id", ondelete="CASCADE")
    import_id: UUID = Field(foreign_key="imports.id", index=True, ondelete="CASCADE")
    as_of: date


class Position(Table, Owned, table=True):
    """What an investment account held of a security on a day, as a statement states it."""

    __tablename__ = "positions"
    __table_args__ = (UniqueConstraint("account_id", "security_id", "import_id", "as_of"),)

    account_id: UUID = Field(foreign_key="accounts.id", ondelete="CASCADE")
    security_id: UUID = Field(foreign_key="securities.id", index=True, ondelete="CASCADE")
    import_id: UUID = Field(foreign_key="imports.id", index=True, ondelete="CASCADE")
    as_of: date
    units: str = Field(max_length=40)
    unit_price: str | None = Field(default=None, max_length=40)
    market_value: Decimal | None = Field(default=None, sa_type=Money)
    currency: str | None = Field(default=None, max_length=3)

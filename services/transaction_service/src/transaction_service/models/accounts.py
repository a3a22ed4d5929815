"""Accounts, the ways in which files name them, and balances that the user asserts."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from api_common.columns import Money, Owned, UtcDateTime, Versioned, now
from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field

from transaction_service.models.base import Table


class AccountType(StrEnum):
    """What an account is."""

    CHECKING = "checking"
    SAVINGS = "savings"
    CREDIT_CARD = "credit_card"
    CASH = "cash"
    INVESTMENT = "investment"
    LOAN = "loan"
    OTHER = "other"


class Account(Table, Owned, Versioned, table=True):
    """An account of the user's, kept in one currency for ever.

    `trusts_bank_ids` falls, and stays down, once the bank has been seen to give a known row another id: from then on
    the wording of its rows identifies them.
    """

    __tablename__ = "accounts"

    name: str = Field(max_length=200)
    type: str = Field(max_length=20)
    currency: str = Field(max_length=3)
    opening_balance: Decimal = Field(default=Decimal(0), sa_type=Money)
    opening_date: date | None = None
    archived: bool = False
    trusts_bank_ids: bool = True
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class AccountReference(Table, Owned, table=True):
    """One way in which statement files name an account: by number (perhaps with the bank), or by name.

    `key` is the comparable form. The same key may stand for several accounts only when their currencies differ, as at
    banks that keep several currencies under one number.
    """

    __tablename__ = "account_references"
    __table_args__ = (UniqueConstraint("user_id", "key", "bank_key", "currency"),)

    account_id: UUID = Field(foreign_key="accounts.id", index=True, ondelete="CASCADE")
    key: str = Field(max_length=220)
    bank_key: str = Field(default="", max_length=100)
    currency: str = Field(max_length=3)
    number: str | None = Field(default=None, max_length=100)
    bank: str | None = Field(default=None, max_length=100)
    name: str | None = Field(default=None, max_length=200)


class BalanceAssertion(Table, Owned, Versioned, table=True):
    """What the user says an account held at the end of a day, to be checked against the ledger."""

    __tablename__ = "balance_assertions"

    account_id: UUID = Field(foreign_key="accounts.id", index=True, ondelete="CASCADE")
    balance_date: date
    amount: Decimal = Field(sa_type=Money)
    note: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)

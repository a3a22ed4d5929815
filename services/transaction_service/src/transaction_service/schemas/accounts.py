"""Accounts as clients send and read them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from transaction_service.amounts import Amount, ExactAmount
from transaction_service.models import AccountType
from transaction_service.schemas.fields import Change, Currency, KeptDay, Name, ShortName
from transaction_service.statements.account_matching import reference_key


class ReferenceSchema(BaseModel):
    """How statement files name an account: by number, perhaps with the bank, or by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: ShortName | None = None
    bank: ShortName | None = None
    name: Name | None = None

    @model_validator(mode="after")
    def _names_something(self) -> ReferenceSchema:
        if reference_key(number=self.number, bank=self.bank, name=self.name) is None:
            raise ValueError("a reference needs a number or a name, with a letter or a digit in it")
        return self


class AccountCreate(BaseModel):
    """A new account. `id` may be the client's own; sending the same again changes nothing."""

    model_config = ConfigDict(extra="forbid")

    id: UUID | None = None
    name: Name
    type: AccountType = AccountType.CHECKING
    currency: Currency
    opening_balance: Amount = Decimal(0)
    opening_date: KeptDay | None = Field(
        default=None, description="The opening balance is that of the start of this day; earlier rows are part of it."
    )
    references: list[ReferenceSchema] = Field(default_factory=list, max_length=50)


class AccountChange(Change):
    """The fields to change; the currency of an account never changes."""

    clearable = frozenset({"opening_date"})

    name: Name | None = None
    type: AccountType | None = None
    opening_balance: Amount | None = None
    opening_date: KeptDay | None = None
    archived: bool | None = None
    references: list[ReferenceSchema] | None = Field(default=None, max_length=50)


class AccountSchema(BaseModel):
    """An account. `balance` is the opening balance and all booked rows from the opening date on."""

    id: UUID
    name: str
    type: AccountType
    currency: str
    opening_balance: ExactAmount
    opening_date: date | None
    archived: bool
    references: list[ReferenceSchema]
    balance: ExactAmount
    pending: ExactAmount = Field(description="The sum of rows that the bank has announced but not booked.")
    transactions: int
    version: int
    created_at: datetime
    updated_at: datetime


class Deleted(BaseModel):
    """What a deletion removed: the number of rows by what they were."""

    deleted: dict[str, int]


class AccountDeleted(Deleted):
    """What went with an account."""

    disabled_rules: list[UUID] = Field(description="Rules with a condition on the account. They are kept, disabled.")

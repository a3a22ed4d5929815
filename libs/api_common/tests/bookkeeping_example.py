"""A small service's tables, as the database tests need them."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from api_common.columns import Money, Owned, UtcDateTime, Versioned, new_id, now
from api_common.database import NAMING_CONVENTION, DatabaseSpec
from api_common.idempotency import idempotency_table
from api_common.pagination import Keyset, PageQuery, Slice
from api_common.problems import Conflict, NotFound
from api_common.repository import Repository
from sqlalchemy import MetaData, UniqueConstraint
from sqlmodel import Field, SQLModel, col


class Table(SQLModel):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Account(Table, Owned, Versioned, table=True):
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    name: str = Field(max_length=50)
    opening_balance: Decimal = Field(default=Decimal(0), sa_type=Money)
    opened_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class Entry(Table, table=True):
    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID = Field(foreign_key="account.id", index=True)
    booking_date: date
    amount: Decimal = Field(sa_type=Money)
    text: str = ""
    note: str | None = None


idempotency_table(Table.metadata)


class AccountNameTaken(Conflict):
    code = "account_name_taken"


class AccountNotFound(NotFound):
    code = "account_not_found"


class Accounts(Repository[Account]):
    model = Account
    not_found = AccountNotFound

    async def list(self, page: PageQuery) -> Slice[Account]:
        return await self.page(self.mine(), BY_NAME, page)


BY_NAME = Keyset(col(Account.name), col(Account.id))
NEWEST_ENTRY = Keyset(col(Entry.booking_date).desc(), col(Entry.id).desc())
SMALLEST_ENTRY_OF_LAST_DAY = Keyset(col(Entry.booking_date).desc(), col(Entry.amount), col(Entry.id))

SPEC = DatabaseSpec(
    schema="bookkeeping_example",
    metadata=Table.metadata,
    migrations="bookkeeping_migrations",
    conflicts={"uq_account_user_id_name": lambda: AccountNameTaken("You have an account of this name.")},
)

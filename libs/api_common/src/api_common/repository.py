"""The base of every repository: queries that cannot leave the rows of their user.

    class Accounts(Repository[Account]):
        model = Account
        not_found = AccountNotFound

        async def by_name(self, name: str) -> Account | None:
            return await self.session.scalar(self.mine().where(col(Account.name) == name))

A repository never commits; the unit of work that made its session does.
"""

from typing import ClassVar, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from api_common.pagination import Keyset, PageQuery, Slice, paginate
from api_common.problems import NotFound

M = TypeVar("M", bound=SQLModel)


class Repository(Generic[M]):
    """Rows of one model that belong to one user.

    Attributes:
        model: a table with the columns `id` and `user_id` (see `api_common.columns.Owned`).
        not_found: the problem raised for an id that is unknown or is another user's, which is the same to the caller.
    """

    model: type[M]
    not_found: ClassVar[type[NotFound]] = NotFound

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self.session = session
        self.user_id = user_id

    def mine(self) -> Select[M]:
        """Start a query: the user's rows. Every query of a repository begins here."""
        return select(self.model).where(self._column("user_id") == self.user_id)

    async def get(self, row_id: UUID) -> M:
        """Give the user's row with this id; raises `not_found`."""
        row = await self.get_or_none(row_id)
        if row is None:
            raise self.not_found(f"There is no {self._noun} {row_id}.")
        return row

    async def get_or_none(self, row_id: UUID) -> M | None:
        """Give the user's row with this id, None when there is none."""
        found: M | None = await self.session.scalar(self.mine().where(self._column("id") == row_id))
        return found

    async def page(self, statement: Select[M], keyset: Keyset, page: PageQuery) -> Slice[M]:
        """Give one page of a statement that began at `mine()`."""
        return await paginate(self.session, statement, keyset, page)

    async def add(self, row: M) -> M:
        """Insert a row of this user and give it back with its defaults; a duplicate raises at once, not at commit."""
        if getattr(row, "user_id", None) != self.user_id:
            raise ValueError(f"A repository of user {self.user_id} was given a {self._noun} of another user.")
        self.session.add(row)
        await self.session.flush()
        return row

    async def delete(self, row: M) -> None:
        """Delete a row that this repository gave."""
        await self.session.delete(row)
        await self.session.flush()

    def _column(self, name: str) -> ColumnElement[UUID]:
        column: ColumnElement[UUID] = inspect(self.model).columns[name]
        return column

    @property
    def _noun(self) -> str:
        return self.model.__name__.lower()

"""Lists of rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from api_common.pagination import Keyset, PageQuery, Slice
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.errors import AccountNotFound, CategoryNotFound
from transaction_service.repository.accounts import AccountRepository
from transaction_service.repository.categories import CategoryRepository
from transaction_service.repository.listing import ListingRepository, TransactionFilter


class Listing:
    """The rows of one user's ledger, as lists."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._listing = ListingRepository(session, user_id)
        self._accounts = AccountRepository(session, user_id)
        self._categories = CategoryRepository(session, user_id)

    async def list(
        self, wanted: TransactionFilter, keyset: Keyset, page: PageQuery, *, category_id: UUID | None
    ) -> Slice[dict[str, Any]]:
        """One page of the rows that pass the filter, as fields of the answer.

        Raises AccountNotFound or CategoryNotFound when the filter names what the user does not have.
        """
        return await self._listing.list(await self.resolved(wanted, category_id=category_id), keyset, page)

    async def resolved(self, wanted: TransactionFilter, *, category_id: UUID | None) -> TransactionFilter:
        """The filter, limited to a category and everything below it.

        Raises AccountNotFound or CategoryNotFound when it names what the user does not have.
        """
        if wanted.account_ids:
            known = {account.id for account in await self._accounts.book()}
            for account_id in wanted.account_ids:
                if account_id not in known:
                    raise AccountNotFound(f"There is no account {account_id}.")
        if category_id is not None:
            tree = await self._categories.tree()
            if category_id not in tree:
                raise CategoryNotFound(f"There is no category {category_id}.")
            wanted = replace(wanted, category_ids=tree.with_descendants(category_id))
        return wanted

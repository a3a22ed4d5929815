"""Lists of rows, and their sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from api_common.pagination import PageQuery, Slice
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.errors import AccountNotFound, CategoryNotFound
from transaction_service.repository.accounts import AccountRepository
from transaction_service.repository.categories import CategoryRepository
from transaction_service.repository.filters import TransactionFilter
from transaction_service.repository.listing import ListingRepository
from transaction_service.repository.row_orders import ORDERS, TransactionSort
from transaction_service.repository.totals import CurrencyTotal, TotalsRepository

_EVERYTHING = TransactionFilter()


class Listing:
    """The rows of one user's ledger, as lists."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._listing = ListingRepository(session, user_id)
        self._totals = TotalsRepository(session, user_id)
        self._accounts = AccountRepository(session, user_id)
        self._categories = CategoryRepository(session, user_id)

    async def list(
        self, wanted: TransactionFilter, sort: TransactionSort, page: PageQuery, *, category_id: UUID | None
    ) -> Slice[str]:
        """One page of the rows that pass the filter, each as JSON; its cursor holds for this filter only.

        Raises AccountNotFound or CategoryNotFound when the filter names what the user does not have.
        """
        keyset = ORDERS[sort]
        if category_id is not None or wanted != _EVERYTHING:
            keyset = keyset.bound_to(wanted, category_id)
        return await self._listing.list(await self.resolved(wanted, category_id=category_id), sort, keyset, page)

    async def totals(self, wanted: TransactionFilter, *, category_id: UUID | None) -> Sequence[CurrencyTotal]:
        """The exact sums of all rows that pass the filter, by currency.

        Raises AccountNotFound or CategoryNotFound when the filter names what the user does not have.
        """
        return await self._totals.totals(await self.resolved(wanted, category_id=category_id))

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

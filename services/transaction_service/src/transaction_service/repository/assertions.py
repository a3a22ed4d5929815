"""Balances that the user asserts."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from api_common.pagination import Keyset, PageQuery, Slice
from api_common.repository import Repository
from sqlmodel import col

from transaction_service.errors import AssertionNotFound
from transaction_service.models import BalanceAssertion

_NEWEST = Keyset(col(BalanceAssertion.balance_date).desc(), col(BalanceAssertion.id).desc())


class AssertionRepository(Repository[BalanceAssertion]):
    """The user's balance assertions."""

    model = BalanceAssertion
    not_found = AssertionNotFound

    async def list(self, account_id: UUID, page: PageQuery) -> Slice[BalanceAssertion]:
        """One page of an account's assertions, latest day first."""
        return await self.page(self.mine().where(col(BalanceAssertion.account_id) == account_id), _NEWEST, page)

    async def on(self, account_id: UUID, day: date) -> BalanceAssertion | None:
        """The assertion of an account for a day."""
        statement = self.mine().where(
            col(BalanceAssertion.account_id) == account_id, col(BalanceAssertion.balance_date) == day
        )
        found: BalanceAssertion | None = await self.session.scalar(statement)
        return found

"""Accounts and the references that statement files use for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from api_common.pagination import Keyset, PageQuery, Slice
from api_common.repository import Repository
from sqlalchemy import delete, false, func, or_, select, true
from sqlmodel import col

from transaction_service.errors import AccountNotFound
from transaction_service.models import Account, AccountReference, StatementBalance, Transaction
from transaction_service.repository.exact_sums import joined, units_and_millionths
from transaction_service.statements.account_matching import AccountBook

_OLDEST = Keyset(col(Account.id).asc())


@dataclass(frozen=True)
class AccountTotals:
    """Sums of an account's rows: booked ones from the opening date on, pending ones, and how many rows there are."""

    booked: Decimal = Decimal(0)
    pending: Decimal = Decimal(0)
    transactions: int = 0


class AccountRepository(Repository[Account]):
    """The user's accounts."""

    model = Account
    not_found = AccountNotFound

    async def list(self, page: PageQuery, *, archived: bool | None) -> Slice[Account]:
        """Accounts in the order of their creation; `archived` None gives both kinds."""
        statement = self.mine()
        if archived is not None:
            statement = statement.where(col(Account.archived) == archived)
        return await self.page(statement, _OLDEST, page)

    async def references(self, account_ids: Collection[UUID] | None = None) -> Sequence[AccountReference]:
        """The references of the given accounts, or of all accounts."""
        statement = select(AccountReference).where(col(AccountReference.user_id) == self.user_id)
        if account_ids is not None:
            statement = statement.where(col(AccountReference.account_id).in_(account_ids))
        return (await self.session.scalars(statement.order_by(col(AccountReference.id)))).all()

    async def ids(self, account_ids: Collection[UUID]) -> set[UUID]:
        """Those of the ids that are accounts of the user."""
        if not account_ids:
            return set()
        named = select(col(Account.id)).where(col(Account.user_id) == self.user_id, col(Account.id).in_(account_ids))
        return set((await self.session.scalars(named)).all())

    async def book(self) -> AccountBook:
        """All accounts with their references, for matching."""
        accounts = (await self.session.scalars(self.mine().order_by(col(Account.id)))).all()
        return AccountBook(accounts, await self.references())

    async def totals(self, account_ids: Collection[UUID]) -> dict[UUID, AccountTotals]:
        """The totals of the given accounts, exact; an account without rows is missing."""
        whole, rest = units_and_millionths(self.session, Transaction.amount)
        pending = col(Transaction.pending)
        counts = or_(col(Account.opening_date).is_(None), col(Transaction.booking_date) >= col(Account.opening_date))
        statement = (
            select(
                col(Transaction.account_id),
                func.sum(whole).filter(pending == false(), counts),
                func.sum(rest).filter(pending == false(), counts),
                func.sum(whole).filter(pending == true()),
                func.sum(rest).filter(pending == true()),
                func.count(),
            )
            .join(Account, col(Account.id) == col(Transaction.account_id))
            .where(
                col(Transaction.user_id) == self.user_id,
                col(Transaction.account_id).in_(account_ids),
                col(Transaction.deleted_at).is_(None),
            )
            .group_by(col(Transaction.account_id))
        )
        return {
            account_id: AccountTotals(joined(booked, booked_rest), joined(announced, announced_rest), transactions)
            for account_id, booked, booked_rest, announced, announced_rest, transactions in (
                await self.session.execute(statement)
            ).all()
        }

    async def replace_references(self, account: Account, references: Sequence[AccountReference]) -> None:
        """Give the account these references instead of those it has."""
        await self.session.execute(
            delete(AccountReference).where(
                col(AccountReference.user_id) == self.user_id, col(AccountReference.account_id) == account.id
            )
        )
        self.session.add_all(references)
        await self.session.flush()

    async def delete_with_rows(self, account: Account) -> None:
        """Delete the account and everything that hangs on it."""
        for model in (Transaction, StatementBalance, AccountReference):
            await self.session.execute(
                delete(model).where(col(model.user_id) == self.user_id, col(model.account_id) == account.id)
            )
        await self.delete(account)

"""Keeping accounts."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from api_common.columns import new_id, now
from api_common.pagination import PageQuery, Slice
from api_common.preconditions import Precondition
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.errors import AccountHasTransactions, IdTaken, ReferenceTaken
from transaction_service.models import Account, AccountReference, AccountType, JournalAction
from transaction_service.repository.accounts import AccountRepository, AccountTotals
from transaction_service.repository.investments import SecurityRepository
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.repository.rules import RuleRepository
from transaction_service.schemas.accounts import (
    AccountChange,
    AccountCreate,
    AccountDeleted,
    AccountSchema,
    ReferenceSchema,
)
from transaction_service.service.journal import Journal
from transaction_service.statements.account_matching import reference_key


class Accounts:
    """The accounts of one user."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._user_id = user_id
        self._accounts = AccountRepository(session, user_id)
        self._ledger = LedgerRepository(session, user_id)
        self._journal = Journal(session, user_id)
        self._securities = SecurityRepository(session, user_id)
        self._rules = RuleRepository(session, user_id)

    async def list(self, page: PageQuery, *, archived: bool | None) -> Slice[AccountSchema]:
        """One page of the accounts with their balances."""
        found = await self._accounts.list(page, archived=archived)
        return Slice(await self._described(found.items), found.next_cursor)

    async def get(self, account_id: UUID) -> AccountSchema:
        """One account with its balance. Raises AccountNotFound."""
        return await self._describe(await self._accounts.get(account_id))

    async def create(self, wanted: AccountCreate) -> AccountSchema:
        """Create an account. The client's own id, sent again with the same content, gives the account that is there.

        Raises IdTaken, ReferenceTaken.
        """
        await self._ledger.begin_change()
        if wanted.id is not None and (existing := await self._accounts.get_or_none(wanted.id)) is not None:
            return await self._same(existing, wanted)
        account = Account(
            id=wanted.id or new_id(),
            user_id=self._user_id,
            name=wanted.name,
            type=str(wanted.type),
            currency=wanted.currency,
            opening_balance=wanted.opening_balance,
            opening_date=wanted.opening_date,
        )
        await self._accounts.add(account)
        await self._set_references(account, wanted.references)
        return await self._describe(account)

    async def change(self, account_id: UUID, changes: AccountChange, expected: Precondition) -> AccountSchema:
        """Change the given fields. Raises AccountNotFound, Stale, ReferenceTaken."""
        await self._ledger.begin_change()
        account = await self._accounts.get(account_id)
        expected.check(account.version)
        given = changes.given()
        references = given.pop("references", None)
        for name, value in given.items():
            setattr(account, name, str(value) if name == "type" else value)
        account.updated_at = now()
        await self._accounts.session.flush()
        if references is not None:
            await self._set_references(account, changes.references or [])
        return await self._describe(account)

    async def delete(self, account_id: UUID, expected: Precondition, *, with_transactions: bool) -> AccountDeleted:
        """Delete an account; its rows only when `with_transactions`. Says what went, and disables rules that name it.

        Raises AccountNotFound, Stale, AccountHasTransactions.
        """
        await self._ledger.begin_change()
        account = await self._accounts.get(account_id)
        expected.check(account.version)
        rows = (await self._accounts.totals([account_id])).get(account_id, AccountTotals()).transactions
        if rows and not with_transactions:
            raise AccountHasTransactions(
                f'The account "{account.name}" has {rows} transactions. Repeat with ?with_transactions=true to delete '
                "them too, or archive the account instead.",
                transactions=rows,
            )
        await self._accounts.delete_with_rows(account)
        await self._securities.forget_unnamed()
        disabled = await self._rules.disable_naming(account_id)
        summary = {"account_id": account_id, "name": account.name, "currency": account.currency}
        summary |= {"disabled_rules": disabled} if disabled else {}
        await self._journal.record(JournalAction.ACCOUNT_DELETED, rows=rows, summary=summary)
        return AccountDeleted(deleted={"accounts": 1, "transactions": rows}, disabled_rules=list(disabled))

    async def _same(self, existing: Account, wanted: AccountCreate) -> AccountSchema:
        described = await self._describe(existing)
        same = all(getattr(described, name) == getattr(wanted, name) for name in _CREATED_FIELDS)
        if not same:
            raise IdTaken
        return described

    async def _set_references(self, account: Account, wanted: Sequence[ReferenceSchema]) -> None:
        book = await self._accounts.book()
        rows: dict[tuple[str, str], AccountReference] = {}
        for reference in wanted:
            key = reference_key(number=reference.number, bank=reference.bank, name=reference.name)
            if key is None:
                continue
            for other in book:
                if other.id != account.id and other.currency == account.currency and book.knows(other, key):
                    raise ReferenceTaken(
                        f'"{reference.number or reference.name}" is a reference of the account "{other.name}" already.',
                        account_id=str(other.id),
                    )
            rows[(key.key, key.bank)] = AccountReference(
                user_id=self._user_id,
                account_id=account.id,
                key=key.key,
                bank_key=key.bank,
                currency=account.currency,
                **reference.model_dump(),
            )
        await self._accounts.replace_references(account, list(rows.values()))

    async def _describe(self, account: Account) -> AccountSchema:
        return (await self._described([account]))[0]

    async def _described(self, accounts: Sequence[Account]) -> Sequence[AccountSchema]:
        ids = [account.id for account in accounts]
        totals = await self._accounts.totals(ids)
        references: dict[UUID, list[ReferenceSchema]] = {account_id: [] for account_id in ids}
        for row in await self._accounts.references(ids):
            references[row.account_id].append(ReferenceSchema(number=row.number, bank=row.bank, name=row.name))
        return [_schema(a, references[a.id], totals.get(a.id, AccountTotals())) for a in accounts]


_CREATED_FIELDS = ("name", "type", "currency", "opening_balance", "opening_date", "references")


def _schema(account: Account, references: list[ReferenceSchema], totals: AccountTotals) -> AccountSchema:
    return AccountSchema(
        id=account.id,
        name=account.name,
        type=AccountType(account.type),
        currency=account.currency,
        opening_balance=account.opening_balance,
        opening_date=account.opening_date,
        archived=account.archived,
        references=references,
        balance=account.opening_balance + totals.booked,
        pending=totals.pending,
        transactions=totals.transactions,
        version=account.version,
        created_at=account.created_at,
        updated_at=account.updated_at,
    )

"""Reading, entering, editing and deleting rows of the ledger."""

from __future__ import annotations

from uuid import UUID

from analytics_core import merchant_name
from api_common.columns import new_id, now
from api_common.preconditions import Precondition
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.categorisation import Categoriser
from transaction_service.errors import CategoryNotFound, CurrencyDiffers, IdTaken, RawTextKept
from transaction_service.models import ChosenBy, Transaction
from transaction_service.repository.accounts import AccountRepository
from transaction_service.repository.categories import CategoryRepository, RuleRepository
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.repository.transactions import TransactionRepository
from transaction_service.schemas.transactions import TransactionChange, TransactionCreate
from transaction_service.search_text import searchable

_MANUAL = "manual:"


class Transactions:
    """The rows of one user's ledger."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._user_id = user_id
        self._session = session
        self._transactions = TransactionRepository(session, user_id)
        self._accounts = AccountRepository(session, user_id)
        self._categories = CategoryRepository(session, user_id)
        self._ledger = LedgerRepository(session, user_id)

    async def get(self, transaction_id: UUID) -> Transaction:
        """One row. Raises TransactionNotFound."""
        return await self._transactions.get(transaction_id)

    async def enter(self, wanted: TransactionCreate) -> Transaction:
        """Enter a row by hand. The client's own id, sent again with the same content, gives the row that is there.

        Raises AccountNotFound, CategoryNotFound, CurrencyDiffers, IdTaken.
        """
        await self._ledger.begin_change()
        account = await self._accounts.get(wanted.account_id)
        if wanted.currency is not None and wanted.currency != account.currency:
            raise CurrencyDiffers(f'The account "{account.name}" is kept in {account.currency}, not {wanted.currency}.')
        if wanted.id is not None and (existing := await self._transactions.with_tombstones(wanted.id)) is not None:
            return self._same(existing, wanted)
        row_id = wanted.id or new_id()
        row = Transaction(
            id=row_id,
            user_id=self._user_id,
            account_id=account.id,
            identity=f"{_MANUAL}{row_id}",
            booking_date=wanted.booking_date,
            value_date=wanted.value_date,
            amount=wanted.amount,
            currency=account.currency,
            text=wanted.description,
            counterparty=wanted.counterparty,
            note=wanted.note,
        )
        row.merchant = _merchant_of(row)
        _refresh_search_text(row)
        await self._categorise(row, wanted.category_id)
        return await self._transactions.add(row)

    async def change(self, transaction_id: UUID, changes: TransactionChange, expected: Precondition) -> Transaction:
        """Change the given fields; the row keeps its identity, so no later import books it again.

        A merchant that was told from the texts follows them; one that the user chose stays.

        Raises TransactionNotFound, Stale, CategoryNotFound, RawTextKept.
        """
        await self._ledger.begin_change()
        row = await self._transactions.get(transaction_id)
        expected.check(row.version)
        given = changes.given()
        derived = row.merchant == _merchant_of(row)
        if "description" in given:
            if not row.identity.startswith(_MANUAL):
                raise RawTextKept(
                    "The description is what the bank wrote and stays as it is. Use note for your own words."
                )
            row.text = str(given.pop("description"))
        for name in given.keys() - {"category_id"}:
            setattr(row, name, given[name])
        if derived and "merchant" not in given:
            row.merchant = _merchant_of(row)
        _refresh_search_text(row)
        if "category_id" in given:
            await self._categorise(row, changes.category_id)
        row.edited_at = now()
        await self._session.flush()
        return row

    async def delete(self, transaction_id: UUID, expected: Precondition) -> None:
        """Delete a row. Its identity stays behind, so that no later import books it again.

        Raises TransactionNotFound, Stale.
        """
        await self._ledger.begin_change()
        row = await self._transactions.get(transaction_id)
        expected.check(row.version)
        row.deleted_at = now()
        await self._session.flush()

    def _same(self, existing: Transaction, wanted: TransactionCreate) -> Transaction:
        same = (
            existing.user_id == self._user_id
            and existing.deleted_at is None
            and existing.account_id == wanted.account_id
            and existing.booking_date == wanted.booking_date
            and existing.amount == wanted.amount
            and existing.text == wanted.description
        )
        if not same:
            raise IdTaken(f"The id {wanted.id} stands for another row already. Send another id, or none.")
        return existing

    async def _categorise(self, row: Transaction, category_id: UUID | None) -> None:
        """Give the row the user's category, or, without one, what the rules say."""
        if category_id is not None:
            if category_id not in await self._categories.tree():
                raise CategoryNotFound(f"There is no category {category_id}.")
            row.category_id, row.categorised_by = category_id, ChosenBy.USER
            return
        rules = await RuleRepository(self._session, self._user_id).ordered()
        row.category_id = Categoriser(rules).category_of(row.search_text)
        row.categorised_by = ChosenBy.NONE if row.category_id is None else ChosenBy.RULE


def _merchant_of(row: Transaction) -> str | None:
    return merchant_name(row.counterparty or row.text) or None


def _refresh_search_text(row: Transaction) -> None:
    row.search_text = searchable(row.counterparty, row.text, row.reference, row.merchant, row.note)

"""Reading, entering, editing, splitting, deleting and restoring single rows of the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import cast
from uuid import UUID

from api_common.columns import new_id, now
from api_common.preconditions import Precondition
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.errors import CategoryNotFound, CurrencyDiffers, IdTaken, RowReplaced, TransactionNotFound
from transaction_service.models import ChosenBy, JournalAction, Transaction
from transaction_service.repository.accounts import AccountRepository
from transaction_service.repository.categories import CategoryRepository
from transaction_service.repository.corrections import CorrectionRepository
from transaction_service.repository.investments import InvestmentRepository
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.repository.row_states import RowStateRepository, StateChange
from transaction_service.repository.rules import RuleRepository
from transaction_service.repository.transactions import TransactionRepository
from transaction_service.repository.transfers import TransferRepository
from transaction_service.rows import edits
from transaction_service.rows.edits import Decide, Edit
from transaction_service.rows.state import MANUAL, RowPart, RowState, changed_columns, whole_fields
from transaction_service.rules.categorisation import Categoriser
from transaction_service.schemas.transactions import (
    SplitInput,
    TransactionChange,
    TransactionCreate,
    TransactionSchema,
    transaction_schema,
)
from transaction_service.search.words import search_words
from transaction_service.service.journal import Journal, RowChange
from transaction_service.transfers.evidence import NO_PARTNER


class Transactions:
    """The rows of one user's ledger."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._user_id = user_id
        self._session = session
        self._transactions = TransactionRepository(session, user_id)
        self._states = RowStateRepository(session, user_id)
        self._transfers = TransferRepository(session, user_id)
        self._accounts = AccountRepository(session, user_id)
        self._categories = CategoryRepository(session, user_id)
        self._rules = RuleRepository(session, user_id)
        self._corrections = CorrectionRepository(session, user_id)
        self._investments = InvestmentRepository(session, user_id)
        self._ledger = LedgerRepository(session, user_id)
        self._journal = Journal(session, user_id)

    async def get(self, transaction_id: UUID) -> TransactionSchema:
        """One row. Raises TransactionNotFound."""
        return (await self.shown([await self._transactions.get(transaction_id)]))[0]

    async def shown(self, rows: Sequence[Transaction]) -> list[TransactionSchema]:
        """Rows as the answers show them, with their tags and parts."""
        states = await self._states.of(rows)
        partners = await self._transfers.partners([row.id for row in rows])
        return [
            transaction_schema(row, state.tags, state.splits, partners.get(row.id, NO_PARTNER))
            for row, state in zip(rows, states, strict=True)
        ]

    async def enter(self, wanted: TransactionCreate) -> TransactionSchema:
        """Enter a row by hand; the rules fill in what the user leaves out.

        The client's own id, sent again with the same content, gives the row that is there.

        Raises AccountNotFound, CategoryNotFound, CurrencyDiffers, IdTaken, SplitsDiffer, RowIsSplit.
        """
        await self._ledger.begin_change()
        account = await self._accounts.get(wanted.account_id)
        if wanted.currency is not None and wanted.currency != account.currency:
            raise CurrencyDiffers(f'The account "{account.name}" is kept in {account.currency}, not {wanted.currency}.')
        if wanted.id is not None and (existing := await self._transactions.with_tombstones(wanted.id)) is not None:
            return (await self.shown([self._same(existing, wanted)]))[0]
        row_id = wanted.id or new_id()
        row = Transaction(
            id=row_id,
            user_id=self._user_id,
            account_id=account.id,
            identity=f"{MANUAL}{row_id}",
            booking_date=wanted.booking_date,
            value_date=wanted.value_date,
            amount=wanted.amount,
            currency=account.currency,
            original_amount=wanted.original_amount,
            original_currency=wanted.original_currency,
            exchange_rate=wanted.exchange_rate,
            text=wanted.description,
            counterparty=wanted.counterparty,
        )
        before = RowState.of(row)
        given = await self._entry(wanted)
        after = edits.entered(before, given, await self.decide())
        for name, value in changed_columns(before, after).items():
            setattr(row, name, value)
        row.search_text = after.search_text()
        row.search_words = search_words(row.search_text)
        await self._transactions.add(row)
        await self._states.write_parts([(before, after)])
        await self._journal.record(JournalAction.ROW_ENTERED, changes=[RowChange(row_id, {}, whole_fields(after))])
        return transaction_schema(row, after.tags, after.splits)

    async def change(
        self, transaction_id: UUID, changes: TransactionChange, expected: Precondition
    ) -> TransactionSchema:
        """Change the given fields; the row keeps its identity, so no later import books it again.

        A merchant that was told from the texts follows them; one that the user chose stays. Of a row that a file
        brought, the file's booking date and amount are kept beside the user's.

        Raises TransactionNotFound, Stale, CategoryNotFound, RawTextKept, RowIsSplit, SplitsDiffer.
        """
        await self._ledger.begin_change()
        row = await self._transactions.get(transaction_id)
        expected.check(row.version)
        before = (await self._states.of([row]))[0]
        given = changes.given()
        edit = cast("Edit", {name: value for name, value in given.items() if name not in {"description", "splits"}})
        if changes.description is not None:
            edit["text"] = changes.description
        if changes.splits is not None:
            edit["splits"] = _parts(changes.splits, before)
        await self.check_categories([changes.category_id, *(part.category_id for part in edit.get("splits", ()))])
        decide = await self.decide() if edits.asks_rules(edit) else edits.no_rules
        ((_, after),) = await self.as_statements_mark([(before, edits.edited(before, edit, decide))])
        return await self._store(row, before, after, JournalAction.ROW_CHANGED)

    async def split(
        self, transaction_id: UUID, splits: Sequence[SplitInput], expected: Precondition
    ) -> TransactionSchema:
        """Replace the parts of a row; without any it is whole again, and its category the rules'.

        Raises TransactionNotFound, Stale, CategoryNotFound, SplitsDiffer.
        """
        return await self.change(transaction_id, TransactionChange(splits=list(splits)), expected)

    async def delete(self, transaction_id: UUID, expected: Precondition) -> None:
        """Delete a row. Its identity stays behind, so that no later import books it again.

        Raises TransactionNotFound, Stale.
        """
        await self._ledger.begin_change()
        row = await self._transactions.get(transaction_id)
        expected.check(row.version)
        before = (await self._states.of([row]))[0]
        await self._store(row, before, edits.deleted(before, now()), JournalAction.ROW_DELETED, edited=False)

    async def restore(self, transaction_id: UUID) -> TransactionSchema:
        """Bring a deleted row back as it was; one that stands is left as it is.

        Raises TransactionNotFound, and RowReplaced for a row whose booking or correction stands in its place.
        """
        await self._ledger.begin_change()
        row = await self._transactions.with_tombstones(transaction_id)
        if row is None or row.user_id != self._user_id:
            raise TransactionNotFound(f"There is no transaction {transaction_id}.")
        before = (await self._states.of([row]))[0]
        if row.deleted_at is not None and (other := row.replaced_by or await self._stand_in(before)) is not None:
            raise RowReplaced(
                f"The bank put {other} in the row's place, as its booking or its correction. Edit that one."
            )
        return await self._store(row, before, edits.restored(before), JournalAction.ROW_RESTORED, edited=False)

    async def _stand_in(self, state: RowState) -> UUID | None:
        found = await self._corrections.stand_ins([state])
        if not found:
            await self._corrections.let_stand([state])
        return found.get(state.id)

    async def decide(self) -> Decide:
        """What the user's rules make of a row."""
        return Categoriser(await self._rules.ordered()).decide

    async def as_statements_mark(self, changes: Sequence[StateChange]) -> Sequence[StateChange]:
        """The changes, with the mark of a transfer that a statement gave a row on those that the user gives back.

        The money of such a row became securities, or came back from them, as the statement of its account says.
        """
        given_back = [
            after.id
            for before, after in changes
            if before.transfer_by == ChosenBy.USER and after.transfer_by == ChosenBy.NONE
        ]
        moves = await self._investments.moves(given_back) if given_back else set[UUID]()
        if not moves:
            return changes
        return [(b, replace(after, marked_transfer=True) if after.id in moves else after) for b, after in changes]

    async def check_categories(self, wanted: Iterable[UUID | None]) -> None:
        """Raise CategoryNotFound for an id that is neither a built-in category nor one of the user's."""
        named = [category_id for category_id in wanted if category_id is not None]
        if not named:
            return
        tree = await self._categories.tree()
        for category_id in named:
            if category_id not in tree:
                raise CategoryNotFound(f"There is no category {category_id}.")

    async def _entry(self, wanted: TransactionCreate) -> Edit:
        await self.check_categories([wanted.category_id, *(part.category_id for part in wanted.splits)])
        edit = Edit(tags=wanted.tags)
        if wanted.splits:
            edit["splits"] = edits.parts([(p.amount, p.category_id, p.note) for p in wanted.splits], ())
        if wanted.category_id is not None:
            edit["category_id"] = wanted.category_id
        if wanted.merchant is not None:
            edit["merchant"] = wanted.merchant
        if wanted.note is not None:
            edit["note"] = wanted.note
        if wanted.marked_transfer is not None:
            edit["marked_transfer"] = wanted.marked_transfer
        return edit

    async def _store(
        self, row: Transaction, before: RowState, after: RowState, action: JournalAction, *, edited: bool = True
    ) -> TransactionSchema:
        """Write what differs, and nothing when nothing does."""
        if after != before:
            await self._states.write([(before, after)], edited=edited)
            await self._journal.record(action, changes=[RowChange.between(before, after)])
            await self._session.refresh(row)
        partners = await self._transfers.partners([row.id])
        return transaction_schema(row, after.tags, after.splits, partners.get(row.id, NO_PARTNER))

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
            raise IdTaken
        return existing


def _parts(splits: Sequence[SplitInput], before: RowState) -> tuple[RowPart, ...]:
    return edits.parts([(part.amount, part.category_id, part.note) for part in splits], before.splits)

"""Keeping the balances that the user asserts."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from api_common.columns import new_id
from api_common.pagination import PageQuery, Slice
from api_common.preconditions import Precondition
from sqlalchemy.ext.asyncio import AsyncSession

from transaction_service.errors import AssertionNotFound, DayAsserted, IdTaken
from transaction_service.models import BalanceAssertion, JournalAction
from transaction_service.repository.accounts import AccountRepository
from transaction_service.repository.assertions import AssertionRepository
from transaction_service.repository.ledger import LedgerRepository
from transaction_service.schemas.reconciliation import AssertionChange, AssertionCreate, AssertionSchema
from transaction_service.service.journal import Journal


class Assertions:
    """The balance assertions of one account."""

    def __init__(self, session: AsyncSession, user_id: UUID, account_id: UUID) -> None:
        self._user_id = user_id
        self._account_id = account_id
        self._assertions = AssertionRepository(session, user_id)
        self._accounts = AccountRepository(session, user_id)
        self._ledger = LedgerRepository(session, user_id)
        self._journal = Journal(session, user_id)

    async def list(self, page: PageQuery) -> Slice[AssertionSchema]:
        """One page of the assertions, latest day first. Raises AccountNotFound."""
        await self._accounts.get(self._account_id)
        found = await self._assertions.list(self._account_id, page)
        return Slice([_schema(assertion) for assertion in found.items], found.next_cursor)

    async def get(self, assertion_id: UUID) -> AssertionSchema:
        """One assertion. Raises AccountNotFound, AssertionNotFound."""
        return _schema(await self._get(assertion_id))

    async def create(self, wanted: AssertionCreate) -> AssertionSchema:
        """Assert a balance. The client's own id, sent again with the same content, gives what is there.

        Raises AccountNotFound, DayAsserted, IdTaken.
        """
        await self._ledger.begin_change()
        await self._accounts.get(self._account_id)
        if wanted.id is not None and (known := await self._assertions.get_or_none(wanted.id)) is not None:
            if (known.account_id, known.balance_date, known.amount) != (self._account_id, wanted.date, wanted.amount):
                raise IdTaken
            return _schema(known)
        await self._check_day(wanted.date)
        assertion = BalanceAssertion(
            id=wanted.id or new_id(),
            user_id=self._user_id,
            account_id=self._account_id,
            balance_date=wanted.date,
            amount=wanted.amount,
            note=wanted.note,
        )
        await self._assertions.add(assertion)
        await self._record(JournalAction.BALANCE_ASSERTED, assertion)
        return _schema(assertion)

    async def change(self, assertion_id: UUID, changes: AssertionChange, expected: Precondition) -> AssertionSchema:
        """Change the given fields. Raises AccountNotFound, AssertionNotFound, Stale, DayAsserted."""
        await self._ledger.begin_change()
        assertion = await self._get(assertion_id)
        expected.check(assertion.version)
        given = changes.given()
        if changes.date is not None and changes.date != assertion.balance_date:
            await self._check_day(changes.date)
            assertion.balance_date = changes.date
        for name in given.keys() - {"date"}:
            setattr(assertion, name, given[name])
        await self._assertions.session.flush()
        await self._record(JournalAction.ASSERTION_CHANGED, assertion)
        return _schema(assertion)

    async def delete(self, assertion_id: UUID, expected: Precondition) -> None:
        """Take an assertion back. Raises AccountNotFound, AssertionNotFound, Stale."""
        await self._ledger.begin_change()
        assertion = await self._get(assertion_id)
        expected.check(assertion.version)
        await self._assertions.delete(assertion)
        await self._record(JournalAction.ASSERTION_DELETED, assertion)

    async def _get(self, assertion_id: UUID) -> BalanceAssertion:
        await self._accounts.get(self._account_id)
        assertion = await self._assertions.get(assertion_id)
        if assertion.account_id != self._account_id:
            raise AssertionNotFound(f"The account {self._account_id} has no balance assertion {assertion_id}.")
        return assertion

    async def _check_day(self, day: date) -> None:
        """An account holds one balance at the end of a day; a second assertion could only contradict the first."""
        known = await self._assertions.on(self._account_id, day)
        if known is not None:
            raise DayAsserted(
                f"The balance of {day} is asserted already. Change that assertion instead.", assertion_id=str(known.id)
            )

    async def _record(self, action: JournalAction, assertion: BalanceAssertion) -> None:
        summary = {
            "assertion_id": assertion.id,
            "account_id": self._account_id,
            "date": assertion.balance_date,
            "amount": assertion.amount,
        }
        await self._journal.record(action, summary=summary)


def _schema(assertion: BalanceAssertion) -> AssertionSchema:
    return AssertionSchema(
        id=assertion.id,
        account_id=assertion.account_id,
        date=assertion.balance_date,
        amount=assertion.amount,
        note=assertion.note,
        version=assertion.version,
        created_at=assertion.created_at,
    )

"""What an account's reconciliation reads: the balances that are known, the ledger's sums, and suspicious rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from api_common.columns import Money
from sqlalchemy import ColumnElement, false, func, literal, or_, select, type_coerce, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from transaction_service.models import (
    Account,
    BalanceAssertion,
    ImportStatus,
    Proposal,
    ProposalStatus,
    Statement,
    StatementBalance,
    StatementImport,
    Transaction,
)
from transaction_service.reconciliation.gap_causes import NEAR, SuspectRow, suspect_amounts
from transaction_service.reconciliation.timeline import BalanceGap, BalanceSource, KnownBalance
from transaction_service.repository.by_ids import of_user
from transaction_service.repository.exact_sums import joined, units_and_millionths

_MOST_SUSPECTS = 200
_MOST_IMPORTS = 200
_STATED = (BalanceSource.OPENING, BalanceSource.CLOSING)
_WITHIN_THE_DAY = ("camt.052", "mt942")
"""Formats of reports that a bank makes while the day goes on."""


@dataclass(frozen=True, slots=True)
class SuspectImport:
    """An import that was undone, or that refused rows, and the balances that it stated for the account."""

    id: UUID
    status: ImportStatus
    refused: int
    report: Mapping[str, object]


class ReconciliationRepository:
    """Reads of one user's accounts for their reconciliation."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self.session = session
        self.user_id = user_id

    async def stated(self, account_ids: Collection[UUID]) -> dict[UUID, list[KnownBalance]]:
        """The balances that statements and the user state, by account; those of single rows apart."""
        found: dict[UUID, set[KnownBalance]] = {account_id: set() for account_id in account_ids}
        balances = (
            select(
                col(StatementBalance.account_id),
                col(StatementBalance.balance_date),
                col(StatementBalance.kind),
                col(StatementBalance.amount),
                col(StatementBalance.import_id),
                col(StatementImport.format),
            )
            .join(StatementImport, col(StatementImport.id) == col(StatementBalance.import_id))
            .where(
                col(StatementBalance.user_id) == self.user_id,
                col(StatementBalance.account_id).in_(account_ids),
                col(StatementBalance.kind).in_(_STATED),
            )
        )
        for account_id, day, kind, amount, import_id, form in await self.session.execute(balances):
            if day is not None:
                found[account_id].add(_known(day, BalanceSource(kind), amount, import_id, form))
        await self._add_undated(found)
        assertions = select(BalanceAssertion).where(
            col(BalanceAssertion.user_id) == self.user_id, col(BalanceAssertion.account_id).in_(account_ids)
        )
        for said in (await self.session.scalars(assertions)).all():
            found[said.account_id].add(
                KnownBalance(said.balance_date, BalanceSource.ASSERTION, said.amount, assertion_id=said.id)
            )
        return {account_id: _once_each(known) for account_id, known in found.items()}

    async def _add_undated(self, found: dict[UUID, set[KnownBalance]]) -> None:
        """Balances without a date of their own stand at the ends of their statement's period."""
        statements = (
            select(Statement, col(StatementImport.format))
            .join(StatementImport, col(StatementImport.id) == col(Statement.import_id))
            .where(col(Statement.user_id) == self.user_id, col(Statement.account_id).in_(found))
        )
        for statement, form in (await self.session.execute(statements)).all():
            known = found[statement.account_id]
            dated = {(balance.source, balance.amount) for balance in known if balance.import_id == statement.import_id}
            for source, day, amount in (
                (BalanceSource.OPENING, statement.starts, statement.opening),
                (BalanceSource.CLOSING, statement.ends, statement.closing),
            ):
                if day is not None and amount is not None and (source, amount) not in dated:
                    known.add(_known(day, source, amount, statement.import_id, form))

    async def running_days(
        self, account_id: UUID, first: date | None, last: date | None, *, limit: int, newest: bool = False
    ) -> Sequence[date]:
        """The first days (or the `newest`) on which rows carry the balance after them."""
        day = col(Transaction.booking_date)
        statement = select(day).distinct().where(*self._running(account_id, first, last))
        return (await self.session.scalars(statement.order_by(day.desc() if newest else day).limit(limit))).all()

    async def running(self, account_id: UUID, first: date, last: date) -> list[KnownBalance]:
        """The balance at the end of each day whose rows carry balances that form one chain.

        The end of a chain is the balance that is not the one before another row, in whatever order the rows stand.
        """
        # What the bank booked: a row that the user has deleted or changed was part of the bank's chain.
        amount = func.coalesce(col(Transaction.stated_amount), col(Transaction.amount))
        before = type_coerce(col(Transaction.balance) - amount, Money())
        rows = self._running(account_id, first, last)
        day = col(Transaction.booking_date)
        values = union_all(
            select(day.label("day"), col(Transaction.balance).label("balance"), literal(1).label("times")).where(*rows),
            select(day, before, literal(-1)).where(*rows),
        ).subquery()
        left = func.sum(values.c.times)
        statement = select(values.c.day, values.c.balance, left).group_by(values.c.day, values.c.balance)
        ends: dict[date, list[tuple[Decimal, int]]] = {}
        for found_day, balance, times in await self.session.execute(statement.having(left > 0)):
            ends.setdefault(found_day, []).append((balance, int(times)))
        return [
            KnownBalance(found_day, BalanceSource.RUNNING, found[0][0])
            for found_day, found in sorted(ends.items())
            if len(found) == 1 and found[0][1] == 1
        ]

    async def sum_before(self, account: Account, day: date) -> Decimal:
        """The sum of the account's booked rows before a day, from its opening date on."""
        units, millionths = units_and_millionths(self.session, Transaction.amount)
        statement = select(func.sum(units), func.sum(millionths)).where(
            *self._booked(account), col(Transaction.booking_date) < day
        )
        return joined(*(await self.session.execute(statement)).one())

    async def day_sums(self, account: Account, first: date, last: date) -> dict[date, Decimal]:
        """The sum of the account's booked rows on each day between the two that has any."""
        units, millionths = units_and_millionths(self.session, Transaction.amount)
        day = col(Transaction.booking_date)
        statement = select(day, func.sum(units), func.sum(millionths)).where(
            *self._booked(account), day.between(first, last)
        )
        return {row[0]: joined(row[1], row[2]) for row in await self.session.execute(statement.group_by(day))}

    async def suspects(self, account_id: UUID, gap: BalanceGap) -> Sequence[SuspectRow]:
        """Rows around a gap that may have made it, deleted ones included; at most some hundred."""
        amounts = suspect_amounts(gap.amount)
        edited = type_coerce(col(Transaction.stated_amount) - col(Transaction.amount), Money())
        statement = (
            select(
                col(Transaction.id),
                col(Transaction.booking_date),
                col(Transaction.amount),
                col(Transaction.text),
                col(Transaction.stated_date),
                col(Transaction.stated_amount),
                col(Transaction.pending),
                col(Transaction.deleted_at).is_not(None),
            )
            .where(
                col(Transaction.user_id) == self.user_id,
                col(Transaction.account_id) == account_id,
                col(Transaction.replaced_by).is_(None),
                col(Transaction.booking_date) <= gap.until + NEAR,
                or_(col(Transaction.amount).in_(amounts), edited == gap.amount),
            )
            .order_by(col(Transaction.booking_date).desc(), col(Transaction.id))
            .limit(_MOST_SUSPECTS)
        )
        if gap.after is not None:
            statement = statement.where(col(Transaction.booking_date) > gap.after - NEAR)
        return [SuspectRow(*row) for row in await self.session.execute(statement)]

    async def proposals(self, account_id: UUID) -> Sequence[Proposal]:
        """Rows of files that were taken for repeats, or wait for the user to say so."""
        statement = (
            select(Proposal)
            .where(
                col(Proposal.user_id) == self.user_id,
                col(Proposal.account_id) == account_id,
                col(Proposal.status) != ProposalStatus.REJECTED,
            )
            .order_by(col(Proposal.id).desc())
            .limit(_MOST_SUSPECTS)
        )
        return (await self.session.scalars(statement)).all()

    async def imports(self) -> Sequence[SuspectImport]:
        """The latest imports that were undone, or that refused rows."""
        statement = (
            select(
                col(StatementImport.id),
                col(StatementImport.status),
                col(StatementImport.refused),
                col(StatementImport.report),
            )
            .where(
                col(StatementImport.user_id) == self.user_id,
                or_(col(StatementImport.status) == ImportStatus.UNDONE, col(StatementImport.refused) > 0),
            )
            .order_by(col(StatementImport.id).desc())
            .limit(_MOST_IMPORTS)
        )
        rows = await self.session.execute(statement)
        return [SuspectImport(row[0], ImportStatus(row[1]), row[2], row[3]) for row in rows]

    def _booked(self, account: Account) -> list[ColumnElement[bool]]:
        conditions = [
            col(Transaction.user_id) == self.user_id,
            col(Transaction.account_id) == account.id,
            col(Transaction.deleted_at).is_(None),
            col(Transaction.pending) == false(),
        ]
        if account.opening_date is not None:
            conditions.append(col(Transaction.booking_date) >= account.opening_date)
        return conditions

    def _running(self, account_id: UUID, first: date | None, last: date | None) -> list[ColumnElement[bool]]:
        conditions = [
            # Few rows carry a balance, and they have an index of their own.
            of_user(self.user_id),
            col(Transaction.account_id) == account_id,
            col(Transaction.balance).is_not(None),
            col(Transaction.replaced_by).is_(None),
            col(Transaction.pending) == false(),
            col(Transaction.stated_date).is_(None),
        ]
        if first is not None:
            conditions.append(col(Transaction.booking_date) >= first)
        if last is not None:
            conditions.append(col(Transaction.booking_date) <= last)
        return conditions


def _known(day: date, source: BalanceSource, amount: Decimal, import_id: UUID, form: str) -> KnownBalance:
    interim = source is BalanceSource.CLOSING and form.startswith(_WITHIN_THE_DAY)
    return KnownBalance(day, source, amount, import_id, interim=interim)


def _once_each(known: Set[KnownBalance]) -> list[KnownBalance]:
    """In order, and what several imports state alike once, as the latest of them does, and no interim report.

    An interim closing of a day whose end the next day's opening tells is left out.
    """
    opened = {b.day - timedelta(days=1): b.amount for b in known if b.source is BalanceSource.OPENING}
    passed = {b for b in known if b.interim and opened.get(b.day, b.amount) != b.amount}
    ordered = sorted(known - passed, key=lambda balance: (not balance.interim, balance.order))
    return sorted({(b.day, b.source, b.amount): b for b in ordered}.values(), key=lambda balance: balance.order)

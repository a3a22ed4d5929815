"""The rows among which transfers are looked for, and what the user's accounts are called by."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from api_common.columns import MICROS_PER_UNIT
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Numeric,
    Row,
    Select,
    SQLColumnExpression,
    String,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from transaction_service.models import Account, AccountReference, InvestmentEntry, Transaction, Transfer, TransferStatus
from transaction_service.repository.by_ids import of_user
from transaction_service.search.text import contains_pattern, folded
from transaction_service.transfers.own_accounts import OwnAccount, comparable_number
from transaction_service.transfers.planned import PlannedRow

_CHUNK = 5000

DriverRow = Row[*tuple[Any, ...]] | tuple[Any, ...]
"""A row as `sieve.BareRow` takes it: ids as texts, amounts in millionths, the day as the driver gives it."""

_MATCHED: tuple[SQLColumnExpression[Any], ...] = (
    col(Transaction.id),
    col(Transaction.account_id),
    col(Transaction.import_id),
    col(Transaction.currency),
    col(Transaction.booking_date),
    col(Transaction.value_date),
    col(Transaction.amount),
    col(Transaction.original_amount),
    col(Transaction.original_currency),
    col(Transaction.exchange_rate),
    col(Transaction.counterparty_account),
    col(Transaction.counterparty),
    col(Transaction.text),
    col(Transaction.category_id),
    col(Transaction.marked_transfer),
    col(Transaction.transfer_by),
)


class TransferSearchRepository:
    """What the search for transfers reads."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self.session = session
        self.user_id = user_id

    async def own_accounts(self) -> Sequence[OwnAccount]:
        """The user's accounts with the numbers and names that rows may call them by."""
        accounts = (
            await self.session.execute(
                select(col(Account.id), col(Account.currency), col(Account.name)).where(
                    col(Account.user_id) == self.user_id
                )
            )
        ).all()
        numbers: dict[UUID, set[str]] = {row.id: set() for row in accounts}
        names: dict[UUID, set[str]] = {row.id: {folded(row.name)} for row in accounts}
        references = select(
            col(AccountReference.account_id), col(AccountReference.number), col(AccountReference.name)
        ).where(col(AccountReference.user_id) == self.user_id)
        for account_id, number, name in await self.session.execute(references):
            if number:
                numbers[account_id].add(comparable_number(number))
            if name:
                names[account_id].add(folded(name))
        return [OwnAccount(a.id, a.currency, frozenset(numbers[a.id] - {""}), frozenset(names[a.id])) for a in accounts]

    async def own_names(self) -> set[str]:
        """Folded counterparties that both sides of a linked transfer name: the user."""
        outgoing, incoming = aliased(Transaction), aliased(Transaction)
        statement = (
            select(func.max(outgoing.counterparty))
            .join(Transfer, col(Transfer.outgoing_id) == outgoing.id)
            .join(incoming, col(Transfer.incoming_id) == incoming.id)
            .where(
                col(Transfer.user_id) == self.user_id,
                col(Transfer.status) == TransferStatus.LINKED,
                func.lower(outgoing.counterparty) == func.lower(incoming.counterparty),
            )
            .group_by(func.lower(outgoing.counterparty))
        )
        return {folded(name) for name in (await self.session.scalars(statement)).all() if name}

    async def span(self, import_id: UUID | None) -> tuple[date, date] | None:
        """The first and the last booking date of an import's rows, or of the ledger's."""
        dates = select(func.min(Transaction.booking_date), func.max(Transaction.booking_date)).where(*self._standing())
        if import_id is not None:
            dates = dates.where(col(Transaction.import_id) == import_id)
        first, last = (await self.session.execute(dates)).one()
        return None if first is None else (first, last)

    async def some_accounts(self, first: date, last: date) -> set[UUID]:
        """Two accounts that have rows between the days, or the only one."""
        rows = exists().where(
            col(Transaction.account_id) == col(Account.id), col(Transaction.booking_date).between(first, last)
        )
        statement = select(col(Account.id)).where(col(Account.user_id) == self.user_id, rows).limit(2)
        return set((await self.session.scalars(statement)).all())

    async def taken_rows(self) -> set[UUID]:
        """The ids of all rows that are linked, or that are the cash of a trade or distribution of securities."""
        linked = (col(Transfer.user_id) == self.user_id, col(Transfer.status) == TransferStatus.LINKED)
        statement: CompoundSelect[Any] = union_all(
            *(select(side).where(*linked) for side in (col(Transfer.outgoing_id), col(Transfer.incoming_id))),
            select(col(InvestmentEntry.transaction_id)).where(
                col(InvestmentEntry.user_id) == self.user_id, col(InvestmentEntry.transaction_id).is_not(None)
            ),
        )
        return set((await self.session.scalars(statement)).all())

    async def largest_account(self, first: date, last: date) -> UUID | None:
        """The account with most rows between the days."""
        account = col(Transaction.account_id)
        statement = select(account).where(
            col(Transaction.user_id) == self.user_id, col(Transaction.booking_date).between(first, last)
        )
        found: UUID | None = await self.session.scalar(
            statement.group_by(account).order_by(func.count().desc(), account).limit(1)
        )
        return found

    async def bare_rows(
        self,
        first: date,
        last: date,
        *,
        import_id: UUID | None,
        names: Collection[str] | None = None,
        besides: UUID | None = None,
        only: tuple[UUID, Collection[int]] | None = None,
    ) -> Sequence[DriverRow]:
        """The booked rows between the days as the driver gives them: the fields of `BareRow`, the day as a date.

        names:   of own accounts, to be found in the rows' texts; None when all accounts have one currency, which
                 leaves out what matters only across currencies
        besides: an account whose rows are left out
        only:    an account, and the amounts in millionths that its rows have
        """
        columns: list[SQLColumnExpression[Any]] = [
            self._text(Transaction.id),
            self._text(Transaction.account_id),
            col(Transaction.booking_date) if self._is_postgresql else type_coerce(Transaction.booking_date, String),
            self._micros(Transaction.amount),
            true() if import_id is None else func.coalesce(col(Transaction.import_id) == import_id, false()),
        ]
        if names is not None:
            texts = [col(Transaction.search_text).like(contains_pattern(name), escape="\\") for name in names]
            columns += [
                col(Transaction.currency),
                self._micros(Transaction.original_amount),
                col(Transaction.original_currency),
                col(Transaction.counterparty_account),
                or_(col(Transaction.exchange_rate).is_not(None), *texts),
            ]
        statement = select(*columns).where(*self._standing(), col(Transaction.booking_date).between(first, last))
        if besides is not None:
            statement = statement.where(col(Transaction.account_id) != besides)
        if only is not None:
            account_id, amounts = only
            statement = statement.where(
                col(Transaction.account_id) == account_id, col(Transaction.amount).in_(self._listed(amounts))
            )
        # Past the ORM, which would look at each of very many rows.
        connection = await self.session.connection()
        found: Sequence[DriverRow] = (await connection.execute(statement)).all()
        return found

    def as_driver_gives(self, row: PlannedRow, names: Collection[str] | None = None) -> tuple[Any, ...]:
        """A row that is not booked yet as `bare_rows` would give it afterwards."""
        original = row.original_amount
        plain = (
            str(row.id) if self._is_postgresql else row.id.hex,
            str(row.account_id) if self._is_postgresql else row.account_id.hex,
            row.booking_date,
            int(row.amount * MICROS_PER_UNIT),
            True,
        )
        if names is None:
            return plain
        return (
            *plain,
            row.currency,
            None if original is None else int(original * MICROS_PER_UNIT),
            row.original_currency,
            row.counterparty_account,
            row.exchange_rate is not None or any(name in row.search_text for name in names),
        )

    async def rows(self, row_ids: Collection[UUID]) -> Sequence[Row[*tuple[Any, ...]]]:
        """These rows with all that is matched."""
        found: list[Row[*tuple[Any, ...]]] = []
        connection = await self.session.connection()
        for chunk in _chunks(row_ids):
            statement = select(*_MATCHED).where(of_user(self.user_id), *self._booked(), col(Transaction.id).in_(chunk))
            found += (await connection.execute(statement)).all()
        return found

    async def returns(
        self, row_ids: Collection[UUID], within: timedelta, planned: Mapping[UUID, PlannedRow]
    ) -> Sequence[tuple[UUID, UUID]]:
        """Of these rows those whose amount went the other way between the same two accounts, each with that other row.

        Only where the bank states the number of the other account. Rows that are `planned` are looked at as well.
        """
        columns = (
            col(Transaction.id),
            col(Transaction.account_id),
            col(Transaction.counterparty_account),
            col(Transaction.amount),
            col(Transaction.booking_date),
        )
        rows: dict[tuple[UUID, str | None], list[tuple[UUID, Decimal, date]]] = defaultdict(list)
        for chunk in _chunks(row_ids):
            named = (col(Transaction.id).in_(chunk), col(Transaction.counterparty_account).is_not(None))
            for row_id, account_id, number, amount, day in await self.session.execute(
                select(*columns).where(of_user(self.user_id), *named)
            ):
                rows[account_id, number].append((row_id, amount, day))
        numbered: dict[tuple[UUID, str | None], list[PlannedRow]] = defaultdict(list)
        for row in planned.values():
            if row.counterparty_account:
                numbered[row.account_id, row.counterparty_account].append(row)
                if row.id in row_ids:
                    key = (row.account_id, row.counterparty_account)
                    rows[key].append((row.id, row.amount, row.booking_date))
        found: list[tuple[UUID, UUID]] = []
        for (account_id, number), members in rows.items():
            days = [day for _, _, day in members]
            others = select(*columns).where(
                of_user(self.user_id),
                *self._booked(),
                col(Transaction.account_id) == account_id,
                col(Transaction.booking_date).between(min(days) - within, max(days) + within),
                col(Transaction.counterparty_account) == number,
            )
            by_amount: dict[Decimal, list[tuple[UUID, date]]] = defaultdict(list)
            for other_id, _, _, amount, day in await self.session.execute(others):
                by_amount[amount].append((other_id, day))
            for other in numbered[account_id, number]:
                by_amount[other.amount].append((other.id, other.booking_date))
            for row_id, amount, day in members:
                found += [(row_id, other_id) for other_id, back in by_amount[-amount] if abs(back - day) <= within]
        return found

    def _listed(self, amounts: Collection[int]) -> Select[Any]:
        """A subquery of any number of amounts: one parameter, where a list of parameters is limited to thousands."""
        document = json.dumps(sorted(amounts))
        if self._is_postgresql:
            texts = func.jsonb_array_elements_text(cast(literal(document, String), JSONB)).column_valued("value")
            return select(cast(texts, Numeric) / MICROS_PER_UNIT)
        return select(func.json_each(document).table_valued("value").c.value)

    @property
    def _is_postgresql(self) -> bool:
        return self.session.get_bind().dialect.name == "postgresql"

    def _text(self, column: object) -> ColumnElement[str]:
        return cast(column, String) if self._is_postgresql else type_coerce(column, String)

    def _micros(self, column: Any) -> ColumnElement[int]:
        if self._is_postgresql:
            return cast(col(column) * MICROS_PER_UNIT, BigInteger)
        return type_coerce(column, BigInteger)

    def _standing(self) -> list[ColumnElement[bool]]:
        return [col(Transaction.user_id) == self.user_id, *self._booked()]

    def _booked(self) -> list[ColumnElement[bool]]:
        return [col(Transaction.deleted_at).is_(None), col(Transaction.pending) == false()]


def _chunks(row_ids: Collection[UUID]) -> Iterator[Sequence[UUID]]:
    ids = list(row_ids)
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))

"""What the ledger holds that rows of a file may be: read to recognise them, never written."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from api_common.columns import Money
from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Select,
    SQLColumnExpression,
    Text,
    any_,
    func,
    literal,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col

from transaction_service.identity.identities import columns_of
from transaction_service.identity.ledger_side import BookedOtherwise, KnownIdentities, OtherFormats, same_format
from transaction_service.identity.pairing import MANUAL, OF_BANK, KnownRow, LedgerRow, under_other_id
from transaction_service.identity.parts_of_days import BroughtRow
from transaction_service.identity.pending import LONGEST_PENDING, PendingRow
from transaction_service.identity.plan import AccountPlan
from transaction_service.identity.proofs import Coverage
from transaction_service.identity.suspicion import NEAR
from transaction_service.models import RepeatedRow, RowIdentity, Statement, StatementImport, Transaction
from transaction_service.rules.effects import UNTOUCHED, Chosen

PUT_ASIDE = "~announced"
"""Ends the identity of a pending row whose booking carries the same: of two rows only one may have it."""

_DAYS_AT_ONCE = 500
_MOST_AMOUNTS = 5_000
"""Rows of so many different amounts are looked for by their dates alone."""


@dataclass(frozen=True, slots=True)
class Window:
    """The days and amounts that rows of the ledger are read for; `amounts` None reads all of them."""

    first: date
    last: date
    amounts: frozenset[Decimal] | None


def window_of(plan: AccountPlan, days: Collection[tuple[date, Decimal]]) -> Window | None:
    """What to read for the rows of a plan that are not known by their identity, and for further days and amounts."""
    found = {amount for _, amount in days}
    stated = [day for day, _ in days]
    announced = False
    if plan.unknown:
        columns = columns_of(plan.rows)
        first, last, amounts = columns.extent(plan.unknown, most=_MOST_AMOUNTS)
        announced = any(plan.rows.pending[number] for number in plan.unknown)
        stated += [first, last]
        found |= amounts
    if not stated:
        return None
    return Window(
        min(stated) - NEAR,
        max(stated) + (LONGEST_PENDING if announced else NEAR),
        None if announced or len(found) > _MOST_AMOUNTS else frozenset(found),
    )


def among(session: AsyncSession, column: SQLColumnExpression[str], values: Sequence[str]) -> ColumnElement[bool]:
    """The condition that a column has one of any number of texts: one parameter, where a list of them is limited."""
    if session.get_bind().dialect.name == "postgresql":
        # Not a subquery: before PostgreSQL has counted a new account's rows, it would go through one for each of them.
        return column == any_(literal(list(values), ARRAY(Text)))
    return column.in_(select(func.json_each(json.dumps(list(values))).table_valued("value").c.value))


def with_identities(
    session: AsyncSession,
    columns: Sequence[SQLColumnExpression[Any]],
    of_account: Sequence[ColumnElement[bool]],
    identities: Sequence[str],
) -> Select[Any]:
    """These columns of an account's rows that carry one of the identities, each row looked up by its own."""
    rows = select(*columns).where(*of_account)
    if session.get_bind().dialect.name != "postgresql":
        return rows.where(among(session, col(Transaction.identity), identities))
    # Given a list, PostgreSQL rather reads all rows of the user, for each list anew, before it has counted them and of
    # a large account even then. A limit keeps it from joining them as a whole.
    listed = func.unnest(literal(sorted(identities), ARRAY(Text)))
    wanted = listed.table_valued("identity").render_derived(name="wanted")
    found = rows.where(col(Transaction.identity) == wanted.c.identity).limit(1).lateral("found")
    return select(*found.c).select_from(wanted.join(found, true()))


def pending_row(row: Transaction, chosen: Chosen = UNTOUCHED) -> PendingRow:
    """A pending row as its bank stated it, with what the user chose of it."""
    return PendingRow(
        id=row.id,
        account_id=row.account_id,
        identity=row.identity,
        content=row.content,
        booking_date=row.stated_date or row.booking_date,
        amount=row.amount if row.stated_amount is None else row.stated_amount,
        text=row.text,
        counterparty=row.counterparty,
        edited=row.edited_at is not None,
        deleted=row.deleted_at is not None,
        chosen=chosen,
    )


class RecognitionRepository:
    """What one user's ledger knows of the rows of a file."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self.session = session
        self.user_id = user_id

    async def known(self, account_id: UUID, identities: Sequence[str], *, aliases: bool) -> KnownIdentities:
        """What the account's rows know of these identities; `aliases` says whether it has any."""
        standing = await self._standing(account_id, identities)
        pending = [identity for identity, is_pending in standing.items() if is_pending]
        otherwise = await self._booked_otherwise(account_id, pending) if pending else {}
        return KnownIdentities(standing, otherwise, await self.aliases(account_id, identities) if aliases else {})

    async def days(self, account_id: UUID, first: date, last: date) -> set[date]:
        """The days between two on which the account has rows, by what their bank says or by what the user says."""
        found: set[date] = set()
        for day in (col(Transaction.booking_date), col(Transaction.stated_date)):
            statement = select(day).distinct().where(*self._of(account_id), day.between(first, last))
            found.update(await self.session.scalars(statement))
        return found

    async def has_aliases(self, account_id: UUID) -> bool:
        """Whether rows of the account are known under further identities."""
        statement = select(literal(1)).select_from(RowIdentity).where(*self._taught(account_id)).limit(1)
        return await self.session.scalar(statement) is not None

    def _taught(self, account_id: UUID) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return col(RowIdentity.user_id) == self.user_id, col(RowIdentity.account_id) == account_id

    async def _standing(self, account_id: UUID, identities: Sequence[str]) -> dict[str, bool]:
        columns = (col(Transaction.identity), col(Transaction.pending))
        statement = with_identities(self.session, columns, self._of(account_id), identities)
        return {row.identity: row.pending for row in await self.session.execute(statement)}

    async def _booked_otherwise(self, account_id: UUID, identities: Sequence[str]) -> dict[str, BookedOtherwise]:
        """Announced rows with these identities whose booking has another day or amount."""
        announced, booking = aliased(Transaction), aliased(Transaction)
        (day, amount), (other_day, other_amount) = _stated(announced), _stated(booking)
        statement = (
            select(col(announced.identity), col(announced.content), *_known(booking))
            .join(booking, col(booking.id) == col(announced.replaced_by))
            .where(
                *self._of(account_id, announced),
                among(self.session, col(announced.identity), identities),
                col(announced.pending).is_(True),
                or_(day.is_distinct_from(other_day), amount.is_distinct_from(other_amount)),
            )
        )
        return {
            row[0]: BookedOtherwise(KnownRow(*row[2:]), await self._booked_besides(account_id, row[0], row[1]))
            for row in (await self.session.execute(statement)).all()
        }

    async def _booked_besides(self, account_id: UUID, identity: str, content: str) -> KnownRow | None:
        """A row that was booked under an identity that another row has: its own is made of that."""
        statement = select(*_known(Transaction)).where(
            *self._of(account_id),
            col(Transaction.identity).startswith(f"{identity}~", autoescape=True),
            col(Transaction.content) == content,
            col(Transaction.pending).is_(False),
        )
        row = (await self.session.execute(statement.limit(1))).first()
        return None if row is None else KnownRow(*row)

    async def aliases(self, account_id: UUID, identities: Sequence[str]) -> dict[str, KnownRow]:
        """The account's rows that files have brought under these identities beside their own."""
        booking = aliased(Transaction)
        statement = (
            select(
                col(RowIdentity.identity),
                func.coalesce(col(booking.id), col(Transaction.id)),
                func.coalesce(col(booking.identity), col(Transaction.identity)),
                func.coalesce(col(booking.pending), col(Transaction.pending)),
            )
            .join(Transaction, col(Transaction.id) == col(RowIdentity.transaction_id))
            .outerjoin(booking, col(booking.id) == col(Transaction.replaced_by))
            .where(*self._taught(account_id), among(self.session, col(RowIdentity.identity), identities))
        )
        return {
            identity: KnownRow(row_id, own, pending)
            for identity, row_id, own, pending in await self.session.execute(statement)
        }

    async def by_content(
        self, account_id: UUID, contents: Collection[str], first: date, last: date
    ) -> dict[str, list[KnownRow]]:
        """The account's rows by what the bank wrote, of these contents and days, in the order in which they came."""
        found: dict[str, dict[UUID, KnownRow]] = defaultdict(dict)
        for dated in self._dated(first, last):
            statement = select(
                col(Transaction.content), col(Transaction.id), col(Transaction.identity), col(Transaction.pending)
            ).where(*self._of(account_id), dated)
            for content, row_id, identity, pending in await self.session.execute(statement):
                if content in contents and not identity.endswith(PUT_ASIDE):
                    found[content][row_id] = KnownRow(row_id, identity, pending)
        return {content: [known for _, known in sorted(rows.items())] for content, rows in found.items()}

    async def rows(self, account_id: UUID, window: Window) -> list[LedgerRow]:
        """The account's booked rows that lie in a window as their bank stated them, oldest first.

        Tombstones are among them, except those of pending rows that were booked.
        """
        found: dict[UUID, LedgerRow] = {}
        for dated in self._dated(window.first, window.last):
            statement = select(*_LEDGER_ROW).where(
                *self._of(account_id),
                dated,
                col(Transaction.pending).is_(False),
                col(Transaction.replaced_by).is_(None),
            )
            if window.amounts is not None:
                statement = statement.where(self._amount_in(window.amounts))
            for row in await self.session.execute(statement):
                found[row[0]] = LedgerRow(*row)
        rows = [row for row in found.values() if window.first <= row.day <= window.last]
        return sorted(rows, key=lambda row: (row.day, row.id))

    async def day_sums(self, account_id: UUID, days: Collection[date]) -> dict[date, Decimal]:
        """The exact sums of the rows that files have brought for these days."""
        sums: dict[date, Decimal] = defaultdict(Decimal)
        day, amount = _stated(Transaction)
        ordered = sorted(days)
        for some in (ordered[n : n + _DAYS_AT_ONCE] for n in range(0, len(ordered), _DAYS_AT_ONCE)):
            statement = select(day, amount).where(
                *self._of(account_id),
                or_(col(Transaction.booking_date).in_(some), col(Transaction.stated_date).in_(some)),
                day.in_(some),
                col(Transaction.pending).is_(False),
                col(Transaction.replaced_by).is_(None),
                ~col(Transaction.identity).startswith(MANUAL),
            )
            for found, moved in await self.session.execute(statement):
                sums[found] += moved
        return sums

    async def brought(self, account_id: UUID, days: Collection[date]) -> list[BroughtRow]:
        """The booked rows of these days, tombstones included, once for each import that has brought them."""
        day, amount = _stated(Transaction)
        columns = day, amount, col(Transaction.content), col(Transaction.identity)
        of_days = (
            *self._of(account_id),
            or_(col(Transaction.booking_date).in_(days), col(Transaction.stated_date).in_(days)),
            day.in_(days),
            col(Transaction.pending).is_(False),
            col(Transaction.replaced_by).is_(None),
        )
        booked = select(col(Transaction.import_id), *columns).where(*of_days)
        again = (
            select(col(RepeatedRow.import_id), *columns)
            .join(Transaction, col(Transaction.id) == col(RepeatedRow.transaction_id))
            .where(*of_days)
        )
        return [
            BroughtRow(import_id, on, moved, content, identity)
            for found in (booked, again)
            for import_id, on, moved, content, identity in await self.session.execute(found)
            if import_id is not None
        ]

    async def replaced(self, account_id: UUID, window: Window) -> list[tuple[PendingRow, UUID]]:
        """The pending rows announced in the window that were booked, with what took their place."""
        statement = select(Transaction).where(
            *self._of(account_id),
            col(Transaction.booking_date).between(window.first - LONGEST_PENDING, window.last),
            col(Transaction.replaced_by).is_not(None),
            col(Transaction.pending).is_(True),
        )
        return [
            (pending_row(row), row.replaced_by)
            for row in (await self.session.scalars(statement)).all()
            if row.replaced_by is not None
        ]

    async def statements(self, account_id: UUID) -> list[Coverage]:
        """What the statements that the account has say about their completeness."""
        statement = select(
            col(Statement.starts),
            col(Statement.ends),
            col(Statement.opening),
            col(Statement.closing),
            col(Statement.status),
        ).where(col(Statement.user_id) == self.user_id, col(Statement.account_id) == account_id)
        return [Coverage(*row) for row in await self.session.execute(statement)]

    async def other_formats(self, account_id: UUID, of_file: str) -> OtherFormats:
        """The imports that brought statements of the account in another format than the file's."""
        found = (col(Statement.import_id), *(getattr(Statement, field.name) for field in fields(Coverage)))
        statement = (
            select(col(StatementImport.format), *found)
            .join(StatementImport, col(StatementImport.id) == col(Statement.import_id))
            .where(col(Statement.user_id) == self.user_id, col(Statement.account_id) == account_id)
        )
        others = [row for row in await self.session.execute(statement) if not same_format(row[0], of_file)]
        return OtherFormats(frozenset(row[1] for row in others), [Coverage(*row[2:]) for row in others])

    async def ids_are_stable(self, account_id: UUID) -> bool:
        """Whether two different files have brought one row of the account under one id of the bank's."""
        booked, again = aliased(StatementImport), aliased(StatementImport)
        statement = (
            select(literal(1))
            .select_from(RepeatedRow)
            .join(Transaction, col(Transaction.id) == col(RepeatedRow.transaction_id))
            .join(again, col(again.id) == col(RepeatedRow.import_id))
            .join(booked, col(booked.id) == col(Transaction.import_id))
            .where(
                *self._of(account_id),
                col(Transaction.identity).startswith(OF_BANK),
                col(again.sha256) != col(booked.sha256),
            )
            .limit(1)
        )
        return await self.session.scalar(statement) is not None

    async def ids_have_changed(self, account_id: UUID) -> bool:
        """Whether a row of the account is known to have had two ids in files of one format."""
        taught, booked = aliased(StatementImport), aliased(StatementImport)
        statement = (
            select(col(RowIdentity.identity), col(Transaction.identity), col(taught.format), col(booked.format))
            .join(Transaction, col(Transaction.id) == col(RowIdentity.transaction_id))
            .join(taught, col(taught.id) == col(RowIdentity.import_id))
            .join(booked, col(booked.id) == col(Transaction.import_id))
            .where(
                col(RowIdentity.user_id) == self.user_id,
                col(RowIdentity.account_id) == account_id,
                col(RowIdentity.identity).startswith(OF_BANK),
                col(Transaction.identity).startswith(OF_BANK),
            )
        )
        return any(
            under_other_id(one, other) and same_format(*formats)
            for one, other, *formats in await self.session.execute(statement)
        )

    def _of(
        self, account_id: UUID, row: type[Transaction] = Transaction
    ) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return col(row.user_id) == self.user_id, col(row.account_id) == account_id

    def _dated(self, first: date, last: date) -> list[ColumnElement[bool]]:
        """Conditions on the two columns that hold the bank's date: each has an index, and most rows only the first."""
        return [
            col(Transaction.booking_date).between(first, last),
            col(Transaction.stated_date).between(first, last),
        ]

    def _amount_in(self, amounts: Collection[Decimal]) -> ColumnElement[bool]:
        _, amount = _stated(Transaction)
        return amount.in_(sorted(amounts))


def _known(row: type[Transaction]) -> tuple[Mapped[UUID], Mapped[str], Mapped[bool]]:
    return col(row.id), col(row.identity), col(row.pending)


def _stated(row: type[Transaction]) -> tuple[ColumnElement[date], ColumnElement[Decimal]]:
    """Day and amount as the bank stated them."""
    return (
        func.coalesce(col(row.stated_date), col(row.booking_date)),
        func.coalesce(col(row.stated_amount), col(row.amount), type_=Money),
    )


_LEDGER_ROW = (
    col(Transaction.id),
    col(Transaction.identity),
    col(Transaction.content),
    *_stated(Transaction),
    col(Transaction.balance),
    col(Transaction.text),
    col(Transaction.counterparty),
    col(Transaction.pending),
    type_coerce(col(Transaction.deleted_at).is_not(None), Boolean),
    col(Transaction.import_id),
)

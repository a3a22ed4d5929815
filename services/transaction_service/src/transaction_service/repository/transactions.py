"""Rows of the ledger: lists with filters, the rows that an import brings again, bulk booking, rules."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from api_common.columns import now
from api_common.pagination import Keyset, PageQuery, Slice
from api_common.repository import Repository
from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    SQLColumnExpression,
    String,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col

from transaction_service.errors import TransactionNotFound
from transaction_service.import_plan import PendingRow
from transaction_service.models import (
    ChosenBy,
    ImportStatus,
    RepeatedRow,
    Rule,
    StatementImport,
    Table,
    Transaction,
)
from transaction_service.repository.imports import Settled
from transaction_service.search_text import contains_pattern

NEWEST_FIRST = Keyset(col(Transaction.booking_date).desc(), col(Transaction.id).desc())
OLDEST_FIRST = Keyset(col(Transaction.booking_date).asc(), col(Transaction.id).asc())

_PUT_ASIDE = "~announced"
"""Ends the identity of a pending row whose booking carries the same: of two rows only one may have it."""

_LISTED: tuple[SQLColumnExpression[Any], ...] = (
    col(Transaction.id),
    col(Transaction.account_id),
    col(Transaction.import_id),
    col(Transaction.booking_date),
    col(Transaction.value_date),
    col(Transaction.amount),
    col(Transaction.currency),
    col(Transaction.pending),
    col(Transaction.text).label("description"),
    col(Transaction.counterparty),
    col(Transaction.counterparty_account),
    col(Transaction.reference),
    col(Transaction.bank_category),
    col(Transaction.merchant),
    col(Transaction.note),
    col(Transaction.category_id),
    col(Transaction.categorised_by),
    col(Transaction.version),
    col(Transaction.created_at),
    col(Transaction.edited_at),
)


@dataclass(frozen=True, kw_only=True)
class TransactionFilter:
    """Which rows a list shows; what is None or empty does not limit it. Dates and amounts are inclusive."""

    account_ids: Collection[UUID] = ()
    from_date: date | None = None
    to_date: date | None = None
    amount_min: Decimal | None = None
    amount_max: Decimal | None = None
    category_ids: Collection[UUID] | None = None
    uncategorised: bool = False
    import_id: UUID | None = None
    text: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on the table."""
        found: list[ColumnElement[bool]] = []
        if self.account_ids:
            found.append(col(Transaction.account_id).in_(self.account_ids))
        if self.from_date is not None:
            found.append(col(Transaction.booking_date) >= self.from_date)
        if self.to_date is not None:
            found.append(col(Transaction.booking_date) <= self.to_date)
        if self.amount_min is not None:
            found.append(col(Transaction.amount) >= self.amount_min)
        if self.amount_max is not None:
            found.append(col(Transaction.amount) <= self.amount_max)
        if self.uncategorised:
            found.append(col(Transaction.category_id).is_(None))
        elif self.category_ids is not None:
            found.append(col(Transaction.category_id).in_(self.category_ids))
        if self.import_id is not None:
            found.append(col(Transaction.import_id) == self.import_id)
        if self.text:
            found.append(contains(self.text))
        return found


def contains(text: str) -> ColumnElement[bool]:
    """The condition that a row's texts contain `text`, in any case."""
    return col(Transaction.search_text).like(contains_pattern(text), escape="\\")


class TransactionRepository(Repository[Transaction]):
    """The user's rows. Tombstones of deleted rows are seen only where a method says so."""

    model = Transaction
    not_found = TransactionNotFound

    def mine(self) -> Select[Transaction]:
        """Start a query: the user's rows without tombstones."""
        return super().mine().where(col(Transaction.deleted_at).is_(None))

    async def list(self, wanted: TransactionFilter, keyset: Keyset, page: PageQuery) -> Slice[dict[str, Any]]:
        """One page of the rows that pass the filter, as the fields of `TransactionSchema`.

        Columns, not objects: the list is read more than anything else, and objects take longer than the query.
        """
        statement = self.mine().with_only_columns(*_LISTED).where(*wanted.conditions())
        if page.cursor is not None:
            statement = statement.where(keyset.after(page.cursor))
        found = await self.session.execute(statement.order_by(*keyset.order).limit(page.limit + 1))
        rows = found.all()
        more = len(rows) > page.limit
        items = rows[: page.limit]
        return Slice([row._asdict() for row in items], keyset.cursor(items[-1]) if more else None)

    async def with_tombstones(self, row_id: UUID) -> Transaction | None:
        """The row with this id, deleted or not, of whichever user: an id is used only once."""
        return await self.session.get(Transaction, row_id)

    async def standing(self, identities: Mapping[UUID, Sequence[str]]) -> dict[UUID, dict[str, bool]]:
        """Which of the identities rows of the account carry, tombstones included, and whether the row is pending.

        One query for each account.
        """
        found: dict[UUID, dict[str, bool]] = {}
        for account_id, wanted in identities.items():
            statement = select(col(Transaction.identity), col(Transaction.pending)).where(
                col(Transaction.user_id) == self.user_id,
                col(Transaction.account_id) == account_id,
                col(Transaction.identity).in_(self._listed(wanted)),
            )
            found[account_id] = {row.identity: row.pending for row in await self.session.execute(statement)}
        return found

    async def keep_repeated(self, account_id: UUID, identities: Sequence[str], import_id: UUID) -> None:
        """Remember that the import, too, brings the account's rows with these identities."""
        if not identities:
            return
        rows = select(literal(import_id), col(Transaction.id), literal(self.user_id)).where(
            col(Transaction.user_id) == self.user_id,
            col(Transaction.account_id) == account_id,
            col(Transaction.identity).in_(self._listed(identities)),
        )
        columns = ["import_id", "transaction_id", "user_id"]
        await self.session.execute(
            insert(RepeatedRow).from_select(columns, rows.order_by(col(Transaction.id)), include_defaults=False)
        )

    async def pending(self, account_ids: Collection[UUID]) -> Sequence[PendingRow]:
        """The pending rows of these accounts, oldest first."""
        statement = self.mine().where(col(Transaction.account_id).in_(account_ids), col(Transaction.pending).is_(True))
        rows = (await self.session.scalars(statement.order_by(*OLDEST_FIRST.order))).all()
        return [
            PendingRow(
                id=row.id,
                account_id=row.account_id,
                identity=row.identity,
                booking_date=row.booking_date,
                amount=row.amount,
                text=row.text,
                counterparty=row.counterparty,
                merchant=row.merchant,
                note=row.note,
                category_id=row.category_id if row.categorised_by == ChosenBy.USER else None,
                edited=row.edited_at is not None,
            )
            for row in rows
        ]

    async def put_aside(self, settled: Sequence[Settled]) -> None:
        """Turn pending rows into tombstones, as an import is about to insert their bookings."""
        if not settled:
            return
        table = Table.metadata.tables["transactions"]
        statement = (
            update(table)
            .where(table.c.id == bindparam("row_id"), table.c.user_id == self.user_id)
            .values(
                deleted_at=now(),
                replaced_by=bindparam("booked_by"),
                identity=table.c.identity + bindparam("mark", type_=String),
                version=table.c.version + 1,
            )
        )
        changes = [
            {"row_id": s.pending_id, "booked_by": s.booked_id, "mark": _PUT_ASIDE if s.same_identity else ""}
            for s in settled
        ]
        await self.session.execute(statement, changes)

    async def hand_over(self, import_id: UUID) -> int:
        """Give rows of the import that other imports bring too to the earliest of these; gives their number."""
        others = (
            select(col(RepeatedRow.import_id))
            .where(col(RepeatedRow.user_id) == self.user_id, col(RepeatedRow.transaction_id) == col(Transaction.id))
            .order_by(col(RepeatedRow.import_id))
            .limit(1)
        )
        statement = (
            update(Transaction)
            .where(
                col(Transaction.user_id) == self.user_id,
                col(Transaction.import_id) == import_id,
                others.exists(),
            )
            .values(import_id=others.scalar_subquery(), version=col(Transaction.version) + 1)
            .execution_options(synchronize_session=False)
        )
        return await self._rowcount(statement)

    async def remove_import(self, import_id: UUID, *, edited: bool) -> int:
        """Delete the rows that an import booked, tombstones and edited rows only when `edited`; gives their number.

        Pending rows that they had replaced stand again, unless the import that brought those is undone too.
        """
        doomed = [
            col(Transaction.user_id) == self.user_id,
            col(Transaction.import_id) == import_id,
            # The tombstone of a pending row goes with its booking, not before: the pending row is still repeated.
            col(Transaction.replaced_by).is_(None),
        ]
        if not edited:
            doomed += [col(Transaction.edited_at).is_(None), col(Transaction.deleted_at).is_(None)]
        waiting = (
            await self.session.scalars(
                select(Transaction).where(
                    col(Transaction.user_id) == self.user_id,
                    col(Transaction.replaced_by).in_(select(col(Transaction.id)).where(*doomed)),
                )
            )
        ).all()
        removed = await self._rowcount(delete(Transaction).where(*doomed))
        await self._bring_back(waiting)
        return removed

    async def _bring_back(self, announced: Sequence[Transaction]) -> None:
        imports = select(col(StatementImport.id)).where(
            col(StatementImport.user_id) == self.user_id, col(StatementImport.status) == ImportStatus.BOOKED
        )
        standing = set((await self.session.scalars(imports)).all()) if announced else set()
        for row in announced:
            if row.import_id not in standing:
                await self.session.delete(row)
                continue
            row.deleted_at = row.replaced_by = None
            row.identity = row.identity.removesuffix(_PUT_ASIDE)
        await self.session.flush()

    async def of_import(self, import_id: UUID) -> Sequence[Transaction]:
        """The rows that an import booked and that stand in the ledger."""
        statement = self.mine().where(col(Transaction.import_id) == import_id)
        return (await self.session.scalars(statement.order_by(*OLDEST_FIRST.order))).all()

    async def reassign_category(self, category_id: UUID, to: UUID | None) -> int:
        """Move all rows of a category to another one, or to none; gives their number."""
        by = col(Transaction.categorised_by) if to is not None else literal(str(ChosenBy.NONE))
        statement = (
            update(Transaction)
            .where(col(Transaction.user_id) == self.user_id, col(Transaction.category_id) == category_id)
            .values(category_id=to, categorised_by=by, version=col(Transaction.version) + 1)
            .execution_options(synchronize_session=False)
        )
        return await self._rowcount(statement)

    async def in_category(self, category_id: UUID) -> int:
        """How many rows have exactly this category."""
        statement = select(func.count()).select_from(
            self.mine().where(col(Transaction.category_id) == category_id).subquery()
        )
        return int(await self.session.scalar(statement) or 0)

    async def apply_rules(self, rules: Sequence[Rule]) -> tuple[int, int, int]:
        """Categorise all rows by the rules, in one statement, except those that the user categorised.

        Gives how many rows a rule fits, how many changed their category, and how many lost it because no rule fits.
        """
        fits = [(contains(rule.contains), rule) for rule in rules]
        chosen: ColumnElement[Any] = (
            case(*((condition, literal(rule.category_id)) for condition, rule in fits), else_=null())
            if fits
            else null()
        )
        open_to_rules = [
            col(Transaction.user_id) == self.user_id,
            col(Transaction.deleted_at).is_(None),
            col(Transaction.categorised_by) != str(ChosenBy.USER),
        ]
        counts = (
            await self.session.execute(
                select(
                    func.count().filter(chosen.is_not(None)),
                    func.count().filter(chosen.is_(None), col(Transaction.category_id).is_not(None)),
                ).where(*open_to_rules)
            )
        ).one()
        statement = (
            update(Transaction)
            .where(*open_to_rules, chosen.is_distinct_from(col(Transaction.category_id)))
            .values(
                category_id=chosen,
                categorised_by=case((chosen.is_not(None), str(ChosenBy.RULE)), else_=str(ChosenBy.NONE)),
                version=col(Transaction.version) + 1,
            )
            .execution_options(synchronize_session=False)
        )
        return int(counts[0]), await self._rowcount(statement), int(counts[1])

    async def _rowcount(self, statement: Executable) -> int:
        result = await self.session.execute(statement)
        return int(getattr(result, "rowcount", 0))

    def _listed(self, values: Sequence[str]) -> Select[tuple[str]]:
        """A subquery of any number of texts: one parameter, where a list of parameters is limited to thousands."""
        document = json.dumps(values)
        if self.session.get_bind().dialect.name == "postgresql":
            return select(
                func.jsonb_array_elements_text(sql_cast(literal(document, String), JSONB)).column_valued("value")
            )
        return select(func.json_each(document).table_valued("value").c.value)

"""The ledger as a whole: its revision, which is also its write lock, its export, and its deletion."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Delete,
    Row,
    String,
    cast,
    delete,
    select,
    tuple_,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from transaction_service.archive.format import archived_tables
from transaction_service.errors import LedgerClosed
from transaction_service.ledger.parts import RowParts
from transaction_service.models import Account, Ledger, Split, Tag, Transaction, Transfer, TransferStatus
from transaction_service.repository.search_index import keep_search_index

_MICROS = 1_000_000


class LedgerRepository:
    """One user's ledger."""

    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self.session = session
        self.user_id = user_id

    async def begin_change(self, *, closing: bool = False) -> None:
        """Lock the ledger until the unit of work ends, and count its revision up.

        Every writing use case starts here. Writers of one ledger therefore follow one another, also across processes,
        and what one of them has read stays true until it commits. The one that is `closing` the ledger is the last.

        Raises LedgerClosed when the user was deleted.
        """
        insert = postgresql.insert if self._dialect == "postgresql" else sqlite.insert
        statement = (
            insert(Ledger)
            .values(user_id=self.user_id, revision=1, closed=False)
            .on_conflict_do_update(index_elements=[col(Ledger.user_id)], set_={"revision": col(Ledger.revision) + 1})
            .returning(col(Ledger.closed))
        )
        keep_search_index(self.session)
        is_closed = bool((await self.session.execute(statement)).scalar_one())
        if closing:
            await self.session.execute(update(Ledger).where(col(Ledger.user_id) == self.user_id).values(closed=True))
        elif is_closed:
            raise LedgerClosed("The user of this ledger was deleted. Sign up anew to keep a ledger.")

    async def revision(self) -> int:
        """The number of committed changes; 0 for a ledger that was never written."""
        statement = select(col(Ledger.revision)).where(col(Ledger.user_id) == self.user_id)
        return int(await self.session.scalar(statement) or 0)

    async def rows(self, *, after: tuple[date, UUID] | None = None, limit: int | None = None) -> Sequence[Row[Any]]:
        """All rows for the export, oldest first: ids as text, amounts in millionths, dates as the driver gives them.

        With a limit, so many of those that come after a booking date and id.

        The driver's own values go into the frame as they are, because making Python objects of a million rows takes
        longer than everything else together.
        """
        statement = (
            select(
                self._text(Transaction.id),
                self._text(Transaction.account_id),
                col(Account.name),
                self._date(Transaction.booking_date),
                self._date(Transaction.value_date),
                self._micros(Transaction.amount),
                col(Transaction.currency),
                self._text(Transaction.category_id),
                col(Transaction.merchant),
                col(Transaction.counterparty),
                col(Transaction.text),
                col(Transaction.pending),
                col(Transaction.marked_transfer),
            )
            .join(Account, col(Account.id) == col(Transaction.account_id))
            .where(col(Transaction.user_id) == self.user_id, col(Transaction.deleted_at).is_(None))
            .order_by(col(Transaction.booking_date), col(Transaction.id))
            .limit(limit)
        )
        if after is not None:
            statement = statement.where(tuple_(col(Transaction.booking_date), col(Transaction.id)) > after)
        return (await self.session.execute(statement)).all()

    async def parts(self) -> RowParts:
        """What hangs on the user's rows, for the export."""
        tags = select(self._text(Tag.transaction_id), col(Tag.tag)).where(col(Tag.user_id) == self.user_id)
        splits = (
            select(
                self._text(Split.transaction_id),
                self._text(Split.id),
                self._micros(Split.amount),
                self._text(Split.category_id),
            )
            .where(col(Split.user_id) == self.user_id)
            .order_by(col(Split.transaction_id), col(Split.position))
        )
        linked = (col(Transfer.user_id) == self.user_id, col(Transfer.status) == str(TransferStatus.LINKED))
        sides = union_all(
            *(select(self._text(side)).where(*linked) for side in (Transfer.outgoing_id, Transfer.incoming_id))
        )
        return RowParts(
            (await self.session.execute(tags.order_by(col(Tag.tag)))).all(),
            (await self.session.execute(splits)).all(),
            (await self.session.execute(sides)).all(),
        )

    async def delete_everything(self) -> dict[str, int]:
        """Delete all rows of the user; gives their number by table. The revision stays and goes on counting."""
        return {
            archived.name: await self._count(delete(archived.table).where(archived.table.c.user_id == self.user_id))
            for archived in reversed(archived_tables())
        }

    async def _count(self, statement: Delete) -> int:
        result = await self.session.execute(statement)
        return int(getattr(result, "rowcount", 0))

    @property
    def _dialect(self) -> str:
        return self.session.get_bind().dialect.name

    def _text(self, column: object) -> ColumnElement[str]:
        return cast(column, String) if self._dialect == "postgresql" else type_coerce(column, String)

    def _date(self, column: Any) -> ColumnElement[Any]:
        return type_coerce(column, Date if self._dialect == "postgresql" else String)

    def _micros(self, column: Any) -> ColumnElement[int]:
        amount = col(column)
        return cast(amount * _MICROS, BigInteger) if self._dialect == "postgresql" else type_coerce(amount, BigInteger)

"""How rows that pass a filter are looked for: on all of them, or on the few that an index gives."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from api_common.repository import Repository
from sqlalchemy import ColumnElement, SQLColumnExpression
from sqlmodel import col

from transaction_service.errors import TransactionNotFound
from transaction_service.models import Transaction
from transaction_service.repository.candidates import Candidates, on_postgresql, on_sqlite
from transaction_service.repository.filters import Columns, TransactionFilter
from transaction_service.repository.row_orders import unindexed

MOST_CANDIDATES = 50_000
"""Beyond so many candidates, reading on in the order of an index is quicker than looking each of them up."""


class RowSearch(Repository[Transaction]):
    """The user's rows, for queries with filters."""

    model = Transaction
    not_found = TransactionNotFound

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is SQLite, which has to be told where to look."""
        return self.session.get_bind().dialect.name == "sqlite"

    async def source(self, wanted: TransactionFilter, *, by_date: bool) -> Candidates | None:
        """The smallest set of rows in which all that pass are, None when there is no small one."""
        if not self.is_sqlite:
            return None
        best, fewest = None, MOST_CANDIDATES + 1
        for candidates in on_sqlite(wanted, self.user_id, by_date=by_date):
            found = await candidates.count(self.session, fewest)
            if found < fewest:
                best, fewest = candidates, found
        return best

    def in_order(self, wanted: TransactionFilter, indexed: Collection[str]) -> list[ColumnElement[bool]]:
        """The conditions for rows that are read along an index over the columns named."""
        column: Columns = _indexed(indexed) if self.is_sqlite else col
        return [column(Transaction.user_id) == self.user_id, *wanted.conditions(self.user_id, column)]

    def among(self, wanted: TransactionFilter, source: Candidates | None) -> list[ColumnElement[bool]]:
        """The conditions for rows that an index of the filter gives: `source`, or what PostgreSQL chooses."""
        if self.is_sqlite:
            if source is None:
                return self.in_order(wanted, {"user_id", "booking_date"})
            column = _indexed(())
            mine = column(Transaction.user_id) == self.user_id
            rest = wanted.conditions(self.user_id, column, with_words=not source.has_words)
            return [source.condition(), mine, *rest]
        found = on_postgresql(wanted, self.user_id)
        rest = wanted.conditions(self.user_id, with_words=found is None)
        return [col(Transaction.user_id) == self.user_id, *rest, *([] if found is None else [found])]


def _indexed(names: Collection[str]) -> Columns:
    def column(attribute: Any) -> SQLColumnExpression[Any]:
        return col(attribute) if attribute.key in names else unindexed(attribute)

    return column

"""Looking up rows of a large ledger by their ids."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, func, null
from sqlmodel import col

from transaction_service.models import Transaction


def of_user(user_id: UUID, owner: SQLColumnExpression[UUID] | None = None) -> ColumnElement[bool]:
    """The condition that rows are the user's, for queries that name their ids, or something else of which few rows are.

    owner: the column that says whose the rows are, where they are no transactions

    Written so that no index serves it: SQLite takes the rows of one user for a handful, and would look through all of
    them sooner than look up ten ids.
    """
    return func.coalesce(col(Transaction.user_id) if owner is None else owner, null()) == user_id

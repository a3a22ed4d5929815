"""SQLite finds a few rows by what names them, and never by looking through all rows of their user."""

from uuid import uuid4

import pytest
from sqlalchemy import Select, create_engine, select
from sqlmodel import col
from transaction_service.models import Split, Table, Tag, Transaction, Transfer
from transaction_service.repository.by_ids import of_user

USER = uuid4()
IDS = [uuid4() for _ in range(50)]


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (select(Transaction).where(of_user(USER), col(Transaction.id).in_(IDS)), "sqlite_autoindex_transactions_1"),
        (
            select(Tag).where(of_user(USER, col(Tag.user_id)), col(Tag.transaction_id).in_(IDS)),
            "sqlite_autoindex_transaction_tags_1",
        ),
        (
            select(Split).where(of_user(USER, col(Split.user_id)), col(Split.transaction_id).in_(IDS)),
            "ix_splits_transaction_id",
        ),
        (
            select(Transfer).where(of_user(USER, col(Transfer.user_id)), col(Transfer.incoming_id).in_(IDS)),
            "ix_transfers_incoming_id",
        ),
        (
            select(col(Transaction.booking_date)).where(
                of_user(USER), col(Transaction.account_id) == IDS[0], col(Transaction.balance).is_not(None)
            ),
            "ix_transactions_balance",
        ),
    ],
)
def test_rows_that_are_named_are_looked_up(statement: Select[tuple[object, ...]], index: str) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        Table.metadata.create_all(connection)
        asked = statement.compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}")]
    engine.dispose()
    assert len(plan) == 1
    assert index in plan[0]

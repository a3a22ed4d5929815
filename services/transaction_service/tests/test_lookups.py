"""Rows are found by what names them, and never by looking through all rows of their user."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import Select, create_engine, select, text
from sqlmodel import col
from transaction_service.models import Split, Table, Tag, Transaction, Transfer
from transaction_service.repository.by_ids import of_user
from transaction_service.repository.recognition import with_identities

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


async def test_thousands_of_identities_are_looked_up_in_a_table_that_nobody_has_counted(
    household: Any, app: FastAPI, user_id: UUID
) -> None:
    account = await household.account()
    rows = "".join(f"2026-03-{1 + number % 28:02},Shop {number},-1.00,EUR\n" for number in range(2_000))
    await household.upload(f"Date,Description,Amount,Currency\n{rows}".encode(), account_id=account["id"])
    of_account = (col(Transaction.user_id) == user_id, col(Transaction.account_id) == UUID(account["id"]))
    names = [f"row:{number:032x}#1" for number in range(20_000)]
    async with app.state.runtimes["transaction_service"].database.read() as session:
        asked = with_identities(session, (col(Transaction.id),), of_account, names)
        on_sqlite = session.get_bind().dialect.name == "sqlite"
        written = str(asked.compile(session.get_bind(), compile_kwargs={"literal_binds": True})).replace(":", r"\:")
        found = await session.execute(text(f"{'EXPLAIN QUERY PLAN' if on_sqlite else 'EXPLAIN'} {written}"))
        plan = "\n".join(str(row[-1]) for row in found)
    assert ("sqlite_autoindex_transactions_2" if on_sqlite else "uq_transactions_account_id_identity") in plan
    assert "identity=?" in plan if on_sqlite else "identity = wanted.identity" in plan

"""What the driver refuses is raised as if SQLAlchemy had run it."""

from typing import Any

import pytest
from api_common.database import Database
from api_common.driver_errors import translated_errors
from api_common.problems import ServiceUnavailable
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError


async def _run(database: Database, statement: str) -> Any:
    async with database.read() as session:
        connection = await session.connection()
        driver: Any = (await connection.get_raw_connection()).driver_connection
        async with translated_errors(connection, statement):
            cursor = driver.cursor()
            await cursor.execute(statement)
            return await cursor.fetchall()


async def test_a_statement_that_the_driver_refuses_raises_what_sqlalchemy_raises(database: Database) -> None:
    async with database.read() as session:
        with pytest.raises(DBAPIError) as expected:
            await session.execute(text("SELECT nothing"))
    with pytest.raises(type(expected.value)) as raised:
        await _run(database, "SELECT nothing")
    assert type(raised.value) is type(expected.value)
    assert str(raised.value.orig) == str(expected.value.orig)
    assert not raised.value.connection_invalidated
    assert [tuple(row) for row in await _run(database, "SELECT 1")] == [(1,)]


async def test_a_connection_that_broke_is_not_used_again(database: Database) -> None:
    if database.dialect == "sqlite":
        pytest.skip("a file has no server that could go away")
    with pytest.raises(ServiceUnavailable) as raised:
        await _run(database, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert isinstance(raised.value.__cause__, OperationalError)
    assert raised.value.__cause__.connection_invalidated
    assert [tuple(row) for row in await _run(database, "SELECT 1")] == [(1,)]

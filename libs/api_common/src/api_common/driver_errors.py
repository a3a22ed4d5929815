"""Statements that the driver runs past SQLAlchemy, whose errors are SQLAlchemy's all the same."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection


@asynccontextmanager
async def translated_errors(connection: AsyncConnection, statement: str) -> AsyncIterator[None]:
    """Raise an error of the driver's in a block as SQLAlchemy raises it, so that the unit of work knows it.

    A connection that broke does not return to its pool.

        async with translated_errors(connection, statement):
            await cursor.execute(statement)

    Raises sqlalchemy.exc.DBAPIError.
    """
    dialect = connection.dialect
    try:
        yield
    except dialect.loaded_dbapi.Error as error:
        raw = await connection.get_raw_connection()
        is_broken = dialect.is_disconnect(error, raw.dbapi_connection, None)
        if is_broken:
            await connection.invalidate(error)
        raise DBAPIError.instance(
            statement,
            None,
            error,
            dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=is_broken,
            dialect=dialect,
        ) from error

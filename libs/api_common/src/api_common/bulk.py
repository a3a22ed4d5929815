"""Many rows at once: the one way past the ORM, which takes 25 times as long for an import."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any

from sqlalchemy import Column, Dialect, Table, inspect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from api_common.compute import offload, uncollected
from api_common.database import WriteSession
from api_common.driver_errors import translated_errors

Row = Sequence[object]

_Batches = Callable[[], Awaitable[list[tuple[Any, ...]]]]
_AT_ONCE = 5_000


async def bulk_insert(
    session: WriteSession, table: Table | type[SQLModel], columns: Sequence[str], rows: Iterable[Row]
) -> int:
    """Insert rows in the session's transaction and give their number.

    One binary COPY on PostgreSQL, one `executemany` on SQLite.

    Args:
        table: a table or its model.
        columns: names of columns; those left out get NULL or the database's own default, as Python defaults do not run.
        rows: values in the order of `columns`, of the types that the columns take (Decimal, UUID, date, …); sorted by
            the primary key they are written faster. They are taken some thousands at a time, in a thread, so that
            those of a generator are never held together.

    Raises:
        UnstorableValue: a column cannot hold a value exactly.
        sqlalchemy.exc.DBAPIError: as from any other statement; the unit of work makes problems of it.

    Example:
        ``await bulk_insert(session, Transaction, ["id", "amount"], [(new_id(), Decimal("4.20")), ...])``
    """
    target: Table = table if isinstance(table, Table) else inspect(table).local_table
    chosen = [target.columns[name] for name in columns]
    await session.flush()  # rows that the new ones refer to go first
    connection = await session.connection()
    source = iter(rows)

    async def batch() -> list[tuple[Any, ...]]:
        return await offload(_converted, source, chosen, connection.dialect)

    if connection.dialect.name == "postgresql":
        return await _copy(connection, target, chosen, batch)
    return await _execute_many(connection, target, chosen, batch)


@asynccontextmanager
async def referring(connection: AsyncConnection) -> AsyncIterator[None]:
    """Have PostgreSQL check what the rows refer to that a block inserts into tables by one plan for all of them.

    Else each check is planned by itself, as searches are, which costs a row as much as all of its indexes.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    await connection.exec_driver_sql("SET LOCAL plan_cache_mode TO auto")
    yield
    await connection.exec_driver_sql("SET LOCAL plan_cache_mode TO DEFAULT")


async def _execute_many(connection: AsyncConnection, table: Table, columns: list[Column[Any]], batch: _Batches) -> int:
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in columns)
    places = ", ".join("?" for _ in columns)
    count = 0
    while rows := await batch():
        await connection.exec_driver_sql(f"INSERT INTO {quote(table.name)} ({names}) VALUES ({places})", rows)  # noqa: S608  (names from our tables)
        count += len(rows)
    return count


async def _copy(connection: AsyncConnection, table: Table, columns: list[Column[Any]], batch: _Batches) -> int:
    import psycopg  # imported here: on SQLite nothing needs it, and it costs a tenth of a second at start
    from psycopg import sql

    driver = (await connection.get_raw_connection()).driver_connection
    if not isinstance(driver, psycopg.AsyncConnection):
        raise TypeError(f"Rows are copied by psycopg, not by {type(driver).__name__}.")
    command = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table.name), sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    )
    count, rows = 0, await batch()
    if not rows:
        return 0
    async with (
        translated_errors(connection, command.as_string()),
        referring(connection),
        driver.cursor() as cursor,
        cursor.copy(command) as copy,
    ):
        copy.set_types([_type_name(column, connection.dialect) for column in columns])
        while rows:
            for row in rows:
                await copy.write_row(row)
            count += len(rows)
            rows = await batch()
    return count


def _type_name(column: Column[Any], dialect: Dialect) -> str:
    """Give the type's name without its length: binary COPY wants each value in exactly the column's type."""
    name = column.type.compile(dialect).partition("(")[0].strip().lower()
    # Under the name of the standard psycopg does not know it.
    return "float8" if name == "float" else name


@uncollected()
def _converted(source: Iterator[Row], columns: list[Column[Any]], dialect: Dialect) -> list[tuple[Any, ...]]:
    """Take the next rows and give them as the driver takes them, none at the end. Slow: runs in a thread."""
    by_column: list[Sequence[Any]] = list(zip(*islice(source, _AT_ONCE), strict=True))
    for place, values in enumerate(by_column):
        convert = _converter(columns[place], dialect)
        if convert is not None:
            by_column[place] = _each(convert, values)
    return list(zip(*by_column, strict=True))


def _each(convert: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    distinct = {id(value): value for value in values}
    if 2 * len(distinct) > len(values):
        return list(map(convert, values))
    # One object that stands in many rows, such as the user's id or a date, is converted once.
    converted = {key: convert(value) for key, value in distinct.items()}
    return [converted[id(value)] for value in values]


def _converter(column: Column[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    convert: Callable[[Any], Any] | None = column.type.dialect_impl(dialect).bind_processor(dialect)
    return convert

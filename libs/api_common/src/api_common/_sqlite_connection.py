"""A SQLite connection that crosses to its thread once per statement.

aiosqlite crosses four times (open a cursor, execute, fetch, close), and a crossing takes longer than most queries of a
service. SQLAlchemy fetches all rows of a statement anyway, so one crossing can do all four.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import aiosqlite

Parameters = Sequence[Any]


class DirectCursor:
    """What SQLAlchemy's aiosqlite adapter needs of a cursor; not for use by hand."""

    arraysize = 1

    def __init__(self, connection: "DirectConnection") -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Parameters = ()) -> Self:
        """Run a statement and fetch its rows, in one crossing."""
        await self._connection.run(lambda cursor: self._execute(cursor, statement, parameters))
        return self

    async def executemany(self, statement: str, parameters: Iterable[Parameters]) -> Self:
        """Run a statement for many parameters, in one crossing."""
        await self._connection.run(lambda cursor: self._execute_many(cursor, statement, parameters))
        return self

    async def fetchall(self) -> list[Any]:
        """Give the rows that `execute` has fetched."""
        rows, self._rows = self._rows, []
        return rows

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Give the next rows; a stream is read in pieces, but SQLite's rows are all in memory by then."""
        count = self.arraysize if size is None else size
        rows, self._rows = self._rows[:count], self._rows[count:]
        return rows

    async def fetchone(self) -> Any:
        """Give the next row, None after the last."""
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def close(self) -> None:
        """Forget the rows; SQLite's own cursor is closed already."""
        self._rows = []

    def _execute(self, cursor: sqlite3.Cursor, statement: str, parameters: Parameters) -> None:
        cursor.execute(statement, parameters)
        self.description = cursor.description
        self._rows = cursor.fetchall() if cursor.description else []
        # Read last: the count of an UPDATE … RETURNING is known when its rows are fetched.
        self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid

    def _execute_many(self, cursor: sqlite3.Cursor, statement: str, parameters: Iterable[Parameters]) -> None:
        cursor.executemany(statement, parameters)
        self.description, self.rowcount = cursor.description, cursor.rowcount


class DirectConnection(aiosqlite.Connection):
    """An aiosqlite connection whose cursors cross once per statement."""

    def cursor(self) -> DirectCursor:  # type: ignore[override]  # the adapter uses of it what DirectCursor has
        """Give a cursor, which costs nothing until it executes."""
        return DirectCursor(self)

    async def run(self, work: Callable[[sqlite3.Cursor], None]) -> None:
        """Do some work with a cursor of SQLite's own, in the connection's thread."""
        await self._execute(self._with_cursor, work)  # type: ignore[no-untyped-call]  # aiosqlite annotates it not

    def _with_cursor(self, work: Callable[[sqlite3.Cursor], None]) -> None:
        cursor = self._conn.cursor()
        try:
            work(cursor)
        finally:
            cursor.close()


def connect(path: str, *, timeout: float) -> DirectConnection:
    """Give a connection to a file, to be awaited; `timeout` in seconds is how long it waits for a lock."""
    connection = DirectConnection(lambda: sqlite3.connect(path, timeout=timeout), iter_chunk_size=64)
    connection._thread.daemon = True  # a forgotten connection must not keep the process from ending
    return connection

"""What a database's error means to the caller of a service: the one place where driver errors become problems.

| the database says                                  | the client gets                                                |
|----------------------------------------------------|----------------------------------------------------------------|
| a unique or foreign key is violated                | 409, or what `DatabaseSpec.conflicts` names for the constraint |
| the row has another version by now                 | 412 `stale_row`                                                |
| a value cannot be stored exactly                   | 422 `unstorable_value`                                         |
| the disk is full or not writable                   | 507                                                            |
| locked, deadlock, no connection, shutting down     | 503 with Retry-After                                           |

Anything else, such as a violated check or a missing column, is a fault in the code and stays what it is.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import MetaData, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import StaleDataError

from api_common._engines import sqlite_error_name
from api_common.columns import UnstorableValue
from api_common.problems import (
    Conflict,
    InsufficientStorage,
    InvalidInput,
    PreconditionFailed,
    Problem,
    ServiceUnavailable,
)

Conflicts = Mapping[str, Callable[[], Problem]]
"""Problem to raise by the name of the violated constraint."""

RETRY_AFTER = {"Retry-After": "1"}


class AlreadyExists(Conflict):
    """A row with the same unique values is there already."""

    code = "already_exists"
    title = "Already exists"


class StillReferenced(Conflict):
    """A row refers to another that is not there, or is referred to and cannot go."""

    code = "reference_violated"
    title = "Reference violated"


class StaleRow(PreconditionFailed):
    """The row changed between reading and writing."""

    code = "stale_row"
    title = "The row has changed"


class UnstorableInput(InvalidInput):
    """A value that the database cannot hold exactly."""

    code = "unstorable_value"
    title = "Value cannot be stored"


class StorageFull(InsufficientStorage):
    """The disk is full or cannot be written."""

    code = "storage_full"
    title = "Storage is full"


class DatabaseBusy(ServiceUnavailable):
    """Another unit of work holds what this one needs."""

    code = "database_busy"
    title = "Database is busy"


class DatabaseUnreachable(ServiceUnavailable):
    """There is no usable connection to the database."""

    code = "database_unreachable"
    title = "Database is not reachable"


@contextmanager
def translated_errors(metadata: MetaData, conflicts: Conflicts, *, reading: bool = False) -> Iterator[None]:
    """Raise the problem that a database error stands for, with the error as its cause.

    `reading` is true on the read-only pool, where a refused write is a fault in the code and not a full disk.
    """
    try:
        yield
    except (StatementError, StaleDataError, PoolTimeoutError, OverflowError, UnstorableValue) as error:
        problem = problem_of(error, metadata, conflicts)
        if problem is None or (reading and isinstance(problem, StorageFull)):
            raise
        raise problem from error


def problem_of(error: Exception, metadata: MetaData, conflicts: Conflicts) -> Problem | None:
    """Give the problem that an error of SQLAlchemy stands for; None when it is a fault in our own code."""
    if isinstance(error, StaleDataError):
        return StaleRow("The row was changed by somebody else in the meantime. Read it again and repeat the change.")
    if isinstance(error, PoolTimeoutError):
        return DatabaseBusy("All database connections are in use. Try again in a moment.", headers=RETRY_AFTER)
    if isinstance(error, OverflowError) and "SQLite" in str(error):
        return UnstorableInput("A number is too large to be stored.")
    if isinstance(error, IntegrityError):
        return _violation(error, metadata, conflicts)
    cause = error.orig if isinstance(error, StatementError) else error
    if isinstance(cause, UnstorableValue):
        return UnstorableInput(str(cause))
    if isinstance(error, DataError):
        return UnstorableInput("A value cannot be stored: it is too large, or holds a character that text cannot have.")
    if isinstance(error, DBAPIError):
        return _of_sqlite(error) if isinstance(error.orig, sqlite3.Error) else _of_postgres(error)
    return None


def _of_sqlite(error: DBAPIError) -> Problem | None:
    name = sqlite_error_name(error.orig) or ""
    if name.startswith(("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN")):
        return StorageFull("The disk with the database is full or cannot be written. Nothing was changed.")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return DatabaseBusy("The database is locked by another process. Try again in a moment.", headers=RETRY_AFTER)
    return None


def _of_postgres(error: DBAPIError) -> Problem | None:
    state = _sqlstate(error)
    if state == _DISK_FULL:
        return StorageFull("The disk with the database is full. Nothing was changed.")
    if state in _BUSY:
        detail = "Another unit of work holds the rows that this one needs. Try again in a moment."
        return DatabaseBusy(detail, headers=RETRY_AFTER)
    # An operational error without a state is the driver's own: no server has answered.
    gone = isinstance(error, OperationalError) and (not state or state.startswith(_GONE))
    if error.connection_invalidated or gone:
        return DatabaseUnreachable("The database does not answer. Try again in a moment.", headers=RETRY_AFTER)
    return None


# States of PostgreSQL, https://www.postgresql.org/docs/current/errcodes-appendix.html; read off the error, because
# importing the driver costs a start on SQLite a tenth of a second.
_DISK_FULL = "53100"
_BUSY = {
    "55P03",  # lock not available
    "40P01",  # deadlock
    "40001",  # serialisation failure
    "53300",  # too many connections
}
_GONE = ("08", "57P")  # connection exceptions; the server stops or starts
_UNIQUE_VIOLATION = "23505"
_FOREIGN_KEY_VIOLATION = "23503"


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _violation(error: IntegrityError, metadata: MetaData, conflicts: Conflicts) -> Problem | None:
    constraint = violated_constraint(error, metadata)
    if constraint is not None and constraint in conflicts:
        return conflicts[constraint]()
    name = sqlite_error_name(error.orig) or _sqlstate(error)
    if name in {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", _UNIQUE_VIOLATION}:
        return AlreadyExists("Something with the same unique values exists already.", constraint=constraint)
    if name in {"SQLITE_CONSTRAINT_FOREIGNKEY", _FOREIGN_KEY_VIOLATION}:
        return StillReferenced(
            "The change would leave a reference to something that does not exist.", constraint=constraint
        )
    return None


def violated_constraint(error: IntegrityError, metadata: MetaData) -> str | None:
    """Give the name of the violated constraint, the same on both databases.

    SQLite names the columns of a unique key and nothing for a foreign key, for which this gives None.
    """
    diagnostics = getattr(error.orig, "diag", None)
    if diagnostics is not None:
        name: str | None = diagnostics.constraint_name
        return name
    subject = str(error.orig).partition("failed: ")[2]
    if not subject or "." not in subject:
        return subject or None
    names = [name.strip().rpartition(".") for name in subject.split(",")]
    table = metadata.tables.get(names[0][0])
    return None if table is None else _unique_key(table, {column for _, _, column in names})


def _unique_key(table: Table, columns: set[str]) -> str | None:
    constraints = [key for key in table.constraints if isinstance(key, UniqueConstraint | PrimaryKeyConstraint)]
    indexes = [index for index in table.indexes if index.unique]
    for key in [*constraints, *indexes]:
        if {column.name for column in key.columns} == columns:
            return str(key.name) if key.name else None
    return None

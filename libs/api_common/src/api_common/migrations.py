"""Migrations: one Alembic chain per service, the same on SQLite and on PostgreSQL.

A service needs a package `migrations` with a folder `versions`; environment and template are shared and live here. Each
run is one transaction: all pending revisions are applied, or none.

    python -m api_common.migrations create --service transaction_service --message "first tables"
    python -m api_common.migrations upgrade --service transaction_service
"""

import contextlib
import tempfile
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.config import Config
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, make_url, text
from sqlalchemy.exc import OperationalError

from api_common._alembic.environment import made_by_models
from api_common._engines import migration_engine, shown
from api_common._revisions import MigrationError as MigrationError
from api_common._revisions import versions_folder

if TYPE_CHECKING:
    from api_common.database import DatabaseSpec

# Alembic keeps the running environment in module globals: two services cannot migrate side by side in one process.
_one_at_a_time = threading.Lock()


class DatabaseNewerThanCode(MigrationError):  # noqa: N818  (the name says what is wrong)
    """The database holds a revision that this version of the service does not know."""


class DatabaseOlderThanCode(MigrationError):  # noqa: N818  (the name says what is wrong)
    """The database lacks migrations that this version of the service needs."""


@dataclass(frozen=True)
class Revision:
    """One step of a chain, with the step before it (None for the first)."""

    id: str
    message: str
    down_revision: str | None
    is_head: bool


def upgrade(spec: "DatabaseSpec", url: URL | str, revision: str = "head") -> None:
    """Apply all revisions up to `revision`; makes the schema on PostgreSQL. Blocks: call it in a thread.

    Processes that start together wait for each other. Raises DatabaseNewerThanCode.
    """
    with _migrating(spec, url) as (config, connection):
        _make_schema(connection, spec.schema)
        if _known_heads(config, connection) == _script(config).get_heads() and revision == "head":
            return
        command.upgrade(config, revision)
        _check_references(spec, connection)


def downgrade(spec: "DatabaseSpec", url: URL | str, revision: str = "-1") -> None:
    """Take back the last revision, or all down to `revision` (`base` for all). Raises DatabaseNewerThanCode."""
    with _migrating(spec, url) as (config, connection):
        if not _known_heads(config, connection):
            raise MigrationError(f"The database of {spec.schema} has no revision that could be taken back.")
        command.downgrade(config, revision)
        _check_references(spec, connection)


def current(spec: "DatabaseSpec", url: URL | str) -> str | None:
    """Give the revision of the database, None when it has none. Raises DatabaseNewerThanCode."""
    with _migrating(spec, url) as (config, connection):
        heads = _known_heads(config, connection)
        return heads[0] if heads else None


def verify(spec: "DatabaseSpec", url: URL | str) -> None:
    """Raise DatabaseOlderThanCode or DatabaseNewerThanCode unless the database is at the end of the chain."""
    found, wanted = current(spec, url), _script(_config(spec)).get_current_head()
    if found != wanted:
        raise DatabaseOlderThanCode(
            f"{_place(spec, url)} is at {found or 'no revision'}, and this version needs {wanted}. "
            f"Run `make migrate-upgrade SERVICE={spec.schema}`."
        )


def history(spec: "DatabaseSpec") -> list[Revision]:
    """Give the service's chain, oldest first."""
    found = [
        Revision(step.revision, step.doc.rstrip("."), _parent(step.down_revision), step.is_head)
        for step in _script(_config(spec)).walk_revisions()
    ]
    return found[::-1]


def revision(spec: "DatabaseSpec", message: str) -> Path | None:
    """Write the revision that leads from the end of the chain to the models, and give its file; None without a change.

    Compares with a fresh SQLite database, so that no running database is needed and none can be in the way. Read the
    file before you commit it: Alembic does not see renamed columns or moved data.
    """
    versions = versions_folder(spec.migrations)
    versions.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        url = URL.create("sqlite", database=str(Path(folder) / "scratch.sqlite3"))
        upgrade(spec, url)
        with _migrating(spec, url) as (config, _):

            def keep_changes(_context: MigrationContext, _revision: object, scripts: list[MigrationScript]) -> None:
                if all(operations.is_empty() for operations in scripts[0].upgrade_ops_list):
                    scripts.clear()

            written = command.revision(config, message, autogenerate=True, process_revision_directives=keep_changes)
    script = written[0] if isinstance(written, list) and written else written
    return Path(script.path) if script and not isinstance(script, list) else None


def differences(spec: "DatabaseSpec", url: URL | str) -> str:
    """Give the operations that would make the migrated database equal the models, as code; empty when there are none.

    For a test of every service, on both databases: `assert differences(spec, url) == ""`.
    """
    with _migrating(spec, url) as (_, connection):
        options = {
            "compare_type": True,
            "target_metadata": spec.metadata,
            "include_name": made_by_models(spec.by_hand),
        }
        context = MigrationContext.configure(connection, opts=options)
        operations = produce_migrations(context, spec.metadata).upgrade_ops
        if operations is None or operations.is_empty():
            return ""
        return str(render_python_code(operations))


@contextlib.contextmanager
def _migrating(spec: "DatabaseSpec", url: URL | str) -> Iterator[tuple[Config, Connection]]:
    """Hold the database for one run: a transaction that no other process's run can overlap."""
    config = _config(spec)
    engine = migration_engine(make_url(url), schema=spec.schema)
    with _one_at_a_time, _opened(engine, _place(spec, url)) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(
                text("SELECT pg_advisory_xact_lock(:key)"),
                {"key": zlib.crc32(f"purser migrations {spec.schema}".encode())},
            )
        config.attributes.update(
            connection=connection, metadata=spec.metadata, place=_place(spec, url), by_hand=spec.by_hand
        )
        yield config, connection


@contextlib.contextmanager
def _opened(engine: Engine, place: str) -> Iterator[Connection]:
    try:
        connection = engine.connect()
    except OperationalError as error:
        reason = " ".join(str(error.orig).split())
        raise MigrationError(
            f"{place} cannot be opened: {reason}. Look at PURSER_DATABASE_URL, and whether the server runs "
            "or the folder may be written."
        ) from error
    with connection, connection.begin():
        yield connection


def _place(spec: "DatabaseSpec", url: URL | str) -> str:
    return f"The database of {spec.schema} ({shown(make_url(url))})"


def _config(spec: "DatabaseSpec") -> Config:
    config = Config()
    folders = {
        "script_location": Path(__file__).parent / "_alembic",
        "version_locations": versions_folder(spec.migrations),
    }
    for name, folder in folders.items():
        # The options are those of an INI file, in which a percent sign begins a reference.
        config.set_main_option(name, str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    # A letter first: the files are then valid module names, which type checkers ask for.
    config.set_main_option("file_template", "m%%(year)d%%(month).2d%%(day).2d_%%(rev)s_%%(slug)s")
    return config


def _script(config: Config) -> ScriptDirectory:
    return ScriptDirectory.from_config(config)


def _make_schema(connection: Connection, schema: str) -> None:
    if connection.dialect.name != "postgresql":
        return
    # Asked first: a service's own role may use its schema and not be allowed to make one.
    if connection.scalar(text("SELECT 1 FROM pg_namespace WHERE nspname = :schema"), {"schema": schema}) is None:
        connection.execute(text(f'CREATE SCHEMA "{schema}"'))


def _known_heads(config: Config, connection: Connection) -> list[str]:
    heads = MigrationContext.configure(connection).get_current_heads()
    known = {step.revision for step in _script(config).walk_revisions()}
    unknown = [head for head in heads if head not in known]
    if unknown:
        raise DatabaseNewerThanCode(
            f"{config.attributes['place']} is at revision {unknown[0]}, which this version of the code does not know: "
            "a newer version has written it, or the address belongs to another service. "
            "Start that newer version, or use another database. Nothing was changed."
        )
    return list(heads)


def _check_references(spec: "DatabaseSpec", connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.execute(text("PRAGMA foreign_key_check")).first()
    if broken is not None:
        raise MigrationError(
            f"After the migration, row {broken[1]} of {broken[0]} in the database of {spec.schema} would refer to a "
            f"missing row of {broken[2]}. Nothing was changed; repair the migration."
        )


def _parent(down_revision: str | tuple[str, ...] | list[str] | None) -> str | None:
    return down_revision if isinstance(down_revision, str) or down_revision is None else down_revision[0]


if __name__ == "__main__":
    from api_common._migration_commands import main

    main()

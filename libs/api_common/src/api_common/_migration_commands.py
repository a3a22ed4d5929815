"""The command line of `python -m api_common.migrations`."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from alembic.util import CommandError
from config import SettingsError
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from api_common import migrations
from api_common._engines import DatabaseAddressError, database_url, make_folder
from api_common.database import DatabaseSpec


@dataclass(frozen=True)
class Target:
    """A service's tables, and where they are."""

    spec: DatabaseSpec
    url: URL


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command for each service named; exits with 1 and a message when a command cannot be done."""
    chosen = _parser().parse_args(arguments)
    for name in chosen.service:
        try:
            message = _run(chosen, _target(name))
        except (migrations.MigrationError, DatabaseAddressError, SettingsError) as error:
            sys.exit(f"{name}: {error}")
        except (CommandError, DBAPIError) as error:
            # Alembic's reasons name the revision, the driver's the right that is missing; SQLAlchemy adds a link only.
            reason = error.orig if isinstance(error, DBAPIError) else error
            sys.exit(f"{name}: {chosen.command} failed, and nothing was changed: {' '.join(str(reason).split())}")
        sys.stdout.write(f"{message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m api_common.migrations", description="Change the tables of services."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in _COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=purpose)
        command.add_argument(
            "--service", action="append", required=True, help="a service's name; may be given several times"
        )
        if name == "create":
            command.add_argument(
                "--message", "-m", required=True, help="what changes, for example 'accounts get a colour'"
            )
        if name in {"upgrade", "downgrade"}:
            default = "head" if name == "upgrade" else "-1"
            command.add_argument("--revision", default=default, help=f"where to stop (default: {default})")
    return parser


_COMMANDS = {
    "create": "Write the revision that leads from the last one to the models.",
    "upgrade": "Apply what is missing.",
    "downgrade": "Take back the last revision.",
    "history": "List the revisions.",
    "current": "Show the revision of the database.",
}


def _run(chosen: argparse.Namespace, target: Target) -> str:
    name = target.spec.schema
    if chosen.command == "create":
        written = migrations.revision(target.spec, chosen.message)
        return (
            f"{name}: wrote {written}" if written else f"{name}: the models match the last revision, nothing to write"
        )
    if chosen.command == "upgrade":
        migrations.upgrade(target.spec, target.url, chosen.revision)
    elif chosen.command == "downgrade":
        migrations.downgrade(target.spec, target.url, chosen.revision)
    elif chosen.command == "history":
        return "\n".join(_line(name, step) for step in migrations.history(target.spec)) or f"{name}: no revisions"
    return f"{name}: at {migrations.current(target.spec, target.url) or 'no revision'}"


def _line(name: str, step: migrations.Revision) -> str:
    return f"{name}: {step.down_revision or '<base>'} -> {step.id}{' (head)' if step.is_head else ''}, {step.message}"


def _target(name: str) -> Target:
    try:
        service = importlib.import_module(f"{name}.main").service()
    except ModuleNotFoundError as error:
        raise migrations.MigrationError(f"There is no service of this name: {error}.") from error
    if service.database is None:
        raise migrations.MigrationError("This service keeps nothing in a database.")
    url = database_url(
        service.settings.database_url, data_dir=service.settings.data_dir, service=service.database.schema
    )
    make_folder(url)
    return Target(service.database, url)

"""What the operator's commands share: an open database, and messages instead of tracebacks."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from api_common.database import Database
from api_common.migrations import MigrationError
from api_common.problems import ServiceUnavailable
from config import SettingsError, load
from sqlalchemy.exc import OperationalError

from auth_service.main import DATABASE
from auth_service.settings import Settings


class CommandError(ValueError):
    """A command cannot be done; the message says why and what to do first."""


def run_command(work: Callable[[Settings], Awaitable[str]], settings: Settings | None) -> None:
    """Run a command and print what it gives; ends the process with status 1 and a message when it cannot be done."""

    async def run() -> str:
        return await work(settings or load(Settings))

    try:
        sys.stdout.write(f"{asyncio.run(run())}\n")
    except (CommandError, SettingsError, MigrationError, ServiceUnavailable, OperationalError) as error:
        sys.exit(str(error))


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """Open the database that the settings name, at the revision that this version needs."""
    async with Database.open(DATABASE, settings) as opened:
        if settings.migrates_on_start:
            await opened.upgrade()
        else:
            await opened.verify()
        yield opened

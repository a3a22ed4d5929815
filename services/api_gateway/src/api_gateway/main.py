"""api_gateway as a value, as an application and as a process: all services in one."""

import os
import sys
from typing import NoReturn

import api_common
from api_common import ConfigurationError, Service
from api_common.server import EXIT_CANNOT_START, EXIT_WRONG_SETTINGS, serve
from config import ServiceSettings, SettingsError, load
from fastapi import FastAPI

from api_gateway._version import VERSION
from api_gateway.catalogue import CatalogueError, embedded_services
from api_gateway.data_folder import DataFolderError, hold
from api_gateway.settings import Settings

SUMMARY = "Your bank statements in one ledger, and where the money went"
"""What the start page says of the whole, to those who do not care that it is made of services."""


def service(settings: Settings | None = None) -> Service:
    """The front door with the given settings, or those of the environment.

    Raises:
        config.SettingsError: a variable is wrong or unknown.
    """
    return Service(
        name="api_gateway",
        version=VERSION,
        summary="The one front door: every service in one process",
        settings=settings or load(Settings),
    )


def create_app() -> FastAPI:
    """One application of the front door and every service of the catalogue, which call each other in process.

    Raises:
        config.SettingsError, api_gateway.catalogue.CatalogueError: as the services and the catalogue.
    """
    front = service()
    embedded = (entry.service() for entry in embedded_services())
    return api_common.create_app(front, *embedded, title="Purser", summary=SUMMARY)


def run() -> None:
    """Serve all services until told to stop; one process per data folder."""
    # Databases and keys are for the person who runs Purser, whoever else may look into the folder.
    os.umask(0o077)
    try:
        settings = load(Settings)
        with hold(settings.data_dir):
            print(f"Purser keeps its data in {settings.data_dir}", flush=True)  # noqa: T201 (for the person at the terminal)
            _tell_address(settings)
            serve(create_app(), settings)
    except SettingsError as error:
        _give_up(error, EXIT_WRONG_SETTINGS)
    except (CatalogueError, ConfigurationError, DataFolderError) as error:
        _give_up(error, EXIT_CANNOT_START)


def _tell_address(settings: ServiceSettings) -> None:
    """Let the services name this process's address where they have to name one, such as in links and tokens."""
    if "public_url" not in settings.model_fields_set and "port" in settings.model_fields_set:
        os.environ["PURSER_PUBLIC_URL"] = f"http://127.0.0.1:{settings.port}"


def _give_up(error: Exception, code: int) -> NoReturn:
    print(error, file=sys.stderr, flush=True)  # noqa: T201 (for the person at the terminal)
    raise SystemExit(code)


if __name__ == "__main__":
    run()

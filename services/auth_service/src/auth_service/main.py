"""auth_service as a value, as an application and as a process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import api_common
from api_common import Runtime, Service
from api_common.database import DatabaseSpec
from api_common.server import run as serve
from config import load
from fastapi import FastAPI

from auth_service._version import VERSION
from auth_service.clients import DataOwners
from auth_service.clock import Clock, utc_now
from auth_service.models import Table
from auth_service.problems import ClientNameTaken, EmailTaken
from auth_service.routes import ROUTERS
from auth_service.service.parts import Parts
from auth_service.settings import Settings

DATABASE = DatabaseSpec(
    schema="auth_service",
    metadata=Table.metadata,
    migrations="auth_service.migrations",
    conflicts={
        "uq_user_account_email": lambda: EmailTaken("There is an account with this address already."),
        "uq_service_client_name": lambda: ClientNameTaken("There is a client with this name already."),
    },
)


def service(settings: Settings | None = None, *, clock: Clock = utc_now) -> Service:
    """The service with the given settings, or those of the environment.

    Raises:
        config.SettingsError: a variable is wrong or unknown.
    """
    chosen = settings or load(Settings)

    @asynccontextmanager
    async def lifespan(runtime: Runtime) -> AsyncIterator[None]:
        runtime.provide(await Parts.open(chosen, runtime.database, clock=clock))
        runtime.provide(DataOwners(runtime.client, chosen.data_owners))
        yield

    return Service(
        name="auth_service",
        version=VERSION,
        summary="Users, credentials, tokens and signing keys",
        settings=chosen,
        routers=ROUTERS,
        database=DATABASE,
        lifespan=lifespan,
        calls=tuple(chosen.data_owners),
        queues={"password_hashing": lambda runtime: runtime.resource(Parts).hashing.waiting},
    )


def create_app() -> FastAPI:
    """The application of this service alone."""
    return api_common.create_app(service())


def run() -> None:
    """Serve until told to stop."""
    serve(service, port=8001)


if __name__ == "__main__":
    run()

"""analytics_api as a value, as an application and as a process."""

import api_common
from api_common import Check, Service
from api_common.server import run as serve
from config import load
from fastapi import FastAPI

from analytics_api._version import VERSION
from analytics_api.routes import analytics
from analytics_api.service import analytics_lifespan, reach_provider
from analytics_api.settings import Settings


def service(settings: Settings | None = None) -> Service:
    """The service with the given settings, or those of the environment.

    Raises:
        config.SettingsError: a variable is wrong or unknown.
    """
    return Service(
        name="analytics_api",
        version=VERSION,
        summary="Summary, cash flow, categories and merchants of a user's ledger",
        settings=settings or load(Settings),
        routers=[analytics.router],
        lifespan=analytics_lifespan,
        checks=[Check("transaction_service", reach_provider)],
        calls=["auth_service", "transaction_service"],
    )


def create_app() -> FastAPI:
    """The application of this service alone."""
    return api_common.create_app(service())


def run() -> None:
    """Serve until told to stop."""
    serve(service, port=8003)


if __name__ == "__main__":
    run()

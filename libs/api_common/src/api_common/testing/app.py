"""Applications, clients and settings for tests."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import httpx2
import pytest
from config import Profile, ServiceSettings
from fastapi import FastAPI
from starlette.types import ASGIApp

from api_common.application import create_app
from api_common.service import Service
from api_common.testing.tokens import Issuer

S = TypeVar("S", bound=ServiceSettings)


@asynccontextmanager
async def client_for(
    target: Service | FastAPI,
    *,
    headers: Mapping[str, str] | None = None,
    peers: Mapping[str, ASGIApp] | None = None,
) -> AsyncIterator[httpx2.AsyncClient]:
    """Run a service or an application, through its full stack, and give a client of it.

    Args:
        headers: sent with every request, such as ``issuer.headers(user_id)``.
        peers: applications of the services that it calls.
    """
    app = create_app(target, peers=peers) if isinstance(target, Service) else target
    transport = httpx2.ASGITransport(app=app)
    client = httpx2.AsyncClient(transport=transport, base_url="http://testserver", headers=headers)
    async with app.router.lifespan_context(app), client:
        yield client


class SettingsFactory(Protocol):
    """Builds settings of any class with the test's own database, folder and token issuer."""

    def __call__(self, settings_class: type[S], **overrides: object) -> S:
        """Build them; ``overrides`` replace single fields."""


@pytest.fixture
def settings_for(database_url: str | None, tmp_path: Path, issuer: Issuer) -> SettingsFactory:
    """Give the factory of settings; a test that takes it runs once per database.

    A service without a database overrides ``database_url`` in its conftest with a fixture that gives None.
    """

    def build(settings_class: type[S], **overrides: object) -> S:
        values = {
            "profile": Profile.TEST,
            "data_dir": tmp_path,
            "config_dir": tmp_path,
            "database_url": database_url,
            "jwks_file": issuer.jwks_file,
            "log_level": "warning",
            **overrides,
        }
        return settings_class.model_validate(values)

    return build

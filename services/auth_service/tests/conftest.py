"""The database of these tests, and an installation on it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import hypothesis
import pytest
from api_common import Service, create_app
from api_common.database import DatabaseSpec
from api_common.testing import SettingsFactory, client_for
from auth_house import House, OpenHouse, TravellingClock
from auth_service.main import DATABASE, service
from auth_service.settings import Settings

pytest_plugins = ["api_common.testing"]

# No time limit per example: a busy machine is no failure.
hypothesis.settings.register_profile("purser", deadline=None)
hypothesis.settings.load_profile("purser")


@pytest.fixture(scope="session")
def database_specs() -> Sequence[DatabaseSpec]:
    return [DATABASE]


@pytest.fixture
def clock() -> TravellingClock:
    return TravellingClock()


@pytest.fixture
def open_house(settings_for: SettingsFactory, clock: TravellingClock) -> OpenHouse:
    """Give the function that starts an installation on the test's database, with other settings if need be."""

    @asynccontextmanager
    async def opened(*neighbours: Service, **overrides: object) -> AsyncIterator[House]:
        # Its own keys are what the tests are about, so it does not trust the test issuer's.
        settings = settings_for(Settings, **{"jwks_file": None, **overrides})
        app = create_app(service(settings, clock=clock), *neighbours)
        async with client_for(app) as http:
            yield House(http, app, settings)

    return opened


@pytest.fixture
async def house(open_house: OpenHouse) -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened

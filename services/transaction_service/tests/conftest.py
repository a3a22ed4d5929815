"""What the tests of the ledger share: a running service on either database, and users of it."""

from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import httpx2
import pytest
from api_common.database import DatabaseSpec
from api_common.testing import Issuer, SettingsFactory, client_for
from transaction_service.main import DATABASE, service
from transaction_service.settings import Settings

pytest_plugins = ["api_common.testing"]


@pytest.fixture(scope="session")
def database_specs() -> Sequence[DatabaseSpec]:
    return [DATABASE]


@pytest.fixture
async def client(settings_for: SettingsFactory, issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the running service, as one user."""
    async with client_for(service(settings_for(Settings)), headers=issuer.headers(uuid4())) as opened:
        yield opened

"""The database of these tests, an application on it, and the people who use it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from api_common import create_app
from api_common.database import DatabaseSpec
from api_common.testing import SettingsFactory, client_for
from auth_service.main import database, service
from auth_service.settings import Settings
from starlette.types import ASGIApp

pytest_plugins = ["api_common.testing"]

PASSWORD = "a ladder of green paper"
OTHER_PASSWORD = "seven quiet lighthouses"


@pytest.fixture(scope="session")
def database_specs() -> Sequence[DatabaseSpec]:
    return [database()]


class TravellingClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@pytest.fixture
def clock() -> TravellingClock:
    return TravellingClock()


@dataclass
class Person:
    """Somebody who signs up and in over HTTP."""

    http: httpx2.AsyncClient
    email: str
    password: str = PASSWORD

    async def sign_up(self, **more: Any) -> httpx2.Response:
        return await self.http.post("/v1/auth/sign-up", json={"email": self.email, "password": self.password, **more})

    async def sign_in(self, **form: str) -> httpx2.Response:
        return await self.http.post(
            "/v1/auth/token",
            data={"grant_type": "password", "username": self.email, "password": self.password, **form},
        )

    async def tokens(self, **form: str) -> dict[str, Any]:
        answer = await self.sign_in(**form)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def headers(self) -> dict[str, str]:
        return bearer((await self.tokens())["access_token"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@dataclass
class House:
    """A running installation."""

    http: httpx2.AsyncClient
    app: Any

    def person(self, email: str = "ada@example.org", password: str = PASSWORD) -> Person:
        return Person(self.http, email, password)

    async def member(self, email: str = "ada@example.org", password: str = PASSWORD) -> Person:
        """Give somebody with an account; the first one is the administrator."""
        person = self.person(email, password)
        answer = await person.sign_up()
        assert answer.status_code == 201, answer.text
        return person

    async def refresh(self, token: str, **form: str) -> httpx2.Response:
        return await self.http.post(
            "/v1/auth/token", data={"grant_type": "refresh_token", "refresh_token": token, **form}
        )


OpenHouse = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def open_house(settings_for: SettingsFactory, clock: TravellingClock) -> OpenHouse:
    """Give the function that starts an installation on the test's database, with other settings if need be."""

    @asynccontextmanager
    async def opened(*, peers: dict[str, ASGIApp] | None = None, **overrides: object) -> AsyncIterator[House]:
        # Its own keys are what the tests are about, so it does not trust the test issuer's.
        settings = settings_for(Settings, jwks_file=None, **overrides)
        app = create_app(service(settings, clock=clock), peers=peers)
        async with client_for(app) as http:
            yield House(http, app)

    return opened


@pytest.fixture
async def house(open_house: OpenHouse) -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened

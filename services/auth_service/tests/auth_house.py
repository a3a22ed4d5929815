"""An installation to test, and the people who use it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from auth_service.settings import Settings
from fastapi import FastAPI

PASSWORD = "a ladder of green paper"
OTHER_PASSWORD = "seven quiet lighthouses"


class TravellingClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        """Move on by hours, minutes, seconds."""
        self.now += timedelta(**parts)


def bearer(token: str) -> dict[str, str]:
    """Give the header that carries an access token."""
    return {"Authorization": f"Bearer {token}"}


@dataclass
class Person:
    """Somebody who signs up and in over HTTP."""

    http: httpx2.AsyncClient
    email: str
    password: str
    profile: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.profile["id"])

    async def sign_in(self, **form: str) -> httpx2.Response:
        """Send the password grant."""
        given = {"grant_type": "password", "username": self.email, "password": self.password, **form}
        return await self.http.post("/v1/auth/token", data=given)

    async def tokens(self, **form: str) -> dict[str, Any]:
        """Sign in and give the answer."""
        answer = await self.sign_in(**form)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def headers(self, **form: str) -> dict[str, str]:
        """Sign in and give the header of the access token."""
        return bearer((await self.tokens(**form))["access_token"])


@dataclass
class House:
    """A running installation."""

    http: httpx2.AsyncClient
    app: FastAPI
    settings: Settings

    async def sign_up(self, email: str, password: str = PASSWORD, **more: Any) -> httpx2.Response:
        """Send the form of a new account."""
        return await self.http.post("/v1/auth/sign-up", json={"email": email, "password": password, **more})

    async def person(self, email: str = "ada@example.org", password: str = PASSWORD) -> Person:
        """Give somebody with an account; the first one is the administrator."""
        answer = await self.sign_up(email, password)
        assert answer.status_code == 201, answer.text
        return Person(self.http, email, password, answer.json())

    async def refresh(self, token: str, **form: str) -> httpx2.Response:
        """Send the refresh token grant."""
        given = {"grant_type": "refresh_token", "refresh_token": token, **form}
        return await self.http.post("/v1/auth/token", data=given)

    async def get(self, path: str, headers: dict[str, str], **options: Any) -> Any:
        """Get a JSON document that must be there."""
        answer = await self.http.get(path, headers=headers, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()


OpenHouse = Callable[..., AbstractAsyncContextManager[House]]

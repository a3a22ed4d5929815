"""A ledger to read, as transaction_service publishes it, and a client of analytics_api that reads it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from uuid import UUID, uuid4

import httpx2
import hypothesis
import polars as pl
import pytest
from analytics_api.main import service
from analytics_api.settings import Settings
from api_common.testing import Issuer, SettingsFactory, client_for
from fastapi import FastAPI, Request, Response

pytest_plugins = ["api_common.testing"]

# No time limit per example: a busy machine is no failure.
hypothesis.settings.register_profile("purser", deadline=None)
hypothesis.settings.load_profile("purser")

LEDGER = {
    "id": pl.String,
    "account_id": pl.String,
    "account": pl.String,
    "booking_date": pl.Date,
    "value_date": pl.Date,
    "amount_micros": pl.Int64,
    "currency": pl.String,
    "kind": pl.String,
    "category_id": pl.String,
    "category": pl.String,
    "merchant": pl.String,
    "counterparty": pl.String,
    "description": pl.String,
    "pending": pl.Boolean,
}


@dataclass
class LedgerProvider:
    """An application with the two operations of transaction_service that analytics_api uses."""

    rows: list[dict[str, object]] = field(default_factory=list)
    accounts: set[UUID] = field(default_factory=set)
    state: int = 1
    requests: list[str] = field(default_factory=list)
    """What was asked: `full` and `unchanged` for the ledger, `account` for an account."""
    before_answer: Callable[[], Awaitable[None]] | None = None
    instead: Response | None = None

    def book(self, **row: object) -> None:
        """Add a row: an expense of 10 EUR unless said otherwise."""
        usual: dict[str, object] = {
            "id": str(uuid4()),
            "account_id": str(uuid4()),
            "account": "Giro",
            "booking_date": date(2026, 3, 1),
            "amount_micros": -10_000_000,
            "currency": "EUR",
            "kind": "expense",
            "description": "raw text",
            "pending": False,
        }
        self.rows.append({**usual, **row})
        self.accounts.add(UUID(str(self.rows[-1]["account_id"])))
        self.state += 1

    def app(self) -> FastAPI:
        application = FastAPI()

        @application.get("/livez")
        async def livez() -> dict[str, str]:
            return {"status": "ok"}

        @application.get("/v1/ledger")
        async def ledger(request: Request) -> Response:
            etag = f'"{self.state}"'
            stream = BytesIO()
            pl.DataFrame(self.rows, schema=LEDGER).write_ipc_stream(stream)
            if self.before_answer is not None:
                await self.before_answer()
            if self.instead is not None:
                return self.instead
            unchanged = request.headers.get("if-none-match") == etag
            self.requests.append("unchanged" if unchanged else "full")
            if unchanged:
                return Response(status_code=304, headers={"ETag": etag})
            return Response(stream.getvalue(), headers={"ETag": etag})

        @application.get("/v1/accounts/{account_id}")
        async def account(account_id: UUID) -> Response:
            self.requests.append("account")
            return Response("{}", status_code=200 if account_id in self.accounts else 404)

        return application


@pytest.fixture
def provider() -> LedgerProvider:
    return LedgerProvider()


@pytest.fixture
def database_url() -> None:
    """analytics_api has no database, so its tests need not run once per database."""


@pytest.fixture
async def client(
    provider: LedgerProvider, settings_for: SettingsFactory, issuer: Issuer
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with the token of one user."""
    described = service(settings_for(Settings))
    async with client_for(described, headers=issuer.headers(), peers={"transaction_service": provider.app()}) as opened:
        yield opened

"""What the tests of the ledger share: a running service on either database, its users, and statement files."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx2
import hypothesis
import pytest
from api_common import create_app
from api_common.database import DatabaseSpec
from api_common.testing import Issuer, SettingsFactory, client_for
from fastapi import FastAPI
from household_machine import Tie, tied_to
from transaction_service.main import DATABASE, service
from transaction_service.settings import Settings

pytest_plugins = ["api_common.testing"]

# No time limit per example: a busy machine is no failure.
hypothesis.settings.register_profile("purser", deadline=None)
hypothesis.settings.load_profile("purser")


@pytest.fixture(scope="session")
def database_specs() -> Sequence[DatabaseSpec]:
    return [DATABASE]


@pytest.fixture
def user_id() -> UUID:
    return uuid4()


@pytest.fixture
def app(settings_for: SettingsFactory) -> FastAPI:
    """The application, on a database of its own."""
    return create_app(service(settings_for(Settings)))


@pytest.fixture
async def client(app: FastAPI, issuer: Issuer, user_id: UUID) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the running service, as one user."""
    async with client_for(app, headers=issuer.headers(user_id)) as opened:
        yield opened


@pytest.fixture
def tied(app: FastAPI, issuer: Issuer) -> Iterator[Tie[Any]]:
    """What ties a machine of Hypothesis to the running service."""
    with tied_to(app, issuer) as tie:
        yield tie


@pytest.fixture
def stranger(issuer: Issuer) -> dict[str, str]:
    """The headers of another user."""
    return issuer.headers(uuid4())


@dataclass(frozen=True)
class StatementRow:
    """A row of a statement file; without a FITID the bank gives it no id."""

    date: str
    amount: str
    name: str = "Bakery"
    fitid: str = ""


def ofx(
    *rows: StatementRow,
    account: str = "1234",
    currency: str = "EUR",
    closing: str | None = None,
    kind: str = "CHECKING",
) -> bytes:
    """An OFX statement of these rows."""
    entries = "".join(
        f"<STMTTRN><TRNTYPE>OTHER<DTPOSTED>{row.date.replace('-', '')}<TRNAMT>{row.amount}"
        f"<FITID>{row.fitid}<NAME>{row.name}</STMTTRN>"
        for row in rows
    )
    balance = f"<LEDGERBAL><BALAMT>{closing}<DTASOF>20261101</LEDGERBAL>" if closing is not None else ""
    return (
        "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nSECURITY:NONE\nENCODING:UTF-8\nCHARSET:NONE\nCOMPRESSION:NONE\n"
        "OLDFILEUID:NONE\nNEWFILEUID:NONE\n\n"
        "<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20261101<LANGUAGE>ENG</SONRS>"
        "</SIGNONMSGSRSV1><BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS>"
        f"<CURDEF>{currency}<BANKACCTFROM><BANKID>77<ACCTID>{account}<ACCTTYPE>{kind}</BANKACCTFROM>"
        f"<BANKTRANLIST><DTSTART>20260101<DTEND>20261101{entries}</BANKTRANLIST>{balance}"
        "</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    ).encode()


@pytest.fixture(name="ofx")
def ofx_factory() -> Callable[..., bytes]:
    """The factory of OFX files."""
    return ofx


@pytest.fixture
def row() -> type[StatementRow]:
    """The factory of their rows."""
    return StatementRow


class Household:
    """A user's doings, in short, for tests that are about something else."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def account(self, **fields: Any) -> dict[str, object]:
        """Create an account."""
        answer = await self.client.post("/v1/accounts", json={"name": "Checking", "currency": "EUR", **fields})
        assert answer.status_code == 201, answer.text
        account: dict[str, object] = answer.json()
        return account

    async def enter(self, account: dict[str, object], amount: str, **fields: Any) -> dict[str, object]:
        """Enter a row by hand."""
        body = {"account_id": account["id"], "booking_date": "2026-03-01", "amount": amount, **fields}
        answer = await self.client.post("/v1/transactions", json=body)
        assert answer.status_code == 201, answer.text
        entered: dict[str, object] = answer.json()
        return entered

    async def upload(self, content: bytes, **parameters: Any) -> dict[str, object]:
        """Import a statement file."""
        answer = await self.client.post("/v1/imports", params=parameters, content=content)
        assert answer.status_code == 201, answer.text
        booked: dict[str, object] = answer.json()
        return booked

    async def rows(self, **filters: Any) -> list[dict[str, object]]:
        """All rows that pass the filters, oldest first."""
        answer = await self.client.get("/v1/transactions", params={"limit": 500, "sort": "booking_date", **filters})
        assert answer.status_code == 200, answer.text
        items: list[dict[str, object]] = answer.json()["items"]
        return items

    async def total(self) -> Decimal:
        """The exact sum of all rows."""
        return sum((Decimal(str(row["amount"])) for row in await self.rows()), Decimal(0))

    async def change(self, path: str, version: object, **fields: Any) -> httpx2.Response:
        """Change a resource of this version, or of any (`*`)."""
        tag = "*" if version == "*" else f'"{version}"'
        return await self.client.patch(path, json=fields, headers={"If-Match": tag})

    async def delete(self, path: str, version: object, **parameters: Any) -> httpx2.Response:
        """Delete a resource of this version."""
        return await self.client.delete(path, params=parameters, headers={"If-Match": f'"{version}"'})


@pytest.fixture
def household(client: httpx2.AsyncClient) -> Household:
    """The user of `client`."""
    return Household(client)

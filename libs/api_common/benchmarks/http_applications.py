"""The applications that the HTTP benchmark compares: the same routes in bare FastAPI and in the full stack."""

import hashlib
import time
from datetime import date
from decimal import Decimal
from uuid import UUID

from api_common import Service, create_app, offload
from api_common.responses import json_bytes
from config import Profile, ServiceSettings
from fastapi import APIRouter, FastAPI, Response
from pydantic import BaseModel, ConfigDict
from sqlmodel import Field, SQLModel


class Item(BaseModel):
    """A small answer."""

    id: int
    name: str
    active: bool


class Row(BaseModel):
    """A transaction as clients see it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    account_id: UUID
    import_id: UUID | None
    booking_date: date
    value_date: date | None
    amount: Decimal
    currency: str
    pending: bool
    description: str
    counterparty: str | None
    reference: str | None
    merchant: str | None
    category_id: UUID | None
    version: int


class Booking(SQLModel, table=True):
    """A transaction as it is stored."""

    id: UUID = Field(primary_key=True)
    account_id: UUID
    import_id: UUID | None
    booking_date: date
    value_date: date | None
    amount: Decimal
    currency: str
    pending: bool
    description: str
    counterparty: str | None
    reference: str | None
    merchant: str | None
    category_id: UUID | None
    version: int


# What a session hands over: entities for the one route, tuples of columns for the other.
ENTITIES = [
    Booking(
        id=UUID(int=number),
        account_id=UUID(int=1),
        import_id=UUID(int=3),
        booking_date=date(2026, 1, 1 + number % 28),
        value_date=date(2026, 1, 1 + number % 28),
        amount=Decimal(number * 17) / 100,
        currency="EUR",
        pending=False,
        description=f"CARD PAYMENT {number} CORNER BAKERY",
        counterparty="CORNER BAKERY LTD",
        reference=None,
        merchant="Corner Bakery",
        category_id=UUID(int=2),
        version=1,
    )
    for number in range(50)
]
TUPLES = [tuple(getattr(one, name) for name in Row.model_fields) for one in ENTITIES]

router = APIRouter(prefix="/v1")


@router.get("/item/{item_id}")
async def item(item_id: int) -> Item:
    """Give a small answer."""
    return Item(id=item_id, name="coffee", active=True)


@router.get("/rows/models")
async def models() -> list[Row]:
    """Give 50 rows as models."""
    return [Row.model_validate(entity) for entity in ENTITIES]


@router.get("/rows/bytes", response_model=list[Row])
async def encoded() -> Response:
    """Give the same 50 rows as encoded bytes."""
    return json_bytes(
        [
            {
                "id": id_,
                "account_id": account_id,
                "import_id": import_id,
                "booking_date": booking_date,
                "value_date": value_date,
                "amount": str(amount),
                "currency": currency,
                "pending": pending,
                "description": description,
                "counterparty": counterparty,
                "reference": reference,
                "merchant": merchant,
                "category_id": category_id,
                "version": version,
            }
            for (
                id_,
                account_id,
                import_id,
                booking_date,
                value_date,
                amount,
                currency,
                pending,
                description,
                counterparty,
                reference,
                merchant,
                category_id,
                version,
            ) in TUPLES
        ]
    )


@router.get("/compute")
async def compute() -> int:
    """Compute for about two seconds without holding up the rest."""
    return await offload(_compute)


def _compute() -> int:
    """Keep a core busy in code that releases the interpreter lock, as Polars and Numba do."""
    end = time.monotonic() + 2.0
    block, rounds = b"x" * 50_000_000, 0
    while time.monotonic() < end:
        hashlib.sha256(block).digest()
        rounds += 1
    return rounds


def bare_app() -> FastAPI:
    """Build the application that the full stack is measured against."""
    app = FastAPI()
    app.include_router(router)
    return app


def full_app() -> FastAPI:
    """Build the application as a service has it, with CORS and the access log on."""
    settings = ServiceSettings(
        profile=Profile.TEST, log_format="json", log_level="info", cors_origins=("https://app.example",)
    )
    return create_app(Service("bench", "1.0", "Benchmark", settings, routers=[router]))

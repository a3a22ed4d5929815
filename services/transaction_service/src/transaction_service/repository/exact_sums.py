"""Exact sums of money in SQL, on either database."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from api_common.columns import MICROS_PER_UNIT
from sqlalchemy import BigInteger, ColumnElement, Numeric, literal, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession


def units_and_millionths(session: AsyncSession, amount: Any) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Two columns to be summed apart: SQLite's sums of plain millionths could overflow."""
    if session.get_bind().dialect.name == "postgresql":
        return type_coerce(amount, Numeric), literal(0)
    micros = type_coerce(amount, BigInteger)
    return micros // MICROS_PER_UNIT, micros % MICROS_PER_UNIT


def joined(units: Decimal | int | None, millionths: int | None) -> Decimal:
    """The sum whose two parts these are."""
    return Decimal(units or 0) + Decimal(millionths or 0) / MICROS_PER_UNIT

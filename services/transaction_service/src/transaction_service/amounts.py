"""Exact amounts at the border: how they come in and how they are written."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from api_common.columns import MONEY_DECIMALS, UnstorableValue, from_micros, to_micros
from pydantic import BeforeValidator, Field, PlainSerializer

LARGEST = Decimal(1000000000000)
"""Amounts from a million millions on are refused: their sums would not fit the scaled 64-bit integers of the ledger."""


def amount_text(amount: Decimal) -> str:
    """The amount in full, with at least two decimals and no more than it needs: `-5.50`, `-1778.3952`."""
    return f"{from_micros(to_micros(amount)):f}"


def keepable(amount: Decimal) -> bool:
    """Whether the ledger can keep the amount exactly: finite, at most six decimals, below `LARGEST`."""
    try:
        to_micros(amount)
    except UnstorableValue:
        return False
    return abs(amount) < LARGEST


def _no_float(value: object) -> object:
    if isinstance(value, float):
        raise ValueError('an amount is sent as a string, such as "-12.50", because a JSON number may lose digits')
    return value


Amount = Annotated[
    Decimal,
    BeforeValidator(_no_float, json_schema_input_type=str),
    Field(gt=-LARGEST, lt=LARGEST, decimal_places=MONEY_DECIMALS, allow_inf_nan=False, examples=["-12.50"]),
    PlainSerializer(amount_text, return_type=str, when_used="always"),
]
"""A signed amount: a decimal string in JSON, money out negative."""

"""Exact amounts at the border: how they come in and how they are written."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from api_common.columns import MONEY_DECIMALS
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

LARGEST = Decimal(1000000000000)
"""Amounts from a million millions on are refused: their sums would not fit the scaled 64-bit integers of the ledger."""

_SMALLEST = Decimal(1).scaleb(-MONEY_DECIMALS)


def amount_text(amount: Decimal) -> str:
    """The amount in full, with at least two decimals and no more than it needs: `-5.50`, `-1778.3952`."""
    amount = amount or Decimal(0)  # without the sign of a negative zero
    exponent = amount.normalize().as_tuple().exponent
    decimals = max(2, -exponent) if isinstance(exponent, int) else 2
    return f"{amount:.{decimals}f}"


def keepable(amount: Decimal) -> bool:
    """Whether the ledger can keep the amount exactly: finite, at most six decimals, below `LARGEST`."""
    return amount.is_finite() and -LARGEST < amount < LARGEST and amount == amount.quantize(_SMALLEST)


_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")


def _plain(value: object) -> object:
    if isinstance(value, float):
        raise ValueError('an amount is sent as a string, such as "-12.50", because a JSON number may lose digits')
    if isinstance(value, str) and not _PLAIN.fullmatch(value.strip()):
        raise ValueError(f'"{value[:40]}" is not an amount such as "-12.50"')
    return value


def _within_limits(amount: Decimal) -> Decimal:
    if abs(amount) >= LARGEST:
        raise ValueError(f"an amount lies between -{LARGEST} and {LARGEST}")
    return amount or Decimal(0)  # without the sign of a negative zero


ExactAmount = Annotated[Decimal, PlainSerializer(amount_text, return_type=str), Field(examples=["-12.50"])]
"""An amount, sum or balance in an answer: a decimal string in JSON, money out negative."""

Amount = Annotated[
    Decimal,
    BeforeValidator(_plain, json_schema_input_type=str),
    Field(decimal_places=MONEY_DECIMALS, allow_inf_nan=False, examples=["-12.50"]),
    AfterValidator(_within_limits),
]
"""An amount in a request."""

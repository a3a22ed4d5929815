"""The published columns of a ledger: one row per booked transaction, the same in Arrow, Parquet and notebooks."""

from __future__ import annotations

from typing import Final

import polars as pl

LEDGER_SCHEMA: Final = pl.Schema(
    {
        "id": pl.String(),
        "account_id": pl.String(),
        "account": pl.String(),
        "booking_date": pl.Date(),
        "value_date": pl.Date(),
        "amount_micros": pl.Int64(),
        "currency": pl.String(),
        "kind": pl.String(),
        "category_id": pl.String(),
        "category": pl.String(),
        "merchant": pl.String(),
        "counterparty": pl.String(),
        "description": pl.String(),
        "pending": pl.Boolean(),
    }
)
"""Column names and types, in order.

``amount_micros`` is signed and counts millionths of the currency's unit, so that sums are exact. ``kind`` is
``income``, ``expense`` or ``transfer``: the category's kind, else by the sign of the amount. ``category`` is the path
(``Food > Groceries``). ``value_date``, ``category_id``, ``category``, ``merchant`` and ``counterparty`` may be null.
"""

"""The published columns of a ledger, the same in Arrow, Parquet and notebooks.

There is one row for each booked transaction; one that is split has a row for each of its parts instead.
"""

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
        "transaction_id": pl.String(),
        "tags": pl.List(pl.String()),
    }
)
"""Column names and types, in order.

``amount_micros`` is signed and counts millionths of the currency's unit, so that sums are exact. ``kind`` is
``income``, ``expense`` or ``transfer``: ``transfer`` for both sides of a linked transfer and for what the user marked
as one, else the category's kind, else by the sign of the amount. ``category`` is the path (``Food > Groceries``).
``transaction_id`` is the ``id`` of the transaction, which its parts share: a part has an ``id``, an amount and a
category of its own. ``value_date``, ``category_id``, ``category``, ``merchant`` and ``counterparty`` may be null;
``tags`` is empty where there are none.
"""

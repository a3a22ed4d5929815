"""Statement rows as a frame, for notebooks."""

from __future__ import annotations

from typing import Final

import polars as pl

from data_processing.statement import StatementFile

ENTRY_SCHEMA: Final = pl.Schema(
    {
        "statement": pl.Int32(),
        "place": pl.String(),
        "account": pl.String(),
        "booking_date": pl.Date(),
        "value_date": pl.Date(),
        "amount": pl.Decimal(38, 6),
        "currency": pl.String(),
        "bank_id": pl.String(),
        "text": pl.String(),
        "counterparty": pl.String(),
        "counterparty_account": pl.String(),
        "reference": pl.String(),
        "bank_category": pl.String(),
        "pending": pl.Boolean(),
        "balance": pl.Decimal(38, 6),
        "original_amount": pl.Decimal(38, 6),
        "original_currency": pl.String(),
        "exchange_rate": pl.Decimal(38, 12),
    }
)
"""The columns of ``frame``: ``statement`` counts from 0, amounts are exact decimals."""


def frame(file: StatementFile) -> pl.DataFrame:
    """Every entry of the file as one row, in the file's order; refused rows are not among them.

    >>> from data_processing import read_statement_file
    >>> content = b"Date,Description,Amount,Currency\\n2026-04-02,Coffee,-2.80,EUR\\n"
    >>> frame(read_statement_file(content)).select("booking_date", "amount").row(0)
    (datetime.date(2026, 4, 2), Decimal('-2.800000'))
    """
    columns: dict[str, list[object]] = {name: [] for name in ENTRY_SCHEMA}
    same = [name for name in ENTRY_SCHEMA if name not in ("statement", "account")]
    for number, statement in enumerate(file.statements):
        for entry in statement.entries:
            account = entry.account or statement.account
            columns["statement"].append(number)
            columns["account"].append(account.number or account.name)
            for name in same:
                columns[name].append(getattr(entry, name))
    return pl.DataFrame(columns, schema=ENTRY_SCHEMA)

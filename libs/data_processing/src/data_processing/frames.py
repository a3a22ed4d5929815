"""Statement rows as frames, for notebooks.

The frames are Polars frames, which are Arrow streams, so that every other kind is made of them without a loss:
``pandas.DataFrame.from_arrow(frame)``, ``pyarrow.table(frame)``; DuckDB and Narwhals take them as they are.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from data_processing.identity import fingerprints
from data_processing.investments import InvestmentEntry, InvestmentKind, Position, Security
from data_processing.ledger import LEDGER_SCHEMA
from data_processing.statement import Statement, StatementFile

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

_EXCHANGES: Final = frozenset(
    {InvestmentKind.BUY, InvestmentKind.SELL, InvestmentKind.RETURN_OF_CAPITAL, InvestmentKind.SPLIT}
)
_SECURITY: Final = {"security": pl.String(), "id_type": pl.String(), "unique_id": pl.String(), "ticker": pl.String()}

INVESTMENT_SCHEMA: Final = pl.Schema(
    {
        "statement": pl.Int32(),
        "place": pl.String(),
        "account": pl.String(),
        "trade_date": pl.Date(),
        "settle_date": pl.Date(),
        "kind": pl.String(),
        "action": pl.String(),
        **_SECURITY,
        "units": pl.Decimal(38, 18),
        "unit_price": pl.Decimal(38, 18),
        "amount": pl.Decimal(38, 6),
        "total": pl.Decimal(38, 6),
        "commission": pl.Decimal(38, 6),
        "fees": pl.Decimal(38, 6),
        "taxes": pl.Decimal(38, 6),
        "currency": pl.String(),
        "bank_id": pl.String(),
        "text": pl.String(),
    }
)
"""The columns of ``investment_frame``."""

POSITION_SCHEMA: Final = pl.Schema(
    {
        "statement": pl.Int32(),
        "account": pl.String(),
        "as_of": pl.Date(),
        **_SECURITY,
        "units": pl.Decimal(38, 18),
        "unit_price": pl.Decimal(38, 18),
        "market_value": pl.Decimal(38, 6),
        "currency": pl.String(),
    }
)
"""The columns of ``position_frame``."""


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


def ledger_frame(file: StatementFile, *, currency: str | None = None) -> pl.DataFrame:
    """The file's rows as a ledger has them (``LEDGER_SCHEMA``), for analyses without a server.

    The ``id`` is the row's identity in its account. Nothing is categorised, and a split row is one row. ``kind`` is
    ``transfer`` for money that becomes securities or comes back from them; else the sign tells. An account that the
    file does not name is called by the number of its statement, from 0.

    Args:
        file: the file.
        currency: the currency of rows whose file says none.

    >>> from data_processing import read_statement_file
    >>> content = b"Date,Description,Amount,Currency\\n2026-04-02,Coffee,-2.80,EUR\\n"
    >>> ledger_frame(read_statement_file(content)).select("amount_micros", "kind").row(0)
    (-2800000, 'expense')
    """
    columns: dict[str, list[object]] = {name: [] for name in LEDGER_SCHEMA}
    for number, statement in enumerate(file.statements):
        exchanged = {entry.place for entry in statement.investments if entry.kind in _EXCHANGES}
        for entry, identity in zip(statement.entries, fingerprints(statement.entries), strict=True):
            account = entry.account or statement.account
            sign = "income" if entry.amount > 0 else "expense"
            row: dict[str, object] = {
                "id": identity,
                "account_id": account.number or account.name or str(number),
                "account": account.name or account.number or str(number),
                "booking_date": entry.booking_date,
                "value_date": entry.value_date,
                "amount_micros": int(entry.amount.scaleb(6)),
                "currency": entry.currency or statement.currency or currency,
                "kind": "transfer" if entry.place in exchanged else sign,
                "counterparty": entry.counterparty,
                "description": entry.text,
                "pending": entry.pending,
                "transaction_id": identity,
                "tags": [],
            }
            for name, column in columns.items():
                column.append(row.get(name))
    return pl.DataFrame(columns, schema=LEDGER_SCHEMA)


def investment_frame(file: StatementFile) -> pl.DataFrame:
    """Every trade, distribution and transfer of the file's investment accounts as one row, in the file's order."""
    columns: dict[str, list[object]] = {name: [] for name in INVESTMENT_SCHEMA}
    for number, statement in enumerate(file.statements):
        for entry in statement.investments:
            _append(columns, entry, entry.security, number, statement)
    return pl.DataFrame(columns, schema=INVESTMENT_SCHEMA)


def position_frame(file: StatementFile) -> pl.DataFrame:
    """Every position that the file states as one row."""
    columns: dict[str, list[object]] = {name: [] for name in POSITION_SCHEMA}
    for number, statement in enumerate(file.statements):
        for position in statement.positions:
            _append(columns, position, position.security, number, statement)
    return pl.DataFrame(columns, schema=POSITION_SCHEMA)


def _append(
    columns: dict[str, list[object]],
    row: InvestmentEntry | Position,
    security: Security | None,
    number: int,
    statement: Statement,
) -> None:
    named = {
        "statement": number,
        "account": statement.account.number or statement.account.name,
        "security": security.label if security else None,
        "id_type": security.id_type if security else None,
        "unique_id": security.unique_id if security else None,
        "ticker": security.ticker if security else None,
    }
    for name, column in columns.items():
        column.append(named[name] if name in named else getattr(row, name))

"""The ledger as a frame of the published columns, and the files made from it. Pure and slow: runs in a thread."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import polars as pl
from data_processing import LEDGER_SCHEMA, LEDGER_SCHEMA_VERSION
from sqlalchemy import Row

from transaction_service.category_tree import CategoryTree
from transaction_service.ledger_format import LedgerFormat

_SELECTED = (
    "id",
    "account_id",
    "account",
    "booking_date",
    "value_date",
    "amount_micros",
    "currency",
    "category_id",
    "merchant",
    "counterparty",
    "description",
    "pending",
)
_IDS = ("id", "account_id", "category_id")
_DATES = ("booking_date", "value_date")
_TEXTS = ("account", "category", "merchant", "counterparty", "description")
_FORMULA_START = r"^[=+\-@\t\r\n]"
_MICROS = 1_000_000


def ledger_frame(rows: Sequence[Row[Any]], tree: CategoryTree) -> pl.DataFrame:
    """Frame of `LEDGER_SCHEMA` from the rows of `LedgerRepository.rows`, in their order."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(_SELECTED)
    frame = pl.DataFrame(
        {
            name: pl.Series(name, values, dtype=_raw_type(name, values), strict=False)
            for name, values in zip(_SELECTED, columns, strict=True)
        }
    )
    frame = frame.with_columns(
        *(_uuid_text(name) for name in _IDS),
        *(pl.col(name).str.to_date("%Y-%m-%d") for name in _DATES if frame.schema[name] == pl.String),
        pl.col("pending").cast(pl.Boolean),
    )
    categories = pl.DataFrame(
        [(str(node.id), tree.path(node.id), str(node.kind)) for node in tree],
        schema={"category_id": pl.String, "category": pl.String, "category_kind": pl.String},
        orient="row",
    )
    by_sign = pl.when(pl.col("amount_micros") > 0).then(pl.lit("income")).otherwise(pl.lit("expense"))
    return (
        frame.join(categories, on="category_id", how="left", maintain_order="left")
        .with_columns(kind=pl.coalesce("category_kind", by_sign))
        .select(LEDGER_SCHEMA.names())
        .match_to_schema(LEDGER_SCHEMA)
    )


def ledger_file(frame: pl.DataFrame, form: LedgerFormat) -> bytes:
    """The frame as a file: Arrow stream and Parquet with the published columns, CSV in a form for people."""
    buffer = io.BytesIO()
    match form:
        case LedgerFormat.ARROW:
            frame.write_ipc_stream(buffer)
        case LedgerFormat.PARQUET:
            frame.write_parquet(buffer, metadata={"purser.ledger_schema_version": str(LEDGER_SCHEMA_VERSION)})
        case LedgerFormat.CSV:
            return csv_lines(frame)
    return buffer.getvalue()


def csv_lines(frame: pl.DataFrame, *, header: bool = True) -> bytes:
    """The frame as CSV in a form for people, with or without the line of names."""
    buffer = io.BytesIO()
    _for_people(frame).write_csv(buffer, include_header=header)
    return buffer.getvalue()


def _raw_type(name: str, values: Sequence[object]) -> pl.DataType:
    if name in _DATES:
        # PostgreSQL's driver gives dates, SQLite their text.
        return pl.String() if any(isinstance(value, str) for value in values[:1]) else pl.Date()
    if name == "pending":
        return pl.Boolean()
    return LEDGER_SCHEMA[name]


def _uuid_text(name: str) -> pl.Expr:
    """Ids with dashes: SQLite keeps them as 32 digits."""
    plain = pl.col(name)
    parts = [plain.str.slice(start, length) for start, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))]
    return pl.when(plain.str.len_bytes() == 32).then(pl.concat_str(parts, separator="-")).otherwise(plain).alias(name)


def _for_people(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        amount=_amount_text("amount_micros"), **{name: _harmless(name) for name in _TEXTS}
    ).select(
        "booking_date",
        "value_date",
        "account",
        "amount",
        "currency",
        "kind",
        "category",
        "merchant",
        "counterparty",
        "description",
        "pending",
        "id",
        "account_id",
    )


def _amount_text(name: str) -> pl.Expr:
    """The exact decimal text of an amount in millionths, with at least two decimals."""
    micros = pl.col(name)
    sign = pl.when(micros < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    whole = (micros.abs() // _MICROS).cast(pl.String)
    decimals = (micros.abs() % _MICROS).cast(pl.String).str.zfill(6).str.replace(r"0{1,4}$", "")
    return pl.concat_str(sign, whole, pl.lit("."), decimals)


def _harmless(name: str) -> pl.Expr:
    """Texts that a spreadsheet would take for a formula get an apostrophe in front; amounts are not touched."""
    text = pl.col(name)
    return pl.when(text.str.contains(_FORMULA_START)).then(pl.concat_str(pl.lit("'"), text)).otherwise(text)

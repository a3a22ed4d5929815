"""The ledger as a frame of the published columns, and the files made from it. Pure and slow: runs in a thread."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import polars as pl
from data_processing import LEDGER_SCHEMA, LEDGER_SCHEMA_VERSION
from sqlalchemy import Row

from transaction_service.categories.tree import CategoryTree
from transaction_service.ledger.format import LedgerFormat
from transaction_service.ledger.parts import RowParts

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
    "marked_transfer",
)
_IDS = ("id", "account_id", "category_id")
_FLAGS = ("pending", "marked_transfer")
_DATES = ("booking_date", "value_date")
_TEXTS = ("account", "category", "merchant", "counterparty", "description")
_FORMULA_START = r"^[=+\-@\t\r\n]"
_MICROS = 1_000_000


def ledger_frame(rows: Sequence[Row[Any]], parts: RowParts, tree: CategoryTree) -> pl.DataFrame:
    """Frame of `LEDGER_SCHEMA` from the rows of `LedgerRepository.rows`, in their order, and what hangs on them."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(_SELECTED)
    frame = pl.DataFrame(
        {
            name: pl.Series(name, values, dtype=_raw_type(name, values), strict=False)
            for name, values in zip(_SELECTED, columns, strict=True)
        }
    )
    frame = frame.with_columns(
        *(pl.col(name).str.to_date("%Y-%m-%d") for name in _DATES if frame.schema[name] == pl.String),
        *(pl.col(name).cast(pl.Boolean) for name in _FLAGS),
        transaction_id=pl.col("id"),
    )
    # As long as the ids are the driver's own, they compare as they are.
    frame = _with_tags(_with_transfers(frame, parts.transfers), parts.tags)
    frame = _with_splits(frame, parts.splits).with_columns(_uuid_text(name) for name in _IDS)
    # Without splits the two are equal, and text is dear to make.
    of_row = _uuid_text("transaction_id") if parts.splits else pl.col("id").alias("transaction_id")
    categories = pl.DataFrame(
        [(str(node.id), tree.path(node.id), str(node.kind)) for node in tree],
        schema={"category_id": pl.String, "category": pl.String, "category_kind": pl.String},
        orient="row",
    )
    by_sign = pl.when(pl.col("amount_micros") > 0).then(pl.lit("income")).otherwise(pl.lit("expense"))
    transfer = pl.when("is_transfer").then(pl.lit("transfer"))
    return (
        frame.with_columns(of_row)
        .join(categories, on="category_id", how="left", maintain_order="left")
        .with_columns(kind=pl.coalesce(transfer, "category_kind", by_sign))
        .select(LEDGER_SCHEMA.names())
        .match_to_schema(LEDGER_SCHEMA)
    )


def _with_transfers(frame: pl.DataFrame, sides: Sequence[Sequence[Any]]) -> pl.DataFrame:
    if not sides:
        return frame.with_columns(is_transfer="marked_transfer")
    linked = pl.Series([side[0] for side in sides], dtype=pl.String)
    return frame.with_columns(is_transfer=pl.col("marked_transfer") | pl.col("id").is_in(linked.implode()))


def _with_tags(frame: pl.DataFrame, tags: Sequence[Sequence[Any]]) -> pl.DataFrame:
    if not tags:
        return frame.with_columns(tags=pl.lit([], dtype=pl.List(pl.String)))
    of_rows = (
        pl.DataFrame(list(zip(*tags, strict=True)), schema={"id": pl.String, "tags": pl.String})
        .group_by("id", maintain_order=True)
        .agg("tags")
    )
    joined = frame.join(of_rows, on="id", how="left", maintain_order="left")
    return joined.with_columns(pl.col("tags").fill_null(pl.lit([], dtype=pl.List(pl.String))))


def _with_splits(frame: pl.DataFrame, splits: Sequence[Sequence[Any]]) -> pl.DataFrame:
    """One row for each part, in place of the split row: its id, amount and category, and the rest of the row's."""
    if not splits:
        return frame
    schema = {"id": pl.String, "part_id": pl.String, "part_micros": pl.Int64, "part_category": pl.String}
    parts = pl.DataFrame(list(zip(*splits, strict=True)), schema=schema)
    own = pl.col("part_id").is_null()
    return frame.join(parts, on="id", how="left", maintain_order="left_right").with_columns(
        id=pl.coalesce("part_id", "id"),
        amount_micros=pl.coalesce("part_micros", "amount_micros"),
        category_id=pl.when(own).then("category_id").otherwise("part_category"),
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
    if name in _FLAGS:
        return pl.Boolean()
    return LEDGER_SCHEMA[name]


def _uuid_text(name: str) -> pl.Expr:
    """Ids with dashes: SQLite keeps them as 32 digits."""
    plain = pl.col(name)
    parts = [plain.str.slice(start, length) for start, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))]
    return pl.when(plain.str.len_bytes() == 32).then(pl.concat_str(parts, separator="-")).otherwise(plain).alias(name)


def _for_people(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        amount=_amount_text("amount_micros"),
        tags=_harmless(pl.when(pl.col("tags").list.len() > 0).then(pl.col("tags").list.join(", "))),
        **{name: _harmless(pl.col(name)) for name in _TEXTS},
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
        "tags",
        "pending",
        "id",
        "transaction_id",
        "account_id",
    )


def _amount_text(name: str) -> pl.Expr:
    """The exact decimal text of an amount in millionths, with at least two decimals."""
    micros = pl.col(name)
    sign = pl.when(micros < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    whole = (micros.abs() // _MICROS).cast(pl.String)
    decimals = (micros.abs() % _MICROS).cast(pl.String).str.zfill(6).str.replace(r"0{1,4}$", "")
    return pl.concat_str(sign, whole, pl.lit("."), decimals)


def _harmless(text: pl.Expr) -> pl.Expr:
    """Texts that a spreadsheet would take for a formula get an apostrophe in front; amounts are not touched."""
    return pl.when(text.str.contains(_FORMULA_START)).then(pl.concat_str(pl.lit("'"), text)).otherwise(text)

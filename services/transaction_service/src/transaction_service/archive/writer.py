"""Writes an archive to disk, a batch of rows at a time. Slow: its methods run in threads."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import polars as pl
from api_common.columns import MONEY_DECIMALS
from data_processing import LEDGER_SCHEMA_VERSION
from sqlalchemy import Row

from transaction_service._version import VERSION
from transaction_service.archive.format import (
    FORMAT,
    LEDGER_CSV,
    LEDGER_PARQUET,
    MANIFEST,
    READ_ME,
    README,
    ArchivedTable,
    Kind,
    Manifest,
    ManifestFile,
    ManifestTable,
)
from transaction_service.archive.values import json_line, writer
from transaction_service.categories.tree import CategoryTree
from transaction_service.ledger.frame import csv_lines, ledger_frame
from transaction_service.ledger.parts import RowParts

_PIECE = 1024 * 1024
_QUICK = 1

_PARQUET_TYPES: dict[Kind, Any] = {
    Kind.BOOLEAN: pl.Boolean(),
    Kind.INTEGER: pl.Int64(),
    Kind.NUMBER: pl.Float64(),
}


class ArchiveWriter:
    """Makes one archive in a folder of its own, which the caller removes."""

    def __init__(self, folder: Path, dialect: str) -> None:
        self._folder = folder
        self._dialect = dialect
        self._tables: dict[str, ManifestTable] = {}
        self._files: dict[str, ManifestFile] = {}
        self._ledger: IO[bytes] | None = None
        self.path = folder / "archive.zip"
        self._zip = zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED, compresslevel=_QUICK)
        self._add_bytes(README, READ_ME.encode())

    def begin(self, table: ArchivedTable) -> None:
        """Begin a table."""
        self._tables[table.name] = ManifestTable(rows=0, columns={c.name: c.kind for c in table.columns})
        self._part.touch()

    def write(self, table: ArchivedTable, rows: Sequence[Sequence[object]]) -> None:
        """Add rows, with the values that `archive_values.selected` selects."""
        names = [column.name for column in table.columns]
        writers = [writer(column.kind, self._dialect) for column in table.columns]
        columns: list[Sequence[object]] = [
            values if write is None else [None if value is None else write(value) for value in values]
            for write, values in zip(writers, zip(*rows, strict=True), strict=True)
        ]
        with self._part.open("ab") as file:
            file.writelines(json_line(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True))
        known = self._tables[table.name]
        self._tables[table.name] = known.model_copy(update={"rows": known.rows + len(rows)})

    def end(self, table: ArchivedTable) -> None:
        """Put a table into the archive, as lines of JSON and, made from these, as Parquet."""
        self._add_file(table.data_file, self._part)
        parquet = self._folder / "part.parquet"
        _typed(self._part, table).sink_parquet(parquet, compression="zstd")
        self._add_file(table.parquet_file, parquet, compressed=True)
        self._part.unlink()

    def write_ledger(self, rows: Sequence[Row[Any]], parts: RowParts, tree: CategoryTree) -> None:
        """Add rows of the ledger in its published columns, oldest first; the first batch may be empty."""
        frame = ledger_frame(rows, parts, tree)
        is_first = self._ledger is None
        if self._ledger is None:
            self._ledger = (self._folder / "ledger.csv").open("wb")
        self._ledger.write(csv_lines(frame, header=is_first))
        part = len(list(self._folder.glob("ledger-*.arrow")))
        frame.write_ipc(self._folder / f"ledger-{part:06}.arrow")

    def finish(self, created_at: datetime) -> None:
        """Put the ledger and the manifest into the archive and close it."""
        if self._ledger is not None:
            self._ledger.close()
            self._add_file(LEDGER_CSV, self._folder / "ledger.csv")
            parts = sorted(self._folder.glob("ledger-*.arrow"))
            parquet = self._folder / "ledger.parquet"
            version = {"purser.ledger_schema_version": str(LEDGER_SCHEMA_VERSION)}
            pl.scan_ipc(parts).sink_parquet(parquet, compression="zstd", metadata=version)
            self._add_file(LEDGER_PARQUET, parquet, compressed=True)
        manifest = Manifest(
            format=FORMAT,
            service="transaction_service",
            service_version=VERSION,
            created_at=created_at,
            tables=self._tables,
            files=self._files,
        )
        self._add_bytes(MANIFEST, manifest.model_dump_json(indent=1).encode() + b"\n")
        self._zip.close()

    @property
    def _part(self) -> Path:
        return self._folder / "part.jsonl"

    def _add_bytes(self, name: str, content: bytes) -> None:
        self._add(name, io.BytesIO(content), compressed=False)

    def _add_file(self, name: str, path: Path, *, compressed: bool = False) -> None:
        with path.open("rb") as file:
            self._add(name, file, compressed=compressed)

    def _add(self, name: str, file: IO[bytes], *, compressed: bool) -> None:
        # Without a time of its own an entry is of 1980, so that the same rows give the same bytes.
        entry = zipfile.ZipInfo(name) if compressed else name
        digest, size = hashlib.sha256(), 0
        with self._zip.open(entry, "w", force_zip64=True) as inside:
            while piece := file.read(_PIECE):
                digest.update(piece)
                size += len(piece)
                inside.write(piece)
        if name != MANIFEST:
            self._files[name] = ManifestFile(bytes=size, sha256=digest.hexdigest())


def _typed(lines: Path, table: ArchivedTable) -> pl.LazyFrame:
    """The rows of a file of JSON lines, with money as decimals, and with dates and times."""
    schema = {column.name: _PARQUET_TYPES.get(column.kind, pl.String()) for column in table.columns}
    typed = {column.name: _parsed(column.name, column.kind) for column in table.columns}
    return pl.scan_ndjson(lines, schema=schema).with_columns(
        **{name: expression for name, expression in typed.items() if expression is not None}
    )


def _parsed(name: str, kind: Kind) -> pl.Expr | None:
    match kind:
        case Kind.MONEY:
            return pl.col(name).cast(pl.Decimal(20, MONEY_DECIMALS))
        case Kind.DATE:
            return pl.col(name).str.to_date("%Y-%m-%d")
        case Kind.TIMESTAMP:
            return pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.6fZ", time_unit="us", time_zone="UTC")
    return None

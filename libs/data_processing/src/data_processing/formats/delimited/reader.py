"""Delimited text (CSV, TSV)."""

from __future__ import annotations

from data_processing.errors import UnknownFormat
from data_processing.formats.source import Source
from data_processing.statement import StatementFile


class DelimitedFormat:
    """CSV and TSV by dialect profiles."""

    name = "csv"

    def detect(self, source: Source) -> float:
        """Nothing yet."""
        return 0.0

    def read(self, source: Source) -> StatementFile:
        """Nothing yet."""
        raise UnknownFormat("CSV files cannot be read.")

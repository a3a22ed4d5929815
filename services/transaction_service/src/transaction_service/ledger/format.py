"""The forms in which a ledger can be had."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class LedgerFormat(StrEnum):
    """The forms in which a ledger can be had."""

    ARROW = "arrow"
    CSV = "csv"
    PARQUET = "parquet"

    @property
    def media_type(self) -> str:
        """The media type of the form."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES: Final = {
    LedgerFormat.ARROW: "application/vnd.apache.arrow.stream",
    LedgerFormat.CSV: "text/csv",
    LedgerFormat.PARQUET: "application/vnd.apache.parquet",
}

"""The version of the ledger's published columns, for those who name it and work on no frame."""

from typing import Final

LEDGER_SCHEMA_VERSION: Final = 2
"""Rises when a column of ``LEDGER_SCHEMA`` is renamed, removed or given another meaning, and with it what a row is."""

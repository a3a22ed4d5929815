"""Errors of the package."""


class LedgerError(ValueError):
    """A frame is not a ledger: a column is missing, has the wrong type, or holds what it must not hold."""

"""The Alembic chain of the ledger's tables."""

"""The Alembic chain of transaction_service's tables."""

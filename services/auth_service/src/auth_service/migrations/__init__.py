"""The Alembic chain of auth_service's tables."""

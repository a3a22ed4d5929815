"""The Alembic environment and template that all services share."""

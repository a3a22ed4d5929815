"""The file that Alembic looks for and executes; what it does is in `environment`."""

from api_common._alembic.environment import run_migrations

run_migrations()

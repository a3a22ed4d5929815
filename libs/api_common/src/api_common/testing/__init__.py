"""The pytest plugin of all services' tests: `pytest_plugins = ["api_common.testing"]` in a `conftest.py`."""

from api_common.testing.databases import (
    counted_queries,
    database_specs,
    database_url,
    postgres_server,
    postgres_template,
    postgresql_url,
    sqlite_template,
    sqlite_url,
)

__all__ = [
    "counted_queries",
    "database_specs",
    "database_url",
    "postgres_server",
    "postgres_template",
    "postgresql_url",
    "sqlite_template",
    "sqlite_url",
]

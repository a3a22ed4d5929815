"""The pytest plugin of all services' tests: `pytest_plugins = ["api_common.testing"]` in a `conftest.py`.

A `conftest.py` that names the plugin has mostly imported from it before, and pytest would warn that it comes too late
to rewrite assertions. There are none: PYTEST_DONT_REWRITE.
"""

from api_common.testing.app import SettingsFactory, client_for, settings_for
from api_common.testing.databases import (
    CountedQueries,
    counted_queries,
    database_specs,
    database_url,
    migrated_templates,
    postgres_server,
    postgres_template,
    postgresql_url,
    sqlite_template,
    sqlite_url,
)
from api_common.testing.hot_lists import assert_matches_model
from api_common.testing.redis import redis_url
from api_common.testing.tokens import Issuer, issuer, new_key

__all__ = [
    "CountedQueries",
    "Issuer",
    "SettingsFactory",
    "assert_matches_model",
    "client_for",
    "counted_queries",
    "database_specs",
    "database_url",
    "issuer",
    "migrated_templates",
    "new_key",
    "postgres_server",
    "postgres_template",
    "postgresql_url",
    "redis_url",
    "settings_for",
    "sqlite_template",
    "sqlite_url",
]

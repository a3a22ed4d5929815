"""Shared by the tests of this package."""

import importlib
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from api_common import migrations
from api_common.database import Database, DatabaseSpec
from bookkeeping_example import SPEC

pytest_plugins = ["api_common.testing"]

# No time limit per example: a busy machine is no failure.
hypothesis.settings.register_profile("purser", deadline=None)
hypothesis.settings.load_profile("purser")


@dataclass(frozen=True)
class DatabaseAddress:
    """The part of the settings that a database needs."""

    database_url: str | None
    data_dir: Path


@pytest.fixture(scope="session")
def bookkeeping(tmp_path_factory: pytest.TempPathFactory) -> DatabaseSpec:
    """Give the example's tables with a chain of migrations, written by autogenerate as for any service."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / SPEC.migrations).mkdir()
    (folder / SPEC.migrations / "__init__.py").touch()
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    assert migrations.revision(SPEC, "first tables") is not None
    return SPEC


@pytest.fixture(scope="session")
def database_specs(bookkeeping: DatabaseSpec) -> Sequence[DatabaseSpec]:
    return [bookkeeping]


@pytest.fixture
async def database(bookkeeping: DatabaseSpec, database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """Give an open, migrated and empty database of each kind."""
    async with Database.open(bookkeeping, DatabaseAddress(database_url, tmp_path)) as opened:
        yield opened

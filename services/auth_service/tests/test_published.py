"""What is published: the tables' migrations, the OpenAPI document, and a start from the environment."""

from pathlib import Path

import pytest
from api_common import create_app
from api_common.database import Database
from api_common.migrations import differences, downgrade, upgrade
from api_common.testing import SettingsFactory, client_for
from auth_service.main import DATABASE, service
from auth_service.main import create_app as create_own_app
from auth_service.scopes import ALL_SCOPES
from auth_service.settings import Settings


async def test_the_migrations_lead_to_the_models_and_back(settings_for: SettingsFactory) -> None:
    async with Database.open(DATABASE, settings_for(Settings)) as opened:
        url = opened.url
    assert differences(DATABASE, url) == ""
    downgrade(DATABASE, url, "base")
    upgrade(DATABASE, url)
    assert differences(DATABASE, url) == ""


def test_every_route_says_what_it_may_refuse_and_needs_known_scopes(
    settings_for: SettingsFactory,
) -> None:
    paths = create_app(service(settings_for(Settings))).openapi()["paths"]
    own = {path: operations for path, operations in paths.items() if path.startswith(("/v1/", "/.well-known/"))}
    assert len(own) == 19
    public = {"/v1/auth/token", "/v1/auth/revoke", "/v1/auth/sign-up"}
    for path, operations in own.items():
        for operation in operations.values():
            needed = {scope for scheme in operation.get("security", []) for scope in scheme.get("purser", [])}
            assert needed <= ALL_SCOPES
            is_open = path in public or path.startswith("/.well-known/")
            assert ("security" in operation) != is_open, path
            assert is_open or {"401", "403"} <= operation["responses"].keys(), path


async def test_the_service_starts_from_the_environment_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PURSER_PROFILE", "test")
    monkeypatch.setenv("PURSER_DATA_DIR", str(tmp_path))
    async with client_for(create_own_app()) as http:
        health = (await http.get("/health")).json()
    assert health["services"]["auth_service"]["status"] == "ok"
    assert (tmp_path / "auth_service.sqlite3").exists()

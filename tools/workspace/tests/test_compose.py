"""The form in containers: what follows from the services, what every container may not do, and the secrets."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose
from workspace import compose_parts, members
from workspace.compose import compose, compose_tls, secret_names
from workspace.compose_secrets import folder_of, write_secrets
from workspace.deployment import deployment, roles_file
from workspace.errors import WorkspaceError
from workspace.main import main
from workspace.monitoring import dashboards, prometheus, read

Declare = Callable[..., Path]

SERVES = {"ledger", "look-up"}
ENDS = {"roles", "migrate-ledger"}
INFRASTRUCTURE = {"traefik", "postgres", "redis", "prometheus", "grafana"}


@pytest.fixture
def found(tmp_path: Path, service: Declare) -> list[members.Member]:
    """A service with tables and one without."""
    tables = service("ledger", 8002, "/v1/ledger")
    (tables / "src/ledger/migrations").mkdir()
    larger = service("look_up", 8003, "/v1/look-up") / "pyproject.toml"
    larger.write_text(larger.read_text().replace("port = 8003", 'port = 8003\nmemory = "2Gi"'))
    return members.services(tmp_path)


@pytest.fixture
def content(found: list[members.Member]) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(compose(found))
    return document


def test_every_service_is_a_container_and_its_tables_are_made_before_it_serves(content: dict[str, Any]) -> None:
    containers = content["services"]
    assert containers.keys() == SERVES | ENDS | INFRASTRUCTURE
    ledger = containers["ledger"]
    assert ledger["image"] == "${REGISTRY:-}purser-ledger:${TAG:-latest}"
    assert ledger["environment"]["PURSER_SERVICE_URLS"] == "ledger=http://ledger:8002,look_up=http://look-up:8003"
    assert [(one["source"], one["target"]) for one in ledger["secrets"]] == [
        ("ledger_secret_key", "PURSER_SECRET_KEY"),
        ("ledger_database_url", "PURSER_DATABASE_URL"),
        ("redis_url", "PURSER_REDIS_URL"),
    ]
    awaited = {name: container.get("depends_on", {}) for name, container in containers.items()}
    assert awaited["ledger"]["migrate-ledger"] == {"condition": "service_completed_successfully"}
    assert awaited["migrate-ledger"] == {"roles": {"condition": "service_completed_successfully"}}
    assert awaited["roles"] == {"postgres": {"condition": "service_healthy"}}
    assert containers["look-up"]["deploy"]["resources"]["limits"]["memory"] == "2g"


@pytest.mark.parametrize("name", ["redis", "migrate_ledger"])
def test_a_service_does_not_take_the_place_of_another_container(
    tmp_path: Path, found: list[members.Member], service: Declare, name: str
) -> None:
    service(name, 8004)
    host = name.replace("_", "-")
    with pytest.raises(WorkspaceError, match=rf'two containers would be called "{host}"; give the'):
        compose(members.services(tmp_path))


def test_no_container_may_more_than_its_work(content: dict[str, Any]) -> None:
    for name, container in content["services"].items():
        assert container["read_only"], name
        assert container["cap_drop"] == ["ALL"], name
        assert container["security_opt"] == ["no-new-privileges:true"], name
        assert container["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}, name
        assert "privileged" not in container, name
        assert ("healthcheck" in container) != (name in ENDS), name
        assert container["restart"] == ("on-failure:5" if name in ENDS else "unless-stopped"), name


def test_only_services_reach_the_database_and_only_the_front_door_and_dashboards_the_outside(
    content: dict[str, Any],
) -> None:
    networks: dict[str, set[str]] = {}
    for name, container in content["services"].items():
        for network in container["networks"]:
            networks.setdefault(network, set()).add(name)
    assert networks == {
        "edge": {"traefik"},
        "services": {*SERVES, "traefik", "prometheus"},
        "database": {"ledger", "postgres", *ENDS},
        "cache": {*SERVES, "redis"},
        "monitoring": {"prometheus", "grafana"},
        "operators": {"grafana"},
    }
    outward = {name for name, network in content["networks"].items() if not network.get("internal")}
    assert outward == {"edge", "operators"}
    assert {name for name, container in content["services"].items() if "ports" in container} == {"traefik", "grafana"}


def test_everything_that_a_container_names_is_declared(content: dict[str, Any]) -> None:
    for name, container in content["services"].items():
        assert set(container.get("depends_on", {})) <= content["services"].keys(), name
        assert set(container["networks"]) <= content["networks"].keys(), name
        named = {one if isinstance(one, str) else one["source"] for one in container.get("secrets", [])}
        assert named <= content["secrets"].keys(), name
        volumes = {one.partition(":")[0] for one in container.get("volumes", []) if not one.startswith("./")}
        assert volumes <= content["volumes"].keys(), name


def test_both_files_are_what_the_specification_of_compose_allows(found: list[members.Member]) -> None:
    for text in (compose(found), compose_tls()):
        filled = compose_parts.filled(
            text, {"SECRETS": "./secrets", "CERTIFICATE": "a.pem", "CERTIFICATE_KEY": "b.pem"}
        )
        # The package does not know how often a container may be tried again, which the specification lets one say.
        assert PyCompose.from_yaml(filled.replace("on-failure:5", "on-failure")).service_names()
    with pytest.raises(ValueError, match="restrat"):
        PyCompose.from_yaml("services: {a: {image: x, restrat: no}}")


def test_nothing_is_assumed_where_a_secret_is_missing(found: list[members.Member]) -> None:
    with pytest.raises(WorkspaceError, match=r"SECRETS: make the secrets first, by `make compose-secrets`"):
        compose_parts.filled(compose(found), {})
    with pytest.raises(WorkspaceError, match="CERTIFICATE: say where the certificate chain is"):
        compose_parts.filled(compose_tls(), {})


def test_secrets_are_made_once_differ_and_are_reached_by_their_owner_alone(
    tmp_path: Path, found: list[members.Member]
) -> None:
    folder = tmp_path / "docker" / "secrets"
    first = write_secrets(folder, found)
    (folder / "redis_url").unlink()
    (folder / "redis_url").touch()
    second = write_secrets(folder, found)
    assert [file.name for file in first] == secret_names(found)
    assert [file.name for file in second] == ["redis_url"]
    texts = {file.name: file.read_text() for file in first}
    assert texts["ledger_database_url"].startswith("postgresql://ledger:")
    assert texts["ledger_database_url"].endswith("@postgres/purser")
    assert texts["redis_url"].endswith("@redis:6379/0")
    assert len(set(texts.values())) == len(texts)
    assert min(len(text) for text in texts.values()) >= 43
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_compose_is_told_once_where_the_secrets_are_which_then_stay_there(tmp_path: Path) -> None:
    environment, kept = tmp_path / "docker" / ".env", tmp_path / "kept"
    environment.parent.mkdir()
    environment.write_text("TAG=1.2.3")
    found = [folder_of(environment, chosen) for chosen in (kept, kept, None)]
    assert found == [kept, kept, kept]
    assert environment.read_text() == f"TAG=1.2.3\nSECRETS={kept}\n"
    with pytest.raises(WorkspaceError, match=r"\.env says SECRETS=.*kept, which is not .*other: leave SECRETS out"):
        folder_of(environment, tmp_path / "other")


def test_the_secrets_are_beside_compose_s_file_where_nothing_else_is_said(tmp_path: Path) -> None:
    environment = tmp_path / ".env"
    environment.write_text("SECRETS=\n")
    assert [folder_of(environment, None) for _ in range(2)] == [tmp_path / "secrets"] * 2
    assert environment.read_text() == "SECRETS=\nSECRETS=./secrets\n"


def test_a_role_is_given_the_password_of_its_service_s_address(found: list[members.Member]) -> None:
    text = roles_file(found)
    assert "\\set ledger `cut -d: -f3 /run/secrets/ledger_database_url | cut -d@ -f1`\n" in text
    assert "ALTER ROLE \"ledger\" NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'ledger';" in text
    assert "look_up" not in text


def test_prometheus_asks_every_replica_of_every_service_and_the_front_door(found: list[members.Member]) -> None:
    jobs = {job["job_name"]: job["dns_sd_configs"][0] for job in yaml.safe_load(prometheus(found))["scrape_configs"]}
    assert {name: (job["names"], job["port"]) for name, job in jobs.items()} == {
        "ledger": (["ledger"], 8002),
        "look_up": (["look-up"], 8003),
        "traefik": (["traefik"], 8099),
    }


DASHBOARD = """
[[dashboard]]
name = "one"
title = "One"
[[dashboard.panel]]
title = "Up"
meaning = "Who runs."
unit = "short"
queries."{{job}}" = "up"
"""


def test_a_dashboard_is_written_from_its_short_form(tmp_path: Path) -> None:
    source = tmp_path / "docker/grafana/dashboards.toml"
    source.parent.mkdir(parents=True)
    source.write_text(DASHBOARD)
    [(path, text)] = dashboards(tmp_path)
    panel = yaml.safe_load(text)["panels"][0]
    assert path == tmp_path / "docker/grafana/dashboards/one.json"
    assert (panel["title"], panel["targets"][0]["expr"], panel["targets"][0]["legendFormat"]) == ("Up", "up", "{{job}}")
    source.write_text(DASHBOARD.replace('unit = "short"\n', ""))
    with pytest.raises(WorkspaceError, match=r"dashboards.toml: dashboard \"one\" has an entry without 'unit'"):
        read(source)


def test_a_front_door_that_cannot_be_written_is_said_with_its_reason(
    tmp_path: Path, service: Declare, composition: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "")
    service("ledger", 8002, "/v1/ledger")
    composition("front", 8000)
    reason = r"the front door's configuration cannot be written:\n(.|\n)*front\.edge"
    with pytest.raises(WorkspaceError, match=reason):
        list(deployment(tmp_path, members.services(tmp_path)))


def test_the_command_makes_the_secrets_of_all_services_and_says_where(
    tmp_path: Path, found: list[members.Member], composition: Declare, capsys: pytest.CaptureFixture[str]
) -> None:
    composition("front", 8000)
    (tmp_path / "docker").mkdir()
    statuses = [main(["--root", str(tmp_path), "compose-secrets"]) for _ in range(2)]
    folder = tmp_path / "docker/secrets"
    assert statuses == [0, 0]
    assert {file.name for file in folder.iterdir()} == set(secret_names(found))
    assert (tmp_path / "docker/.env").read_text() == "SECRETS=./secrets\n"
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{folder}: {len(secret_names(found))} secrets made")
    assert second.startswith(f"{folder}: 0 secrets made")

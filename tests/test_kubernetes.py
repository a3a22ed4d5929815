"""The base for Kubernetes as it lies in the repository: Kubernetes knows its fields, and the services its settings."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import kubernetes_validate
import psycopg
import pytest
import yaml
from config import load

if TYPE_CHECKING:
    from conftest import Python, Start

BASE, EXAMPLE = "docker/kubernetes/base", "docker/kubernetes/example"
SECRET_KEY = "dCf93QsrjN1pTq7xZ0aWm2LbVu8eYh4k"


def things(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.glob("*.yaml")):
        yield from yaml.safe_load_all(file.read_text(encoding="utf-8"))


def of_kind(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [thing for thing in things(folder) if thing["kind"] == kind]


def variables(folder: Path) -> dict[str, str]:
    """What the pods are told: the settings of the base, and those that the example adds."""
    return {
        name: value
        for place in (BASE, EXAMPLE)
        for kustomization in of_kind(folder / place, "Kustomization")
        for literal in kustomization["configMapGenerator"][0]["literals"]
        for name, value in [literal.split("=", 1)]
    }


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The folder that a pod has its secrets in, and the links beside them by which Kubernetes exchanges all at once."""
    (tmp_path / "..data").mkdir()
    for name, value in (("PURSER_SECRET_KEY", SECRET_KEY), ("PURSER_DATABASE_URL", "postgresql://u:p@db/purser")):
        (tmp_path / "..data" / name).write_text(value, encoding="utf-8")
        (tmp_path / name).symlink_to(Path("..data") / name)
    return tmp_path


@pytest.mark.parametrize("version", ["1.29", "1.37"])
def test_kubernetes_knows_every_field(repository: Path, version: str) -> None:
    objects = [thing for thing in things(repository / BASE) if thing["kind"] != "Kustomization"]

    assert len(objects) > 15
    for thing in objects:
        assert kubernetes_validate.validate(thing, version, strict=True) == version


def test_all_files_of_the_base_are_applied(repository: Path) -> None:
    [listed] = of_kind(repository / BASE, "Kustomization")

    found = {file.name for file in (repository / BASE).glob("*.yaml")} - {"kustomization.yaml"}
    assert set(listed["resources"]) == found


def test_every_service_accepts_its_settings_and_is_told_where_those_are_that_it_calls(
    repository: Path, secrets: Path
) -> None:
    told = {**variables(repository), "PURSER_SECRETS_DIR": str(secrets)}
    deployed = [
        deployment["metadata"]["name"].replace("-", "_") for deployment in of_kind(repository / BASE, "Deployment")
    ]

    assert deployed
    for name in deployed:
        described = import_module(f"{name}.main").service(
            load(import_module(f"{name}.settings").Settings, environment=told, env_file=None)
        )
        assert set(described.calls) <= described.settings.service_urls.keys()
        assert described.settings.secret_key.get_secret_value() == SECRET_KEY
        assert (described.settings.migrates_on_start, described.settings.forwarded_allow_ips) == (
            False,
            ("10.0.0.0/8",),
        )


def test_a_service_waits_for_its_migration_which_may_run_twice_at_once(
    repository: Path, start: Start, python: Python, postgres_server: str
) -> None:
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute("CREATE DATABASE kubernetes")
    url = urlsplit(postgres_server)._replace(path="/kubernetes").geturl()
    told = {
        **variables(repository),
        "PURSER_SECRETS_DIR": "",
        "PURSER_SECRET_KEY": SECRET_KEY,
        "PURSER_DATABASE_URL": url,
        "PURSER_DRAIN_SECONDS": "0",
    }
    early = start("auth_service.main", env=told, answers=None)
    assert early.process.wait(60) == 3
    assert "needs" in early.output()

    jobs = [job["spec"]["template"]["spec"]["containers"][0] for job in of_kind(repository / BASE, "Job")]
    running = [python(*job["command"][1:], settings=told) for job in [*jobs, *jobs]]

    assert [job["command"][0] for job in jobs] == ["/app/bin/python"] * len(jobs)
    said = [process.communicate(timeout=60)[1] for process in running]
    assert [(process.returncode, text) for process, text in zip(running, said, strict=True)] == [(0, "")] * len(said)
    assert start("auth_service.main", env=told, answers="/livez").stop() == 0

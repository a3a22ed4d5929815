"""The images together: services apart behind Traefik on PostgreSQL, and all in one, on the same database and alone."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from containers import ALL_IN_ONE, Container, Network, wait_until_it_answers
from documented_commands import journey, typed
from edge import postgres, traefik
from workspace.members import Member
from workspace.smoke import free_port

LOG_IN = {"grant_type": "password", "username": "ada@example.org", "password": "four quiet ledgers"}
SUMMARY = "/v1/analytics/summary"


@dataclass(frozen=True)
class Platform:
    """The services apart: their containers by name, the address of the front door, and the settings of all."""

    services: dict[str, Container]
    url: str
    settings: dict[str, str]

    def client(self) -> httpx2.Client:
        """Whoever the README's journey has signed up."""
        return logged_in(self.url)


def logged_in(url: str) -> httpx2.Client:
    token = httpx2.post(f"{url}/v1/auth/token", data=LOG_IN, timeout=30).json()["access_token"]
    return httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


@pytest.fixture(scope="module")
def platform(
    net: Network, built: dict[str, str], members: dict[str, Member], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    apart = {name: member for name, member in members.items() if not member.is_composition}
    hosts = {name: f"http://{name.replace('_', '-')}:{port(member)}" for name, member in apart.items()}
    password, front = secrets.token_hex(16), free_port()
    # As root the server runs as another user, who must be able to walk to its data.
    data = Path(tempfile.mkdtemp(prefix="purser-images-", dir="/var/tmp"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, data)
        address = stack.enter_context(
            postgres(data / "postgres", list(apart), address=net.gateway, subnet=net.subnet, password=password)
        )
        settings = {
            "PURSER_PROFILE": "production",
            "PURSER_MIGRATE_ON_START": "true",
            "PURSER_SECRET_KEY": secrets.token_hex(32),
            "PURSER_DATABASE_URL": address,
            "PURSER_PUBLIC_URL": f"http://127.0.0.1:{front}",
            "PURSER_FORWARDED_ALLOW_IPS": net.subnet,
            "PURSER_SERVICE_URLS": ",".join(f"{name}={url}" for name, url in hosts.items()),
        }
        running = {
            name: net.start(built[name], port(member), alias=name.replace("_", "-"), settings=settings)
            for name, member in apart.items()
        }
        for container in running.values():
            container.wait_until_it_answers("/readyz")
        urls = {name: container.url for name, container in running.items()}
        yield Platform(running, stack.enter_context(traefik(tmp_path_factory.mktemp("edge"), urls, front)), settings)


def port(member: Member) -> int:
    assert member.service is not None
    return member.service.port


@pytest.fixture(scope="module")
def journeyed(platform: Platform, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """The platform after somebody has typed what the README tells, and has read there what it printed."""
    steps = journey((repository / "README.md").read_text(encoding="utf-8"))
    for name in platform.services:
        wait_until_it_answers(f"{platform.url}/services/{name}/health")
    assert typed(steps, platform.url, repository, tmp_path_factory.mktemp("journey")) == []
    return platform


def test_the_journey_through_the_front_door_prints_what_the_readme_prints(journeyed: Platform) -> None:
    with journeyed.client() as ada:
        assert ada.get("/v1/transactions", params={"limit": 1}).status_code == 200


def test_a_killed_container_takes_nobody_with_it_and_comes_back(journeyed: Platform) -> None:
    analytics = journeyed.services["analytics_api"]
    with journeyed.client() as ada:
        before = ada.get(SUMMARY)
        assert before.status_code == 200, before.text

        analytics.kill()

        assert ada.get(SUMMARY).status_code in {502, 503}
        assert ada.get("/v1/transactions", params={"limit": 1}).status_code == 200
        with journeyed.client() as again:
            assert again.get("/v1/accounts").status_code == 200

        analytics.start()
        analytics.wait_until_it_answers("/readyz")
        wait_until_it_answers(f"{journeyed.url}/services/analytics_api/health")
        assert ada.get(SUMMARY).json() == before.json()


def test_while_the_ledgers_container_is_gone_figures_are_refused_by_the_name_of_what_is_missing(
    journeyed: Platform,
) -> None:
    ledger = journeyed.services["transaction_service"]
    with journeyed.client() as ada:
        ledger.kill()
        # By then the front door has asked the others, too, and still sends them requests.
        wait_until_it_answers(f"{journeyed.url}/services/transaction_service/health", status=503)

        refused = ada.get(SUMMARY)

        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
        assert "transaction_service" in refused.json()["detail"]
        ledger.start()
        ledger.wait_until_it_answers("/readyz")
        # Who has met nobody a few times asks again after a pause only.
        wait_until_it_answers(f"{journeyed.url}{SUMMARY}", ada.headers)


def test_all_in_one_on_the_same_database_gives_the_same_figures(
    journeyed: Platform, net: Network, built: dict[str, str], members: dict[str, Member]
) -> None:
    whole = net.start(built[ALL_IN_ONE], port(members[ALL_IN_ONE]), settings=journeyed.settings)
    whole.wait_until_it_answers("/readyz")

    with journeyed.client() as apart, logged_in(whole.url) as embedded:
        assert embedded.get(SUMMARY).json() == apart.get(SUMMARY).json()


def test_all_in_one_alone_walks_the_journey_and_keeps_what_it_was_given_when_it_is_stopped(
    net: Network, built: dict[str, str], members: dict[str, Member], repository: Path, tmp_path: Path
) -> None:
    purser = net.start(built[ALL_IN_ONE], port(members[ALL_IN_ONE]))
    purser.wait_until_it_answers("/readyz")
    steps = journey((repository / "README.md").read_text(encoding="utf-8"))
    assert typed(steps, purser.url, repository, tmp_path) == []
    with logged_in(purser.url) as ada:
        figures = ada.get(SUMMARY).json()

    assert purser.stop() == 0

    purser.start()
    purser.wait_until_it_answers("/readyz")
    with logged_in(purser.url) as ada:
        assert ada.get(SUMMARY).json() == figures

"""Services in processes of their own, each with its own data folder, that know each other by address only."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

if TYPE_CHECKING:
    from conftest import Server, Start, User

SERVICES = ("auth_service", "transaction_service", "analytics_api")

STATEMENT = b"""OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20260401<LANGUAGE>ENG</SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS><CURDEF>EUR
<BANKACCTFROM><BANKID>500105<ACCTID>4711<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260301<DTEND>20260331
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260302<TRNAMT>2500.00<FITID>A1<NAME>SALARY MARCH</STMTTRN>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260305<TRNAMT>-61.37<FITID>A2<NAME>GREENGROCER 0042 BERLIN</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>2438.63<DTASOF>20260331</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""


@dataclass(frozen=True)
class Apart:
    servers: dict[str, Server]

    def url(self, service: str) -> str:
        return self.servers[service].url


@pytest.fixture
def apart(start: Start, tmp_path: Path, free_ports: Callable[[int], list[int]]) -> Apart:
    ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    urls = json.dumps({name: f"http://127.0.0.1:{port}" for name, port in ports.items()})
    servers = {
        name: start(
            f"{name}.main", data_dir=tmp_path / name, port=port, env={"PURSER_SERVICE_URLS": urls}, answers=None
        )
        for name, port in ports.items()
    }
    for server in servers.values():
        server.wait_until_it_answers("/readyz")
    return Apart(servers)


def test_a_token_of_one_service_opens_the_others_and_a_killed_provider_is_named(
    apart: Apart, sign_up: Callable[..., User]
) -> None:
    user = sign_up(apart.url("transaction_service"), auth_url=apart.url("auth_service"))
    booked = user.upload(STATEMENT, "statement.ofx")
    assert (booked.status_code, booked.json()["booked"]) == (201, 2), booked.text

    summary_url = f"{apart.url('analytics_api')}/v1/analytics/summary"
    summary = user.client.get(summary_url)
    assert summary.status_code == 200, summary.text
    (figures,) = summary.json()["currencies"]
    assert (figures["currency"], figures["income"], figures["spending"]) == ("EUR", "2500.00", "61.37")

    apart.servers["transaction_service"].kill()
    refused = user.client.get(summary_url)

    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert "transaction_service" in refused.json()["detail"]
    assert httpx2.get(f"{apart.url('analytics_api')}/livez").status_code == 200
    health = httpx2.get(f"{apart.url('analytics_api')}/health", timeout=30).json()
    assert health["status"] in {"degraded", "down"}


def test_a_service_whose_peers_are_not_up_yet_starts_and_says_what_it_misses(
    start: Start, free_ports: Callable[[int], list[int]]
) -> None:
    own, nobody = free_ports(2)
    urls = json.dumps(dict.fromkeys(SERVICES, f"http://127.0.0.1:{nobody}"))
    analytics = start("analytics_api.main", port=own, env={"PURSER_SERVICE_URLS": urls}, answers="/livez")

    answer = httpx2.get(f"{analytics.url}/v1/analytics/summary", headers={"Authorization": "Bearer nobodys.own.token"})

    assert answer.status_code in {401, 503}
    assert httpx2.get(f"{analytics.url}/health", timeout=30).json()["status"] in {"degraded", "down"}
    assert analytics.stop() == 0

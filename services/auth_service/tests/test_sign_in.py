"""The token endpoint: equal answers, throttling, and the forms of OAuth 2."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import anyio
import argon2
import httpx2
import pytest
from api_common.testing import SettingsFactory, client_for
from auth_house import PASSWORD, House, OpenHouse, Person, bearer
from auth_service.main import service
from auth_service.models import User
from auth_service.settings import Settings
from fastapi import FastAPI
from sqlalchemy import select
from sqlmodel import col

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Give the list of hashes that Argon2 has been asked about; it still answers."""
    seen: list[bytes] = []
    verify: Callable[..., bool] = argon2.PasswordHasher.verify

    def noted(self: argon2.PasswordHasher, encoded: Any, password: Any) -> bool:
        seen.append(encoded)
        return verify(self, encoded, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", noted)
    return seen


async def test_unknown_locked_and_wrong_get_the_same_answer_after_the_same_work(
    house: House, verifications: list[bytes]
) -> None:
    ada = await house.person()
    ben = await house.person("ben@example.org")
    lock = await house.http.post(f"/v1/users/{ben.id}/lock", json={}, headers=await ada.headers())
    assert lock.status_code == 200
    attempts = {
        "unknown": {"username": "nobody@example.org", "password": PASSWORD},
        "locked": {"username": "ben@example.org", "password": PASSWORD},
        "locked and wrong": {"username": "ben@example.org", "password": "not my password"},
        "wrong": {"username": "ada@example.org", "password": "not my password"},
        "no address": {"username": "not an address", "password": PASSWORD},
        "endless": {"username": "ada@example.org", "password": "x" * 40_000},
    }
    answers: dict[str, tuple[int, bytes, dict[str, str]]] = {}
    for name, attempt in attempts.items():
        verifications.clear()
        answer = await house.http.post("/v1/auth/token", data={"grant_type": "password", **attempt})
        varying = {"x-request-id", "traceparent", "date"}
        headers = {key: value for key, value in answer.headers.items() if key not in varying}
        answers[name] = (answer.status_code, answer.content, headers)
        costs = [argon2.extract_parameters(str(encoded)) for encoded in verifications]
        assert costs == [argon2.extract_parameters(str(verifications[0]))], name
        assert (costs[0].memory_cost, costs[0].time_cost) == (64, 1), name
    assert set(map(str, answers.values())) == {str(answers["wrong"])}
    assert answers["wrong"][0] == 400
    assert (
        answers["wrong"][1]
        == b'{"error":"invalid_grant","error_description":"The e-mail address or the password is wrong."}'
    )


async def test_a_sign_in_answers_as_rfc_6749_says(house: House) -> None:
    ada = await house.person()
    answer = await ada.sign_in()
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)


async def test_a_requested_scope_narrows_and_an_impossible_one_is_refused(house: House) -> None:
    await house.person()
    ben = await house.person("ben@example.org")
    assert (await ben.tokens(scope="ledger:read  analytics:read"))["scope"] == "analytics:read ledger:read"
    for scope in ("users:admin", "ledger:read root"):
        refused = await ben.sign_in(scope=scope)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


async def test_too_many_failures_close_an_account_and_say_for_how_long(open_house: OpenHouse) -> None:
    async with open_house(failures_per_account="3/10minutes") as house:
        ada = await house.person()
        ben = await house.person("ben@example.org")
        failures = [await ada.sign_in(password="wrong") for _ in range(3)]
        closed = await ada.sign_in()
        assert [answer.status_code for answer in failures] == [400] * 3
        assert closed.status_code == 429
        assert closed.json()["error"] == "temporarily_unavailable"
        assert 0 < int(closed.headers["Retry-After"]) <= 600
        assert (await ben.sign_in()).status_code == 200


async def test_an_account_that_does_not_exist_is_closed_just_the_same(open_house: OpenHouse) -> None:
    async with open_house(failures_per_account="2/10minutes") as house:
        form = {"grant_type": "password", "username": "nobody@example.org", "password": "wrong"}
        statuses = [(await house.http.post("/v1/auth/token", data=form)).status_code for _ in range(3)]
    assert statuses == [400, 400, 429]


async def test_a_success_forgets_the_failures_before_it(open_house: OpenHouse) -> None:
    async with open_house(failures_per_account="3/10minutes") as house:
        ada = await house.person()
        for _ in range(3):
            for _ in range(2):
                assert (await ada.sign_in(password="wrong")).status_code == 400
            assert (await ada.sign_in()).status_code == 200


async def test_one_address_that_tries_many_accounts_is_stopped_whatever_it_claims_to_be(open_house: OpenHouse) -> None:
    async with open_house(failures_per_address="3/10minutes") as house:
        ada = await house.person()
        statuses = []
        for number in range(4):
            form = {"grant_type": "password", "username": f"person{number}@example.org", "password": "wrong"}
            headers = {"X-Forwarded-For": f"192.0.2.{number}", "Forwarded": f"for=192.0.2.{number}"}
            statuses.append((await house.http.post("/v1/auth/token", data=form, headers=headers)).status_code)
        assert statuses == [400, 400, 400, 429]
        assert (await ada.sign_in()).status_code == 429
        elsewhere = httpx2.ASGITransport(app=house.app, client=("198.51.100.7", 1))
        async with httpx2.AsyncClient(transport=elsewhere, base_url="http://testserver") as other:
            form = {"grant_type": "password", "username": ada.email, "password": PASSWORD}
            assert (await other.post("/v1/auth/token", data=form)).status_code == 200


async def test_addresses_of_one_ipv6_network_count_together(open_house: OpenHouse) -> None:
    statuses = []
    async with open_house(failures_per_address="2/10minutes") as house:
        for host in ("2001:db8::1", "2001:db8::2", "2001:db8::ffff", "2001:db8:0:1::1"):
            transport = httpx2.ASGITransport(app=house.app, client=(host, 1))
            async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
                form = {"grant_type": "password", "username": f"{host}@example.org", "password": "wrong"}
                statuses.append((await client.post("/v1/auth/token", data=form)).status_code)
    assert statuses == [400, 400, 429, 400]


async def test_guesses_at_the_same_time_pass_the_limit_by_no_more_than_the_slots(open_house: OpenHouse) -> None:
    statuses: list[int] = []
    async with open_house(failures_per_account="3/10minutes", hashing_slots=2) as house:
        ada = await house.person()

        async def guess() -> None:
            statuses.append((await ada.sign_in(password="wrong")).status_code)

        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(guess)
    assert 3 <= statuses.count(400) <= 4
    assert statuses.count(400) + statuses.count(429) == 20


async def test_replicas_count_failures_together_in_redis(open_house: OpenHouse, redis_url: str) -> None:
    shared = {"failures_per_account": "2/hour", "redis_url": redis_url}
    async with open_house(**shared) as house, open_house(**shared) as replica:
        ada = await house.person(f"{uuid4().hex}@example.org")
        at = [Person(one.http, ada.email, "a wrong password") for one in (house, replica)]
        assert [(await person.sign_in()).status_code for person in at] == [400, 400]
        assert [(await person.sign_in()).status_code for person in (ada, *at)] == [429, 429, 429]


async def test_failures_are_counted_also_while_redis_is_away(open_house: OpenHouse) -> None:
    nowhere = "redis://127.0.0.1:9/0"
    async with open_house(
        failures_per_account="2/10minutes", sign_ups_per_address="1/hour", redis_url=nowhere
    ) as house:
        ada = await house.person()
        assert (await house.sign_up("ben@example.org")).status_code == 429
        assert (await ada.sign_in()).status_code == 200
        statuses = [(await ada.sign_in(password="wrong")).status_code for _ in range(3)]
    assert statuses == [400, 400, 429]


async def test_wrong_current_passwords_count_as_failures(open_house: OpenHouse) -> None:
    async with open_house(failures_per_account="2/10minutes") as house:
        ada = await house.person()
        headers = await ada.headers()
        body = {"current_password": "wrong", "new_password": "seven quiet lighthouses"}
        answers = [await house.http.post("/v1/auth/me/password", json=body, headers=headers) for _ in range(3)]
    assert [answer.json()["code"] for answer in answers] == ["wrong_password", "wrong_password", "too_many_failures"]


async def test_a_hash_of_former_parameters_is_renewed_at_sign_in(settings_for: SettingsFactory) -> None:
    def with_passes(passes: int) -> Settings:
        return settings_for(Settings, jwks_file=None, argon2_passes=passes)

    hashes = []
    for passes in (1, 2, 2):
        settings = with_passes(passes)
        async with client_for(service(settings)) as http:
            await http.post("/v1/auth/sign-up", json={"email": "ada@example.org", "password": PASSWORD})
            form = {"grant_type": "password", "username": "ada@example.org", "password": PASSWORD}
            both: list[httpx2.Response] = []

            async def sign_in(
                into: list[httpx2.Response] = both, http: httpx2.AsyncClient = http, form: Any = form
            ) -> None:
                into.append(await http.post("/v1/auth/token", data=form))

            async with anyio.create_task_group() as group:
                group.start_soon(sign_in)
                group.start_soon(sign_in)
            assert [answer.status_code for answer in both] == [200, 200]
            hashes.append(await _stored_hash(http))
    assert "t=1" in hashes[0]
    assert "t=2" in hashes[1]
    assert hashes[1] == hashes[2]


async def _collect(http: httpx2.AsyncClient, form: dict[str, str], into: list[httpx2.Response]) -> None:
    into.append(await http.post("/v1/auth/token", data=form))


async def _stored_hash(http: httpx2.AsyncClient) -> str:
    app: FastAPI = http._transport.app  # type: ignore[attr-defined]  # the transport of client_for
    async with app.state.runtimes["auth_service"].database.read() as session:
        return str(await session.scalar(select(col(User.password_hash))))


WRONG_REQUESTS: list[tuple[str, dict[str, str], int, str]] = [
    ("", FORM, 400, "invalid_request"),
    ("grant_type=password&username=ada%40example.org", FORM, 400, "invalid_request"),
    ("grant_type=password&grant_type=password", FORM, 400, "invalid_request"),
    ("grant_type=implicit", FORM, 400, "unsupported_grant_type"),
    ('{"grant_type": "password"}', {"Content-Type": "application/json"}, 400, "invalid_request"),
    ("grant_type=%FF", FORM, 400, "invalid_request"),
    ("grant_type=password&username=a%00b&password=c", FORM, 400, "invalid_request"),
    ("grant_type=client_credentials", {**FORM, "Authorization": "Basic JTAwOmI="}, 401, "invalid_client"),
    ("&".join(f"a{n}=1" for n in range(60)), FORM, 400, "invalid_request"),
    ("grant_type=password&padding=" + "x" * 70_000, FORM, 400, "invalid_request"),
    ("grant_type=password&username=a&password=b&client_id=unknown", FORM, 401, "invalid_client"),
    ("grant_type=password&username=a&password=b&client_id=purser&client_secret=s", FORM, 400, "unauthorized_client"),
    ("grant_type=client_credentials", FORM, 401, "invalid_client"),
    ("grant_type=client_credentials&client_id=purser", FORM, 400, "unauthorized_client"),
    ("grant_type=client_credentials&client_id=client_x", FORM, 401, "invalid_client"),
    ("grant_type=client_credentials", {**FORM, "Authorization": "Basic nonsense"}, 401, "invalid_client"),
    ("grant_type=client_credentials", {**FORM, "Authorization": "Basic Og=="}, 401, "invalid_client"),
    ("grant_type=client_credentials", {**FORM, "Authorization": "Bearer x"}, 401, "invalid_client"),
    ("grant_type=client_credentials&client_secret=b", {**FORM, "Authorization": "Basic YTpi"}, 400, "invalid_request"),
]


async def test_a_wrong_request_is_refused_in_the_form_of_rfc_6749(house: House) -> None:
    for body, headers, status, error in WRONG_REQUESTS:
        answer = await house.http.post("/v1/auth/token", content=body.encode(), headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (status, error), body[:80]
        assert answer.json().keys() == {"error", "error_description"}
        assert answer.headers["Cache-Control"] == "no-store"
        assert ("WWW-Authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_revoking_either_token_ends_the_session(house: House, kind: str) -> None:
    ada = await house.person()
    tokens, others = await ada.tokens(), await ada.tokens()
    for _ in range(2):
        revoked = await house.http.post("/v1/auth/revoke", data={"token": tokens[kind], "token_type_hint": kind})
        assert (revoked.status_code, revoked.content) == (200, b"")
    assert (await house.refresh(tokens["refresh_token"])).status_code == 400
    assert (await house.http.get("/v1/auth/me", headers=bearer(tokens["access_token"]))).status_code == 401
    assert (await house.refresh(others["refresh_token"])).status_code == 200


ODD_TOKENS = ("made-up", "a.b.c", "☃", b64encode(b"[" * 9000).decode() + ".e30.e30")


async def test_revoking_a_token_of_nobody_is_no_error(house: House) -> None:
    answers = [await house.http.post("/v1/auth/revoke", data={"token": token}) for token in ODD_TOKENS]
    assert [answer.status_code for answer in answers] == [200] * len(ODD_TOKENS)
    missing = await house.http.post("/v1/auth/revoke", data={"client_id": "purser"})
    assert missing.json()["error"] == "invalid_request"


async def test_basic_credentials_are_decoded_as_the_standard_says(house: House) -> None:
    ada = await house.person()
    created = await house.http.post(
        "/v1/clients", json={"name": "nightly", "scopes": ["ledger:read"]}, headers=await ada.headers()
    )
    client = created.json()
    encoded = b64encode(f"{client['client_id'].replace('_', '%5F')}:{client['client_secret']}".encode()).decode()
    answer = await house.http.post(
        "/v1/auth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {encoded}"}
    )
    assert (answer.status_code, answer.json()["scope"]) == (200, "ledger:read")

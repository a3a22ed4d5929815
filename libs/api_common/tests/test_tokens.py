"""Access tokens: what is accepted, what is refused, and how keys are fetched."""

import asyncio
import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from api_common.auth import JwksCache, TokenVerifier, requires
from api_common.testing import Issuer, client_for, new_key
from api_common.testing.tokens import AUDIENCE, ISSUER
from api_common.tokens import (
    ExpiredToken,
    InvalidToken,
    KeysUnavailable,
    Principal,
    UserPrincipal,
    WrongAudience,
    read_jwks_file,
)
from example_service import example
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class KeyServer:
    """Publishes keys and counts how often it is asked."""

    def __init__(self, *keys: Any) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.is_down = False

    async def __call__(self) -> Mapping[str, Any]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise ConnectionError
        return {"keys": [key.as_dict(private=False) for key in self.keys]}


def verifier(issuer: Issuer) -> TokenVerifier:
    return TokenVerifier(JwksCache(read_jwks_file(issuer.jwks_file)), issuer=ISSUER, audience=AUDIENCE)


async def test_a_valid_token_gives_its_user_client_and_scopes(issuer: Issuer) -> None:
    user_id = uuid4()
    token = issuer.token(user_id=user_id, scopes=["ledger:read", "ledger:write"])
    principal = await verifier(issuer).verify(token)
    assert principal == Principal(user_id, "tests", frozenset({"ledger:read", "ledger:write"}), token)
    assert token not in repr(principal)


async def test_a_service_token_has_no_user(issuer: Issuer) -> None:
    principal = await verifier(issuer).verify(issuer.service_token("analytics_api"))
    assert (principal.user_id, principal.client_id) == (None, "analytics_api")


async def test_a_token_for_several_audiences_is_accepted_by_each(issuer: Issuer) -> None:
    assert (await verifier(issuer).verify(issuer.token(audience=["other", AUDIENCE]))).client_id == "tests"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"expires_in": -60}, ExpiredToken),
        ({"audience": "other"}, WrongAudience),
        ({"audience": []}, WrongAudience),
        ({"issuer": "https://evil.example"}, InvalidToken),
        ({"header": {"typ": "JWT"}}, InvalidToken),
        ({"header": {"kid": "unknown"}}, InvalidToken),
        ({"iat": 9999999999}, InvalidToken),
        ({"nbf": 9999999999}, InvalidToken),
        ({"sub": "nobody"}, InvalidToken),
        ({"exp": "tomorrow"}, InvalidToken),
        ({"exp": True}, InvalidToken),
        ({"scope": ["ledger:read"]}, InvalidToken),
        ({"jti": None}, InvalidToken),
        ({"aud": 7}, InvalidToken),
    ],
)
async def test_a_token_with_a_wrong_part_is_refused(
    issuer: Issuer, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        await verifier(issuer).verify(issuer.token(**options))
    assert type(caught.value) is error


async def test_the_clocks_may_differ_by_some_seconds(issuer: Issuer) -> None:
    assert await verifier(issuer).verify(issuer.token(expires_in=-5))


async def test_a_token_signed_by_another_key_of_the_same_name_is_forged(issuer: Issuer) -> None:
    forged = issuer.token(key=new_key(), header={"kid": str(issuer.key.kid)})
    with pytest.raises(InvalidToken, match="signature"):
        await verifier(issuer).verify(forged)


async def test_a_changed_claim_breaks_the_signature(issuer: Issuer) -> None:
    header, payload, signature = issuer.token(scopes=["ledger:read"]).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    changed = base64.urlsafe_b64encode(json.dumps({**claims, "scope": "users:admin"}).encode()).decode().rstrip("=")
    with pytest.raises(InvalidToken, match="signature"):
        await verifier(issuer).verify(f"{header}.{changed}.{signature}")


async def test_no_other_algorithm_is_accepted_whatever_the_header_says(issuer: Issuer) -> None:
    kid = str(issuer.key.kid)
    _, payload, _ = issuer.token().split(".")
    unsigned = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "at+jwt", "kid": kid}).encode()).decode()
    symmetric = jwt.encode({"alg": "HS256", "typ": "at+jwt", "kid": kid}, {"sub": "x"}, OctKey.generate_key(256))
    rsa = jwt.encode({"alg": "RS256", "typ": "at+jwt", "kid": kid}, {"sub": "x"}, RSAKey.generate_key(2048))
    for token in (f"{unsigned.rstrip('=')}.{payload}.", symmetric, rsa):
        with pytest.raises(InvalidToken, match="must be signed with ES256"):
            await verifier(issuer).verify(token)


NESTED = base64.urlsafe_b64encode(b"[" * 6000).decode()


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30.e30", "W10.e30.e30", "x" * 9000, "Ümlaut.b.c", NESTED])
async def test_what_is_no_token_at_all_is_refused(issuer: Issuer, token: str) -> None:
    with pytest.raises(InvalidToken):
        await verifier(issuer).verify(token)


async def test_a_verdict_is_remembered_until_the_token_expires_or_the_keys_change() -> None:
    clock, issuer_key = Clock(), new_key()
    server = KeyServer(issuer_key)
    keys = JwksCache(server, clock=clock)
    checked = TokenVerifier(keys, issuer=ISSUER, audience=AUDIENCE, now=clock)
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "c", "client_id": "c", "jti": "1", "scope": ""}
    header = {"alg": "ES256", "typ": "at+jwt", "kid": str(issuer_key.kid)}
    token = jwt.encode(header, {**claims, "iat": 1000, "exp": 5000}, issuer_key)
    first = await checked.verify(token)
    assert await checked.verify(token) is first
    server.keys = []
    clock.now = 4601
    assert await checked.verify(token) is first
    with pytest.raises(InvalidToken):
        await keys.key("another")
    with pytest.raises(InvalidToken, match="does not publish"):
        await checked.verify(token)
    server.keys = [issuer_key]
    clock.now = 5011
    with pytest.raises(ExpiredToken):
        await checked.verify(token)


async def test_an_unknown_key_id_makes_the_cache_fetch_again_but_not_all_the_time() -> None:
    clock, old, new = Clock(), new_key(), new_key()
    server = KeyServer(old)
    cache = JwksCache(server, clock=clock)
    assert (await cache.key(str(old.kid))).kid == old.kid
    server.keys = [old, new]
    with pytest.raises(InvalidToken):
        await cache.key(str(new.kid))
    clock.now += 11
    assert (await cache.key(str(new.kid))).kid == new.kid
    for number in range(20):
        with pytest.raises(InvalidToken):
            await cache.key(f"invented {number}")
    assert server.asked == 2


async def test_requests_that_need_keys_at_once_share_one_fetch() -> None:
    key = new_key()
    server = KeyServer(key)
    cache = JwksCache(server)
    await asyncio.gather(*(cache.key(str(key.kid)) for _ in range(50)))
    assert server.asked == 1


async def test_keys_that_cannot_be_fetched_are_an_outage_only_when_none_are_known() -> None:
    clock, key = Clock(), new_key()
    server = KeyServer(key)
    server.is_down = True
    cache = JwksCache(server, clock=clock)
    for _ in range(2):
        with pytest.raises(KeysUnavailable):
            await cache.key(str(key.kid))
    assert server.asked == 1
    server.is_down = False
    clock.now += 2
    assert await cache.key(str(key.kid))
    server.is_down = True
    clock.now += 4000
    assert await cache.key(str(key.kid))


async def test_a_new_key_during_an_outage_of_its_issuer_is_no_reason_to_log_in_again() -> None:
    clock, old, new = Clock(), new_key(), new_key()
    server = KeyServer(old)
    cache = JwksCache(server, clock=clock)
    await cache.key(str(old.kid))
    server.keys, server.is_down = [old, new], True
    clock.now += 11
    for _ in range(2):
        with pytest.raises(KeysUnavailable):
            await cache.key(str(new.kid))
    assert (await cache.key(str(old.kid))).kid == old.kid
    server.is_down = False
    clock.now += 2
    assert (await cache.key(str(new.kid))).kid == new.kid


async def test_what_is_no_document_of_keys_is_an_outage() -> None:
    async def fetch() -> Any:
        return {"keys": [{"kty": "EC", "crv": "P-256", "kid": "x"}]}

    with pytest.raises(KeysUnavailable):
        await JwksCache(fetch).key("x")


async def test_who_brings_a_known_key_never_waits_for_an_issuer_that_hangs() -> None:
    clock, key, answered = Clock(), new_key(), asyncio.Event()
    server = KeyServer(key)

    async def fetch() -> Mapping[str, Any]:
        if server.asked:
            await answered.wait()
        return await server()

    cache = JwksCache(fetch, clock=clock)
    await cache.key(str(key.kid))
    clock.now += 3601
    fetching = asyncio.create_task(cache.key(str(key.kid)))
    await asyncio.sleep(0)
    assert (await asyncio.wait_for(cache.key(str(key.kid)), 5)).kid == key.kid
    assert not fetching.done()
    answered.set()
    await fetching
    assert server.asked == 2


async def test_a_withdrawn_key_stops_working_when_the_keys_are_old() -> None:
    clock, key = Clock(), new_key()
    server = KeyServer(key)
    cache = JwksCache(server, clock=clock)
    await cache.key(str(key.kid))
    server.keys = []
    clock.now += 3601
    with pytest.raises(InvalidToken):
        await cache.key(str(key.kid))


async def test_keys_for_other_purposes_are_passed_over() -> None:
    key = new_key()

    async def fetch() -> Mapping[str, Any]:
        own = key.as_dict(private=False)
        rsa = RSAKey.generate_key(2048, {"kid": "rsa"}).as_dict(private=False)
        return {"keys": [rsa, {**own, "use": "enc", "kid": "enc"}, {**own, "kid": 7}, own]}

    cache = JwksCache(fetch)
    assert (await cache.key(str(key.kid))).kid == key.kid
    with pytest.raises(InvalidToken):
        await cache.key("rsa")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "missing_token"),
        ("Basic dXNlcjpwYXNz", "missing_token"),
        ("Bearer ", "missing_token"),
        ("Bearer nonsense", "invalid_token"),
    ],
)
async def test_a_route_refuses_requests_without_a_good_token(issuer: Issuer, header: str | None, code: str) -> None:
    headers = {"authorization": header} if header else {}
    async with client_for(example(jwks_file=issuer.jwks_file)) as client:
        response = await client.get("/v1/me", headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, code)
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_route_knows_its_caller_and_his_scopes(issuer: Issuer) -> None:
    user_id = uuid4()
    async with client_for(example(jwks_file=issuer.jwks_file), headers=issuer.headers(user_id)) as client:
        assert (await client.get("/v1/me")).json() == str(user_id)
        refused = await client.get("/v1/me/client")
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
        assert refused.json()["required"] == ["users:admin"]
        expired = await client.get("/v1/me", headers=issuer.headers(expires_in=-60))
        assert expired.json()["code"] == "expired_token"
        foreign = await client.get("/v1/me", headers=issuer.headers(audience="other"))
        assert foreign.json()["code"] == "wrong_audience"


async def test_a_service_cannot_act_where_a_user_is_needed(issuer: Issuer) -> None:
    token = issuer.service_token("jobs", scopes=["users:admin", "profile:read"])
    async with client_for(example(jwks_file=issuer.jwks_file), headers={"Authorization": f"Bearer {token}"}) as client:
        assert (await client.get("/v1/me/client")).json() == "jobs"
        refused = await client.get("/v1/me")
        assert (refused.status_code, refused.json()["code"]) == (403, "user_only")


async def test_without_a_file_the_keys_come_from_the_auth_service(issuer: Issuer, tmp_path: Path) -> None:
    from fastapi import FastAPI

    auth_service = FastAPI()

    @auth_service.get("/.well-known/jwks.json")
    async def jwks() -> dict[str, Any]:
        document: dict[str, Any] = json.loads(issuer.jwks_file.read_text())
        return document

    async with client_for(example(), peers={"auth_service": auth_service}, headers=issuer.headers()) as client:
        assert (await client.get("/v1/me")).status_code == 200
    async with client_for(example(), headers=issuer.headers()) as client:
        response = await client.get("/v1/me")
        assert (response.status_code, response.json()["code"]) == (503, "token_keys_unavailable")


def test_a_scope_that_does_not_exist_is_a_mistake_of_the_route() -> None:
    with pytest.raises(ValueError, match="Unknown scope 'ledger:raed'"):
        requires("ledger:raed", service="example_service")


def test_a_user_principal_is_a_principal() -> None:
    user_id = uuid4()
    assert UserPrincipal(user_id, "c", frozenset(), "t").user_id == user_id

"""Signing keys: made on first start, encrypted, rotated without an outage; and the operator's commands."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
import psycopg
import pytest
from api_common import StartupError
from api_common.testing import SettingsFactory, client_for
from api_common.tokens import InvalidToken, JwksCache, TokenVerifier
from auth_house import House, OpenHouse, Person, TravellingClock, bearer
from auth_service import keys as keys_command
from auth_service import users as users_command
from auth_service.main import service
from auth_service.models import SigningKey
from auth_service.sealing import Sealer, SealError
from auth_service.settings import Settings
from auth_service.signing_keys import stages
from config import Profile
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from pydantic import SecretStr
from sqlalchemy import select

SECRET = "first-secret-of-this-installation-0123456789"
OTHER_SECRET = "other-secret-of-this-installation-0123456789"

Command = Callable[..., Any]


@pytest.fixture
def keys(settings_for: SettingsFactory, clock: TravellingClock, capsys: pytest.CaptureFixture[str]) -> Command:
    """Give the command for keys; it runs in a thread, as another process would, and gives what it prints."""

    async def run(*arguments: str, **overrides: object) -> str:
        settings = settings_for(Settings, jwks_file=None, **overrides)
        await anyio.to_thread.run_sync(partial(keys_command.main, arguments, settings=settings, clock=clock))
        return capsys.readouterr().out

    return run


def key_id(token: str) -> str:
    return str(jws.extract_compact(token.encode()).headers()["kid"])


async def published(house: House) -> list[str]:
    return [key["kid"] for key in (await house.http.get("/.well-known/jwks.json")).json()["keys"]]


def another_service(house: House, clock: TravellingClock) -> TokenVerifier:
    """Give a verifier as another service has it, fetching keys over HTTP."""

    async def fetch() -> Mapping[str, Any]:
        document: Mapping[str, Any] = (await house.http.get("/.well-known/jwks.json")).json()
        return document

    def seconds() -> float:
        return clock().timestamp()

    settings = house.settings
    cache = JwksCache(fetch, clock=seconds)
    return TokenVerifier(cache, issuer=settings.token_issuer, audience=settings.token_audience, now=seconds)


async def test_the_first_start_makes_one_key_and_later_ones_keep_it(open_house: OpenHouse) -> None:
    async with open_house() as first, open_house() as second:
        assert await published(first) == await published(second)
    async with open_house() as third:
        document = (await third.http.get("/.well-known/jwks.json")).json()
    assert len(document["keys"]) == 1
    key = document["keys"][0]
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")
    assert "d" not in key


async def test_a_key_is_rotated_without_an_outage(open_house: OpenHouse, clock: TravellingClock, keys: Command) -> None:
    async with open_house() as house, open_house() as replica:
        ada = await house.person()
        verifier = another_service(replica, clock)

        ada_at_replica = Person(replica.http, ada.email, ada.password)

        async def token() -> str:
            tokens: list[str] = [(await person.tokens())["access_token"] for person in (ada, ada_at_replica)]
            for text in tokens:
                assert str((await verifier.verify(text)).user_id) == ada.id
            assert key_id(tokens[0]) == key_id(tokens[1])
            return tokens[0]

        before = await token()
        old = key_id(before)
        assert "is published and signs from" in await keys("rotate")
        clock.advance(seconds=30)
        new = next(kid for kid in await published(house) if kid != old)
        assert set(await published(replica)) == {old, new}
        assert key_id(await token()) == old
        clock.advance(seconds=869)
        last_of_old = await token()
        assert key_id(last_of_old) == old
        clock.advance(seconds=1)
        assert key_id(await token()) == new
        assert str((await verifier.verify(last_of_old)).user_id) == ada.id
        clock.advance(minutes=64)
        assert set(await published(house)) == {old, new}
        assert (await keys("retire")).strip() == "No key has outlived its tokens."
        clock.advance(minutes=1)
        assert await published(house) == [new]
        assert key_id(await token()) == new
        listed = await keys("list")
        assert f"{old}  dead" in listed
        assert f"{new}  signing" in listed
        assert (await keys("retire")).strip() == f"Key {old} is removed."
        assert old not in await keys("list")


async def test_a_stolen_key_is_replaced_at_once_and_its_tokens_stop_being_accepted(
    open_house: OpenHouse, clock: TravellingClock, keys: Command
) -> None:
    async with open_house() as house:
        ada = await house.person()
        stolen = (await ada.tokens())["access_token"]
        clock.advance(seconds=1)
        await keys("rotate", "--now")
        clock.advance(seconds=30)
        assert await another_service(house, clock).verify(stolen)
        await keys("retire", key_id(stolen))
        clock.advance(seconds=30)
        with pytest.raises(InvalidToken):
            await another_service(house, clock).verify(stolen)
        assert str((await another_service(house, clock).verify((await ada.tokens())["access_token"])).user_id) == ada.id


async def test_keys_are_not_changed_where_that_would_be_an_outage(
    open_house: OpenHouse, clock: TravellingClock, keys: Command
) -> None:
    async with open_house() as house:
        signing = (await published(house))[0]
    with pytest.raises(SystemExit, match=f"Key {signing} signs at present"):
        await keys("retire", signing)
    with pytest.raises(SystemExit, match="There is no signing key nonsense"):
        await keys("retire", "nonsense")
    await keys("rotate")
    with pytest.raises(SystemExit, match="is already published and signs from"):
        await keys("rotate")
    clock.advance(seconds=1)
    await keys("rotate", "--now")
    assert [line.split()[1] for line in (await keys("list")).splitlines()] == ["old", "signing"]


async def test_private_keys_lie_encrypted_in_the_database(open_house: OpenHouse) -> None:
    async with open_house(secret_key=SECRET) as house:
        database = house.app.state.runtimes["auth_service"].database
        async with database.read() as session:
            key = (await session.scalars(select(SigningKey))).one()
    assert json.loads(key.public_jwk)["kid"] == key.id
    assert b"PRIVATE" not in key.sealed_private_key
    sealer = Sealer(SecretStr(SECRET), "auth_service signing key")
    assert len(sealer.open(key.sealed_private_key, context=key.id)) > 100
    for other in (Sealer(SecretStr(OTHER_SECRET), "auth_service signing key"), Sealer(SecretStr(SECRET), "other")):
        with pytest.raises(SealError):
            other.open(key.sealed_private_key, context=key.id)
    with pytest.raises(SealError):
        sealer.open(key.sealed_private_key, context="another key")


async def test_a_running_service_goes_on_until_it_is_restarted_with_a_new_secret_key(
    open_house: OpenHouse, clock: TravellingClock, keys: Command
) -> None:
    async with open_house(secret_key=SECRET) as running:
        ada = await running.person()
        verifier = another_service(running, clock)
        old = key_id((await ada.tokens())["access_token"])
        await keys("rotate", "--now", secret_key=OTHER_SECRET)
        clock.advance(seconds=31)
        async with open_house(secret_key=OTHER_SECRET) as restarted:
            new_token = (await Person(restarted.http, ada.email, ada.password).tokens())["access_token"]
        old_token = (await ada.tokens())["access_token"]
        assert key_id(old_token) == old != key_id(new_token)
        for token in (old_token, new_token):
            assert str((await verifier.verify(token)).user_id) == ada.id


async def test_a_key_that_signs_at_once_is_published_at_once_by_every_process(
    open_house: OpenHouse, clock: TravellingClock, keys: Command
) -> None:
    async with open_house() as house, open_house() as replica:
        ada = await house.person()
        old = await published(replica)
        clock.advance(seconds=29)
        await keys("rotate", "--now")
        clock.advance(seconds=1)
        new = key_id((await ada.tokens())["access_token"])
        assert new not in old
        assert new in await published(replica)


async def test_another_secret_key_stops_the_start_and_says_what_to_do(
    open_house: OpenHouse, clock: TravellingClock, keys: Command
) -> None:
    async with open_house(secret_key=SECRET) as house:
        ada = await house.person()
        former = (await ada.tokens())["access_token"]
    with pytest.raises(StartupError, match=r"PURSER_SECRET_KEY does not open signing key .* rotate --now"):
        async with open_house(secret_key=OTHER_SECRET):
            pytest.fail("it started")
    clock.advance(seconds=1)
    await keys("rotate", "--now", secret_key=OTHER_SECRET)
    async with open_house(secret_key=OTHER_SECRET) as house:
        assert (await house.http.get("/v1/auth/me", headers=bearer(former))).status_code == 200
        latter = (await Person(house.http, ada.email, ada.password).tokens())["access_token"]
        assert key_id(latter) != key_id(former)


async def test_keys_at_hand_are_published_while_the_database_is_away(
    postgres_server: str, postgresql_url: str, tmp_path: Path, clock: TravellingClock
) -> None:
    settings = Settings(profile=Profile.TEST, data_dir=tmp_path, database_url=postgresql_url, log_level="error")
    name = postgresql_url.rpartition("/")[2].partition("?")[0]
    async with client_for(service(settings, clock=clock)) as http:
        before = await http.get("/.well-known/jwks.json")
        with psycopg.connect(postgres_server, autocommit=True) as admin:
            admin.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        clock.advance(hours=1)
        away = await http.get("/.well-known/jwks.json")
    assert away.status_code == 200
    assert away.json() == before.json()


async def test_the_discovery_documents_say_where_everything_is(open_house: OpenHouse) -> None:
    async with open_house(public_url="https://purser.example/", token_issuer="https://purser.example") as house:
        document = await house.get("/.well-known/openid-configuration", {})
        assert await house.get("/.well-known/oauth-authorization-server", {}) == document
        paths = house.app.openapi()["paths"]
    assert document["issuer"] == "https://purser.example"
    for name in ("token_endpoint", "revocation_endpoint", "jwks_uri"):
        assert document[name].removeprefix("https://purser.example") in paths
    assert document["id_token_signing_alg_values_supported"] == ["ES256"]


START = datetime(2026, 1, 1, tzinfo=UTC)


@given(
    offsets=st.lists(st.integers(0, 40_000), min_size=1, max_size=6).map(sorted),
    moment=st.integers(0, 60_000),
)
def test_at_every_moment_one_key_signs_and_every_living_token_can_be_verified(offsets: list[int], moment: int) -> None:
    made = [
        SigningKey(
            id=f"key {number}",
            public_jwk="{}",
            sealed_private_key=b"",
            created_at=START,
            signs_from=START + timedelta(seconds=offset - offsets[0]),
        )
        for number, offset in enumerate(offsets)
    ]

    def at(seconds: int) -> dict[str, str]:
        return {stage.key.id: stage.stage for stage in stages(made, START + timedelta(seconds=seconds))}

    here = at(moment)
    assert list(here.values()).count("signing") == 1
    for age in (0, 60, 3600):
        if moment >= age:
            signed_then = next(kid for kid, stage in at(moment - age).items() if stage == "signing")
            assert here[signed_then] in {"signing", "old"}


async def test_the_operator_names_administrators_and_unlocks_by_command(
    open_house: OpenHouse, settings_for: SettingsFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run(*arguments: str) -> str:
        settings = settings_for(Settings, jwks_file=None)
        await anyio.to_thread.run_sync(partial(users_command.main, arguments, settings=settings))
        return capsys.readouterr().out

    async with open_house() as house:
        admin = await house.person("admin@example.org")
        ben = await house.person("ben@example.org")
        assert "administrator from the next sign-in" in await run("grant-admin", "BEN@example.org")
        assert "users:admin" in (await ben.tokens())["scope"]
        assert "is a member" in await run("revoke-admin", "ben@example.org")
        assert "users:admin" not in (await ben.tokens())["scope"]
        with pytest.raises(SystemExit, match=r"admin@example\.org is the only administrator"):
            await run("revoke-admin", "admin@example.org")
        assert "users:admin" in (await admin.tokens())["scope"]
        await house.http.post(f"/v1/users/{ben.id}/lock", headers=await admin.headers())
        assert "can sign in" in await run("unlock", "ben@example.org")
        assert (await ben.sign_in()).status_code == 200
        with pytest.raises(SystemExit, match="Nobody has signed up as nobody"):
            await run("grant-admin", "nobody@example.org")


def test_a_command_works_on_a_migrated_database_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(profile=Profile.TEST, data_dir=tmp_path, migrate_on_start=False)
    with pytest.raises(SystemExit, match="make migrate-upgrade SERVICE=auth_service"):
        keys_command.main(["list"], settings=settings)
    migrated = Settings(profile=Profile.TEST, data_dir=tmp_path)
    keys_command.main(["list"], settings=migrated)
    assert capsys.readouterr().out == "There is no key yet; the service makes one when it starts.\n"


@pytest.mark.parametrize("command", [keys_command.main, users_command.main])
def test_a_command_without_arguments_explains_itself(
    command: Callable[[list[str]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command([])
    assert "usage: python -m auth_service." in capsys.readouterr().err

"""What administrators do: users, their deletion in all services, and service clients."""

from typing import Annotated
from uuid import UUID

import anyio
import httpx2
import pytest
from api_common import Service
from api_common.auth import Principal, requires
from api_common.problems import ServiceUnavailable
from api_common.testing import SettingsFactory
from auth_house import House, OpenHouse, Person, TravellingClock, bearer
from config import ServiceSettings
from fastapi import APIRouter

# Nobody listens on the discard port, so calls to it are refused at once.
NOWHERE = "http://127.0.0.1:9"
OWNERS = {"transaction_service": "/v1/ledger/users/{user_id}"}


class Ledger:
    """Stands where the owner of the users' data would: it deletes what it is asked to, or says that it cannot."""

    def __init__(self) -> None:
        self.deleted: list[tuple[UUID, UUID | None]] = []
        self.works = True

    async def delete(self, user_id: UUID, caller: Principal) -> dict[str, dict[str, int]]:
        if not self.works:
            raise ServiceUnavailable("The ledger is being repaired.")
        self.deleted.append((user_id, caller.user_id))
        return {"deleted": {"accounts": 2, "transactions": 12}}


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def ledger_service(ledger: Ledger, settings_for: SettingsFactory) -> Service:
    router = APIRouter()

    @router.delete("/v1/ledger/users/{user_id}")
    async def delete(
        user_id: UUID, caller: Annotated[Principal, requires("users:admin", service="transaction_service")]
    ) -> dict[str, dict[str, int]]:
        return await ledger.delete(user_id, caller)

    settings = settings_for(ServiceSettings, jwks_file=None)
    return Service(name="transaction_service", version="0", summary="A ledger", settings=settings, routers=[router])


async def _with_admin(house: House) -> tuple[Person, dict[str, str]]:
    admin = await house.person("admin@example.org")
    return admin, await admin.headers()


async def test_users_are_listed_in_pages_and_found_by_address_role_and_lock(house: House) -> None:
    _, headers = await _with_admin(house)
    people = [await house.person(f"{name}@example.org") for name in ("ben", "cleo", "dora", "b_n")]
    first = await house.http.get("/v1/users", params={"limit": 3}, headers=headers)
    page = first.json()
    assert [user["email"] for user in page["items"]] == ["admin@example.org", "ben@example.org", "cleo@example.org"]
    assert 'rel="next"' in first.headers["Link"]
    rest = await house.get("/v1/users", headers, params={"limit": 3, "cursor": page["next_cursor"]})
    assert [user["email"] for user in rest["items"]] == ["dora@example.org", "b_n@example.org"]
    assert rest["next_cursor"] is None
    await house.http.post(f"/v1/users/{people[1].id}/lock", json={"reason": "lost telephone"}, headers=headers)

    async def found(**filters: str) -> list[str]:
        items = (await house.get("/v1/users", headers, params=filters))["items"]
        return [user["email"].partition("@")[0] for user in items]

    assert await found(email="B_N") == ["b_n"]
    assert await found(role="administrator") == ["admin"]
    assert await found(locked="true") == ["cleo"]
    assert await found(locked="false", email="example", role="member") == ["ben", "dora", "b_n"]
    assert "password" not in str(page).replace("password_changed_at", "")


async def test_only_administrators_see_users(house: House) -> None:
    await house.person()
    ben = await house.person("ben@example.org")
    headers = await ben.headers()
    answers = [
        await house.http.get("/v1/users", headers=headers),
        await house.http.get(f"/v1/users/{ben.id}", headers=headers),
        await house.http.put(f"/v1/users/{ben.id}/role", json={"role": "administrator"}, headers=headers),
        await house.http.delete(f"/v1/users/{ben.id}", headers=headers),
        await house.http.post("/v1/clients", json={"name": "x", "scopes": ["ledger:read"]}, headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert (await house.http.get("/v1/users")).status_code == 401


async def test_a_locked_user_is_out_at_once_and_in_again_when_unlocked(house: House) -> None:
    _, headers = await _with_admin(house)
    ben = await house.person("ben@example.org")
    tokens = await ben.tokens()
    locked = await house.http.post(f"/v1/users/{ben.id}/lock", json={"reason": "odd payments"}, headers=headers)
    assert locked.json()["lock_reason"] == "odd payments"
    assert locked.json()["locked_at"] is not None
    assert (await house.http.get("/v1/auth/me", headers=bearer(tokens["access_token"]))).status_code == 401
    assert (await house.refresh(tokens["refresh_token"])).status_code == 400
    assert (await ben.sign_in()).status_code == 400
    unlocked = await house.http.post(f"/v1/users/{ben.id}/unlock", headers=headers)
    assert (unlocked.json()["locked_at"], unlocked.json()["lock_reason"]) == (None, None)
    assert (await ben.sign_in()).status_code == 200


async def test_a_role_given_and_taken_changes_what_tokens_may(house: House) -> None:
    _, headers = await _with_admin(house)
    ben = await house.person("ben@example.org")
    path = f"/v1/users/{ben.id}/role"
    assert (await house.http.put(path, json={"role": "administrator"}, headers=headers)).status_code == 200
    as_admin = await ben.tokens()
    assert (await house.http.get("/v1/users", headers=bearer(as_admin["access_token"]))).status_code == 200
    assert (await house.http.put(path, json={"role": "member"}, headers=headers)).json()["role"] == "member"
    assert (await house.http.get("/v1/users", headers=bearer(as_admin["access_token"]))).status_code == 401
    assert "users:admin" not in (await house.refresh(as_admin["refresh_token"])).json()["scope"]
    assert (await house.http.put(path, json={"role": "emperor"}, headers=headers)).status_code == 422


async def test_the_last_administrator_cannot_be_locked_demoted_or_deleted(house: House) -> None:
    admin, headers = await _with_admin(house)
    await house.person("ben@example.org")
    answers = [
        await house.http.post(f"/v1/users/{admin.id}/lock", headers=headers),
        await house.http.put(f"/v1/users/{admin.id}/role", json={"role": "member"}, headers=headers),
        await house.http.delete(f"/v1/users/{admin.id}", headers=headers),
        await house.http.post("/v1/auth/me/deletion", json={"password": admin.password}, headers=headers),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "last_administrator")] * 4


async def test_of_two_administrators_that_demote_each_other_one_remains(house: House) -> None:
    admin, headers = await _with_admin(house)
    ben = await house.person("ben@example.org")
    await house.http.put(f"/v1/users/{ben.id}/role", json={"role": "administrator"}, headers=headers)
    ben_headers = await ben.headers()

    async def demote(target: Person, who: dict[str, str]) -> None:
        await house.http.put(f"/v1/users/{target.id}/role", json={"role": "member"}, headers=who)

    async with anyio.create_task_group() as group:
        group.start_soon(demote, ben, headers)
        group.start_soon(demote, admin, ben_headers)
    scopes = [(await person.tokens())["scope"] for person in (admin, ben)]
    assert sum("users:admin" in scope for scope in scopes) == 1


async def test_an_unknown_user_is_not_found(house: House) -> None:
    _, headers = await _with_admin(house)
    path = "/v1/users/01920000-0000-7000-8000-000000000000"
    answers = [
        await house.http.get(path, headers=headers),
        await house.http.post(f"{path}/lock", headers=headers),
        await house.http.post(f"{path}/unlock", headers=headers),
        await house.http.delete(path, headers=headers),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "user_not_found")] * 4


async def test_a_deleted_user_is_gone_everywhere_and_the_report_says_what_was(
    open_house: OpenHouse, ledger: Ledger, ledger_service: Service
) -> None:
    async with open_house(ledger_service) as house:
        admin, headers = await _with_admin(house)
        ben = await house.person("ben@example.org")
        tokens = await ben.tokens()
        await house.refresh((await ben.tokens())["refresh_token"])
        answer = await house.http.delete(f"/v1/users/{ben.id}", headers=headers)
        assert answer.status_code == 200
        assert answer.json() == {
            "user_id": ben.id,
            "email": "ben@example.org",
            "deleted": {
                "transaction_service": {"accounts": 2, "transactions": 12},
                "auth_service": {"users": 1, "sessions": 2, "refresh_tokens": 3},
            },
        }
        assert ledger.deleted == [(UUID(ben.id), UUID(admin.id))]
        assert (await house.http.get("/v1/auth/me", headers=bearer(tokens["access_token"]))).status_code == 401
        assert (await house.refresh(tokens["refresh_token"])).status_code == 400
        assert (await ben.sign_in()).status_code == 400
        assert (await house.http.get(f"/v1/users/{ben.id}", headers=headers)).status_code == 404
        assert (await house.sign_up("ben@example.org")).json()["role"] == "member"


async def test_nothing_is_deleted_while_a_data_owner_is_down(
    open_house: OpenHouse, ledger: Ledger, ledger_service: Service
) -> None:
    owners = {**OWNERS, "assets_service": "/v1/assets/users/{user_id}"}
    async with open_house(ledger_service, data_owners=owners, service_urls={"assets_service": NOWHERE}) as house:
        _, headers = await _with_admin(house)
        ben = await house.person("ben@example.org")
        answer = await house.http.delete(f"/v1/users/{ben.id}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "data_owner_unavailable")
        assert answer.json()["service"] == "assets_service"
        assert "Nothing was deleted" in answer.json()["detail"]
        assert ledger.deleted == []
        assert (await ben.sign_in()).status_code == 200


async def test_an_owner_that_fails_keeps_the_account_and_the_deletion_can_be_repeated(
    open_house: OpenHouse, ledger: Ledger, ledger_service: Service
) -> None:
    async with open_house(ledger_service) as house:
        _, headers = await _with_admin(house)
        ben = await house.person("ben@example.org")
        ledger.works = False
        failed = await house.http.delete(f"/v1/users/{ben.id}", headers=headers)
        assert (failed.status_code, failed.json()["service"]) == (503, "transaction_service")
        assert (await ben.sign_in()).status_code == 200
        ledger.works = True
        assert (await house.http.delete(f"/v1/users/{ben.id}", headers=headers)).status_code == 200


async def test_an_owner_whose_address_nobody_gave_is_named(house: House) -> None:
    _, headers = await _with_admin(house)
    ben = await house.person("ben@example.org")
    answer = await house.http.delete(f"/v1/users/{ben.id}", headers=headers)
    assert (answer.status_code, answer.json()["service"]) == (503, "transaction_service")
    assert "PURSER_SERVICE_URLS" in answer.json()["detail"]


async def test_people_delete_their_own_account_with_their_password(
    open_house: OpenHouse, ledger: Ledger, ledger_service: Service
) -> None:
    async with open_house(ledger_service) as house:
        await house.person("admin@example.org")
        ben = await house.person("ben@example.org")
        headers = await ben.headers()
        path = "/v1/auth/me/deletion"
        wrong = await house.http.post(path, json={"password": "not my password"}, headers=headers)
        assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
        assert ledger.deleted == []
        done = await house.http.post(path, json={"password": ben.password}, headers=headers)
        assert done.json()["deleted"]["transaction_service"] == {"accounts": 2, "transactions": 12}
        assert ledger.deleted == [(UUID(ben.id), None)]
        assert (await ben.sign_in()).status_code == 400


async def test_a_service_client_gets_tokens_until_it_is_deleted(house: House, clock: TravellingClock) -> None:
    _, headers = await _with_admin(house)
    body = {"name": "nightly import", "scopes": ["ledger:read", "users:admin"]}
    created = await house.http.post("/v1/clients", json=body, headers=headers)
    assert created.status_code == 201
    assert created.headers["Cache-Control"] == "no-store"
    client = created.json()
    assert len(client["client_secret"]) == 43
    form = {
        "grant_type": "client_credentials",
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
    }
    answer = (await house.http.post("/v1/auth/token", data=form)).json()
    assert answer.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert answer["scope"] == "ledger:read users:admin"
    own = bearer(answer["access_token"])
    assert len((await house.get("/v1/users", own))["items"]) == 1
    assert (await house.http.get("/v1/auth/me", headers=own)).json()["code"] in {"insufficient_scope", "user_only"}
    listed = (await house.get("/v1/clients", headers))["items"]
    assert [(item["name"], "client_secret" in item) for item in listed] == [("nightly import", False)]
    assert listed[0]["last_used_at"] is not None
    narrow = (await house.http.post("/v1/auth/token", data={**form, "scope": "ledger:read"})).json()
    assert narrow["scope"] == "ledger:read"
    wider = await house.http.post("/v1/auth/token", data={**form, "scope": "ledger:write"})
    assert wider.json()["error"] == "invalid_scope"
    wrong = await house.http.post("/v1/auth/token", data={**form, "client_secret": "wrong"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert (await house.http.post("/v1/auth/revoke", data={"token": answer["access_token"]})).json() == {
        "error": "unsupported_token_type",
        "error_description": "Tokens of service clients end by themselves; delete the client to stop further ones.",
    }
    path = f"/v1/clients/{client['client_id']}"
    assert (await house.http.delete(path, headers=headers)).status_code == 204
    assert (await house.http.delete(path, headers=headers)).json()["code"] == "client_not_found"
    assert (await house.http.post("/v1/auth/token", data=form)).status_code == 401
    successor = await house.http.post("/v1/clients", json={"name": "again", "scopes": ["users:admin"]}, headers=own)
    assert (successor.status_code, successor.json()["code"]) == (401, "session_ended")


async def test_a_client_needs_a_name_of_its_own_and_scopes_that_exist(house: House) -> None:
    _, headers = await _with_admin(house)

    async def create(name: str, *scopes: str) -> httpx2.Response:
        return await house.http.post("/v1/clients", json={"name": name, "scopes": scopes}, headers=headers)

    assert (await create("nightly", "ledger:read")).status_code == 201
    assert (await create("nightly", "ledger:read")).json()["code"] == "client_name_taken"
    assert (await create("daily", "root")).json()["code"] == "unknown_scope"
    assert (await create("daily")).status_code == 422
    assert (await create("  ", "ledger:read")).status_code == 422

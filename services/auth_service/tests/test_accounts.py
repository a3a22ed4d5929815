"""A person's own account, over HTTP on both databases."""

import anyio
import httpx2
from api_common.testing import Issuer
from auth_house import OTHER_PASSWORD, PASSWORD, House, OpenHouse, bearer

NEW_PRODUCTION = {
    "profile": "production",
    "secret_key": "k3-Yh_0vQm8Zr1xWc6Tn9Lb4Fj7Ds2Pg5Ua",
    "argon2_memory_kib": 19456,
    "argon2_passes": 2,
    "argon2_parallelism": 1,
    "migrate_on_start": True,
}


async def test_the_first_account_becomes_administrator_and_the_second_does_not(house: House) -> None:
    ada = await house.person("Ada@Example.org")
    ben = await house.person("ben@example.org")
    assert ada.profile["email"] == "ada@example.org"
    assert ada.profile["role"] == "administrator"
    assert ben.profile["role"] == "member"
    assert (await ada.tokens())["scope"].split() == [
        "analytics:read", "ledger:read", "ledger:write", "profile:read", "profile:write", "users:admin",
    ]  # fmt: skip
    assert "users:admin" not in (await ben.tokens())["scope"]


async def test_of_many_that_sign_up_first_at_the_same_time_one_becomes_administrator(house: House) -> None:
    answers: list[httpx2.Response] = []

    async def sign_up(number: int) -> None:
        answers.append(await house.sign_up(f"person{number}@example.org"))

    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(sign_up, number)
    assert sorted(answer.status_code for answer in answers) == [201] * 8
    assert [answer.json()["role"] for answer in answers].count("administrator") == 1


async def test_in_production_the_first_account_is_an_ordinary_one(open_house: OpenHouse) -> None:
    async with open_house(**NEW_PRODUCTION) as house:
        ada = await house.person()
    assert ada.profile["role"] == "member"


async def test_an_address_can_be_taken_once_in_whatever_spelling(house: House) -> None:
    await house.person("ada@example.org")
    again = await house.sign_up("ADA@example.ORG", OTHER_PASSWORD)
    assert again.status_code == 409
    assert again.json()["code"] == "email_taken"


async def test_of_two_that_take_one_address_at_the_same_time_one_gets_it(house: House) -> None:
    statuses: list[int] = []

    async def sign_up() -> None:
        statuses.append((await house.sign_up("ada@example.org")).status_code)

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(sign_up)
    assert sorted(statuses) == [201, 409, 409, 409]


WRONG_SIGN_UPS: list[tuple[dict[str, str], str, str]] = [
    ({"email": "nobody", "password": PASSWORD}, "/body/email", "email_invalid"),
    ({"email": "ada@example.org", "password": "xyzzy"}, "/body/password", "password_too_short"),
    ({"email": "ada@example.org", "password": "passwordpassword"}, "/body/password", "password_common"),
    ({"email": "ada@example.org", "password": "ada@example.org"}, "/body/password", "password_personal"),
    ({"email": "ada@example.org"}, "/body/password", "missing"),
    ({"email": "ada@example.org", "password": PASSWORD, "role": "administrator"}, "/body/role", "extra_forbidden"),
]


async def test_a_wrong_sign_up_says_which_field_is_wrong(house: House) -> None:
    for body, pointer, code in WRONG_SIGN_UPS:
        answer = await house.http.post("/v1/auth/sign-up", json=body)
        assert answer.status_code == 422
        assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]
        assert "xyzzy" not in answer.text


async def test_a_closed_installation_takes_no_sign_up(open_house: OpenHouse) -> None:
    async with open_house(sign_up_open=False) as house:
        answer = await house.sign_up("ada@example.org")
    assert (answer.status_code, answer.json()["code"]) == (403, "sign_up_closed")


async def test_one_address_makes_only_so_many_accounts(open_house: OpenHouse) -> None:
    async with open_house(sign_ups_per_address="2/hour") as house:
        answers = [await house.sign_up(f"person{number}@example.org") for number in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert 0 < int(answers[2].headers["Retry-After"]) <= 3600


async def test_a_profile_changes_only_for_who_has_seen_it(house: House) -> None:
    ada = await house.person()
    headers = await ada.headers()
    seen = await house.http.get("/v1/auth/me", headers=headers)
    change = {"display_name": "Ada"}
    without = await house.http.patch("/v1/auth/me", json=change, headers=headers)
    first = await house.http.patch("/v1/auth/me", json=change, headers={**headers, "If-Match": seen.headers["ETag"]})
    stale = await house.http.patch("/v1/auth/me", json=change, headers={**headers, "If-Match": seen.headers["ETag"]})
    assert (without.status_code, first.status_code, stale.status_code) == (428, 200, 412)
    assert first.json()["display_name"] == "Ada"
    assert first.headers["ETag"] != seen.headers["ETag"]
    read = await house.http.get("/v1/auth/me", headers=headers)
    assert read.json() == first.json()
    assert read.headers["ETag"] == first.headers["ETag"]


async def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(house: House) -> None:
    ada = await house.person()
    here, there = await ada.tokens(), await ada.tokens()
    changed = await house.http.post(
        "/v1/auth/me/password",
        json={"current_password": PASSWORD, "new_password": OTHER_PASSWORD},
        headers=bearer(here["access_token"]),
    )
    assert changed.status_code == 204
    assert (await house.refresh(there["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await house.http.get("/v1/auth/me", headers=bearer(there["access_token"]))).status_code == 401
    assert (await house.http.get("/v1/auth/me", headers=bearer(here["access_token"]))).status_code == 200
    assert (await house.refresh(here["refresh_token"])).status_code == 200
    assert (await ada.sign_in()).status_code == 400
    assert (await ada.sign_in(password=OTHER_PASSWORD)).status_code == 200


async def test_a_password_is_changed_only_with_the_current_one_and_to_an_acceptable_one(house: House) -> None:
    ada = await house.person()
    headers = await ada.headers()
    wrong = await house.http.post(
        "/v1/auth/me/password",
        json={"current_password": "not my password", "new_password": OTHER_PASSWORD},
        headers=headers,
    )
    weak = await house.http.post(
        "/v1/auth/me/password", json={"current_password": PASSWORD, "new_password": "qwertyuiopas"}, headers=headers
    )
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
    assert (weak.status_code, weak.json()["errors"][0]["pointer"]) == (422, "/body/new_password")
    assert (await ada.sign_in()).status_code == 200


async def test_logging_out_ends_this_session_only(house: House) -> None:
    ada = await house.person()
    here, there = await ada.tokens(), await ada.tokens()
    out = await house.http.post("/v1/auth/logout", headers=bearer(here["access_token"]))
    assert out.status_code == 204
    ended = await house.http.get("/v1/auth/me", headers=bearer(here["access_token"]))
    assert (ended.status_code, ended.json()["code"]) == (401, "session_ended")
    assert (await house.refresh(here["refresh_token"])).status_code == 400
    assert (await house.refresh(there["refresh_token"])).status_code == 200


async def test_sessions_are_listed_and_ended_one_by_one_or_all_others(house: House) -> None:
    ada, ben = await house.person(), await house.person("ben@example.org")
    for device in ("laptop", "telephone", "tablet"):
        house.http.headers["User-Agent"] = device
        tokens = await ada.tokens()
    headers = bearer(tokens["access_token"])
    items = (await house.get("/v1/auth/me/sessions", headers))["items"]
    assert {item["device"] for item in items} == {"laptop", "telephone", "tablet"}
    assert [item["device"] for item in items if item["current"]] == ["tablet"]
    telephone = next(item["id"] for item in items if item["device"] == "telephone")
    path = f"/v1/auth/me/sessions/{telephone}"
    assert (await house.http.delete(path, headers=await ben.headers())).status_code == 404
    assert (await house.http.delete(path, headers=headers)).status_code == 204
    assert (await house.http.delete(path, headers=headers)).json()["code"] == "session_not_found"
    assert (await house.http.delete("/v1/auth/me/sessions", headers=headers)).status_code == 204
    remaining = (await house.get("/v1/auth/me/sessions", headers))["items"]
    assert [item["device"] for item in remaining] == ["tablet"]


async def test_a_token_that_is_not_from_here_opens_nothing(house: House, issuer: Issuer) -> None:
    ada = await house.person()
    genuine = (await ada.tokens())["access_token"]
    head, _, signature = genuine.split(".")
    forged = f"{head}.{genuine.split('.')[1][:-4]}AAAA.{signature}"
    codes = {
        name: (await house.http.get("/v1/auth/me", headers=headers)).json()["code"]
        for name, headers in {
            "none": {},
            "forged": bearer(forged),
            "other issuer": issuer.headers(),
            "refresh token": bearer((await ada.tokens())["refresh_token"]),
        }.items()
    }
    assert codes == {
        "none": "missing_token",
        "forged": "invalid_token",
        "other issuer": "invalid_token",
        "refresh token": "invalid_token",
    }


async def test_a_narrow_token_does_only_what_it_may(house: House) -> None:
    ada = await house.person()
    headers = await ada.headers(scope="ledger:read profile:read")
    assert (await house.http.get("/v1/auth/me", headers=headers)).status_code == 200
    refused = [
        await house.http.patch("/v1/auth/me", json={}, headers={**headers, "If-Match": "*"}),
        await house.http.get("/v1/users", headers=headers),
        await house.http.get("/v1/clients", headers=headers),
    ]
    assert [answer.json()["code"] for answer in refused] == ["insufficient_scope"] * 3

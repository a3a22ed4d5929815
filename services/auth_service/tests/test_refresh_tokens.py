"""Refresh tokens: rotation, reuse, lost answers and races, on both databases."""

from itertools import pairwise

import anyio
import httpx2
from auth_house import House, OpenHouse, TravellingClock, bearer
from auth_service.models import RefreshToken, Session
from auth_service.refresh_tokens import digest
from sqlalchemy import select


async def test_each_refresh_gives_a_new_token_and_the_session_goes_on(house: House) -> None:
    ada = await house.person()
    tokens = [await ada.tokens()]
    for _ in range(3):
        answer = await house.refresh(tokens[-1]["refresh_token"])
        assert answer.status_code == 200, answer.text
        tokens.append(answer.json())
    assert len({token["refresh_token"] for token in tokens}) == 4
    assert all(earlier["scope"] == later["scope"] for earlier, later in pairwise(tokens))
    items = (await house.get("/v1/auth/me/sessions", bearer(tokens[-1]["access_token"])))["items"]
    assert len(items) == 1


async def test_a_lost_answer_is_given_again_with_the_very_same_successor(house: House, clock: TravellingClock) -> None:
    ada = await house.person()
    used = (await ada.tokens())["refresh_token"]
    lost = (await house.refresh(used)).json()
    clock.advance(seconds=29)
    again = await house.refresh(used)
    assert again.status_code == 200
    assert again.json()["refresh_token"] == lost["refresh_token"]
    assert (await house.refresh(lost["refresh_token"])).status_code == 200


async def test_a_token_used_again_after_the_grace_window_ends_the_session(house: House, clock: TravellingClock) -> None:
    ada = await house.person()
    used = (await ada.tokens())["refresh_token"]
    current = (await house.refresh(used)).json()
    clock.advance(seconds=30)
    reused = await house.refresh(used)
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert (await house.refresh(current["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await house.http.get("/v1/auth/me", headers=bearer(current["access_token"]))).status_code == 401


async def test_a_breach_kills_the_current_token_also_inside_the_grace_window(house: House) -> None:
    ada = await house.person()
    first = (await ada.tokens())["refresh_token"]
    second = (await house.refresh(first)).json()["refresh_token"]
    third = (await house.refresh(second)).json()["refresh_token"]
    # The successor of the first has been used, so no answer was lost: somebody else holds a copy.
    assert (await house.refresh(first)).status_code == 400
    for token in (third, second, first):
        assert (await house.refresh(token)).json()["error"] == "invalid_grant"


async def test_without_a_grace_window_the_first_reuse_ends_the_session(open_house: OpenHouse) -> None:
    async with open_house(refresh_grace_seconds=0) as house:
        ada = await house.person()
        used = (await ada.tokens())["refresh_token"]
        current = (await house.refresh(used)).json()["refresh_token"]
        assert (await house.refresh(used)).status_code == 400
        assert (await house.refresh(current)).status_code == 400


async def _at_the_same_time(house: House, token: str, times: int) -> list[httpx2.Response]:
    answers: list[httpx2.Response] = []

    async def refresh() -> None:
        answers.append(await house.refresh(token))

    async with anyio.create_task_group() as group:
        for _ in range(times):
            group.start_soon(refresh)
    return answers


async def test_refreshes_that_race_all_get_the_one_successor(house: House) -> None:
    ada = await house.person()
    token = (await ada.tokens())["refresh_token"]
    for _ in range(3):
        answers = await _at_the_same_time(house, token, 8)
        assert {answer.status_code for answer in answers} == {200}
        successors = {answer.json()["refresh_token"] for answer in answers}
        assert len(successors) == 1
        token = successors.pop()
    database = house.app.state.runtimes["auth_service"].database
    async with database.read() as session:
        stored = (await session.scalars(select(RefreshToken))).all()
    assert len(stored) == 4
    assert [row.digest for row in stored if row.used_at is None] == [digest(token)]


async def test_of_refreshes_that_race_without_grace_one_succeeds_and_the_session_ends(open_house: OpenHouse) -> None:
    async with open_house(refresh_grace_seconds=0) as house:
        ada = await house.person()
        answers = await _at_the_same_time(house, (await ada.tokens())["refresh_token"], 8)
        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
        won = next(answer.json() for answer in answers if answer.status_code == 200)
        assert (await house.refresh(won["refresh_token"])).status_code == 400


async def test_a_refresh_that_races_with_a_log_out_leaves_no_token_alive(house: House) -> None:
    ada = await house.person()
    for _ in range(5):
        tokens = await ada.tokens()
        answers: list[httpx2.Response] = []

        async def refresh(token: str = tokens["refresh_token"], into: list[httpx2.Response] = answers) -> None:
            into.append(await house.refresh(token))

        async with anyio.create_task_group() as group:
            group.start_soon(refresh)
            await house.http.post("/v1/auth/logout", headers=bearer(tokens["access_token"]))
        if answers[0].status_code == 200:
            assert (await house.refresh(answers[0].json()["refresh_token"])).status_code == 400


async def test_the_database_holds_no_token_that_could_be_used(house: House) -> None:
    ada = await house.person()
    first = (await ada.tokens())["refresh_token"]
    second = (await house.refresh(first)).json()["refresh_token"]
    database = house.app.state.runtimes["auth_service"].database
    async with database.read() as session:
        rows = {row.digest: row for row in await session.scalars(select(RefreshToken))}
    assert rows.keys() == {digest(first), digest(second)}
    sealed = rows[digest(first)].sealed_successor
    assert sealed is not None
    assert second.encode() not in sealed
    await house.refresh(second)
    async with database.read() as session:
        used = await session.get(RefreshToken, digest(first))
    assert used is not None
    assert used.sealed_successor is None


async def test_an_unused_token_and_a_long_session_end_by_themselves(
    open_house: OpenHouse, clock: TravellingClock
) -> None:
    async with open_house(refresh_token_seconds=3600, session_seconds=7200) as house:
        ada = await house.person()
        idle = (await ada.tokens())["refresh_token"]
        token = (await ada.tokens())["refresh_token"]
        clock.advance(minutes=59)
        token = (await house.refresh(token)).json()["refresh_token"]
        clock.advance(minutes=59)
        assert (await house.refresh(idle)).status_code == 400
        token = (await house.refresh(token)).json()["refresh_token"]
        clock.advance(minutes=2)
        assert (await house.refresh(token)).status_code == 400


async def test_what_is_long_dead_is_removed_from_the_database(open_house: OpenHouse, clock: TravellingClock) -> None:
    async with open_house(refresh_token_seconds=3600, session_seconds=86400) as house:
        ada = await house.person()
        token = (await ada.tokens())["refresh_token"]
        for _ in range(5):
            clock.advance(minutes=50)
            token = (await house.refresh(token)).json()["refresh_token"]
        database = house.app.state.runtimes["auth_service"].database
        async with database.read() as session:
            assert len((await session.scalars(select(RefreshToken))).all()) == 2
        clock.advance(days=40)
        await ada.tokens()
        async with database.read() as session:
            assert len((await session.scalars(select(Session))).all()) == 1


async def test_a_refresh_narrows_one_access_token_and_never_widens(house: House) -> None:
    ada = await house.person()
    token = (await ada.tokens(scope="ledger:read profile:read"))["refresh_token"]
    narrow = (await house.refresh(token, scope="ledger:read")).json()
    assert narrow["scope"] == "ledger:read"
    wider = await house.refresh(narrow["refresh_token"], scope="ledger:write")
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")
    assert (await house.refresh(narrow["refresh_token"])).json()["scope"] == "ledger:read profile:read"


async def test_a_refresh_token_is_good_for_its_own_application_only(open_house: OpenHouse) -> None:
    async with open_house(public_clients=("purser", "telephone")) as house:
        ada = await house.person()
        token = (await ada.tokens(client_id="telephone"))["refresh_token"]
        assert (await house.refresh(token)).json()["error"] == "invalid_grant"
        assert (await house.refresh(token, client_id="telephone")).status_code == 200


async def test_a_made_up_token_is_refused(house: House) -> None:
    for token in ("made-up", "x" * 5000, "☃"):
        answer = await house.refresh(token)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_person_has_no_more_than_a_hundred_sessions(house: House, clock: TravellingClock) -> None:
    # The last token must be valid at the real time, by which the verifier goes.
    clock.advance(minutes=-5)
    ada = await house.person()
    first, second = await ada.tokens(), await ada.tokens()
    for _ in range(98):
        clock.advance(seconds=1)
        await ada.tokens()
    assert (await house.refresh(first["refresh_token"])).status_code == 200
    last = await ada.tokens()
    items = (await house.get("/v1/auth/me/sessions", bearer(last["access_token"])))["items"]
    assert len(items) == 100
    assert (await house.refresh(second["refresh_token"])).status_code == 400

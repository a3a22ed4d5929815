"""Units of work, idempotency keys, preconditions and pages as a client sees them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from uuid import UUID, uuid4

import httpx2
import pytest
from api_common import Service
from api_common.columns import now
from api_common.database import Database, DatabaseSpec, ReadSession, WriteSession, reads, writes
from api_common.idempotency import Idempotency, forget_user, idempotent
from api_common.pagination import Links, Page, Paging
from api_common.preconditions import IfMatch, etag
from api_common.testing import SettingsFactory, client_for
from bookkeeping_example import SPEC, Account, Accounts
from config import ServiceSettings
from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select, text, update
from sqlmodel import col

NAME = SPEC.schema
User = Annotated[UUID, Header(alias="X-User")]


class AccountIn(BaseModel):
    name: str
    opening_balance: Decimal = Decimal(0)


class AccountOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    opening_balance: Decimal
    version: int


class Settings(ServiceSettings):
    service_name: ClassVar[str] = NAME


@dataclass
class Gate:
    """Lets a test hold a request in the middle of its effect."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> None:
        self.reached.set()
        await self.opened.wait()


def _location(account: Account) -> dict[str, str]:
    return {"Location": f"/v1/accounts/{account.id}", "ETag": etag(account.version)}


def _routes(gate: Gate) -> APIRouter:
    router = APIRouter()

    @router.post("/v1/accounts", status_code=201, response_model=AccountOut)
    async def open_account(
        body: AccountIn,
        user: User,
        idempotency: Annotated[Idempotency, idempotent(NAME)],
        session: Annotated[WriteSession, writes(NAME)],
    ) -> Response:
        async def effect() -> Account:
            account = await Accounts(session, user).add(Account(user_id=user, **body.model_dump()))
            if body.name == "Slow":
                await gate()
            return account

        return await idempotency.once(user, status=201, model=AccountOut, effect=effect, headers=_location)

    @router.get("/v1/accounts")
    async def list_accounts(
        user: User, page: Paging, links: Links, session: Annotated[ReadSession, reads(NAME)]
    ) -> Page[AccountOut]:
        return links.page(await Accounts(session, user).list(page), AccountOut.model_validate)

    @router.put("/v1/accounts/{account_id}/name")
    async def rename(
        account_id: UUID,
        body: AccountIn,
        user: User,
        if_match: IfMatch,
        response: Response,
        session: Annotated[WriteSession, writes(NAME)],
    ) -> AccountOut:
        account = await Accounts(session, user).get(account_id)
        if_match.check(account.version)
        account.name = body.name
        await session.flush()
        response.headers["ETag"] = etag(account.version)
        return AccountOut.model_validate(account)

    @router.post("/v1/failing-commit", status_code=201)
    async def failing_commit(user: User, session: Annotated[WriteSession, writes(NAME)]) -> dict[str, str]:
        session.add(Account(user_id=user, name="Taken"))
        return {"answer": "a success that must never be sent"}

    return router


Post = Callable[..., Awaitable[httpx2.Response]]


@dataclass(frozen=True)
class Example:
    """The example service, running."""

    client: httpx2.AsyncClient
    database: Database
    gate: Gate
    user: UUID

    async def post(self, body: object, key: str | None = None, *, user: UUID | None = None) -> httpx2.Response:
        headers = {"X-User": str(user or self.user)} | ({"Idempotency-Key": key} if key else {})
        return await self.client.post("/v1/accounts", json=body, headers=headers)

    async def get(self, path: str) -> httpx2.Response:
        return await self.client.get(path, headers={"X-User": str(self.user)})

    async def rename(self, account_id: str, name: str, if_match: str | None) -> httpx2.Response:
        headers = {"X-User": str(self.user)} | ({"If-Match": if_match} if if_match else {})
        return await self.client.put(f"/v1/accounts/{account_id}/name", json={"name": name}, headers=headers)

    async def names(self) -> list[str]:
        async with self.database.read() as session:
            return list((await session.scalars(select(col(Account.name)).order_by(col(Account.name)))).all())


@pytest.fixture
async def example(bookkeeping: DatabaseSpec, settings_for: SettingsFactory) -> AsyncIterator[Example]:
    gate, settings = Gate(), settings_for(Settings)

    @asynccontextmanager
    async def note_database(runtime: Any) -> AsyncIterator[None]:
        databases.append(runtime.database)
        yield

    databases: list[Database] = []
    lifespan: Callable[[Any], AbstractAsyncContextManager[None]] = note_database
    service = Service(
        name=NAME,
        version="1.0.0",
        summary="Accounts",
        settings=settings,
        routers=[_routes(gate)],
        database=bookkeeping,
        lifespan=lifespan,
    )
    async with client_for(service) as client:
        yield Example(client, databases[0], gate, uuid4())


async def test_a_commit_that_fails_is_an_error_to_the_client(example: Example) -> None:
    async with example.database.write() as session:
        session.add(Account(user_id=example.user, name="Taken"))
    answer = await example.client.post("/v1/failing-commit", headers={"X-User": str(example.user)})
    assert (answer.status_code, answer.json()["code"]) == (409, "account_name_taken")


async def test_a_repeat_with_the_same_key_gets_the_first_answer_and_books_once(example: Example) -> None:
    first = await example.post({"name": "Current", "opening_balance": "12.30"}, "k-1")
    again = await example.post({"opening_balance": "12.30", "name": "Current"}, '"k-1"')
    assert (first.status_code, first.json()["opening_balance"]) == (201, "12.30")
    assert (again.status_code, again.content) == (201, first.content)
    assert (again.headers["Location"], again.headers["ETag"]) == (first.headers["Location"], '"1"')
    assert ("idempotency-replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert await example.names() == ["Current"]


async def test_a_key_with_another_payload_is_refused(example: Example) -> None:
    await example.post({"name": "Current"}, "k-1")
    other = await example.post({"name": "Savings"}, "k-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await example.names() == ["Current"]


@pytest.mark.parametrize("odd", ["NaN", "1e999", '"\\ud800"', "9007199254740993", "1" * 50])
async def test_json_that_only_python_reads_is_told_from_another_and_replayed(example: Example, odd: str) -> None:
    async def post(member: str) -> httpx2.Response:
        body = f'{{"name": "Current", "ignored": {member}}}'
        headers = {"X-User": str(example.user), "Idempotency-Key": "k-1", "Content-Type": "application/json"}
        return await example.client.post("/v1/accounts", content=body, headers=headers)

    first, again, other = await post(odd), await post(odd), await post("9007199254740992")
    assert (first.status_code, again.content, other.status_code) == (201, first.content, 422)


async def test_two_users_may_use_the_same_key(example: Example) -> None:
    await example.post({"name": "Current"}, "k-1")
    other = await example.post({"name": "Savings"}, "k-1", user=uuid4())
    assert other.status_code == 201
    assert await example.names() == ["Current", "Savings"]


async def test_requests_without_a_key_are_carried_out_each_time(example: Example) -> None:
    answers = [await example.post({"name": "Current"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 409]


async def test_a_repeat_while_the_first_is_running_is_refused_and_later_replayed(example: Example) -> None:
    first = asyncio.create_task(example.post({"name": "Slow"}, "k-1"))
    await example.gate.reached.wait()
    meanwhile = await example.post({"name": "Slow"}, "k-1")
    example.gate.opened.set()
    assert (meanwhile.status_code, meanwhile.json()["code"]) == (409, "idempotency_key_in_flight")
    assert (await first).status_code == 201
    assert (await example.post({"name": "Slow"}, "k-1")).content == (await first).content
    assert await example.names() == ["Slow"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_repeat_at_another_process_is_refused_too(example: Example) -> None:
    first = asyncio.create_task(example.post({"name": "Slow"}, "k-1"))
    await example.gate.reached.wait()
    example.database.in_flight.clear()  # as in a process that knows nothing of the first
    meanwhile = await example.post({"name": "Slow"}, "k-1")
    example.gate.opened.set()
    assert (meanwhile.status_code, (await first).status_code) == (409, 201)
    assert await example.names() == ["Slow"]


async def test_a_failed_request_leaves_its_key_free(example: Example) -> None:
    await example.post({"name": "Current"})
    failed = await example.post({"name": "Current"}, "k-1")
    async with example.database.write() as session:
        await session.execute(text("DELETE FROM account"))
    repeated = await example.post({"name": "Current"}, "k-1")
    assert (failed.status_code, repeated.status_code) == (409, 201)


async def test_a_key_is_forgotten_after_a_day_and_with_its_user(example: Example) -> None:
    keys = SPEC.metadata.tables["idempotency_keys"]
    await example.post({"name": "Current"}, "k-1")
    async with example.database.write() as session:
        await session.execute(update(keys).values(expires_at=now() - timedelta(seconds=1)))
    assert (await example.post({"name": "Savings"}, "k-1")).status_code == 201
    async with example.database.write() as session:
        assert await forget_user(session, example.user) == 1
        assert await session.scalar(select(func.count()).select_from(keys)) == 0


@pytest.mark.parametrize(
    "key", ['"open', '""', "two words", "x" * 256, 'a"b', '"tab\there"', "ключ".encode().decode("latin-1")]
)
async def test_a_malformed_key_is_refused(example: Example, key: str) -> None:
    answer = await example.client.post(
        "/v1/accounts",
        json={"name": "Current"},
        headers=[(b"X-User", str(example.user).encode()), (b"Idempotency-Key", key.encode("latin-1"))],
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_malformed")
    assert await example.names() == []


async def test_a_change_needs_the_version_that_the_client_has_seen(example: Example) -> None:
    account = (await example.post({"name": "Current"})).json()["id"]
    missing = await example.rename(account, "Joint", None)
    garbled = await example.rename(account, "Joint", "7")
    changed = await example.rename(account, "Joint", 'W/"9", "1"')
    stale = await example.rename(account, "Mine", '"1"')
    weak = await example.rename(account, "Mine", 'W/"2"')
    whatever = await example.rename(account, "Ours", "*")
    assert [answer.status_code for answer in (missing, garbled, changed, stale, weak, whatever)] == [
        428,
        400,
        200,
        412,
        412,
        200,
    ]
    assert [answer.headers.get("ETag") for answer in (changed, stale, whatever)] == ['"2"', '"2"', '"3"']
    assert await example.names() == ["Ours"]


async def test_following_the_links_gives_every_row_once(example: Example) -> None:
    async with example.database.write() as session:
        session.add_all([Account(user_id=example.user, name=f"{place:02}") for place in range(7)])
    path: str | None = "/v1/accounts?limit=3"
    names, cursors = [], []
    while path:
        answer = await example.get(path)
        names += [item["name"] for item in answer.json()["items"]]
        cursors.append(answer.json()["next_cursor"])
        link = answer.links.get("next")
        assert (link is None) == (cursors[-1] is None)
        path = link["url"] if link else None
    assert (names, len(cursors)) == ([f"{place:02}" for place in range(7)], 3)


@pytest.mark.parametrize(
    ("query", "pointer_or_code"),
    [
        ("limit=0", "/query/limit"),
        ("limit=501", "/query/limit"),
        ("limit=x", "/query/limit"),
        ("cursor=x", "invalid_cursor"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(example: Example, query: str, pointer_or_code: str) -> None:
    answer = await example.get(f"/v1/accounts?{query}")
    problem = answer.json()
    assert answer.status_code == 422
    assert pointer_or_code in {problem["code"], *(error["pointer"] for error in problem.get("errors", []))}

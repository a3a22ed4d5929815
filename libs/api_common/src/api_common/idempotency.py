"""Idempotency-Key: a client that repeats a POST, because an answer got lost, causes its effect once.

    @router.post("/v1/accounts", status_code=201, response_model=AccountOut)
    async def open_account(
        body: AccountIn,
        user: Annotated[UserPrincipal, ...],
        idempotency: Annotated[Idempotency, idempotent("transaction_service")],
        session: Annotated[WriteSession, writes("transaction_service")],
    ) -> Response:
        accounts = AccountService(session, user.user_id)
        return await idempotency.once(user.user_id, status=201, model=AccountOut, effect=lambda: accounts.open(body))

The key is scoped by user and route. The answer is stored with the key in the transaction of the effect, so that either
both are there or neither. What a request with a known key gets:

| the first request      | the repeat gets                                                            |
|------------------------|----------------------------------------------------------------------------|
| succeeded              | the same status, headers and body again, and `Idempotency-Replayed: true`  |
| is still running       | 409 `idempotency_key_in_flight`                                            |
| failed                 | is carried out: a failure leaves nothing behind                            |
| had another payload    | 422 `idempotency_key_reused`                                               |

Keys are kept for 24 hours. Without the header a request is carried out each time. Declare the dependency before the
session's: then a repeat is refused before it queues for SQLite's one writer; the other way round it waits, and gets the
answer replayed.
"""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from functools import cache
from typing import Annotated, TypeVar
from uuid import UUID

import orjson
from fastapi import Header, Request, Response, params
from pydantic import BaseModel
from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, Uuid, delete, insert, select, text

from api_common._route_index import template_of
from api_common.columns import UtcDateTime, now
from api_common.database import Database, WriteSession, database_of, writes
from api_common.problems import BadRequest, Conflict, InvalidInput

KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 255

_T = TypeVar("_T")
_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_BARE = re.compile(r"[\x21\x23-\x7e]+")


class IdempotencyKeyMalformed(BadRequest):
    """The header holds no key."""

    code = "idempotency_key_malformed"
    title = "Idempotency-Key is malformed"


class IdempotencyKeyInFlight(Conflict):
    """The first request with the key has not ended yet."""

    code = "idempotency_key_in_flight"
    title = "The first request is still running"


class IdempotencyKeyReused(InvalidInput):
    """The key was used for a request with another content."""

    code = "idempotency_key_reused"
    title = "Idempotency-Key was used before"


PROBLEMS = (IdempotencyKeyMalformed, IdempotencyKeyInFlight, IdempotencyKeyReused)
"""What a route with an idempotency key declares: `responses=responses(*idempotency.PROBLEMS)`."""


def idempotency_table(metadata: MetaData) -> Table:
    """Add the table of keys to a service's tables; call it once in `models.py`, and the next migration makes it."""
    return Table(
        "idempotency_keys",
        metadata,
        Column("user_id", Uuid, primary_key=True),
        Column("route", String(200), primary_key=True),
        Column("key", String(LONGEST_KEY), primary_key=True),
        Column("fingerprint", String(64), nullable=False),
        Column("status", Integer, nullable=False),
        Column("headers", LargeBinary, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("expires_at", UtcDateTime, nullable=False),
    )


_keys = idempotency_table(MetaData())
_ANSWER = select(_keys.c.fingerprint, _keys.c.status, _keys.c.headers, _keys.c.body)


def parse_key(header: str) -> str:
    """Read the header: a structured-field string (`"8e03…"`) or a plain token, up to 255 characters.

    Raises IdempotencyKeyMalformed.
    """
    value = header.strip()
    quoted = _QUOTED.fullmatch(value)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else value if _BARE.fullmatch(value) else ""
    if not 0 < len(key) <= LONGEST_KEY:
        raise IdempotencyKeyMalformed(
            f"Idempotency-Key must be 1 to {LONGEST_KEY} visible ASCII characters, best a UUID, in quotes or without."
        )
    return key


async def forget_user(session: WriteSession, user_id: UUID) -> int:
    """Delete the keys of a user whose data is deleted, and give their number."""
    deleted = await session.execute(delete(_keys).where(_keys.c.user_id == user_id))
    return int(getattr(deleted, "rowcount", 0))


class Idempotency:
    """The idempotency of one request; see the module for its use."""

    def __init__(self, request: Request, session: WriteSession, dialect: str, key: str | None) -> None:
        self._request = request
        self._session = session
        self._dialect = dialect
        self._key = key

    async def once(
        self,
        user_id: UUID,
        *,
        status: int,
        model: type[BaseModel],
        effect: Callable[[], Awaitable[_T]],
        headers: Callable[[_T], Mapping[str, str]] | None = None,
        payload: bytes | None = None,
    ) -> Response:
        """Carry out the effect and answer with it, or answer as the first time.

        Args:
            user_id: to whom the key belongs.
            status: of the answer to a request that is carried out.
            model: of the answer's body.
            effect: does the work in the request's unit of work and gives a value that `model` can be validated from.
            headers: gives headers of the answer, such as Location and ETag, from that value.
            payload: what makes the request the same besides its address; by default its JSON or raw body. An upload
                passes the hash of its file, since a form's boundary differs from time to time.

        Raises:
            IdempotencyKeyInFlight, IdempotencyKeyReused: see the table of the module; and what the effect raises.
        """
        if self._key is None:
            return await _carry_out(status, model, effect, headers)
        fingerprint = await self._fingerprint(payload)
        scope = (_keys.c.user_id == user_id, _keys.c.route == self._route(), _keys.c.key == self._key)
        await self._claim(user_id, self._key)
        await self._session.execute(delete(_keys).where(_keys.c.user_id == user_id, _keys.c.expires_at <= now()))
        known = (await self._session.execute(_ANSWER.where(*scope))).one_or_none()
        if known is not None:
            if known.fingerprint != fingerprint:
                raise IdempotencyKeyReused(
                    "This Idempotency-Key came with another request. Use a new key for a new request."
                )
            replayed = orjson.loads(known.headers) | {"Idempotency-Replayed": "true"}
            return _json(known.body, known.status, replayed)
        answer = await _carry_out(status, model, effect, headers)
        given = {
            name: value for name, value in answer.headers.items() if name not in {"content-length", "content-type"}
        }
        row = {
            "user_id": user_id,
            "route": self._route(),
            "key": self._key,
            "fingerprint": fingerprint,
            "status": status,
        }
        stored = {"headers": orjson.dumps(given), "body": bytes(answer.body), "expires_at": now() + KEPT_FOR}
        await self._session.execute(insert(_keys).values(**row, **stored))
        return answer

    async def _claim(self, user_id: UUID, key: str) -> None:
        """Refuse a repeat that another process is working on; SQLite's one writer has made it wait already."""
        if self._dialect != "postgresql":
            return
        name = f"{user_id} {self._route()} {key}".encode()
        number = int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), signed=True)
        free = await self._session.scalar(text("SELECT pg_try_advisory_xact_lock(:number)"), {"number": number})
        if not free:
            raise _in_flight()

    async def _fingerprint(self, payload: bytes | None) -> str:
        content = await self._request.body() if payload is None else payload
        if payload is None and content and "json" in self._request.headers.get("content-type", ""):
            # The same object written with other spaces, or its members in another order, is the same request. Numbers
            # stay as they are written, since two large ones may be the same float.
            content = _canonical(content)
        url = self._request.url
        return hashlib.sha256(b"\n".join([url.path.encode(), url.query.encode(), content])).hexdigest()

    def _route(self) -> str:
        return _route_of(self._request)


@cache
def _claimed_key(service: str) -> Callable[..., AsyncIterator[str | None]]:
    async def claimed_key(
        request: Request,
        idempotency_key: Annotated[str | None, Header(description="A unique key of this request.")] = None,
    ) -> AsyncIterator[str | None]:
        if idempotency_key is None:
            yield None
            return
        key = parse_key(idempotency_key)
        in_flight = database_of(request, service).in_flight
        # The user is not known yet; the credentials stand for them, and only the same process is asked.
        claim = (request.headers.get("authorization", ""), _route_of(request), key)
        if claim in in_flight:
            raise _in_flight()
        in_flight.add(claim)
        try:
            yield key
        finally:
            in_flight.discard(claim)

    return claimed_key


@cache
def _idempotency(service: str) -> Callable[..., Awaitable[Idempotency]]:
    claimed = params.Depends(_claimed_key(service), scope="function")

    # Asynchronous, because FastAPI would run a plain function in a thread.
    async def idempotency(
        request: Request, key: Annotated[str | None, claimed], session: Annotated[WriteSession, writes(service)]
    ) -> Idempotency:
        database: Database = database_of(request, service)
        return Idempotency(request, session, database.dialect, key)

    return idempotency


def idempotent(service: str) -> params.Depends:
    """Depend on the request's idempotency: `idempotency: Annotated[Idempotency, idempotent("transaction_service")]`."""
    return params.Depends(_idempotency(service), scope="function")


async def _carry_out(
    status: int,
    model: type[BaseModel],
    effect: Callable[[], Awaitable[_T]],
    headers: Callable[[_T], Mapping[str, str]] | None,
) -> Response:
    result = await effect()
    body = model.model_validate(result, from_attributes=True).model_dump_json(by_alias=True).encode()
    return _json(body, status, headers(result) if headers else {})


def _canonical(document: bytes) -> bytes:
    try:
        return json.dumps(json.loads(document, parse_float=str, parse_int=str), sort_keys=True).encode()
    except (ValueError, RecursionError):
        # A route that takes what is no JSON compares it as it came.
        return document


def _json(body: bytes, status: int, headers: Mapping[str, str]) -> Response:
    return Response(body, status, dict(headers), media_type="application/json")


def _route_of(request: Request) -> str:
    return f"{request.method} {template_of(request.scope) or request.url.path}"[:200]


def _in_flight() -> IdempotencyKeyInFlight:
    return IdempotencyKeyInFlight(
        "The first request with this Idempotency-Key is still being worked on. Repeat in a moment.",
        headers={"Retry-After": "1"},
    )

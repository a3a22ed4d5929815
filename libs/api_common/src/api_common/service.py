"""A service is a value; one or many of them make an application."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import TypeVar

from config import ServiceSettings
from fastapi import APIRouter
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp

from api_common.clients import PeerUnavailable, ServiceClient
from api_common.database import Database, DatabaseSpec, PoolUse
from api_common.errors import ConfigurationError
from api_common.logging import get_logger
from api_common.tokens import JwksCache, TokenVerifier, read_jwks_file

log = get_logger()

T = TypeVar("T")

KEY_ISSUER = "auth_service"
"""The service that publishes the keys of access tokens."""
JWKS_PATH = "/.well-known/jwks.json"


@dataclass(frozen=True)
class Check:
    """One thing that a service needs to work: ``probe`` raises when it is not there."""

    name: str
    probe: Callable[["Runtime"], Awaitable[None]]


@dataclass(frozen=True)
class Service:
    """What a service is: everything that `create_app` needs to run it, alone or among others.

    Attributes:
        name, version, summary: shown at ``/``, in the OpenAPI document and in logs.
        settings: built by the service's factory, never on import.
        routers: its routes, with their full paths; all applications of a process share them.
        database: its tables and migrations, if it owns any.
        lifespan: runs around the service's life, after its database is open and migrated.
        checks: what ``/health`` asks beside the database, and ``/readyz`` too unless it is named in `calls`.
        calls: names of the services it calls.
        body_limits: bytes that a body may have at an exact path, instead of the limit of the settings; for uploads that
            the route streams to disk.
        queues: how many wait in each queue of its own, by its name; `/metrics` shows them.
    """

    name: str
    version: str
    summary: str
    settings: ServiceSettings
    routers: Sequence[APIRouter] = ()
    database: DatabaseSpec | None = None
    lifespan: Callable[["Runtime"], AbstractAsyncContextManager[None]] | None = None
    checks: Sequence[Check] = ()
    calls: Sequence[str] = ()
    body_limits: Mapping[str, int] = field(default_factory=dict)
    queues: Mapping[str, Callable[["Runtime"], int]] = field(default_factory=dict)


class Runtime:
    """One running service inside an application: its database, its clients, and what its lifespan provides."""

    def __init__(self, service: Service, targets: Mapping[str, ASGIApp]) -> None:
        self.service = service
        self.settings = service.settings
        self._targets = targets
        self._clients: dict[str, ServiceClient] = {}
        self._resources: dict[type, object] = {}
        self._database: Database | None = None
        self._keys: JwksCache | None = None
        self._verifier: TokenVerifier | None = None
        self._is_open = False

    @property
    def database(self) -> Database:
        """The service's open database.

        Raises:
            ConfigurationError: the service declares none, or the application has not started.
        """
        if self._database is None:
            raise ConfigurationError(f"{self.service.name} has no open database: declare one and start the application")
        return self._database

    def pools(self) -> dict[str, PoolUse]:
        """Tell what the pools of its database do; nothing without an open database."""
        return self._database.pools() if self._database is not None else {}

    def queues(self) -> dict[str, int]:
        """Tell how many wait in each queue of the service; nothing until it has started."""
        return {name: waiting(self) for name, waiting in self.service.queues.items()} if self._is_open else {}

    @property
    def verifier(self) -> TokenVerifier:
        """Verifies the access tokens of requests."""
        if self._verifier is None:
            keys = JwksCache(read_jwks_file(self.settings.jwks_file) if self.settings.jwks_file else self._fetch_keys)
            self._verifier = TokenVerifier(
                keys, issuer=self.settings.token_issuer, audience=self.settings.token_audience
            )
        return self._verifier

    def client(self, name: str) -> ServiceClient:
        """Return the client of another service.

        Raises:
            ConfigurationError: the service does not declare that it calls the other.
            PeerUnavailable: nobody said where the other service is.
        """
        if name not in {*self.service.calls, KEY_ISSUER}:
            raise ConfigurationError(
                f"{self.service.name} does not declare that it calls {name}: add it to Service.calls"
            )
        if name not in self._clients:
            self._clients[name] = ServiceClient(name, self._target(name))
        return self._clients[name]

    def provide(self, resource: object) -> None:
        """Keep an object for the service's routes, by its type; call it from the lifespan."""
        self._resources[type(resource)] = resource

    def resource(self, kind: type[T]) -> T:
        """Return what the lifespan provided of this type or a subclass of it.

        Raises:
            ConfigurationError: nothing of this type was provided.
        """
        found = self._resources.get(kind)
        if found is None:
            found = next((resource for resource in self._resources.values() if isinstance(resource, kind)), None)
        if not isinstance(found, kind):
            raise ConfigurationError(f"The lifespan of {self.service.name} provides no {kind.__name__}")
        return found

    async def open(self, stack: AsyncExitStack) -> None:
        """Start the service; what is opened is closed by the stack, in reverse order."""
        started = time.perf_counter()
        stack.push_async_callback(self._close_clients)
        if self.service.database is not None:
            self._database = Database.open(self.service.database, self.settings)
            stack.push_async_callback(self._close_database)
            if self.settings.migrates_on_start:
                await self._database.upgrade()
            else:
                await self._database.verify()
        if self.service.lifespan is not None:
            await stack.enter_async_context(self.service.lifespan(self))
        self._is_open = True
        log.info("service_started", service=self.service.name, seconds=round(time.perf_counter() - started, 3))

    def _target(self, name: str) -> str | ASGIApp:
        target = self._targets.get(name) or self.settings.service_urls.get(name)
        if target is None:
            raise PeerUnavailable(name, f"its address is unknown; set PURSER_SERVICE_URLS={name}=http://host:port")
        return target

    async def _fetch_keys(self) -> Mapping[str, object]:
        response = await self.client(KEY_ISSUER).get(JWKS_PATH)
        response.raise_for_status()
        document: Mapping[str, object] = response.json()
        return document

    async def _close_clients(self) -> None:
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    async def _close_database(self) -> None:
        if self._database is not None:
            await self._database.close()
            self._database = None


def current_runtime(connection: HTTPConnection, service: str) -> Runtime:
    """Return the running service of this name in the application that answers a request."""
    runtime: Runtime = connection.app.state.runtimes[service]
    return runtime


def runtime_of(service: str) -> Callable[[HTTPConnection], Awaitable[Runtime]]:
    """Return a FastAPI dependency that gives the running service of this name.

    Example:
        ``runtime: Annotated[Runtime, Depends(runtime_of("analytics_api"))]``
    """

    # Asynchronous, because FastAPI would run a plain function in a thread.
    async def dependency(connection: HTTPConnection) -> Runtime:
        return current_runtime(connection, service)

    return dependency

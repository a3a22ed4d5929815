"""Calling another service, over HTTP or within the same process.

    ledger = runtime.client("transaction_service")
    response = await ledger.get("/v1/ledger", token=user.token)

The caller's request id and trace travel along. A peer that is down costs a moment, not a hanging request: timeouts,
a few retries where they are harmless, and a circuit breaker.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import TracebackType
from typing import Self

import anyio
import httpx2
from starlette.types import ASGIApp

from api_common.context import current
from api_common.logging import get_logger
from api_common.problems import ServiceUnavailable
from api_common.ratelimit import IN_PROCESS

log = get_logger()

Query = Mapping[str, str | int | float | bool | Sequence[str | int | float | bool | None] | None]

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_UNAVAILABLE = frozenset({502, 503, 504})


class PeerUnavailable(ServiceUnavailable):
    """503: another service that is needed for the answer cannot be reached; ``peer`` names it."""

    code = "peer_unavailable"
    title = "A service that is needed does not answer"

    def __init__(self, peer: str, reason: str) -> None:
        super().__init__(f"{peer} is not available: {reason}.", peer=peer)
        self.peer = peer


@dataclass(frozen=True, kw_only=True)
class ClientPolicy:
    """How patient a client is.

    Attributes:
        connect_seconds, answer_seconds: time to reach the peer, and for each wait for its answer.
        retries: further attempts of idempotent requests, with ``backoff_seconds`` doubling in between.
        failures_to_open: this many failures in a row open the circuit for ``open_seconds``; then one request tries.
    """

    connect_seconds: float = 2.0
    answer_seconds: float = 15.0
    retries: int = 2
    backoff_seconds: float = 0.1
    failures_to_open: int = 5
    open_seconds: float = 10.0


class CircuitBreaker:
    """Refuses calls to a peer that has failed several times in a row, until a trial call succeeds."""

    def __init__(self, policy: ClientPolicy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._failures = 0
        self._open_until = float("-inf")

    @property
    def is_open(self) -> bool:
        """Whether calls are refused just now."""
        return self._clock() < self._open_until

    def succeeded(self) -> None:
        """Note an answer."""
        self._failures = 0

    def failed(self) -> None:
        """Note a failure; enough of them in a row, or one in a trial, open the circuit."""
        self._failures += 1
        if self._failures >= self._policy.failures_to_open:
            self._open_until = self._clock() + self._policy.open_seconds

    def let_in(self) -> bool:
        """Say whether a call may go out; after the pause a single one may, before the rest follow."""
        if self._failures < self._policy.failures_to_open:
            return True
        if self.is_open:
            return False
        self._open_until = self._clock() + self._policy.open_seconds
        return True


class ServiceClient:
    """A client of one other service; get it from `Runtime.client`."""

    def __init__(
        self,
        name: str,
        target: str | ASGIApp,
        *,
        policy: ClientPolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._policy = policy or ClientPolicy()
        self._circuit = CircuitBreaker(self._policy, clock)
        self._http = _http_client(target, self._policy)
        self._jitter = Random()  # noqa: S311 (spreads retries in time)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def get(
        self,
        path: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Query | None = None,
    ) -> httpx2.Response:
        """Send a GET request; see `request`."""
        return await self.request("GET", path, token=token, headers=headers, params=params)

    async def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Query | None = None,
        json: object = None,
    ) -> httpx2.Response:
        """Send a request and return the answer, whatever its status, other than 502, 503 and 504.

        Args:
            token: access token to act with, usually the caller's.
            headers, params, json: as in httpx2.

        Raises:
            PeerUnavailable: the peer cannot be reached, does not answer in time, or says that it is unavailable.
        """
        sent = {**_context_headers(), **(headers or {})}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        attempts = 1 + (self._policy.retries if method.upper() in _IDEMPOTENT else 0)
        reason = ""
        for attempt in range(attempts):
            if attempt:
                pause = self._policy.backoff_seconds * 2 ** (attempt - 1)
                await anyio.sleep(pause * (0.5 + self._jitter.random()))
            if not self._circuit.let_in():
                raise PeerUnavailable(self.name, "it failed several times in a row and gets a pause")
            request = self._http.build_request(method, path, headers=sent, params=params, json=json)
            try:
                response = await self._http.send(request)
            except httpx2.TransportError as error:
                reason = _reason(error)
            else:
                if response.status_code not in _UNAVAILABLE:
                    self._circuit.succeeded()
                    return response
                reason = f"it answered {response.status_code}"
            self._circuit.failed()
            log.warning("peer_call_failed", peer=self.name, method=method, reason=reason, attempt=attempt + 1)
        raise PeerUnavailable(self.name, reason)


class _InProcessTransport(httpx2.ASGITransport):
    """Makes a failure in the middle of an answer look as it does over HTTP: the connection breaks."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return await super().handle_async_request(request)
        except Exception as error:
            raise httpx2.RemoteProtocolError("the peer failed while it answered", request=request) from error


def _http_client(target: str | ASGIApp, policy: ClientPolicy) -> httpx2.AsyncClient:
    timeout = httpx2.Timeout(policy.answer_seconds, connect=policy.connect_seconds)
    if isinstance(target, str):
        # Proxies of the environment are for the world outside, not for our own services.
        return httpx2.AsyncClient(base_url=target, timeout=timeout, trust_env=False)
    transport = _InProcessTransport(app=target, client=(IN_PROCESS, 0))
    return httpx2.AsyncClient(base_url="http://in-process", transport=transport, timeout=timeout)


def _context_headers() -> dict[str, str]:
    context = current.get()
    if context is None:
        return {}
    headers = {"x-request-id": context.request_id, "traceparent": context.traceparent}
    if context.client is not None and context.client is not IN_PROCESS:
        # Lets the peer count its rate limit by the user's address and not by ours.
        headers["x-forwarded-for"] = context.client
    return headers


def _reason(error: httpx2.TransportError) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return "it did not answer in time"
    if isinstance(error, httpx2.ConnectError):
        return "it cannot be reached"
    return "the connection broke"

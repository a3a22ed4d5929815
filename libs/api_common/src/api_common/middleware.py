"""The one layer around every request.

It does in a single pass what a stack of middlewares would do in many: ids and trace context, access log, metrics,
security headers, body limit, refusal of unknown query parameters, and where settings turn them on, rate limit and CORS.
It is written for speed; each shortcut has its reason beside it. `benchmarks/bench_http.py` holds it to at least 85 % of
bare FastAPI.
"""

import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api_common._line_writer import writer
from api_common._problem_responses import BodyTooLarge, internal_error, problem_response
from api_common._route_index import RouteIndex, template_of
from api_common.context import RequestContext, current, start_request
from api_common.cors import Cors
from api_common.logging import get_logger
from api_common.metrics import RequestMetrics, Series, known_method
from api_common.problems import PayloadTooLarge
from api_common.ratelimit import RateLimit

log = get_logger()

RawHeaders = tuple[tuple[bytes, bytes], ...]

UNMATCHED = "(unmatched)"
"""Route label of requests that no route answers; their paths are anybody's invention and never become labels."""
PROBES = frozenset({"/livez", "/readyz", "/health", "/metrics"})
"""Routes that are asked all the time: logged only when they fail, never limited."""

_CACHE_CONTROL = b"cache-control"
_CONTENT_POLICY = b"content-security-policy"
_PRIVATE = (_CACHE_CONTROL, b"private, no-store")
_NO_CONTENT = (_CONTENT_POLICY, b"default-src 'none'; frame-ancestors 'none'")


def security_headers(*, https: bool) -> RawHeaders:
    """Return the headers that every answer carries."""
    headers = (
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
    )
    # A browser would refuse plain HTTP for a year, so only an installation that is reached by HTTPS says it.
    return (*headers, (b"strict-transport-security", b"max-age=31536000")) if https else headers


class AccessLog(Protocol):
    """How the two halves of an access log line are made."""

    def fixed(self, method: str, route: str, status: int) -> str:
        """Return what is the same for every request of a series; empty when such requests are not logged."""

    def line(self, fixed: str, seconds: float, context: RequestContext) -> str:
        """Return the whole line."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the layer is told by the application's settings."""

    body_limit: int
    body_limits: Mapping[str, int]
    headers: RawHeaders
    access_log: AccessLog
    routes: RouteIndex
    cors: Cors | None = None
    rate_limit: RateLimit | None = None


class RequestLayer:
    """Pure ASGI middleware; see the module's text."""

    def __init__(self, app: ASGIApp, *, options: Options, metrics: RequestMetrics) -> None:
        self.app = app
        self._options = options
        self._metrics = metrics
        self._series = metrics.series
        self._headers = options.headers
        self._log = options.access_log
        self._checks_all = options.cors is not None or options.rate_limit is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; pass everything that is not HTTP on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        # The last of repeated headers wins; building the dictionary in C is faster than any loop over the list.
        headers = dict(scope["headers"])
        client = scope.get("client")
        context = start_request(
            headers.get(b"x-request-id"), headers.get(b"traceparent"), client[0] if client else None
        )
        # Reset at the end, because a call between services of one process runs inside its caller's task.
        token = current.set(context)
        metrics = self._metrics
        metrics.in_progress += 1
        answer = _Answer(send, self._headers, context.request_id.encode())
        method = scope["method"]
        if method == "HEAD":
            # FastAPI routes GET only. The server keeps its own scope, sees HEAD there and leaves the body away.
            scope = {**scope, "method": "GET"}
        try:
            refusal = None
            # Most requests have neither query nor body, and nothing to be refused for.
            if self._checks_all or scope["query_string"] or b"content-length" in headers:
                refusal = await self._refusal(scope, method, headers, answer)
            if refusal is not None:
                # Counts the refusal under the route that it was meant for.
                scope.update(self._options.routes.find(scope)[1])
                await refusal(scope, receive, answer)
            elif b"transfer-encoding" in headers:
                await self.app(scope, self._counted(receive, self._body_limit(scope)), answer)
            else:
                await self.app(scope, receive, answer)
        except ClientDisconnect:
            # Nobody is left to be answered, and nothing is wrong with us: status 499 in the log.
            pass
        except Exception as error:
            if answer.status:
                # The server breaks the connection, so that nobody takes the part for the whole.
                log.error("answer_broken_off", route=_template(scope))
                raise
            response = internal_error(error, path=scope["path"], route=_template(scope))
            await response(scope, receive, answer)
        finally:
            metrics.in_progress -= 1
            self._record(method, _template(scope), answer.status or 499, time.perf_counter() - started, context)
            current.reset(token)

    async def _refusal(
        self, scope: Scope, method: str, headers: dict[bytes, bytes], answer: "_Answer"
    ) -> Response | None:
        """Return the answer to a request that must not reach its route."""
        options = self._options
        if options.cors is not None and (origin := headers.get(b"origin")) is not None:
            answer.headers += options.cors.headers_for(origin)
            if method == "OPTIONS" and b"access-control-request-method" in headers:
                return options.cors.preflight(origin, headers)
        path = scope["path"]
        if options.rate_limit is not None and path not in PROBES:
            limit_headers, refusal = await options.rate_limit.hit(scope)
            answer.headers += limit_headers
            if refusal is not None:
                return problem_response(refusal, path=path)
        length = headers.get(b"content-length")
        if length is not None and length.isdigit() and int(length) > (limit := self._body_limit(scope)):
            detail = f"The body has {int(length)} bytes; the limit is {limit}."
            return problem_response(PayloadTooLarge(detail, limit=limit), path=path)
        if scope["query_string"]:
            unknown = options.routes.check_query(scope)
            if unknown is not None:
                return problem_response(unknown, path=path)
        return None

    def _body_limit(self, scope: Scope) -> int:
        return self._options.body_limits.get(scope["path"], self._options.body_limit)

    def _counted(self, receive: Receive, limit: int) -> Receive:
        """Count a body whose length was not announced; an announced one is held to its length by the server."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise BodyTooLarge(limit)
            return message

        return counted

    def _record(self, method: str, route: str, status: int, seconds: float, context: RequestContext) -> None:
        key = (method, route, status)
        series = self._series.get(key)
        if series is None:
            series = self._new_series(known_method(method), route, status)
        series.observe(seconds)
        if series.line:
            writer.write(self._log.line(series.line, seconds, context))

    def _new_series(self, method: str, route: str, status: int) -> Series:
        line = "" if route in PROBES and status < 400 else self._log.fixed(method, route, status)
        return self._series.setdefault((method, route, status), Series(line))


class _Answer:
    """The way back to the client: adds the headers and remembers the status."""

    __slots__ = ("headers", "request_id", "send", "status")

    def __init__(self, send: Send, headers: RawHeaders, request_id: bytes) -> None:
        self.send = send
        self.headers = headers
        self.request_id = request_id
        self.status = 0

    # Not `async`: handing the server's own awaitable back saves a coroutine for every message.
    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = message.get("headers", ())
            names = [header[0] for header in own]
            headers = [*own, *self.headers, (b"x-request-id", self.request_id)]
            if _CACHE_CONTROL not in names:
                headers.append(_PRIVATE)
            if _CONTENT_POLICY not in names:
                headers.append(_NO_CONTENT)
            message["headers"] = headers
        return self.send(message)


def _template(scope: Scope) -> str:
    """Return the template of the route that answered, as a label."""
    template = template_of(scope)
    if template is not None:
        return template
    # A plain page without parameters, such as /openapi.json, is its own template; a page of a mounted one is not.
    if "endpoint" in scope and not scope.get("path_params") and not scope.get("root_path"):
        path: str = scope["path"]
        return path
    return UNMATCHED

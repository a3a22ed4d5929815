"""Putting services together into one FastAPI application."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from config import ServiceSettings
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp

from api_common import openapi, pages
from api_common._problem_responses import install_handlers
from api_common._route_index import RouteIndex
from api_common.access_log import ConsoleAccessLog, JsonAccessLog, SilentAccessLog
from api_common.cors import Cors
from api_common.errors import ConfigurationError
from api_common.logging import configure_logging, flush_logs
from api_common.metrics import RequestMetrics, make_registry
from api_common.middleware import AccessLog, Options, RequestLayer, security_headers
from api_common.ratelimit import RateLimit
from api_common.saturation import Saturation
from api_common.service import Runtime, Service


class Application(FastAPI):
    """A FastAPI application whose OpenAPI document speaks of problems and whose request layer is the outermost one."""

    def build_middleware_stack(self) -> ASGIApp:
        """Leave out what FastAPI puts around the request layer: that layer answers every exception itself."""
        stack: ASGIApp = super().build_middleware_stack()
        while not isinstance(stack, RequestLayer):
            stack = stack.app  # type: ignore[attr-defined]  # every middleware has it
        return stack

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            self.openapi_schema = openapi.with_problems(super().openapi())
        return self.openapi_schema


class _NoOverrides(dict[Callable[..., Any], Callable[..., Any]]):
    """Refuses FastAPI's `dependency_overrides`, which would have no effect on routes that applications share."""

    def __setitem__(self, dependency: Callable[..., Any], override: Callable[..., Any]) -> None:
        raise ConfigurationError(
            "dependency_overrides cannot reach the routes of services; create the application of a service with other "
            "settings, peers or lifespan instead"
        )


def create_app(
    *services: Service,
    title: str | None = None,
    version: str | None = None,
    summary: str | None = None,
    peers: Mapping[str, ASGIApp] | None = None,
) -> FastAPI:
    """Build one application out of services.

    Several services share one middleware stack, one error format and one OpenAPI document, and reach each other in
    process. What concerns the whole application (logging, CORS, limits) is taken from the settings of the first one.

    Args:
        services: at least one; opened in this order when the application starts, closed in reverse.
        title, version, summary: of the start page and the OpenAPI document; the first service's by default.
        peers: applications of other services that are called in process, for tests.

    Raises:
        ConfigurationError: no service, or two of one name.
        StartupError: the rate limit of the settings cannot be used.
    """
    if not services or len({service.name for service in services}) != len(services):
        raise ConfigurationError("create_app needs at least one service, each of a different name")
    first = services[0]
    settings = first.settings
    configure_logging(level=settings.log_level, form=settings.log_format)
    targets: dict[str, ASGIApp] = dict(peers or {})
    runtimes = {service.name: Runtime(service, targets) for service in services}
    app = Application(
        title=title or first.name,
        version=version or first.version,
        summary=summary or first.summary,
        lifespan=_lifespan(runtimes),
        telemetry=_telemetry(os.environ),
        docs_url=None,
        redoc_url=None,
    )
    targets.update(dict.fromkeys(runtimes, app))
    app.dependency_overrides = _NoOverrides()
    app.state.runtimes = runtimes
    app.state.draining = False
    routes = RouteIndex(app)
    install_handlers(app, routes)
    metrics = RequestMetrics()
    registry = make_registry(metrics, [(service.name, service.version) for service in services])
    registry.register(Saturation(runtimes.values()))
    app.router.routes.insert(0, routes)
    for service in services:
        for router in service.routers:
            # Not included: FastAPI would build each route once more, for every application of a process.
            app.router.routes.extend(router.routes)
    # Last, so that the documentation begins with what the services do.
    pages.add(app, services, registry)
    body_limits = {path: limit for service in services for path, limit in service.body_limits.items()}
    app.add_middleware(RequestLayer, options=_options(settings, routes, body_limits), metrics=metrics)
    return app


def _lifespan(runtimes: Mapping[str, Runtime]) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with AsyncExitStack() as stack:
                for runtime in runtimes.values():
                    await runtime.open(stack)
                yield
        finally:
            flush_logs()

    return lifespan


def _options(settings: ServiceSettings, routes: RouteIndex, body_limits: Mapping[str, int]) -> Options:
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else None
    return Options(
        body_limit=settings.body_limit,
        body_limits=body_limits,
        headers=security_headers(https=settings.public_url.startswith("https://")),
        access_log=_access_log(settings),
        cors=Cors(settings.cors_origins) if settings.cors_origins else None,
        rate_limit=RateLimit(settings.rate_limit, redis_url) if settings.rate_limit else None,
        routes=routes,
    )


def _telemetry(environment: Mapping[str, str]) -> TelemetryConfig:
    """Switch FastAPI's own OpenTelemetry on where the environment asks for it; asking on every request costs 4 µs."""
    wanted = "FASTAPI_OTEL_AUTO_CONFIGURE" in environment or any(name.startswith("OTEL_") for name in environment)
    return TelemetryConfig(tracing=wanted, metrics=wanted, logs=wanted)


def _access_log(settings: ServiceSettings) -> AccessLog:
    log = JsonAccessLog() if settings.log_format == "json" else ConsoleAccessLog()
    return log if settings.log_level in {"debug", "info"} else SilentAccessLog(log)

"""The pages that every application has: start page, probes, metrics, documentation."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, FastAPI, Header, Request, Response
from prometheus_client import CollectorRegistry
from pydantic import BaseModel
from starlette.responses import JSONResponse
from starlette.staticfiles import StaticFiles

from api_common import _html, health
from api_common.metrics import exposition
from api_common.problems import NotFound
from api_common.service import Service

_LINKS = {"docs": "/docs", "openapi": "/openapi.json", "health": "/health", "metrics": "/metrics"}
_LINE_OF_LINK = {
    "openapi": ("OpenAPI document", "Every operation in a form that programs read"),
    "health": ("Health", "Whether every service and what it depends on works"),
    "metrics": ("Metrics", "Counts and durations of requests, for Prometheus"),
}
_ASSETS = {"style": "swagger-ui.css", "script": "swagger-ui-bundle.js"}


class ServiceInfo(BaseModel):
    """One service of the application."""

    name: str
    version: str
    summary: str


class About(BaseModel):
    """What answers here."""

    name: str
    version: str
    services: list[ServiceInfo]
    links: dict[str, str]


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


def add(app: FastAPI, services: Sequence[Service], registry: CollectorRegistry) -> None:
    """Add the pages to an application."""
    app.include_router(_start_router(app, services))
    app.include_router(_probe_router(registry))
    app.include_router(_docs_router(app))


def _start_router(app: FastAPI, services: Sequence[Service]) -> APIRouter:
    router = APIRouter(tags=["about"])
    infos = [ServiceInfo(name=one.name, version=one.version, summary=one.summary) for one in services]
    about = About(name=app.title, version=app.version, services=infos, links=_LINKS)
    html = _start_html(about, app.summary or "")

    @router.get("/", summary="Who am I", response_model=About)
    async def start(accept: Annotated[str, Header()] = "*/*") -> Response:
        if _prefers_html(accept):
            return _html.page(html)
        return JSONResponse(about.model_dump())

    return router


def _probe_router(registry: CollectorRegistry) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/livez", summary="Does the process answer")
    async def livez() -> Alive:
        return Alive()

    @router.get("/readyz", summary="Should requests be sent here", responses={503: {"model": health.Health}})
    async def readyz(request: Request, response: Response) -> health.Health:
        state = request.app.state
        # A service whose peer is down answers which one it misses; nobody would hear that of one that is not asked.
        found = await health.check(state.runtimes.values(), draining=state.draining, peers=False)
        # One service that is down must not take the others of the same process out of rotation.
        response.status_code = 503 if found.status == "down" else 200
        return found

    @router.get("/health", summary="What works and what does not", responses={503: {"model": health.Health}})
    async def show_health(request: Request, response: Response) -> health.Health:
        state = request.app.state
        found = await health.check(state.runtimes.values(), draining=state.draining)
        response.status_code = 200 if found.status == "ok" else 503
        return found

    @router.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
    async def metrics() -> Response:
        text, media_type = exposition(registry)
        return Response(text, headers={"Content-Type": media_type})

    return router


def _docs_router(app: FastAPI) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    # Found without importing the package, which brings Swagger UI's files and an integration that is not used here.
    assets = StaticFiles(packages=[("fastapi_swagger", "resources")])
    html = _html.documentation(
        name=app.title, document="/openapi.json", assets={kind: f"/docs/{file}" for kind, file in _ASSETS.items()}
    )

    @router.get("/docs")
    async def docs() -> Response:
        return _html.page(html)

    @router.get("/docs/{file}")
    async def asset(file: str, request: Request) -> Response:
        if file not in _ASSETS.values():
            raise NotFound(f"The documentation has no file {file!r}; the page itself is /docs.")
        response = await assets.get_response(file, request.scope)
        # Asked again each time, and not sent again while it is the same.
        response.headers["Cache-Control"] = "no-cache"
        return response

    return router


def _prefers_html(accept: str) -> bool:
    """Say whether a browser asks: it lists text/html before any JSON; tools send */* and get JSON."""
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if "text/html" not in kinds:
        return False
    return "application/json" not in kinds or kinds.index("text/html") < kinds.index("application/json")


def _start_html(about: About, summary: str) -> str:
    return _html.start(
        name=about.name,
        version=about.version,
        summary=summary,
        docs=about.links["docs"],
        links=[_html.Item(*line, path=about.links[name]) for name, line in _LINE_OF_LINK.items()],
        services=[_html.Item(one.name, one.summary, version=one.version) for one in about.services],
    )

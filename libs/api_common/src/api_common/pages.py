"""The pages that every application has: start page, probes, metrics, documentation."""

import base64
import hashlib
import re
from collections.abc import Sequence
from html import escape
from typing import Annotated

from fastapi import APIRouter, FastAPI, Header, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from prometheus_client import CollectorRegistry
from pydantic import BaseModel
from starlette.responses import HTMLResponse, JSONResponse

from api_common import health
from api_common.metrics import exposition
from api_common.service import Service

_LINKS = {"docs": "/docs", "openapi": "/openapi.json", "health": "/health", "metrics": "/metrics"}
_CDN = "https://cdn.jsdelivr.net"
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


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

    @router.get("/", summary="Who am I", response_model=About)
    async def start(accept: Annotated[str, Header()] = "*/*") -> Response:
        if _prefers_html(accept):
            return _page(_start_html(about))
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
        found = await health.check(state.runtimes.values(), draining=state.draining)
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

    @router.get("/docs")
    async def docs() -> Response:
        page = get_swagger_ui_html(openapi_url="/openapi.json", title=f"{app.title}: documentation")
        return _page(bytes(page.body).decode())

    return router


def _prefers_html(accept: str) -> bool:
    """Say whether a browser asks: it lists text/html before any JSON; tools send */* and get JSON."""
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if "text/html" not in kinds:
        return False
    return "application/json" not in kinds or kinds.index("text/html") < kinds.index("application/json")


def _page(html: str) -> HTMLResponse:
    """Answer a page with a policy that lets exactly its own inline scripts and the documentation's files run."""
    scripts = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in _INLINE_SCRIPT.findall(html)
    )
    policy = (
        f"default-src 'none'; script-src {_CDN} {scripts}; style-src {_CDN} 'unsafe-inline'; "
        "img-src 'self' data: https://fastapi.tiangolo.com; connect-src 'self'; frame-ancestors 'none'"
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})


def _start_html(about: About) -> str:
    rows = "".join(
        f"<tr><td>{escape(one.name)}</td><td>{escape(one.version)}</td><td>{escape(one.summary)}</td></tr>"
        for one in about.services
    )
    links = " · ".join(f'<a href="{escape(path)}">{escape(name)}</a>' for name, path in about.links.items())
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(about.name)}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
td {{ border-top: 1px solid #ccc; padding: .4rem .8rem .4rem 0; vertical-align: top }}
</style></head>
<body><h1>{escape(about.name)} <small>{escape(about.version)}</small></h1><p>{links}</p>
<table>{rows}</table></body></html>"""

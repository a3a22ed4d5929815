"""Traefik's configuration: static (entry points) and dynamic (routers, services, middlewares).

Reads are repeated when a service does not answer; writes never are. While a route migrates, its old path is rewritten
on an inner entry point, because Traefik chooses between two backends only after it has rewritten a path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from api_gateway.edge.migration import Migration, Route, Target

_READS = "(Method(`GET`) || Method(`HEAD`) || Method(`OPTIONS`))"
_PUBLIC_PAGES = "(Path(`{0}/health`) || Path(`{0}/docs`) || PathPrefix(`{0}/docs/`) || Path(`{0}/openapi.json`))"
_LEGACY = "legacy"
# Headers and paths that a backend could read as others than the front door did.
_STRICT = {
    "aliasHeadersStrategy": "delete",
    "encodedCharacters": {
        "allowEncodedSlash": False,
        "allowEncodedBackSlash": False,
        "allowEncodedNullCharacter": False,
    },
}
# A path may hold what somebody searched for; the router's name says which service was asked.
_LOGGED = {"headers": {"defaultMode": "drop"}, "names": {"RequestPath": "drop", "RequestLine": "drop"}}
# Else Traefik counts for each name of the host, which a client makes up. No request has passed so many proxies: all
# have no address, and are counted together.
_EVERYBODY = {"ipStrategy": {"depth": 1000}}
_STICKY = "purser_route"

Configuration = dict[str, Any]


@dataclass(frozen=True)
class Backend:
    """A service behind the front door: its name, where its replicas listen, and the paths below which it answers."""

    name: str
    urls: tuple[str, ...]
    prefixes: tuple[str, ...]


@dataclass(frozen=True)
class EdgeSettings:
    """How the front door listens and what it allows; times in seconds."""

    listen: str = "127.0.0.1:8000"
    inner: str = "127.0.0.1:8099"
    tls_listen: str | None = None
    certificate: str | None = None
    key: str | None = None
    requests_at_once: int = 200
    requests_at_once_per_address: int = 100
    connect_seconds: int = 3
    answer_seconds: int = 300
    trusted_proxies: tuple[str, ...] = ()
    access_log: bool = True

    @property
    def inner_url(self) -> str:
        """Where Traefik reaches its own inner entry point."""
        host, _, port = self.inner.rpartition(":")
        return f"http://{host or '127.0.0.1'}:{port}"


def static(settings: EdgeSettings, dynamic_file: str) -> Configuration:
    """Give the static configuration, which reads the dynamic one from a file and follows its changes."""
    points: Configuration = {"web": _entry_point(settings.listen, settings), "inner": {"address": settings.inner}}
    points["inner"]["http"] = dict(_STRICT)
    if settings.tls_listen is not None:
        points["websecure"] = _entry_point(settings.tls_listen, settings, tls={})
        points["web"]["http"]["redirections"] = {"entryPoint": {"to": "websecure", "scheme": "https"}}
    logged = {"accessLog": {"format": "json", "fields": _LOGGED}}
    return {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "entryPoints": points,
        "providers": {"file": {"filename": dynamic_file, "watch": True}},
        "ping": {"entryPoint": "inner"},
        "metrics": {"prometheus": {"entryPoint": "inner", "addRoutersLabels": True}},
        "log": {"level": "WARN"},
        **(logged if settings.access_log else {}),
    }


def _entry_point(address: str, settings: EdgeSettings, **http: object) -> Configuration:
    point: Configuration = {
        "address": address,
        "http": {**_STRICT, **http},
        "transport": {"respondingTimeouts": {"readTimeout": "300s", "idleTimeout": "90s"}},
    }
    if settings.trusted_proxies:
        point["forwardedHeaders"] = {"trustedIPs": list(settings.trusted_proxies)}
    return point


def dynamic(backends: Sequence[Backend], settings: EdgeSettings, migration: Migration | None = None) -> Configuration:
    """Give the dynamic configuration of the services, and of a migration where there is one."""
    routes = {route.path: route for route in migration.routes} if migration else {}
    built = _Built(settings)
    for backend in backends:
        built.add_backend(backend)
        kept = [prefix for prefix in backend.prefixes if prefix not in routes]
        if kept:
            built.add_routers(backend.name, _below(kept), backend.name)
    for route in routes.values():
        built.add_route(route)
    if migration is not None:
        built.add_legacy(migration.legacy)
    return built.configuration()


class _Built:
    """The dynamic configuration while it grows."""

    def __init__(self, settings: EdgeSettings) -> None:
        self._settings = settings
        self._points = ["websecure"] if settings.tls_listen else ["web"]
        self._routers: Configuration = {}
        self._services: Configuration = {}
        self._middlewares: Configuration = {
            # 502 is Traefik's own word for a service that hung up; without it only a refused connection is tried again.
            "again": {"retry": {"attempts": 3, "initialInterval": "100ms", "status": ["502"]}},
            "limit": {"inFlightReq": {"amount": settings.requests_at_once, "sourceCriterion": _EVERYBODY}},
            # Nobody takes all places alone; a subscriber has a whole /64 of IPv6 to himself.
            "limit-per-address": {
                "inFlightReq": {
                    "amount": settings.requests_at_once_per_address,
                    "sourceCriterion": {"ipStrategy": _client_address(settings)},
                }
            },
        }

    def configuration(self) -> Configuration:
        """The whole."""
        timeouts = {
            "dialTimeout": f"{self._settings.connect_seconds}s",
            "responseHeaderTimeout": f"{self._settings.answer_seconds}s",
            "idleConnTimeout": "90s",
        }
        http: Configuration = {
            "routers": self._routers,
            "services": self._services,
            "middlewares": self._middlewares,
            "serversTransports": {"services": {"forwardingTimeouts": timeouts}},
        }
        found: Configuration = {"http": http}
        if self._settings.certificate and self._settings.key:
            pair = {"certFile": self._settings.certificate, "keyFile": self._settings.key}
            found["tls"] = {"certificates": [pair], "options": {"default": {"minVersion": "VersionTLS12"}}}
        return found

    def add_backend(self, backend: Backend) -> None:
        """A service with its replicas, and its pages for people below /services/<name>."""
        self._services[backend.name] = {
            "loadBalancer": {
                "servers": [{"url": url} for url in backend.urls],
                "healthCheck": {"path": "/readyz", "interval": "5s", "timeout": "3s"},
                "serversTransport": "services",
            }
        }
        base = f"/services/{backend.name}"
        self._middlewares[f"{backend.name}-pages"] = {"stripPrefix": {"prefixes": [base]}}
        self._router(
            f"{backend.name}-pages", _PUBLIC_PAGES.format(base), backend.name, middlewares=[f"{backend.name}-pages"]
        )

    def add_legacy(self, url: str) -> None:
        """The legacy application, which gets what nobody else takes."""
        self._services[_LEGACY] = {"loadBalancer": {"servers": [{"url": url}], "passHostHeader": True}}
        self._router(_LEGACY, "PathPrefix(`/`)", _LEGACY, priority=1)

    def add_routers(self, name: str, rule: str, service: str, middlewares: Sequence[str] = ()) -> None:
        """A router for reads, which are repeated, and one for everything else."""
        self._router(f"{name}-reads", f"{rule} && {_READS}", service, middlewares=[*middlewares, "again"])
        self._router(name, rule, service, middlewares=middlewares)

    def add_route(self, route: Route) -> None:
        """A route on its way from the legacy application to a service, under its new path and its old one."""
        name = re.sub(r"\W+", "-", route.path).strip("-")
        if route.old_path is None:
            self._share(name, _below([route.path]), route, route.service, route.path)
            return
        # Whoever asks for the new path asks for the service.
        self.add_routers(f"{name}-new", _below([route.path]), route.service)
        rewritten = f"{name}-rewritten"
        self._middlewares[rewritten] = {
            "replacePathRegex": {"regex": f"^{re.escape(route.old_path)}(/.*)?$", "replacement": f"{route.path}$1"}
        }
        told = f"{name}-told"
        self._middlewares[told] = {"headers": {"customResponseHeaders": _notices(route)}}
        self._services[rewritten] = {"loadBalancer": {"servers": [{"url": self._settings.inner_url}]}}
        old = _below([route.old_path])
        self._router(rewritten, old, route.service, middlewares=[rewritten, told], points=["inner"])
        self._share(name, old, route, rewritten, route.old_path)

    def _share(self, name: str, rule: str, route: Route, service: str, path: str) -> None:
        """Give a path to the legacy application, to the service, or to both."""
        match route.target:
            case Target.LEGACY:
                chosen = _LEGACY
            case Target.SERVICE:
                chosen = service
            case Target.WEIGHTED:
                chosen = f"{name}-weighted"
                shares = [{"name": _LEGACY, "weight": 100 - route.weight}, {"name": service, "weight": route.weight}]
                cookie = {"name": _STICKY, "path": path, "httpOnly": True, "sameSite": "lax"}
                self._services[chosen] = {"weighted": {"services": shares, "sticky": {"cookie": cookie}}}
            case Target.MIRROR:
                chosen = f"{name}-mirror"
                mirrors = [{"name": service, "percent": route.weight}]
                self._services[chosen] = {"mirroring": {"service": _LEGACY, "mirrors": mirrors}}
        self._router(name, rule, chosen)

    def _router(
        self,
        name: str,
        rule: str,
        service: str,
        *,
        middlewares: Sequence[str] = (),
        points: Sequence[str] | None = None,
        priority: int | None = None,
    ) -> None:
        inner = points is not None
        router: Configuration = {
            "rule": rule,
            "service": service,
            "entryPoints": list(points or self._points),
            "middlewares": [*([] if inner else ["limit", "limit-per-address"]), *middlewares],
        }
        self._routers[name] = router | ({"priority": priority} if priority is not None else {})


def _client_address(settings: EdgeSettings) -> Configuration:
    """How a client is told: by the last address that none of our proxies has, or by the connection's."""
    behind = {"excludedIPs": list(settings.trusted_proxies)} if settings.trusted_proxies else {}
    return {"ipv6Subnet": 64, **behind}


def _below(prefixes: Sequence[str]) -> str:
    """The rule that fits these paths and everything below them, and no longer name that begins alike."""
    return "(" + " || ".join(f"Path(`{prefix}`) || PathPrefix(`{prefix}/`)" for prefix in prefixes) + ")"


def _notices(route: Route) -> Mapping[str, str]:
    """The headers that tell a client of an old path: RFC 9745 (Deprecation), RFC 8594 (Sunset), and where to go."""
    notices = {"Link": f'<{route.path}>; rel="successor-version"'}
    if route.deprecated is not None:
        notices["Deprecation"] = f"@{int(_midnight(route.deprecated).timestamp())}"
    if route.sunset is not None:
        notices["Sunset"] = _midnight(route.sunset).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return notices


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)

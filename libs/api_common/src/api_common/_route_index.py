"""Finding the route of a request without trying all of them.

FastAPI keeps included routers as a tree and tries one route after the other, twice. With the routes of several services
that takes longer than answering. This index stands before them: a dictionary for paths without parameters, and short
lists by the first two segments for the rest. Whatever it does not find is left to FastAPI, so 404, 405 and redirects
are its own; so are plain routes, mounted applications, and all routes that come after one of these.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from starlette.convertors import Convertor
from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from api_common.problems import FieldError, InvalidInput


class IndexedRoute(Protocol):
    """What a route of the application itself and one of an included router, with all that it inherits, both have."""

    app: ASGIApp
    endpoint: Callable[..., object]
    path_format: str
    path_regex: re.Pattern[str]
    param_convertors: Mapping[str, Convertor[Any]]
    methods: set[str]
    dependant: Dependant
    openapi_extra: Mapping[str, Any] | None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Compare the path and the method of a request."""


class UnknownParameter(InvalidInput):
    """422: a query parameter that the route does not have; a misspelt filter must not silently give everything."""

    code = "unknown_parameter"
    title = "There is no such query parameter"


class RouteIndex(BaseRoute):
    """A route that stands for all API routes of an application; must be the first one.

    It is filled by the first request, when all routes are there.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._is_filled = False
        self._static: dict[tuple[str, str], IndexedRoute] = {}
        self._dynamic: dict[tuple[str, ...], list[IndexedRoute]] = {}
        self._anywhere: list[IndexedRoute] = []
        self._routes: list[IndexedRoute] = []
        self._left_out: set[str] = set()
        self._parameters: dict[int, frozenset[str]] = {}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Find the route of a request."""
        # OpenTelemetry learns the route's template from FastAPI's own routing only.
        if scope["type"] != "http" or "fastapi.telemetry" in scope or scope.get("root_path"):
            return Match.NONE, {}
        return self.find(scope)

    def find(self, scope: Scope) -> tuple[Match, Scope]:
        """Find the route of a request, without having it answer."""
        if not self._is_filled:
            self._fill()
        static = self._static.get((scope["method"], scope["path"]))
        if static is not None:
            return Match.FULL, {"endpoint": static.endpoint, "path_params": {}, "route": static}
        if scope["path"] in self._left_out:
            return Match.NONE, {}
        for route in self._candidates(scope["method"], scope["path"]):
            match, child_scope = route.matches(scope)
            if match is Match.FULL:
                child_scope["route"] = route
                return match, child_scope
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route that was found answer."""
        route: IndexedRoute = scope["route"]
        await route.app(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: object) -> URLPath:
        """Leave addresses to the routes themselves."""
        raise NoMatchFound(name, path_params)

    def check_query(self, scope: Scope) -> UnknownParameter | None:
        """Return the problem of a query that names a parameter which the route does not have."""
        match, found = self.find(scope)
        if match is not Match.FULL:
            return None
        route: IndexedRoute = found["route"]
        known = self._known_parameters(route)
        names = [name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)]
        unknown = [name for name in dict.fromkeys(names) if name not in known]
        if not unknown:
            return None
        listed = ", ".join(sorted(known)) or "none"
        return UnknownParameter(
            f"Unknown query parameter {', '.join(unknown)}; {route.path_format} knows: {listed}.",
            errors=[
                FieldError(pointer=f"/query/{name}", detail=f"Known: {listed}.", code="unknown") for name in unknown
            ],
        )

    def methods_of(self, path: str) -> set[str]:
        """Return the methods that a path takes, whichever routes they belong to."""
        if not self._is_filled:
            self._fill()
        return {method for route in self._routes if route.path_regex.match(path) for method in route.methods}

    def _candidates(self, method: str, path: str) -> Sequence[IndexedRoute]:
        """Return the few routes with parameters that may answer, in their order."""
        return self._dynamic.get((method, *path.split("/", 3)[1:3]), self._anywhere)

    def _fill(self) -> None:
        for context in iter_route_contexts(self._app.routes):
            route = context.original_route
            if isinstance(route, APIRoute):
                # The context of a route that is not included speaks for the route itself, only slower.
                self._routes.append(cast(IndexedRoute, route if context.app is route.app else context))
            elif isinstance(route, Route) and not context.param_convertors:
                self._left_out.add(context.path or "")
            elif not isinstance(route, WebSocketRoute | RouteIndex):
                # A mounted application may answer what a later route would, so those that follow keep their turn.
                break
        for indexed in self._routes:
            for method in indexed.methods:
                self._add(indexed, method)
        self._anywhere = [route for route in self._routes if route.param_convertors and _start(route) is None]
        self._is_filled = True

    def _add(self, route: IndexedRoute, method: str) -> None:
        allowed = [one for one in self._routes if method in one.methods]
        if not route.param_convertors:
            # The first match wins, so a parameter of an earlier route may take this path.
            first = next(one for one in allowed if one.path_regex.match(route.path_format))
            if not first.param_convertors and route.path_format not in self._left_out:
                self._static[method, route.path_format] = first
        elif (start := _start(route)) is not None:
            self._dynamic[method, *start] = [
                one for one in allowed if one.param_convertors and _start(one) in {start, None}
            ]

    def _known_parameters(self, route: IndexedRoute) -> frozenset[str]:
        # By identity: routes compare by value, and are not hashable.
        if id(route) not in self._parameters:
            names = _query_names(route.dependant)
            by_hand = (route.openapi_extra or {}).get("parameters", [])
            names |= {parameter["name"] for parameter in by_hand if parameter.get("in") == "query"}
            self._parameters[id(route)] = frozenset(names)
        return self._parameters[id(route)]


def template_of(scope: Scope) -> str | None:
    """Return the path of the route that was found for a request, with its parameters in braces; None for a page."""
    # FastAPI's own finding in an included router, which has the prefix that the route itself lacks.
    context = scope.get("fastapi", {}).get("effective_route_context")
    if context is not None and context.starlette_route is not None:
        context = context.starlette_route
    found = context or scope.get("route")
    template: str | None = getattr(found, "path_format", None)
    return template


def _query_names(dependant: Dependant) -> set[str]:
    """Return the query parameters of a route and of all that it depends on."""
    names: set[str] = set()
    for param in dependant.query_params:
        annotation = param.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            names |= {info.alias or name for name, info in annotation.model_fields.items()}
        else:
            names.add(param.alias)
    return names.union(*(_query_names(inner) for inner in dependant.dependencies))


def _start(route: IndexedRoute) -> tuple[str, ...] | None:
    """Return the first two segments of a route, or None where one of them is a parameter or is missing."""
    segments = route.path_format.split("/", 3)[1:3]
    return tuple(segments) if len(segments) == 2 and not any("{" in segment for segment in segments) else None

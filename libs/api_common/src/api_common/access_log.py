"""Access log lines, put together from a part that is made once per series and a part per request."""

import time

import orjson

from api_common.context import RequestContext


class JsonAccessLog:
    """One JSON object per request; holds the route's template and never its path or query."""

    def __init__(self) -> None:
        self._clock = _Clock()

    def fixed(self, method: str, route: str, status: int) -> str:
        """Return the members that are the same for all requests of a series."""
        level = "error" if status >= 500 else "info"
        members = {"level": level, "event": "request", "method": method, "route": route, "status": status}
        return orjson.dumps(members).decode()[1:-1]

    def line(self, fixed: str, seconds: float, context: RequestContext) -> str:
        """Return the whole line."""
        # The ids were checked to hold no character that JSON would escape.
        return (
            f'{{"timestamp":"{self._clock.stamp()}",{fixed},"duration_ms":{seconds * 1000:.3f},'
            f'"request_id":"{context.request_id}","trace_id":"{context.trace_id}"}}'
        )


class ConsoleAccessLog:
    """One short line per request for a developer."""

    def __init__(self) -> None:
        self._clock = _Clock()

    def fixed(self, method: str, route: str, status: int) -> str:
        """Return the part that is the same for all requests of a series."""
        return f"{method:6} {route} {status}"

    def line(self, fixed: str, seconds: float, context: RequestContext) -> str:
        """Return the whole line."""
        return f"{self._clock.stamp()} [request  ] {fixed} in {seconds * 1000:.1f} ms  {context.request_id}"


class SilentAccessLog:
    """Logs server errors only, for log levels above info."""

    def __init__(self, inner: JsonAccessLog | ConsoleAccessLog) -> None:
        self._inner = inner

    def fixed(self, method: str, route: str, status: int) -> str:
        """Return nothing for requests that went well."""
        return self._inner.fixed(method, route, status) if status >= 500 else ""

    def line(self, fixed: str, seconds: float, context: RequestContext) -> str:
        """Return the whole line."""
        return self._inner.line(fixed, seconds, context)


class _Clock:
    """UTC time stamps; the part down to the second is formatted once per second."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def stamp(self) -> str:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._text}.{int((now - second) * 1000):03d}Z"

"""Cross-origin requests: which web pages of other origins may call the API, from settings."""

from collections.abc import Iterable, Mapping

from starlette.responses import Response

_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_EXPOSED = b"ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
_VARY = (b"vary", b"Origin")


class Cors:
    """The answers to questions of browsers; tokens travel in a header, so cookies are never allowed."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origin.rstrip("/").encode("latin-1") for origin in origins)
        self._any = b"*" in self._origins

    def headers_for(self, origin: bytes) -> tuple[tuple[bytes, bytes], ...]:
        """Return the headers that let a page of this origin read the answer."""
        if not self._allows(origin):
            return (_VARY,)
        return (
            (b"access-control-allow-origin", b"*" if self._any else origin),
            (b"access-control-expose-headers", _EXPOSED),
            _VARY,
        )

    def preflight(self, origin: bytes, headers: Mapping[bytes, bytes]) -> Response:
        """Answer the browser's question before a request; without permission the browser then refuses it."""
        response = Response(status_code=204)
        if self._allows(origin):
            response.raw_headers += [
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", headers.get(b"access-control-request-headers", b"authorization")),
                (b"access-control-max-age", b"600"),
            ]
        return response

    def _allows(self, origin: bytes) -> bool:
        return self._any or origin in self._origins

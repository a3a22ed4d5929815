"""The request that is being answered, for logs, problems and calls to other services."""

import re
from contextvars import ContextVar
from dataclasses import dataclass
from random import Random

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_TRACE_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_ZERO_TRACE = "0" * 32
_ZERO_SPAN = "0" * 16


@dataclass(slots=True)
class RequestContext:
    """Ids of one request.

    Attributes:
        request_id: the caller's ``X-Request-ID`` where it is well formed, else the trace id.
        trace_id: 32 hex digits, from the caller's ``traceparent`` or drawn here.
        span_id: 16 hex digits of our own part of the trace.
        flags: the two trace flag digits; ``01`` means that the caller records the trace.
        client: the network address of the caller, if known.
    """

    # Not frozen: that would make it four times as slow, for every request.
    request_id: str
    trace_id: str
    span_id: str
    flags: str
    client: str | None

    @property
    def traceparent(self) -> str:
        """The W3C header that makes a call to another service part of this trace."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


current: ContextVar[RequestContext | None] = ContextVar("purser_request", default=None)


def current_request() -> RequestContext | None:
    """Return the request that is being answered, or None outside of one."""
    return current.get()


# Ids tell requests apart and are no secret, so the fast generator does; it is seeded from the system.
_draw = Random().getrandbits  # noqa: S311


def start_request(request_id: bytes | None, traceparent: bytes | None, client: str | None) -> RequestContext:
    """Make the context of a request from its headers; a malformed header counts as missing."""
    drawn = f"{_draw(192):048x}"
    span_id = drawn[32:]
    trace_id, flags = drawn[:32], "00"
    if traceparent is not None and (parent := _parse(traceparent)):
        trace_id, flags = parent
    if request_id is not None and _REQUEST_ID.fullmatch(request_id):
        return RequestContext(request_id.decode("ascii"), trace_id, span_id, flags, client)
    return RequestContext(trace_id, trace_id, span_id, flags, client)


def _parse(header: bytes) -> tuple[str, str] | None:
    match = _TRACE_PARENT.fullmatch(header)
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = (part.decode("ascii") if part else "" for part in match.groups())
    # Version 00 has exactly four parts; later versions may append more.
    if version == "ff" or (version == "00" and rest) or trace_id == _ZERO_TRACE or span_id == _ZERO_SPAN:
        return None
    return trace_id, flags

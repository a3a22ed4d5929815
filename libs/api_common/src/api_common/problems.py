"""Problems: every error that a client sees, as RFC 9457 ``application/problem+json``.

A service names its own by subclassing, and raises them anywhere below its routes:

    class AccountNotFound(NotFound):
        code = "account_not_found"
        title = "There is no such account"

    raise AccountNotFound(f"Account {account_id} does not exist or is not yours.")

A route declares what it may raise with ``responses=responses(AccountNotFound)``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypedDict

MEDIA_TYPE = "application/problem+json"
SCHEMA_NAME = "Problem"


class FieldError(TypedDict):
    """One wrong field: a JSON pointer such as ``/body/amount``, what is wrong with it, and a stable code."""

    pointer: str
    detail: str
    code: str


class Problem(Exception):  # noqa: N818 (a problem is the standard's word)
    """An error with an HTTP status, a stable code for programs and a detail for people.

    Args:
        detail: what happened to what, and the way out; shown to the client, so never holds internals.
        errors: the single fields that are wrong.
        headers: further headers of the answer.
        extensions: further members of the document; values must be JSON.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extensions: object,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extensions = extensions

    def document(self, *, instance: str, trace_id: str) -> dict[str, object]:
        """Return the members of the problem document for one request."""
        document: dict[str, object] = {
            "type": f"urn:purser:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "instance": instance,
            "trace_id": trace_id,
        }
        if self.errors:
            document["errors"] = list(self.errors)
        return {**self.extensions, **document}


class BadRequest(Problem):
    """400: the request cannot be understood."""

    status = 400
    code = "bad_request"
    title = "The request cannot be understood"


class Unauthorized(Problem):
    """401: no token, or one that is not accepted; always names the scheme in ``WWW-Authenticate``."""

    status = 401
    code = "unauthorized"
    title = "Log in first"

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extensions: object,
    ) -> None:
        super().__init__(detail, errors=errors, headers={"WWW-Authenticate": "Bearer", **(headers or {})}, **extensions)


class Forbidden(Problem):
    """403: known, but not allowed."""

    status = 403
    code = "forbidden"
    title = "That is not allowed"


class NotFound(Problem):
    """404: there is no such thing, or it is somebody else's."""

    status = 404
    code = "not_found"
    title = "There is no such thing"


class MethodNotAllowed(Problem):
    """405: the path exists, but not for this method."""

    status = 405
    code = "method_not_allowed"
    title = "The method is not allowed here"


class NotAcceptable(Problem):
    """406: none of the media types that the client accepts can be given."""

    status = 406
    code = "not_acceptable"
    title = "None of the accepted media types can be given"


class Conflict(Problem):
    """409: the request contradicts the present state."""

    status = 409
    code = "conflict"
    title = "The request contradicts the present state"


class PreconditionFailed(Problem):
    """412: the thing has changed since the client read it."""

    status = 412
    code = "precondition_failed"
    title = "It has changed in the meantime"


class PayloadTooLarge(Problem):
    """413: the body is larger than the limit."""

    status = 413
    code = "payload_too_large"
    title = "The body is too large"


class UnsupportedMediaType(Problem):
    """415: the body is of a kind that is not read here."""

    status = 415
    code = "unsupported_media_type"
    title = "The body's media type is not supported"


class InvalidInput(Problem):
    """422: the request is well formed, and wrong in what it says."""

    status = 422
    code = "invalid_request"
    title = "The request is not valid"


class PreconditionRequired(Problem):
    """428: a change must say which version it changes."""

    status = 428
    code = "precondition_required"
    title = "Say which version you change"


class TooManyRequests(Problem):
    """429: too many requests; ``retry_after`` seconds later one is welcome again."""

    status = 429
    code = "too_many_requests"
    title = "Too many requests"

    def __init__(
        self,
        detail: str,
        *,
        retry_after: int,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extensions: object,
    ) -> None:
        super().__init__(
            detail, errors=errors, headers={"Retry-After": str(retry_after), **(headers or {})}, **extensions
        )
        self.retry_after = retry_after


class InternalError(Problem):
    """500: a fault of ours; says nothing about its cause, which is in the log under the same trace id."""


class ServiceUnavailable(Problem):
    """503: something that is needed does not answer just now."""

    status = 503
    code = "service_unavailable"
    title = "Temporarily not available"


class InsufficientStorage(Problem):
    """507: the disk is full or not writable; nothing was stored."""

    status = 507
    code = "insufficient_storage"
    title = "There is no room to store that"


def responses(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """Build the ``responses=`` of a route that may raise these problems, for the OpenAPI document.

    Problems of one status share an entry and appear as its examples by code.
    """
    entries: dict[int | str, dict[str, Any]] = {}
    for problem in problems:
        entry = entries.setdefault(
            problem.status,
            {
                "description": problem.title,
                "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{SCHEMA_NAME}"}, "examples": {}}},
            },
        )
        example = {"type": f"urn:purser:problem:{problem.code}", "title": problem.title, "status": problem.status}
        entry["content"][MEDIA_TYPE]["examples"][problem.code] = {
            "summary": problem.title,
            "value": {**example, "code": problem.code},
        }
    return entries


SCHEMA: Mapping[str, Any] = {
    "title": SCHEMA_NAME,
    "description": "RFC 9457 problem details.",
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "instance", "trace_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "urn:purser:problem:<code>"},
        "title": {"type": "string", "description": "What kind of problem it is, for people."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "code": {"type": "string", "description": "What kind of problem it is, for programs; stable."},
        "detail": {"type": "string", "description": "What happened here, and the way out."},
        "instance": {"type": "string", "description": "The path of the request."},
        "trace_id": {"type": "string", "description": "Finds this request in the logs."},
        "errors": {
            "type": "array",
            "description": "The single fields that are wrong.",
            "items": {
                "type": "object",
                "required": ["pointer", "detail", "code"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer such as /body/amount."},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
    },
}
"""JSON schema of a problem document; members of single problems come on top."""

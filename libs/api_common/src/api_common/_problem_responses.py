"""Turning exceptions into problem answers."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api_common._route_index import RouteIndex
from api_common.context import current
from api_common.logging import get_logger
from api_common.problems import (
    MEDIA_TYPE,
    BadRequest,
    FieldError,
    InternalError,
    InvalidInput,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    Problem,
    UnsupportedMediaType,
)

log = get_logger()

_BY_STATUS: Mapping[int, type[Problem]] = {
    problem.status: problem
    for problem in (BadRequest, NotFound, MethodNotAllowed, PayloadTooLarge, UnsupportedMediaType)
}


class BodyTooLarge(HTTPException):
    """A streamed body passed the limit; an HTTPException because FastAPI hides any other while it reads a body."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"The body is larger than the limit of {limit} bytes.")


def problem_response(problem: Problem, *, path: str) -> Response:
    """Render a problem for the request that is being answered."""
    context = current.get()
    document = problem.document(instance=path, trace_id=context.trace_id if context else "")
    return Response(
        orjson.dumps(document, default=str),
        status_code=problem.status,
        headers={"Cache-Control": "no-store", **problem.headers},
        media_type=MEDIA_TYPE,
    )


def internal_error(error: Exception, *, path: str, route: str) -> Response:
    """Log an exception that nobody foresaw and answer 500 without a word about its cause."""
    log.error("unhandled_error", route=route, exc_info=error)
    detail = "The request failed because of a fault on our side. Its trace id finds the cause in the log."
    return problem_response(InternalError(detail), path=path)


def install_handlers(app: FastAPI, routes: RouteIndex) -> None:
    """Make every error of an application's routes a problem."""

    async def on_http_exception(request: Request, error: HTTPException) -> Response:
        return problem_response(_from_http_exception(request, error, routes), path=request.url.path)

    app.exception_handler(Problem)(_on_problem)
    app.exception_handler(RequestValidationError)(_on_invalid_request)
    app.exception_handler(HTTPException)(on_http_exception)


async def _on_problem(request: Request, problem: Problem) -> Response:
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("problem", code=problem.code, status=problem.status)
    return problem_response(problem, path=request.url.path)


def _from_http_exception(request: Request, error: HTTPException, routes: RouteIndex) -> Problem:
    path, method = request.url.path, request.method
    headers = dict(error.headers or {})
    match error.status_code:
        case 404 if error.detail == HTTPStatus.NOT_FOUND.phrase:
            return NotFound(f"Nothing answers at {path}; /docs lists what does.", headers=headers)
        case 405:
            # Starlette names the methods of the first route that has this path, and others may have it too.
            allowed = {*filter(None, headers.get("Allow", "").split(", ")), *routes.methods_of(path)}
            # HEAD is answered wherever GET is.
            headers["Allow"] = ", ".join(sorted(allowed | ({"HEAD"} if "GET" in allowed else set())))
            return MethodNotAllowed(f"{method} is not allowed at {path}; allowed: {headers['Allow']}.", headers=headers)
        case status if kind := _BY_STATUS.get(status):
            return kind(str(error.detail), headers=headers)
    return _ad_hoc(error)


def _ad_hoc(error: HTTPException) -> Problem:
    phrase = HTTPStatus(error.status_code).phrase
    kind = type(
        "HttpProblem",
        (Problem,),
        {"status": error.status_code, "code": phrase.lower().replace(" ", "_"), "title": phrase},
    )
    problem: Problem = kind(str(error.detail), headers=error.headers)
    return problem


async def _on_invalid_request(request: Request, error: RequestValidationError) -> Response:
    return problem_response(_from_validation(error.errors()), path=request.url.path)


class MalformedJson(BadRequest):
    """400: the body says that it is JSON and is not."""

    code = "malformed_json"
    title = "The body is not JSON"


def _from_validation(errors: Sequence[Mapping[str, Any]]) -> Problem:
    for error in errors:
        if error["type"] == "json_invalid":
            position = error["loc"][-1]
            reason = error.get("ctx", {}).get("error", "syntax error")
            return MalformedJson(f"The body is not valid JSON: {reason} at character {position}.")
    fields = [_field_error(error) for error in errors]
    summary = "; ".join(f"{field['pointer']}: {field['detail']}" for field in fields[:3])
    more = f" (and {len(fields) - 3} more)" if len(fields) > 3 else ""
    return InvalidInput(f"{summary}{more}", errors=fields)


def _field_error(error: Mapping[str, Any]) -> FieldError:
    # The wrong value itself is left out: it may be a password.
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in error["loc"])
    detail = str(error["msg"]).removeprefix("Value error, ")
    return FieldError(pointer=pointer, detail=detail, code=str(error["type"]))

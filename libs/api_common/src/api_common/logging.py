"""Structured logs: one event per line with its fields, the request's ids bound to it.

    log = get_logger()
    log.info("import_booked", rows=162)

JSON for machines, coloured lines for a developer. What other libraries log arrives in the same form. Amounts, names,
tokens and addresses of users never go into a log.
"""

import logging
import re
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any, Literal, TextIO, cast

import orjson
import structlog
from fastapi.exceptions import ValidationException
from pydantic import ValidationError
from structlog.typing import ExcInfo, FilteringBoundLogger, Processor

from api_common._line_writer import writer
from api_common.context import current

Level = Literal["debug", "info", "warning", "error"]
_SECRET_FIELDS = frozenset({"password", "token", "access_token", "refresh_token", "authorization", "secret", "cookie"})


def get_logger() -> FilteringBoundLogger:
    """Return the logger; it is configured when the first application is created."""
    return cast(FilteringBoundLogger, structlog.get_logger())


def flush_logs() -> None:
    """Write the lines that are still in memory."""
    writer.flush()


def configure_logging(*, level: Level, form: Literal["console", "json"]) -> None:
    """Set up logging for the process; the last call wins."""
    threshold = getattr(logging, level.upper())
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        _bind_request,
        _hide_secrets,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending: list[Processor]
    if form == "json":
        ending = [structlog.processors.ExceptionRenderer(_traceback), _render_json]
    else:
        ending = [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=_print_traceback)]
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_: _WriterLogger(),
        # A cached logger would keep the level of the first application for ever; tests make many.
        cache_logger_on_first_use=False,
    )
    handler = _WriterHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    root.handlers = [other for other in root.handlers if not isinstance(other, _WriterHandler)] + [handler]
    root.setLevel(max(threshold, logging.WARNING))
    # The access log is ours, with route templates instead of paths.
    logging.getLogger("uvicorn.access").disabled = True


class _WriterLogger:
    """Hands rendered events to the writer thread."""

    def msg(self, line: str) -> None:
        writer.write(line)

    debug = info = warning = error = critical = log = msg


class _WriterHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        writer.write(self.format(record))


def _traceback(exc_info: ExcInfo) -> str:
    """Give the traceback without what a refused value looked like: it may be an amount, a name or a password."""
    text = "".join(traceback.format_exception(*exc_info)).rstrip()
    for error in _related(exc_info[1]):
        # PostgreSQL tells the whole row that a constraint refuses.
        row = getattr(getattr(error, "diag", None), "message_detail", None)
        if row:
            text = _replaced(text, row, "(hidden)")
        if isinstance(error, ValidationError | ValidationException):
            places = (".".join(str(part) for part in found["loc"]) for found in error.errors())
            text = _replaced(text, str(error), f"wrong: {', '.join(places)}")
    return text


def _related(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error, those that led to it, and those of a group."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _related(member)
        error = error.__cause__ or error.__context__


def _replaced(text: str, values: str, instead: str) -> str:
    # The members of a group stand behind a margin.
    return re.sub(r"\n[ |]*".join(map(re.escape, values.splitlines())), lambda _: instead, text)


def _print_traceback(place: TextIO, exc_info: ExcInfo) -> None:
    place.write("\n" + _traceback(exc_info))


def _bind_request(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = current.get()
    if context is not None:
        event["request_id"] = context.request_id
        event["trace_id"] = context.trace_id
    return event


def _hide_secrets(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for field in _SECRET_FIELDS & event.keys():
        event[field] = "(hidden)"
    return event


def _render_json(_logger: object, _name: str, event: MutableMapping[str, Any]) -> str:
    ordered = {"timestamp": event.pop("timestamp", None), "level": event.pop("level", None), **event}
    return orjson.dumps(ordered, default=str).decode()

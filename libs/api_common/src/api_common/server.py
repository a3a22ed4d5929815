"""Running an application under uvicorn, with messages for the person at the terminal."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import NoReturn

import uvicorn
from config import ServiceSettings, SettingsError
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api_common._engines import DatabaseAddressError
from api_common._http_protocol import LimitedProtocol
from api_common._revisions import MigrationError
from api_common.application import create_app
from api_common.errors import ConfigurationError, StartupError
from api_common.logging import flush_logs, get_logger
from api_common.service import Service

log = get_logger()

EXIT_WRONG_SETTINGS = 2
EXIT_CANNOT_START = 3


def run(build: Callable[[], Service], *, port: int | None = None) -> None:
    """Run one service until it is told to stop; the process ends with a message when it cannot start.

    Args:
        build: makes the service, reading its settings.
        port: used when no setting names one.
    """
    # Databases and keys are for the one who runs the service, whoever else may look into the folder.
    os.umask(0o077)
    try:
        service = build()
    except SettingsError as error:
        _give_up(str(error), EXIT_WRONG_SETTINGS)
    settings = service.settings
    chosen = settings.port if port is None or "port" in settings.model_fields_set else port
    try:
        app = create_app(service)
    except (StartupError, ConfigurationError) as error:
        _give_up(f"{service.name} cannot start: {error}", EXIT_CANNOT_START)
    serve(app, settings, port=chosen)


def serve(app: FastAPI, settings: ServiceSettings, *, port: int | None = None, ready: str | None = None) -> None:
    """Serve an application on its settings' host and port until SIGTERM or SIGINT.

    On the first signal ``/readyz`` turns to 503 while requests are still taken for ``drain_seconds``; then the port is
    closed and running requests get ``shutdown_seconds``. A second signal ends it at once.

    Args:
        port: instead of the settings' port.
        ready: printed once when requests are answered; the address by default.
    """
    listener = _listen(settings.host, settings.port if port is None else port)
    host, bound = listener.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{bound}"
    startup = _PlainStartup(app)
    configuration = uvicorn.Config(
        startup,
        loop="uvloop",
        http=LimitedProtocol,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.forwarded_allow_ips),
        forwarded_allow_ips=list(settings.forwarded_allow_ips),
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    server = _DrainingServer(configuration, app, settings.drain_seconds, ready or f"{app.title} answers at {address}")
    # Once the reason is known, uvicorn's own "startup failed" adds nothing.
    logging.getLogger("uvicorn.error").addFilter(lambda _: startup.error is None)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        # Ctrl-C, which uvicorn raises again once everything is closed: the person asked for it, no traceback.
        return
    except SystemExit:
        # Uvicorn's end of a process that failed to start.
        if startup.error is None:
            raise
        _report_failed_start(app.title, startup.error)
    finally:
        flush_logs()


# Errors whose message is enough for the operator; any other start also shows where it failed.
_EXPLAINED = (StartupError, ConfigurationError, SettingsError, MigrationError, DatabaseAddressError)


class _DrainingServer(uvicorn.Server):
    """Lets load balancers see that the service goes away before it stops to answer."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, drain_seconds: float, ready: str) -> None:
        super().__init__(config)
        self._app = app
        self._drain_seconds = drain_seconds
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the services, then say where they answer."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started:
            # What the start loaded stays for ever: without it in view, a garbage collection takes a tenth of the time.
            gc.collect()
            gc.freeze()
            print(self._ready, flush=True)  # noqa: T201 (the person at the terminal waits for it)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Turn readiness off; close the port at once, or when load balancers had the time to notice."""
        state = self._app.state
        is_second, state.draining = state.draining, True
        if is_second or self._drain_seconds == 0 or sig == signal.SIGINT:
            super().handle_exit(sig, frame)
            return
        end = partial(super().handle_exit, sig, frame)
        # A signal handler may not touch the loop directly.
        self._loop.call_soon_threadsafe(self._loop.call_later, self._drain_seconds, end)


class _PlainStartup:
    """Keeps the error of a failed start, so that the operator reads its message and not a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.error: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        failed = False

        async def without_traceback(message: Message) -> None:
            nonlocal failed
            if message["type"] == "lifespan.startup.failed":
                failed = True
                message = {"type": message["type"], "message": ""}
            await send(message)

        try:
            await self._app(scope, receive, without_traceback)
        except Exception as error:
            if not failed:
                raise
            self.error = error


def _report_failed_start(title: str, error: Exception) -> NoReturn:
    if not isinstance(error, _EXPLAINED):
        log.error("start_failed", exc_info=error)
        flush_logs()
    _give_up(f"{title} cannot start: {error}", EXIT_CANNOT_START)


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before anything else starts, so that nothing is opened or migrated in vain."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Without it two processes could bind the same port and only the first would be heard.
        listener.listen(2048)
    except OSError as error:
        listener.close()
        way_out = "stop the program that uses it or choose another with PURSER_PORT"
        _give_up(f"Port {port} on {host} cannot be used ({error.strerror}): {way_out}.", EXIT_CANNOT_START)
    return listener


def _give_up(message: str, code: int) -> NoReturn:
    print(message, file=sys.stderr, flush=True)  # noqa: T201 (for the person at the terminal)
    raise SystemExit(code)

"""Whether the services of an application can work, asked one dependency at a time."""

import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Literal

import anyio
from pydantic import BaseModel

from api_common.logging import get_logger
from api_common.service import Runtime

log = get_logger()

PROBE_SECONDS = 2.0

Status = Literal["ok", "degraded", "down"]


class CheckResult(BaseModel):
    """The answer of one dependency."""

    status: Literal["ok", "down"]
    latency_ms: float
    detail: str | None = None


class ServiceHealth(BaseModel):
    """One service with its dependencies."""

    status: Literal["ok", "down"]
    version: str
    checks: dict[str, CheckResult]


class Health(BaseModel):
    """The whole application: ``degraded`` when some of its services are down, ``down`` when all are or it is ending."""

    status: Status
    services: dict[str, ServiceHealth]


async def check(runtimes: Iterable[Runtime], *, draining: bool, peers: bool = True) -> Health:
    """Ask all dependencies at the same time; one that does not answer in `PROBE_SECONDS` is down.

    Without `peers`, the services that a service calls are not asked.
    """
    asked = list(runtimes)
    results: dict[str, dict[str, CheckResult]] = {runtime.service.name: {} for runtime in asked}

    async def ask(name: str, dependency: str, probe: Callable[[], Awaitable[None]]) -> None:
        results[name][dependency] = await _result(dependency, probe)

    async with anyio.create_task_group() as group:
        for runtime in asked:
            for dependency, probe in _probes(runtime, peers=peers):
                group.start_soon(ask, runtime.service.name, dependency, probe)
    services = {runtime.service.name: _service(runtime, results[runtime.service.name]) for runtime in asked}
    return Health(status="down" if draining else _overall(services.values()), services=services)


def _service(runtime: Runtime, checks: dict[str, CheckResult]) -> ServiceHealth:
    down = any(result.status == "down" for result in checks.values())
    ordered = dict(sorted(checks.items()))
    return ServiceHealth(status="down" if down else "ok", version=runtime.service.version, checks=ordered)


def _overall(services: Iterable[ServiceHealth]) -> Status:
    states = {service.status for service in services}
    if states == {"ok"}:
        return "ok"
    return "down" if states == {"down"} else "degraded"


def _probes(runtime: Runtime, *, peers: bool) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
    probes: list[tuple[str, Callable[[], Awaitable[None]]]] = []
    if runtime.service.database is not None:
        probes.append(("database", runtime.database.ping))
    without = () if peers else runtime.service.calls
    asked = [declared for declared in runtime.service.checks if declared.name not in without]
    return probes + [(declared.name, partial(declared.probe, runtime)) for declared in asked]


async def _result(dependency: str, probe: Callable[[], Awaitable[None]]) -> CheckResult:
    started = time.perf_counter()
    detail = None
    try:
        with anyio.fail_after(PROBE_SECONDS):
            await probe()
    except TimeoutError:
        detail = f"no answer within {PROBE_SECONDS:g} seconds"
    except Exception as error:
        # The message may hold an address or a user name; the log has it, the public answer has the kind only.
        # One line: checks are asked every few seconds, and most fail only until a peer has started.
        log.warning("check_failed", check=dependency, error=type(error).__name__, reason=_first_line(error))
        detail = type(error).__name__
    latency = round((time.perf_counter() - started) * 1000, 3)
    return CheckResult(status="down" if detail else "ok", latency_ms=latency, detail=detail)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]

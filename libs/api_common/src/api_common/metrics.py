"""Request metrics by route template, in the Prometheus text format.

Counting a request must cost next to nothing, so each (method, route, status) has one plain object that is found once
per request and read only when Prometheus asks. All counting happens on the event loop, hence no locks.
"""

import platform
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the duration histogram, seconds."""
LONG_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Upper bounds for durations of work on whole files, seconds."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Series:
    """Durations of the requests of one method, route template and status."""

    __slots__ = ("counts", "line", "seconds")

    def __init__(self, line: str) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0
        self.line = line
        """The part of the access log line that is the same for all of them."""

    def observe(self, seconds: float) -> None:
        """Count one request."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds


class RequestMetrics(Collector):
    """All series of one application, and how many requests are being answered."""

    def __init__(self) -> None:
        self.series: dict[tuple[str, str, int], Series] = {}
        self.in_progress = 0

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics in the form that the Prometheus client library renders."""
        durations = HistogramMetricFamily(
            "http_request_duration_seconds",
            "Time from a request's arrival to the end of its answer.",
            labels=("method", "route", "status"),
        )
        for (method, route, status), series in sorted(self.series.items()):
            bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
            buckets = list(zip(bounds, accumulate(series.counts), strict=True))
            durations.add_metric((method, route, str(status)), buckets, sum_value=series.seconds)
        yield durations
        yield GaugeMetricFamily("http_requests_in_progress", "Requests being answered.", value=self.in_progress)


Outcome = TypeVar("Outcome", bound=StrEnum)


class OutcomeCounter(Generic[Outcome]):
    """Counts what a service did, by outcome: make one when a module is imported.

    Outcomes are members of an enumeration, so that nothing of a user can become a label; all are shown from the start,
    with zero.

    Example:
        >>> class Sent(StrEnum):
        ...     DELIVERED = "delivered"
        ...     FAILED = "failed"
        >>> letters = OutcomeCounter("example_letters", "Letters that were sent.", Sent)
        >>> letters.add(Sent.DELIVERED)
    """

    def __init__(self, name: str, meaning: str, outcomes: type[Outcome]) -> None:
        counter = Counter(name, meaning, ("outcome",))
        self._series = {outcome: counter.labels(outcome.value) for outcome in outcomes}

    def add(self, outcome: Outcome, count: int = 1) -> None:
        """Count something that happened once, or several times."""
        self._series[outcome].inc(count)


class Durations:
    """How long something took that a service does: make one when a module is imported."""

    def __init__(self, name: str, meaning: str, buckets: Sequence[float] = LONG_BUCKETS) -> None:
        self._histogram = Histogram(name, meaning, buckets=buckets)

    def observe(self, seconds: float) -> None:
        """Count one that took so long."""
        self._histogram.observe(seconds)


class _BuildInfo(Collector):
    def __init__(self, services: Iterable[tuple[str, str]]) -> None:
        self._services = tuple(services)

    def collect(self) -> Iterable[Metric]:
        info = InfoMetricFamily("purser_service", "Services of this process.", labels=("service",))
        for name, version in self._services:
            info.add_metric((name,), {"version": version, "python": platform.python_version()})
        yield info


def known_method(method: str) -> str:
    """Return the method as a metric label; invented ones share a label, so that nobody can make up series."""
    return method if method in _METHODS else "OTHER"


def make_registry(metrics: RequestMetrics, services: Iterable[tuple[str, str]]) -> CollectorRegistry:
    """Build the registry of one application; two applications in a process never share counts."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(metrics)
    registry.register(_BuildInfo(services))
    return registry


def exposition(registry: CollectorRegistry) -> tuple[bytes, str]:
    """Render the application's metrics and the process's own (memory, garbage collection, a service's own counters).

    Returns the text and its media type.
    """
    return generate_latest(registry) + generate_latest(REGISTRY), CONTENT_TYPE_LATEST

"""What an application has to do at once: threads and database connections in use, and who waits for one."""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api_common.compute import thread_use
from api_common.service import Runtime


class Saturation(Collector):
    """Gauges of the services of one application; asked on its event loop."""

    def __init__(self, runtimes: Iterable[Runtime]) -> None:
        self._runtimes: Sequence[Runtime] = tuple(runtimes)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics in the form that the Prometheus client library renders."""
        threads = thread_use()
        yield GaugeMetricFamily("purser_threads_limit", "Threads for work off the event loop.", value=threads.limit)
        yield GaugeMetricFamily("purser_threads_busy", "Those that work.", value=threads.busy)
        yield GaugeMetricFamily("purser_threads_waiting", "Work that waits for a thread.", value=threads.waiting)
        labels = ("service", "pool")
        limit = GaugeMetricFamily(
            "purser_database_connections_limit", "Connections that a pool may have.", labels=labels
        )
        in_use = GaugeMetricFamily("purser_database_connections_in_use", "Those in use.", labels=labels)
        waiting = GaugeMetricFamily("purser_database_waiting", "Tasks that wait for a connection.", labels=labels)
        for runtime in self._runtimes:
            for pool, use in runtime.pools().items():
                named = (runtime.service.name, pool)
                limit.add_metric(named, use.limit)
                in_use.add_metric(named, use.in_use)
                waiting.add_metric(named, use.waiting)
        yield from (limit, in_use, waiting)
        queued = GaugeMetricFamily("purser_queue_waiting", "Who waits in a queue.", labels=("service", "queue"))
        for runtime in self._runtimes:
            for queue, length in runtime.queues().items():
                queued.add_metric((runtime.service.name, queue), length)
        yield queued

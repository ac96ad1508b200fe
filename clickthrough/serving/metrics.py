"""``GET /metrics``: what happened, for Prometheus.

Events on the way of a request only add to plain numbers; they become metrics when somebody asks.
"""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1.0, 2.5)
"""Seconds. An answer takes .2 ms to some 10; beyond that something is wrong, and how much shows."""


class Metrics(Collector):
    """An observer whose numbers Prometheus reads.

    Args:
        version: of the bundle that serves.
        in_flight: how many requests of each kind are being worked on.
        away: whether the store does not answer in time.
    """

    def __init__(
        self,
        version: str,
        in_flight: Callable[[], Mapping[str, int]],
        away: Callable[[], bool] = lambda: False,
    ) -> None:
        self._version = version
        self._in_flight, self._away = in_flight, away
        self._buckets: dict[str, list[int]] = {}
        self._seconds: Counter[str] = Counter()
        self._answered: Counter[tuple[str, int]] = Counter()
        self._refused: Counter[tuple[str, str]] = Counter()
        self._events: Counter[str] = Counter()
        self._failed: Counter[tuple[str, str]] = Counter()
        self._frozen: Counter[tuple[str]] = Counter()
        self._lock = threading.Lock()  # what threads tell; answers are told by the event loop alone
        self._registry = CollectorRegistry()
        self._registry.register(self)
        for of_process in (ProcessCollector, PlatformCollector, GCCollector):
            of_process(registry=self._registry)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def answered(self, route: str, status: int, seconds: float | None) -> None:
        """Count an answer and how long it took."""
        self._answered[route, status] += 1
        if seconds is None:
            return
        if route not in self._buckets:
            self._buckets[route] = [0] * (len(BOUNDS) + 1)
        self._buckets[route][bisect_left(BOUNDS, seconds)] += 1
        self._seconds[route] += seconds  # type: ignore[assignment]

    def refused(self, route: str, cause: str) -> None:
        """Count a request that was turned away."""
        with self._lock:
            self._refused[route, cause] += 1

    def recorded(self, receipt: Mapping[str, int]) -> None:
        """Count events."""
        with self._lock:
            self._events.update(receipt)

    def failed(self, route: str, error: BaseException) -> None:
        """Count a fault of our own."""
        with self._lock:
            self._failed[route, type(error).__name__] += 1

    def frozen(self, route: str) -> None:
        """Count an answer made without the store."""
        with self._lock:
            self._frozen[route,] += 1

    def reloaded(self, version: str) -> None:
        """Name the bundle that serves now."""
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """Give the metrics as they are now."""
        yield InfoMetricFamily("ctr_bundle", "The bundle that serves", {"version": self._version})
        yield _counter("ctr_requests", "Answers", ("route", "status"), self._answered)
        yield _counter("ctr_refused", "Requests turned away", ("route", "cause"), self._refused)
        events = {(kind,): count for kind, count in self._events.items()}
        yield _counter("ctr_events", "Events by what became of them", ("kind",), events)
        yield _counter("ctr_faults", "Faults of the service", ("route", "error"), self._failed)
        frozen = "Answers made without the store, which did not answer in time"
        yield _counter("ctr_frozen", frozen, ("route",), self._frozen)
        yield GaugeMetricFamily(
            "ctr_store_away", "Whether the store does not answer in time", float(self._away())
        )
        busy = GaugeMetricFamily("ctr_in_flight", "Requests being worked on", labels=["kind"])
        for kind, count in self._in_flight().items():
            busy.add_metric([kind], count)
        yield busy
        yield self._latency()

    def _latency(self) -> HistogramMetricFamily:
        made = HistogramMetricFamily(
            "ctr_request_seconds", "From a body's end to its answer", labels=["route"]
        )
        limits = [*map(str, BOUNDS), "+Inf"]
        for route, counts in list(self._buckets.items()):
            buckets = list(zip(limits, accumulate(counts), strict=True))
            made.add_metric([route], buckets, self._seconds[route])
        return made


def _counter(
    name: str, text: str, labels: tuple[str, ...], counts: Mapping[Any, int]
) -> CounterMetricFamily:
    made = CounterMetricFamily(name, text, labels=labels)
    for values, count in list(counts.items()):
        made.add_metric([str(value) for value in values], count)
    return made

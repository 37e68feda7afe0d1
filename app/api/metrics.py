"""What the service counts for Prometheus: requests, puts, threads, connections. Numbers only, nothing of a patient."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from anyio import CapacityLimiter
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from app.services.administrations import PutStatus
from app.services.sealing import Sealer

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"})
_PUT: Final = ("PUT", "/v1/administrations/{administration_id}")
_OUTCOMES: Final = {
    201: PutStatus.STORED,
    200: PutStatus.REPEATED,
    409: PutStatus.REFUSED,
    422: PutStatus.REFUSED,
}


class _Count(Collector):
    """A number that only grows, and is counted elsewhere."""

    def __init__(self, name: str, meaning: str, read: Callable[[], int]) -> None:
        self._name, self._meaning, self._read = name, meaning, read

    def collect(self) -> Iterator[Metric]:
        """Give it as it is now."""
        yield CounterMetricFamily(self._name, self._meaning, value=self._read())


class Metrics:
    """The numbers of one application; each has a registry of its own, so that several can live in one process."""

    def __init__(self, version: str, connections_in_use: Callable[[], int]) -> None:
        self.in_progress = 0
        self._threads: CapacityLimiter | None = None
        self._registry = registry = CollectorRegistry()
        self._duration = Histogram(
            "spor_request_duration_seconds",
            "Time from a request's first byte to its answer's last, by method, route and status.",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._series: dict[tuple[str, str, int], Histogram] = {}
        puts = Counter("spor_puts", "Administrations that were put, by outcome.", ["outcome"], registry=registry)
        self._puts = {status: puts.labels(status.value) for status in PutStatus}
        for name, meaning, read in (
            ("spor_requests_in_progress", "Requests that are being answered.", lambda: self.in_progress),
            ("spor_threads_busy", "Threads that work on requests.", self._busy),
            ("spor_requests_waiting", "Requests that wait for a thread, and so for a connection.", self._waiting),
            ("spor_database_connections_in_use", "Connections of the pool that requests hold.", connections_in_use),
        ):
            Gauge(name, meaning, registry=registry).set_function(read)
        Info("spor_build", "What runs.", registry=registry).info(
            {"version": version, "python": platform.python_version()}
        )
        ProcessCollector(registry=registry)

    def watch(self, threads: CapacityLimiter) -> None:
        """Tell of the threads that requests are worked on in."""
        self._threads = threads

    def watch_sealer(self, sealer: Sealer) -> None:
        """Tell of the audit's seals."""
        for name, meaning, read in (
            ("spor_audit_seals", "Seals that this process has made over the audit.", lambda: sealer.seals),
            ("spor_audit_sealed_events", "Audit events that this process has sealed.", lambda: sealer.events),
        ):
            self._registry.register(_Count(name, meaning, read))
        Gauge(
            "spor_audit_unsealed_seconds",
            "Age of the oldest audit event that has no seal yet.",
            registry=self._registry,
        ).set_function(sealer.unsealed_seconds)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered; `route` is a pattern, never an address."""
        key = (method, route, status)
        series = self._series.get(key)
        if series is None:
            known = method if method in _METHODS else "other"
            series = self._series[known, route, status] = self._duration.labels(known, route, status)
        series.observe(seconds)
        if key[:2] == _PUT and status in _OUTCOMES:
            self._puts[_OUTCOMES[status]].inc()

    def count_puts(self, outcomes: Iterable[PutStatus]) -> None:
        """Count the entries of a batch."""
        for outcome in outcomes:
            self._puts[outcome].inc()

    def exposition(self) -> bytes:
        """Give all numbers in Prometheus's text format."""
        return generate_latest(self._registry)

    def _busy(self) -> int:
        return self._threads.borrowed_tokens if self._threads else 0

    def _waiting(self) -> int:
        return self._threads.statistics().tasks_waiting if self._threads else 0

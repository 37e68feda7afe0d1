"""What is to be reached: the targets as data, and how each is judged."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.disk import Disk
from benchmarks.load import Run
from benchmarks.works import WORKS

Runs = Mapping[str, Sequence[Run]]
_ADMINISTRATIONS = {work.key: work.administrations for work in WORKS}


class Quantity(StrEnum):
    """What of a run is judged."""

    MEDIAN = "median"
    P99 = "p99"
    THROUGHPUT = "throughput"


class Bound(StrEnum):
    """On which side of the limit a figure has to be."""

    AT_MOST = "at most"
    UNDER = "under"
    AT_LEAST = "at least"


@dataclass(frozen=True, slots=True)
class Target:
    """A limit for a quantity of a work; a multiple of the reference's in the same round, where there is one."""

    says: str
    work: str
    quantity: Quantity
    bound: Bound
    limit: float
    unit: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured: the median over the rounds, the lowest and the highest of them."""

    median: float
    lowest: float
    highest: float


TARGETS = (
    Target("put, 1 connection, median", "put-1", Quantity.MEDIAN, Bound.AT_MOST, 3, "× bare insert", "inserted-1"),
    Target("put, 8 connections", "put-8", Quantity.THROUGHPUT, Bound.AT_LEAST, 0.10, "× parse-only", "parsed-8"),
    Target("the same, aimed for", "put-8", Quantity.THROUGHPUT, Bound.AT_LEAST, 0.13, "× parse-only", "parsed-8"),
    Target("put, 32 connections, p99", "put-32", Quantity.P99, Bound.AT_MOST, 2, "× bare insert", "inserted-32"),
    Target("batch of 500, one of each patient", "batch-500-of-500", Quantity.THROUGHPUT, Bound.AT_LEAST, 4000, "/s"),
    Target("batch of 500, 20 of each patient", "batch-500-of-25", Quantity.THROUGHPUT, Bound.AT_LEAST, 4000, "/s"),
    Target("trajectory of 20 with verdict, median", "trajectory-1", Quantity.MEDIAN, Bound.UNDER, 10, "ms"),
    Target("caseload of 60, median", "caseload", Quantity.MEDIAN, Bound.UNDER, 50, "ms"),
)

DISK_LIMIT = 1500.0
"""Bytes a put, with its audit event."""

_QUANTITIES: Mapping[Quantity, Callable[[str, Run], float]] = {
    Quantity.MEDIAN: lambda _, run: run.median_ms,
    Quantity.P99: lambda _, run: run.p99_ms,
    Quantity.THROUGHPUT: lambda key, run: run.per_second * _ADMINISTRATIONS[key],
}


def values_of(key: str, quantity: Quantity, runs: Runs) -> list[float]:
    """Give a quantity of a work in each round; the throughput is in administrations (or answers) a second."""
    return [_QUANTITIES[quantity](key, run) for run in runs[key]]


def figure(values: Sequence[float]) -> Figure:
    """Give median and spread."""
    return Figure(statistics.median(values), min(values), max(values))


def figure_of(target: Target, runs: Runs) -> Figure:
    """Give what a target is about; a ratio is worked out within each round, before the median is taken."""
    values = values_of(target.work, target.quantity, runs)
    if target.reference is not None:
        held_against = values_of(target.reference, target.quantity, runs)
        values = [value / reference for value, reference in zip(values, held_against, strict=True)]
    return figure(values)


def is_met(bound: Bound, limit: float, value: float) -> bool:
    """Tell whether a value is on the right side of a limit."""
    return {Bound.AT_MOST: value <= limit, Bound.UNDER: value < limit, Bound.AT_LEAST: value >= limit}[bound]


def disk_is_met(disk: Disk) -> bool:
    """Tell whether a put takes no more of the disk than it may."""
    return is_met(Bound.AT_MOST, DISK_LIMIT, disk.bytes_of_a_put)

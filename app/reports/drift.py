"""Whether predictions drift away from what happens: a control chart over the quarters in which episodes ended."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

from app.reports.predictions import PredictedCell, chance

ALLOWANCE: Final = 0.5
LIMIT: Final = 4.0
"""In standard errors of a point. In control, a chart without end gives a false alarm in 168 points on average
(NIST/SEMATECH e-Handbook, 6.3.2.3.1); of charts with twelve quarters of 40 persons, 4.5 % have one: see the tests."""

DRIFT_LOOK: Final = 4
"""The dose whose verdicts are charted: one of each person, so that points are independent."""


class Alarm(StrEnum):
    """What the chart says at a point."""

    NONE = "drift_none"
    MORE = "drift_more"
    """The goal is reached more often than predicted."""
    LESS = "drift_less"


@dataclass(frozen=True, slots=True)
class DriftPoint:
    """One or several quarters together, and where the chart stands after them.

    Parameters
    ----------
    first, last : tuple of int
        Year and number of the first and the last of the quarters.
    count, happened : int
        Persons, and how many of them reached the goal.
    predicted : float
        Mean of their probabilities.
    standardised : float
        Observed less predicted, in standard errors if the predictions are right.
    high, low : float
        The two sums after the point, 0 or more and 0 or less.
    """

    first: tuple[int, int]
    last: tuple[int, int]
    count: int
    happened: int
    predicted: float
    standardised: float
    high: float
    low: float

    @property
    def alarm(self) -> Alarm:
        """Whether a sum has passed its limit."""
        if self.high > LIMIT:
            return Alarm.MORE
        return Alarm.LESS if self.low < -LIMIT else Alarm.NONE


def cumulative_sums(points: Iterable[float]) -> list[tuple[float, float]]:
    """Give the two sums of a control chart after each point.

    Parameters
    ----------
    points : iterable of float
        Standardised differences, mean 0 and standard deviation 1 in control.

    Returns
    -------
    list of (float, float)
        high = max(0, high + z - 1/2) and low = min(0, low + z + 1/2), both from 0: a shift by one standard error is
        what they are best at. They go on after an alarm, which lasts until they have come back.

    References
    ----------
    Page (1954), Biometrika 41:100, doi:10.1093/biomet/41.1-2.100.
    Steiner, Cook, Farewell & Treasure (2000), Biostatistics 1:441, doi:10.1093/biostatistics/1.4.441 (outcomes, each
    with its own predicted risk).

    Examples
    --------
    >>> cumulative_sums([1.5, -0.25, -2.0])
    [(1.0, 0.0), (0.25, 0.0), (0.0, -1.5)]
    """
    sums, high, low = [], 0.0, 0.0
    for point in points:
        high, low = max(0.0, high + point - ALLOWANCE), min(0.0, low + point + ALLOWANCE)
        sums.append((high, low))
    return sums


def drift(cells: Iterable[PredictedCell], fewest: int) -> tuple[DriftPoint, ...]:
    """Chart what happened against what was predicted, by quarter of closing.

    Parameters
    ----------
    cells : iterable of PredictedCell
        Counted verdicts; those at dose 4 with a later score count.
    fewest : int
        So many must have reached the goal, and so many not, in a point: quarters with fewer are put together, within a
        year, so that no year's total tells what is left of it. A year with fewer has no point.

    Returns
    -------
    tuple of DriftPoint
        In time order.

    Notes
    -----
    z = (observed - sum p) / sqrt(sum p (1 - p)).

    Examples
    --------
    >>> rows = [(700, True, 16), (700, False, 14)]
    >>> [point] = drift([PredictedCell(2025, 1, 4, p, met, True, n) for p, met, n in rows], fewest=8)
    >>> round(point.standardised, 2), str(point.alarm)
    (-1.99, 'drift_none')
    """
    judged = sorted(
        (cell for cell in cells if cell.look == DRIFT_LOOK and cell.happened is not None),
        key=_quarter,
    )
    batches = [
        batch
        for _, year in groupby(judged, key=lambda cell: cell.year)
        for batch in _batches([list(quarter) for _, quarter in groupby(year, key=_quarter)], fewest)
    ]
    sums = cumulative_sums(_standardised(batch) for batch in batches)
    return tuple(_point(batch, *both) for batch, both in zip(batches, sums, strict=True))


def _batches(quarters: Iterable[Sequence[PredictedCell]], fewest: int) -> list[list[PredictedCell]]:
    """Put quarters of one year together until there are enough; what is left at its end goes with the last ones."""
    batches: list[list[PredictedCell]] = []
    waiting: list[PredictedCell] = []
    for quarter in quarters:
        waiting += quarter
        if min(_counted(waiting)) >= fewest:
            batches.append(waiting)
            waiting = []
    if batches:
        batches[-1] += waiting
    return batches


def _quarter(cell: PredictedCell) -> tuple[int, int]:
    return cell.year, cell.quarter


def _counted(batch: Sequence[PredictedCell]) -> tuple[int, int]:
    """Give how many reached the goal, and how many did not."""
    happened = sum(cell.persons for cell in batch if cell.happened)
    return happened, sum(cell.persons for cell in batch) - happened


def _standardised(batch: Sequence[PredictedCell]) -> float:
    expected = sum(cell.persons * chance(cell) for cell in batch)
    variance = sum(cell.persons * chance(cell) * (1 - chance(cell)) for cell in batch)
    return (_counted(batch)[0] - expected) / math.sqrt(variance)


def _point(batch: Sequence[PredictedCell], high: float, low: float) -> DriftPoint:
    count = sum(cell.persons for cell in batch)
    return DriftPoint(
        first=_quarter(batch[0]),
        last=_quarter(batch[-1]),
        count=count,
        happened=_counted(batch)[0],
        predicted=sum(cell.persons * chance(cell) for cell in batch) / count,
        standardised=_standardised(batch),
        high=high,
        low=low,
    )

"""The control chart: hand arithmetic, the published run length of its rule, and how often twelve quarters cry wolf."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app.reports.drift import ALLOWANCE, LIMIT, Alarm, cumulative_sums, drift
from app.reports.predictions import PredictedCell


def cells(year: int, quarter: int, met: int, of: int, per_mille: int = 500, look: int = 4) -> list[PredictedCell]:
    rows = ((True, met), (False, of - met))
    return [PredictedCell(year, quarter, look, per_mille, did, True, count) for did, count in rows if count]


def test_sums_by_hand() -> None:
    """up: 2 - .5 = 1.5; + 1 - .5 = 2; - 3 ends at 0; down: -3 + .5 = -2.5; - 2 + .5 = -4; - 1 + .5 = -4.5."""
    assert cumulative_sums([2.0, 1.0, -3.0, -2.0, -1.0]) == [(1.5, 0), (2.0, 0), (0, -2.5), (0, -4.0), (0, -4.5)]
    assert cumulative_sums([]) == []


def test_a_point_by_hand() -> None:
    """40 at 50 %: 20 expected, variance 10. 14 reached it: z = -6 / sqrt 10 = -1.897."""
    [point] = drift(cells(2025, 2, 14, 40), fewest=8)
    assert point.standardised == pytest.approx(-6 / math.sqrt(10))
    assert (point.count, point.happened, point.predicted) == (40, 14, 0.5)
    assert (point.first, point.last, point.high, point.low) == ((2025, 2), (2025, 2), 0.0, point.standardised + 0.5)
    assert point.alarm is Alarm.NONE


def test_alarms_on_both_sides() -> None:
    def last(met: int) -> Alarm:
        rows = [cell for quarter in (1, 2, 3) for cell in cells(2025, quarter, met, 40)]
        return drift(rows, fewest=8)[-1].alarm

    assert [last(met) for met in (13, 20, 27)] == [Alarm.LESS, Alarm.NONE, Alarm.MORE]


def test_small_quarters_are_put_together_within_their_year() -> None:
    """2024 has 5 + 5 who reached it in two quarters, and 3 more at its end; 2023 has too few altogether."""
    rows = [
        *cells(2023, 1, 7, 30),
        *cells(2024, 1, 5, 20),
        *cells(2024, 2, 5, 20),
        *cells(2024, 4, 3, 20),
        *cells(2025, 1, 10, 20),
        *cells(2025, 1, 10, 20, look=3),
        PredictedCell(2025, 1, 4, 500, None, None, 50),
    ]
    first, second = drift(rows[::-1], fewest=8)
    assert (first.first, first.last, first.count, first.happened) == ((2024, 1), (2024, 4), 60, 13)
    assert (second.first, second.count, second.standardised) == ((2025, 1), 20, 0.0)


def alarms(points: np.ndarray) -> bool:
    return any(high > LIMIT or low < -LIMIT for high, low in cumulative_sums(points.tolist()))


def test_the_run_length_is_the_published_one() -> None:
    """NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.3.1: 336 on one side at k = 1/2, h = 4; so 168 on two."""
    assert (ALLOWANCE, LIMIT) == (0.5, 4.0)
    rng = np.random.default_rng(20250101)
    lengths = []
    for _ in range(1500):
        high = low = 0.0
        length = 0
        while high <= LIMIT and low >= -LIMIT:
            point = rng.standard_normal()
            high, low, length = max(0.0, high + point - 0.5), min(0.0, low + point + 0.5), length + 1
        lengths.append(length)
    assert np.mean(lengths) == pytest.approx(168, rel=0.08)  # three standard errors of 1,500 such lengths


def test_false_alarms_and_found_drift_over_three_years() -> None:
    """Twelve quarters of 40 persons, 4,000 services: 4.5 % have a false alarm where every probability is right.

    Where the goal is reached 10 percentage points less often than said, 99 % have one.
    """
    rng = np.random.default_rng(7)
    chances = rng.uniform(0.1, 0.9, size=(4000, 12, 40)).round(3)
    spread = np.sqrt((chances * (1 - chances)).sum(axis=2))

    def share(shift: float) -> float:
        met = (rng.random(chances.shape) < np.clip(chances - shift, 0, 1)).sum(axis=2)
        return float(np.mean([alarms(points) for points in (met - chances.sum(axis=2)) / spread]))

    assert share(0.0) == pytest.approx(0.045, abs=0.01)
    assert share(0.1) > 0.97

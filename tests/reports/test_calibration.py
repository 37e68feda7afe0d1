"""Bands against later scores, from counted cells: the model's own distribution, R, and persons one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app.reports import calibration
from app.reports.calibration import BandCell, counted_mean, coverage
from app.trajectories.growth import default_curve
from app.trajectories.metrics import clustered_mean

CURVE = default_curve("phq-9")
assert CURVE is not None
CURVES = {CURVE.key: CURVE}


def band_at(dose: int, baseline: float = 15, first: int = 0) -> tuple[np.ndarray, int, int]:
    """P(Y = k) for each score k, and the closed band, given the baseline only."""
    table = CURVES["arcsine-1"].given([first], [0], [baseline]).predict([dose], [dose]).tabled()
    lower, upper = table.band()
    return np.diff(table.cumulative[0], prepend=0.0), int(lower[0]), int(upper[0])


def cell(score: float, persons: int, *, dose: int = 3, baseline: float = 15, group: int = 0) -> BandCell:
    _, lower, upper = band_at(dose, baseline)
    return BandCell(2025, group, "arcsine-1", 0, baseline, dose, dose, score, lower, upper, persons)


def test_scores_as_the_model_has_them_are_covered_as_it_says() -> None:
    """A million persons with every score as often as the model gives it: .80 in the band, .10 above, by definition."""
    chances, lower, upper = band_at(7)
    counts = np.round(1_000_000 * chances).astype(int)
    rows = [cell(score, int(count), dose=7, group=1) for score, count in enumerate(counts) if count]
    found = coverage(rows, CURVES)[1, None]
    closed = chances[lower : upper + 1].sum()
    assert found.within / found.count == pytest.approx(closed, abs=1e-5)
    assert found.expected_within == pytest.approx(closed)
    assert closed > 0.8
    assert found.fractional.estimate == pytest.approx(0.8, abs=1e-5)
    assert found.above.estimate == pytest.approx(0.1, abs=1e-5)
    assert found.known == found.count == counts.sum()


def test_the_baseline_may_lie_later_than_dose_0() -> None:
    """Ten weeks on, dose 1 at the baseline: what the curve says of that, and not of dose 0."""
    curve = CURVES["arcsine-1"]
    late = BandCell(2025, 1, "arcsine-1", 1, 15, 7, 10, 9, 4, 14, 20)
    ahead = curve.given([1], [0], [15]).predict([7], [10])
    assert coverage([late], CURVES)[1, None].expected_within == pytest.approx((ahead.at_most(14) - ahead.at_most(3))[0])


def test_what_was_shown_by_an_unknown_curve_counts_by_its_closed_band_only() -> None:
    rows = [cell(10, 30), cell(10, 8)._replace(curve="local-1"), cell(27, 2)._replace(curve="local-1")]
    found = coverage(rows, CURVES)[0, None]
    assert (found.count, found.within, found.known) == (40, 38, 30)
    assert coverage(rows, CURVES)[0, None].expected_within == coverage(rows[:1], CURVES)[0, None].expected_within
    nothing = coverage(rows[1:], CURVES)[0, None]
    assert (nothing.count, nothing.within, nothing.known) == (10, 8, 0)
    assert math.isnan(nothing.expected_within)
    assert math.isnan(nothing.fractional.estimate)
    assert math.isnan(nothing.above.lower)


def test_a_prorated_score_is_within_the_point_that_it_lies_in() -> None:
    """10.5 lies strictly within a band from 5 to 17, and not at all above it."""
    found = coverage([cell(10.5, 9)], CURVES)[0, None]
    assert (found.fractional.estimate, found.above.estimate) == (1.0, 0.0)


def test_thirds_are_those_of_the_first_group() -> None:
    """10, 15 and 20, ten each: one third each, and a later group is divided where the first one was."""
    rows = [cell(9, 10, baseline=baseline) for baseline in (10, 15, 20)]
    found = coverage([*rows, cell(9, 40, baseline=15, group=2, dose=9)], CURVES)
    assert {key: each.count for key, each in found.items()} == {
        (0, None): 30,
        (0, 1): 10,
        (0, 2): 10,
        (0, 3): 10,
        (2, None): 40,
        (2, 2): 40,
    }


def test_nobody() -> None:
    assert coverage([], CURVES) == {}


def test_it_comes_out_the_same_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [cell(score, 3 + score) for score in range(28)]
    at_once = coverage(rows, CURVES)
    monkeypatch.setattr(calibration, "_CELLS_AT_ONCE", 5)
    assert coverage(rows, CURVES) == at_once


def test_a_counted_mean_against_r_and_one_by_one() -> None:
    """R 4.2: x <- rep(c(0.2,0.7,1.0,0.45), c(3,5,9,2)); c(mean(x), sd(x)/sqrt(length(x)), t.test(x)$conf.int)."""
    values, counts = np.array([0.2, 0.7, 1.0, 0.45]), np.array([3, 5, 9, 2])
    found = counted_mean(values, counts)
    figures = [found.estimate, found.standard_error, found.lower, found.upper]
    assert figures == pytest.approx([0.7368421052632, 0.0696526580039, 0.5905073009014, 0.8831769096249])
    persons = clustered_mean(np.repeat(values, counts), np.arange(19))
    assert [persons.estimate, persons.standard_error, persons.lower, persons.upper] == pytest.approx(figures)


def test_a_mean_of_one_person_has_no_error() -> None:
    found = counted_mean(np.array([0.5]), np.array([1]))
    assert found.estimate == 0.5
    assert math.isnan(found.standard_error)
    assert math.isnan(counted_mean(np.array([]), np.array([], dtype=int)).estimate)

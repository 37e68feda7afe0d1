"""Simulated courses have the truth that they are said to have."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log, nan

import numpy as np
import numpy.typing as npt
import pytest

from app.errors import InvalidSeries
from app.trajectories.growth import GrowthCurve
from app.trajectories.simulation import CourseShape, simulate_course
from tests.trajectories.factories import a_curve

WEEKLY = np.arange(13)

# Next to no spread, so that a mean course shows; 0.5 points of noise, so that rounding does not.
STEADY = replace(a_curve(), sd_intercept=0, sd_slope=0, drift_variance=0, noise_variance=0.25)


def cohort(
    shape: CourseShape, *, curve: GrowthCurve | None = None, patients: int = 2000, **options: float
) -> npt.NDArray[np.int64]:
    rng = np.random.default_rng(1)
    courses = [simulate_course(rng, curve or a_curve(), WEEKLY, WEEKLY, shape, **options) for _ in range(patients)]
    return np.array(courses)


@pytest.mark.parametrize(
    ("shape", "falls"),
    [
        # Mean fall from the first score, points: hand arithmetic from b = -3.1 and the shapes of the docstring.
        (CourseShape.EXPECTED, {3: 3.1 * log(4), 12: 3.1 * log(13)}),
        (CourseShape.EARLY, {3: 3.1 * log(13), 12: 3.1 * log(13)}),
        (CourseShape.LATE, {5: 0.0, 7: 3.1 * log(3) * log(13) / log(8), 12: 3.1 * log(13)}),
        (CourseShape.NONE, {5: 0.0, 12: 0.0}),
        (CourseShape.WORSENING, {8: -6.0}),
    ],
)
def test_each_shape_has_its_mean_course(shape: CourseShape, falls: dict[int, float]) -> None:
    """The standard error of a mean is below 0.6 / sqrt(300) = 0.035."""
    scores = cohort(shape, curve=STEADY, patients=300)
    for dose, fall in falls.items():
        assert 14.3 - scores[:, dose].mean() == pytest.approx(fall, abs=0.14)


def test_scores_scatter_as_the_curve_says() -> None:
    """Var(y0) = 3.74^2 + 10 + 6 = 29.99, sd 5.48; rounding adds 1/12, the ends of the scale take a little."""
    first = cohort(CourseShape.EXPECTED)[:, 0]
    assert first.mean() == pytest.approx(14.3, abs=0.3)
    assert first.std() == pytest.approx(5.48, abs=0.25)


def test_given_the_first_score_the_rest_is_conditional_on_it() -> None:
    """From 22 the expected fall to dose 1 holds regression to the mean: see the table of b7b-1."""
    scores = cohort(CourseShape.EXPECTED, first_score=22)
    expected = a_curve().given([0], [0], [22]).predict([4], [4])
    assert set(scores[:, 0]) == {22}
    assert scores[:, 4].mean() == pytest.approx(expected.mean[0], abs=0.3)
    assert scores[:, 4].std() == pytest.approx(expected.sd[0], abs=0.25)


@pytest.mark.parametrize("shape", CourseShape)
def test_scores_are_whole_points_of_the_scale(shape: CourseShape) -> None:
    course = simulate_course(np.random.default_rng(3), a_curve("gad-7"), [0, 5, 40], [0, 9, 90], shape)
    assert course.dtype == np.int64
    assert np.all((course >= 0) & (course <= 21))


def test_the_same_seed_gives_the_same_course() -> None:
    once, again = (
        simulate_course(np.random.default_rng(7), a_curve(), WEEKLY, WEEKLY, CourseShape.LATE) for _ in range(2)
    )
    assert once.tolist() == again.tolist()


def test_a_worsening_course_loses_a_reliable_change_of_its_scale() -> None:
    scores = cohort(CourseShape.WORSENING, curve=STEADY, patients=300, worsening_points=4)
    assert scores[:, 8].mean() - 14.3 == pytest.approx(4, abs=0.14)


@pytest.mark.parametrize(
    ("doses", "weeks"), [([], []), ([0, 1], [0]), ([[0]], [[0]]), ([-1], [0]), ([0], [nan]), ([inf], [0])]
)
def test_refuses_what_is_no_course(doses: list[float], weeks: list[float]) -> None:
    with pytest.raises(InvalidSeries):
        simulate_course(np.random.default_rng(1), a_curve(), doses, weeks, CourseShape.EXPECTED)

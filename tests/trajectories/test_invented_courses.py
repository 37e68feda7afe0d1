"""Invented courses have the truth that they are said to have."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log, nan

import numpy as np
import pytest

from app.errors import InvalidSeries
from app.trajectories.archetypes import CourseShape, simulate_course
from app.trajectories.growth import GrowthCurve
from app.trajectories.link import Link, LinkKind
from app.trajectories.prediction import IntArray
from app.trajectories.shapes import ResponseShape
from tests.trajectories.factories import a_curve, all_alike, b7b
from tests.trajectories.oracles import slow_conditional, slow_link

WEEKLY = np.arange(13)
STEADY = replace(all_alike(b7b()), worsening=6.0)


def cohort(
    shape: CourseShape, curve: GrowthCurve, *, patients: int = 2000, first_score: float | None = None
) -> IntArray:
    rng = np.random.default_rng(1)
    courses = [simulate_course(rng, curve, WEEKLY, WEEKLY, shape, first_score=first_score) for _ in range(patients)]
    return np.array(courses)


@pytest.mark.parametrize(
    ("shape", "falls"),
    [
        # Mean fall from the first score, points: hand arithmetic from b = -3.1 and the shapes of the docstring.
        (CourseShape.EXPECTED, {3: 3.1 * log(4), 12: 3.1 * log(13)}),
        (CourseShape.EARLY, {3: 3.1 * log(13), 12: 3.1 * log(13)}),
        (CourseShape.LATE, {5: 0.0, 7: 3.1 * log(3) * log(13) / log(8), 12: 3.1 * log(13)}),
        (CourseShape.NONE, {5: 0.0, 12: 0.0}),
        (CourseShape.WORSENING, {2: -3.0, 8: -6.0}),
    ],
)
def test_each_shape_has_its_mean_course(shape: CourseShape, falls: dict[int, float]) -> None:
    """The standard error of a mean is below 0.6 / sqrt(300) = 0.035."""
    scores = cohort(shape, STEADY, patients=300)
    for dose, fall in falls.items():
        assert 14.3 - scores[:, dose].mean() == pytest.approx(fall, abs=0.14)


@pytest.mark.parametrize(
    ("shape", "fall"),
    [
        (CourseShape.EXPECTED, 2.55 + 3.1 * log(11)),
        (CourseShape.LATE, 2.55 + 3.1 * log(6) * log(13) / log(8)),
        (CourseShape.NONE, 0.0),
        (CourseShape.WORSENING, -6 * log(11) / log(9)),
    ],
)
def test_the_natural_course_helps_those_who_respond(shape: CourseShape, fall: float) -> None:
    """In 10 weeks 2.55 points, to whoever responds at all."""
    scores = cohort(shape, replace(STEADY, intercept=16.0, natural_fall=2.55), patients=300)
    assert 16 - scores[:, 10].mean() == pytest.approx(fall, abs=0.14)


def test_scores_scatter_as_the_curve_says() -> None:
    """Var(y0) = 3.74^2 + 10 + 6 = 29.99, sd 5.48; rounding adds 1/12, the ends of the scale take a little."""
    first = cohort(CourseShape.EXPECTED, b7b())[:, 0]
    assert first.mean() == pytest.approx(14.3, abs=0.3)
    assert first.std() == pytest.approx(5.48, abs=0.25)


def test_persons_differ_in_level_and_slope_as_the_curve_says() -> None:
    """On a scale without ends, the first score and the one at dose 12 (p = ln 13) and week 12.

    Covariance 3.74^2 - .6 * 3.74 * 1.6 p + 10 exp(-12/13) = 8.751; variance of the last
    3.74^2 - 2 * .6 * 3.74 * 1.6 p + 1.6^2 p^2 + 10 + 6 = 28.411, and 1/12 for rounding. Errors are below
    30 sqrt(2 / 4000) = .67.
    """
    wide = Link(LinkKind.IDENTITY, 0, 400, middle=200)
    curve = replace(b7b(), link=wide, intercept=200.0, correlation=-0.6)
    scores = cohort(CourseShape.EXPECTED, curve, patients=4000)
    assert np.cov(scores[:, 0], scores[:, 12])[0, 1] == pytest.approx(8.751, abs=2)
    assert scores[:, 12].var() == pytest.approx(28.411 + 1 / 12, abs=2)


@pytest.mark.parametrize("curve", [b7b(), replace(a_curve(), shares={ResponseShape.EARLY: 1.0})])
def test_given_the_first_score_the_rest_is_conditional_on_it(curve: GrowthCurve) -> None:
    """From 22 the expected fall to dose 4 holds regression to the mean: cells of the slow computation."""
    scores = cohort(CourseShape.EXPECTED, curve, first_score=22)
    cells = np.array(slow_conditional(curve, [(0, 0, 22)], [(4, 4)]).cells(0))
    mean = cells @ np.arange(28)
    sd = np.sqrt(cells @ np.arange(28) ** 2 - mean**2)
    assert set(scores[:, 0]) == {22}
    assert scores[:, 4].mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(2000))
    assert scores[:, 4].std() == pytest.approx(sd, rel=4 / np.sqrt(2 * 2000))


@pytest.mark.parametrize("first_score", [0, 27])
def test_the_first_score_may_lie_at_an_end(first_score: int) -> None:
    assert set(cohort(CourseShape.EXPECTED, a_curve(), patients=20, first_score=first_score)[:, 0]) == {first_score}


def test_scores_go_through_the_link() -> None:
    """Nearly the same value for all: the score is that of the cell in which it lies."""
    curve = replace(all_alike(a_curve(), noise_variance=1e-6), intercept=slow_link(a_curve().link, 3.4))
    assert set(cohort(CourseShape.NONE, curve, patients=20).ravel()) == {3}


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


@pytest.mark.parametrize(
    ("doses", "weeks"), [([], []), ([0, 1], [0]), ([[0]], [[0]]), ([-1], [0]), ([0], [nan]), ([inf], [0])]
)
def test_refuses_what_is_no_course(doses: list[float], weeks: list[float]) -> None:
    with pytest.raises(InvalidSeries):
        simulate_course(np.random.default_rng(1), a_curve(), doses, weeks, CourseShape.EXPECTED)

"""Natural course: the published function and the table that it was published with."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidSeries
from app.scales.change import Better
from app.trajectories.natural import NaturalCourse, default_natural_course, natural_course
from tests.trajectories.oracles import normal_cdf


def course_of_the_phq_9() -> NaturalCourse:
    course = default_natural_course("phq-9")
    assert course is not None
    return course


def as_good(baseline: float, score: float, weeks: float) -> float:
    return course_of_the_phq_9().as_good(baseline, score, weeks, Better.LOWER)


def natural(baseline: float, weeks: float) -> float:
    course = natural_course("phq-9", baseline, [weeks])
    assert course is not None
    return float(course[0])


@pytest.mark.parametrize(
    ("baseline", "weeks", "score"),
    [
        (15, 0, 15.0),
        (15, 10, 12.45),  # the mean fall of the control arms from 15 in 10 weeks is 2.55
        (20, 10, 16.4),  # 20 - (2.55 + 0.21 * 5)
        (15, 52, 15 - 2.55 * log(27) / log(6)),
        (15, 200, 15 - 2.55 * log(27) / log(6)),  # held after a year
        (0, 10, 0.6),  # 0 - (2.55 - 0.21 * 15): the lowest scores rise a little, towards the mean
    ],
)
def test_function_of_first_score_and_calendar(baseline: float, weeks: float, score: float) -> None:
    assert natural(baseline, weeks) == pytest.approx(score)


@pytest.mark.parametrize(
    ("baseline", "weeks", "improved", "below_cutoff"),
    [
        (12, 10, 0.23, 0.45),
        (12, 26, 0.30, 0.53),
        (12, 52, 0.35, 0.58),
        (15, 10, 0.27, 0.27),
        (15, 26, 0.36, 0.36),
        (15, 52, 0.44, 0.44),
        (18, 10, 0.32, 0.14),
        (18, 26, 0.44, 0.22),
        (18, 52, 0.53, 0.30),
        (22, 10, 0.38, 0.04),
        (22, 26, 0.53, 0.09),
        (22, 52, 0.64, 0.16),
    ],
)
def test_implied_shares_are_the_published_ones(baseline: int, weeks: int, improved: float, below_cutoff: float) -> None:
    """P(6 points better) and P(below 10), from methods, B8, which prints two decimals."""
    shares = [as_good(baseline, score, weeks) for score in (baseline - 6, 9)]
    assert shares == pytest.approx([improved, below_cutoff], abs=0.0101)


@pytest.mark.parametrize(
    ("weeks", "sd"),
    [
        (0, 7.2 / 1.96),  # held before the first week
        (1, 7.2 / 1.96),  # methods, B5: 95 % of spontaneous differences
        (4, 8.1 / 1.96),
        (10, 4.9),  # methods, B8
        (31, 5.05),  # half-way between 10 and 52
        (52, 5.2),
        (200, 5.2),
    ],
)
def test_spread_of_similar_people(weeks: float, sd: float) -> None:
    assert course_of_the_phq_9().spread.at(weeks) == pytest.approx(sd, abs=0.005)


def test_the_two_sources_of_the_spread_meet_where_one_takes_over_from_the_other() -> None:
    """B5 between its 8.1 after 4 weeks and 9.8 after 13 is 4.71 at 10 weeks; .89 of an sd of 5.5 after it is 4.91."""
    assert np.interp(10, [4, 13], [8.1 / 1.96, 9.8 / 1.96]) == pytest.approx(4.71, abs=0.01)
    assert 5.5 * sqrt(1 - 0.45**2) == pytest.approx(course_of_the_phq_9().spread.at(10), abs=0.02)


def test_after_one_week_by_hand() -> None:
    """From 15 the course loses 2.55 ln 1.5 / ln 6 = .577 in a week: 9 or less is (9.5 - 14.423) / 3.67 = -1.341."""
    assert as_good(15, 9, 1) == pytest.approx(normal_cdf(-1.341), abs=1e-3)


def test_where_high_scores_are_good_it_is_the_mirror_image() -> None:
    """The same course and scores, seen from the other end of the scale: 0 to 27 is 27 to 0."""
    lower = course_of_the_phq_9()
    higher = replace(lower, fall_at_reference=-lower.fall_at_reference, reference_score=27 - lower.reference_score)
    for baseline, score, weeks in ((15, 9, 10), (20, 18, 3), (8, 8, 52)):
        share = higher.as_good(27 - baseline, 27 - score, weeks, Better.HIGHER)
        assert share == pytest.approx(lower.as_good(baseline, score, weeks, Better.LOWER))


@given(st.integers(0, 27), st.integers(0, 27), st.floats(0, 500))
def test_a_share_is_a_probability_and_less_for_a_better_score(baseline: int, score: int, weeks: float) -> None:
    shares = [as_good(baseline, score - points, weeks) for points in (1, 0)]
    assert 0 <= shares[0] <= shares[1] <= 1


@given(st.integers(0, 27), st.floats(0, 500))
def test_stays_within_the_scale(baseline: int, weeks: float) -> None:
    assert 0 <= natural(baseline, weeks) <= 27


def test_unknown_where_no_function_is_sourced() -> None:
    assert [natural_course(key, 15, [10]) for key in ("gad-7", "sdq", "own-goals")] == [None] * 3


def test_says_where_it_comes_from_and_never_effect() -> None:
    course = course_of_the_phq_9()
    assert "Metapsy" in course.source
    assert "REFRAMED" in course.spread.source
    assert "UNVERIFIED below 10 weeks" in course.spread.source
    assert course.wording == "what similar people would probably have had; never an effect"


@pytest.mark.parametrize(("baseline", "weeks"), [(28, 1), (-1, 1), (nan, 1)])
def test_refuses_a_baseline_outside_the_scale(baseline: float, weeks: float) -> None:
    with pytest.raises(InvalidSeries, match="baseline lies outside"):
        natural(baseline, weeks)


@pytest.mark.parametrize("weeks", [-1, nan, -inf])
def test_refuses_a_time_before_the_baseline(weeks: float) -> None:
    with pytest.raises(InvalidSeries, match="each week must be"):
        natural(15, weeks)

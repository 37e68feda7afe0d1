"""Natural course: the published function and the table that it was published with."""

from __future__ import annotations

from math import inf, log, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidSeries
from app.trajectories.natural import default_natural_course, natural_course
from tests.trajectories.oracles import normal_cdf


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
    """P(6 points better) and P(below 10), from methods, B8, with the spread given there: 4.9 at 10 weeks, 5.2 at 52."""
    sd = np.interp(weeks, [10, 52], [4.9, 5.2])
    mean = natural(baseline, weeks)
    shares = [normal_cdf((score + 0.5 - mean) / sd) for score in (baseline - 6, 9)]
    assert shares == pytest.approx([improved, below_cutoff], abs=0.0101)


@given(st.integers(0, 27), st.floats(0, 500))
def test_stays_within_the_scale(baseline: int, weeks: float) -> None:
    assert 0 <= natural(baseline, weeks) <= 27


def test_unknown_where_no_function_is_sourced() -> None:
    assert [natural_course(key, 15, [10]) for key in ("gad-7", "sdq", "own-goals")] == [None] * 3


def test_says_where_it_comes_from_and_never_effect() -> None:
    course = default_natural_course("phq-9")
    assert course is not None
    assert "Metapsy" in course.source
    assert course.wording == "what similar people would probably have had; never an effect"


@pytest.mark.parametrize(("baseline", "weeks"), [(28, 1), (-1, 1), (nan, 1)])
def test_refuses_a_baseline_outside_the_scale(baseline: float, weeks: float) -> None:
    with pytest.raises(InvalidSeries, match="baseline lies outside"):
        natural(baseline, weeks)


@pytest.mark.parametrize("weeks", [-1, nan, -inf])
def test_refuses_a_time_before_the_baseline(weeks: float) -> None:
    with pytest.raises(InvalidSeries, match="each week must be"):
        natural(15, weeks)

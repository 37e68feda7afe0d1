"""How likely a true gain is: a slow sum over a fine grid of true values beside the quadrature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.scales.change import Better
from app.trajectories.gain import chances_of_gain
from app.trajectories.growth import GrowthCurve
from app.trajectories.link import Link, LinkKind
from tests.trajectories.factories import a_curve, all_alike, b7b, mirrored, of_all_shapes
from tests.trajectories.oracles import normal_cdf, slow_conditional, slow_link, slow_units

NOTICED = 1.7

COURSES = [
    [16, 16, 16, 16, 16, 16, 16, 16],
    [16, 12, 9, 7, 5, 4, 3, 3],
    [16, 12, 9, 6, 4, 2, 1, 2],
    [16, 12, 9, 6, 4, 2, 1, 0],
    [0, 0, 0],
    [27, 27, 26, 27],
]


def chances(
    curve: GrowthCurve,
    scores: Sequence[float],
    sessions: Sequence[int] = (4,),
    points: float = NOTICED,
    better: Better = Better.LOWER,
) -> list[float]:
    """Give the chances of a gain in so many more weekly sessions."""
    now = len(scores) - 1
    given_scores = curve.given(range(len(scores)), range(len(scores)), scores)
    doses = [now, *(now + each for each in sessions)]
    where = given_scores.at(doses, doses)
    return list(chances_of_gain(where[:1], where[1:], points, better).tolist())


def slow_backward(link: Link, units: float) -> float:
    """Give the points at which the link takes a value, cut to the scale, by halving."""
    low, high = float(link.minimum), float(link.maximum)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if slow_link(link, middle) < units else (low, middle)
    return low


def slow_chance(curve: GrowthCurve, scores: Sequence[float], sessions: int, points: float) -> float:
    """Give the chance of a fall, over 500 true values now in each shape, from where so much is left to fall."""
    now = len(scores) - 1
    rows = [(float(n), float(n), float(score)) for n, score in enumerate(scores)]
    believed = slow_conditional(curve, rows, [(now, now), (now + sessions, now + sessions)])
    probability = 0.0
    for share, means, covariance in zip(believed.shares, believed.means, believed.covariances, strict=True):
        sd_now, slope = sqrt(covariance[0, 0]), covariance[0, 1] / covariance[0, 0]
        sd = sqrt(covariance[1, 1] - slope * covariance[0, 1])
        first = max((slow_link(curve.link, curve.minimum + points) - means[0]) / sd_now, -7)
        for low, high in pairwise(np.linspace(first, max(first, 7), 501).tolist()):
            away = (low + high) / 2 * sd_now
            target = slow_link(curve.link, slow_backward(curve.link, means[0] + away) - points)
            reached = normal_cdf((target - means[1] - slope * away) / sd)
            probability += share * (normal_cdf(high) - normal_cdf(low)) * reached
    return probability


@pytest.mark.parametrize("scores", COURSES)
def test_it_is_the_sum_over_all_true_values_now(scores: list[int]) -> None:
    assert chances(a_curve(), scores) == pytest.approx([slow_chance(a_curve(), scores, 4, NOTICED)], abs=1e-4)


@pytest.mark.parametrize(
    "curve",
    [
        of_all_shapes(a_curve()),
        of_all_shapes(b7b()),
        replace(a_curve(), link=Link(LinkKind.LOGIT, 0, 27, middle=12)),
    ],
)
def test_and_so_it_is_with_other_shapes_and_links(curve: GrowthCurve) -> None:
    scores = [16, 12, 9, 6, 4, 2, 1, 2]
    assert chances(curve, scores, [10], 3) == pytest.approx([slow_chance(curve, scores, 10, 3)], abs=1e-4)


def test_far_from_the_ends_it_is_the_true_change_in_link_units() -> None:
    """On the raw scale a point is a unit wherever the patient is: a normal probability, by hand from the moments."""
    scores = [16.0] * 8
    believed = slow_conditional(b7b(), [(n, n, score) for n, score in enumerate(scores)], [(7, 7), (11, 11)])
    units = slow_units(b7b().link, 16, -NOTICED)
    assert chances(b7b(), scores) == pytest.approx([believed.falls(0, 1, units)], abs=1e-4)


def test_where_high_scores_are_good_it_is_the_mirror_image() -> None:
    for scores in COURSES:
        as_high = chances(mirrored(a_curve()), [27 - score for score in scores], [4, 10], better=Better.HIGHER)
        assert as_high == pytest.approx(chances(a_curve(), scores, [4, 10]), abs=1e-9)


def test_persons_who_go_the_mean_course_gain_what_it_does() -> None:
    """From dose 0 to 4 of the one-shape curve on the raw scale: 3.1 ln 5 = 4.99 points, from 14.3."""
    curve = all_alike(b7b())
    assert chances(curve, [14], points=4.98) == pytest.approx([1])
    assert chances(curve, [14], points=5.0) == pytest.approx([0])


def test_more_than_the_scale_has_can_not_be_gained() -> None:
    assert chances(a_curve(), [27, 20, 15], points=27.5) == pytest.approx([0])


@settings(max_examples=50)
@given(
    st.sampled_from([a_curve(), a_curve("gad-7"), b7b(), of_all_shapes(a_curve())]),
    st.lists(st.integers(0, 21), min_size=1, max_size=10),
    st.floats(0.1, 20),
    st.floats(0.1, 5),
    st.integers(1, 52),
)
def test_a_chance_is_a_probability_and_less_for_a_larger_gain(
    curve: GrowthCurve, scores: list[int], points: float, more: float, sessions: int
) -> None:
    [chance] = chances(curve, scores, [sessions], points)
    [larger] = chances(curve, scores, [sessions], points + more)
    assert 0 <= larger <= chance + 1e-6 <= 1 + 1e-6

"""Simulated cohorts have the truth that they are said to have: moments of the written formulas, and who leaves when.

Cohorts are drawn with a seed, and their figures held against exact ones to within four standard errors.
"""

from __future__ import annotations

from dataclasses import replace
from math import log, nan, sqrt

import numpy as np
import pytest

from app.errors import InvalidSeries
from app.trajectories.composite import JointCurve, default_joint_curve
from app.trajectories.growth import GrowthCurve
from app.trajectories.link import Link, LinkKind
from app.trajectories.prediction import FloatArray
from app.trajectories.shapes import ResponseShape
from app.trajectories.simulation import Cohort, Leaving, Occasions, simulate, simulate_pair
from tests.trajectories.factories import a_curve, all_alike, b7b, of_all_shapes
from tests.trajectories.oracles import slow_conditional, slow_covariance, slow_mean

COUNT = 20_000
SURE = 4
"""Standard errors."""

FORTNIGHTLY = Occasions((0, 1, 4, 12), interval_weeks=2.0)
POINTS = [(0.0, 0.0), (1.0, 2.0), (4.0, 8.0), (12.0, 24.0)]

# A scale so wide that nobody reaches its ends: scores are the model's values, rounded to whole points.
WIDE = replace(
    of_all_shapes(b7b()),
    link=Link(LinkKind.IDENTITY, 0, 400, middle=200),
    intercept=200.0,
    natural_fall=2.0,
    correlation=-0.3,
)
ROUNDING = 1 / 12
"""Variance of what rounding to whole points adds (Sheppard's correction)."""


def a_cohort(curve: GrowthCurve, leaving: Leaving | None = None, occasions: Occasions = FORTNIGHTLY) -> Cohort:
    return simulate(np.random.default_rng(11), curve, occasions, COUNT, leaving)


def assert_moments(scores: FloatArray, means: FloatArray, covariance: FloatArray) -> None:
    """The error of a mean is sd / sqrt n, that of a covariance sqrt((v1 v2 + c^2) / n)."""
    n = len(scores)
    variances = np.diag(covariance)
    assert (np.abs(scores.mean(axis=0) - means) < SURE * np.sqrt(variances / n)).all()
    errors = np.sqrt((np.outer(variances, variances) + covariance**2) / n)
    assert (np.abs(np.cov(scores, rowvar=False) - covariance) < SURE * errors).all()


class TestTruth:
    @pytest.mark.parametrize("shape", ResponseShape)
    def test_each_shape_has_its_moments(self, shape: ResponseShape) -> None:
        cohort = a_cohort(WIDE)
        scores = cohort.scores[cohort.shapes == WIDE.shapes.index(shape)]
        means = np.array([slow_mean(WIDE, shape, *point) for point in POINTS])
        covariance = slow_covariance(WIDE, shape, POINTS) + (WIDE.noise_variance + ROUNDING) * np.eye(4)
        assert_moments(scores, means, covariance)

    def test_one_shape_by_hand(self) -> None:
        """Methods, B7b: mean 14.3 - 3.1 ln(1 + d), first variance 3.74^2 + 10 + 6 = 29.99; moved up to miss no end.

        Fortnightly from dose 0 to 12 are 24 weeks: covariance 3.74^2 + 10 exp(-24/13) = 15.57.
        """
        curve = replace(b7b(), link=WIDE.link, intercept=214.3)
        scores = a_cohort(curve).scores
        error = sqrt(29.99 / COUNT)
        assert scores[:, 0].mean() == pytest.approx(214.3, abs=SURE * error)
        assert scores[:, 3].mean() == pytest.approx(214.3 - 3.1 * log(13), abs=SURE * 1.3 * error)
        assert scores[:, 0].var() == pytest.approx(29.99 + ROUNDING, abs=SURE * 29.99 * sqrt(2 / COUNT))
        assert np.cov(scores[:, 0], scores[:, 3])[0, 1] == pytest.approx(15.57, abs=SURE * 38 / sqrt(COUNT))

    def test_shapes_have_their_shares(self) -> None:
        counts = np.bincount(a_cohort(WIDE).shapes, minlength=4)
        for count, share in zip(counts, (0.4, 0.3, 0.2, 0.1), strict=True):
            assert count / COUNT == pytest.approx(share, abs=SURE * sqrt(share * (1 - share) / COUNT))

    @pytest.mark.parametrize("curve", [a_curve(), a_curve("gad-7"), of_all_shapes(b7b())])
    def test_every_score_is_as_frequent_as_the_model_says(self, curve: GrowthCurve) -> None:
        """Through the link, with what lies beyond the ends of the scale at its ends."""
        scores = a_cohort(curve).scores
        exact = slow_conditional(curve, [], POINTS)
        for place in range(len(POINTS)):
            counts = np.bincount(scores[:, place].astype(int) - curve.minimum, minlength=curve.maximum + 1)
            for count, probability in zip(counts, exact.cells(place), strict=True):
                assert count / COUNT == pytest.approx(probability, abs=SURE * sqrt(probability / COUNT) + 1e-4)

    def test_the_same_seed_gives_the_same_cohort(self) -> None:
        once, again = a_cohort(a_curve(), Leaving(0.1)), a_cohort(a_curve(), Leaving(0.1))
        assert np.array_equal(once.scores, again.scores, equal_nan=True)
        assert once.shapes.tolist() == again.shapes.tolist()


class TestOccasions:
    def test_fortnightly_weeks(self) -> None:
        assert FORTNIGHTLY.weeks == (0, 2, 8, 24)
        assert Occasions((0, 3)).weeks == (0, 3)
        cohort = a_cohort(a_curve())
        assert (cohort.doses.tolist(), cohort.weeks.tolist()) == ([0, 1, 4, 12], [0, 2, 8, 24])

    def test_as_episodes_it_is_what_a_service_would_know(self) -> None:
        cohort = Cohort(
            np.array([0, 2]),
            np.array([0.0, 4.0]),
            np.array([[9, nan], [8, 7]]),
            np.array([[9, 5], [8, 7]]),
            np.array([0]),
        )
        episodes = cohort.episodes
        assert episodes.starts.tolist() == [0, 1, 3]
        assert episodes.scores.tolist() == [9, 8, 7]
        assert (episodes.doses.tolist(), episodes.weeks.tolist()) == ([0, 0, 2], [0, 0, 4])


class TestLeaving:
    SCORES = np.array([[15.0, 9, 12, 4], [8, 14, 13, 15], [20, 20, 26, 25]])

    @pytest.mark.parametrize(
        ("leaving", "probabilities"),
        [
            (Leaving(), [[0, 0, 0, 0]] * 3),
            (Leaving(0.1), [[0, 0.1, 0.1, 0.1]] * 3),
            # The first score of 8 is no reason to leave before the second.
            (Leaving(0.1, when_at_most=9, then=0.5), [[0, 0.5, 0.1, 0.5], [0, 0.1, 0.1, 0.1], [0, 0.1, 0.1, 0.1]]),
            (Leaving(0.1, when_risen_by=6, then=0.4), [[0, 0.1, 0.1, 0.1], [0, 0.4, 0.1, 0.4], [0, 0.1, 0.4, 0.1]]),
        ],
    )
    def test_rules_by_hand(self, leaving: Leaving, probabilities: list[list[float]]) -> None:
        assert leaving.probabilities(self.SCORES).tolist() == probabilities

    def test_nobody_leaves_before_the_second_score_and_all_may_after_it(self) -> None:
        scores = a_cohort(a_curve(), Leaving(1.0)).scores
        assert np.isnan(scores).tolist() == [[False, False, True, True]] * COUNT

    def test_who_leaves_when_well_leaves_with_that_score_and_for_good(self) -> None:
        cohort = a_cohort(a_curve(), Leaving(when_at_most=5, then=1.0))
        for scores, complete in zip(cohort.scores[:2000].tolist(), cohort.complete[:2000].tolist(), strict=True):
            well = next((place for place in (1, 2, 3) if complete[place] <= 5), 3)
            assert scores[: well + 1] == complete[: well + 1]
            assert np.isnan(scores[well + 1 :]).all()

    def test_as_many_leave_as_the_rule_says(self) -> None:
        """A fifth after the second score, a fifth of the others after the third; the last one ends it for all."""
        stay = ~np.isnan(a_cohort(a_curve(), Leaving(0.2)).scores)
        for place, share in enumerate((1, 1, 0.8, 0.64)):
            assert stay[:, place].mean() == pytest.approx(share, abs=SURE * sqrt(0.25 / COUNT))

    def test_without_a_rule_everybody_stays(self) -> None:
        cohort = a_cohort(a_curve())
        assert cohort.scores.tolist() == cohort.complete.tolist()
        assert not np.isnan(cohort.scores).any()


class TestPair:
    JOINT = JointCurve(
        (WIDE, replace(WIDE, intercept=190.0, sd_intercept=3.0, sd_slope=1.2, drift_variance=7.0, noise_variance=4.0)),
        level=0.6,
        slope=0.8,
        drift=0.5,
        noise=0.3,
    )

    def test_both_go_together_as_the_correlations_say(self) -> None:
        """Persons alike in shape, without correlation of level and slope: the mean course of both is then one.

        First scores: .6 * 3.74 * 3 + .5 sqrt(10 * 7) + .3 sqrt(6 * 4) = 12.385. At dose 4 (p = ln 5, fortnightly) also
        .8 * 1.6 * 1.2 ln(5)^2 = 3.979: 16.364. Between the first of one and the other at dose 4 only the levels and
        the drift: 6.732 + 4.183 exp(-8/13) = 8.993.
        """
        one, other = (replace(curve, shares={ResponseShape.EARLY: 1.0}, correlation=0.0) for curve in self.JOINT.curves)
        joint = replace(self.JOINT, curves=(one, other))
        first, second = simulate_pair(np.random.default_rng(12), joint, FORTNIGHTLY, COUNT)
        error = SURE * 60 / sqrt(COUNT)
        assert np.cov(first[:, 0], second[:, 0])[0, 1] == pytest.approx(12.385, abs=error)
        assert np.cov(first[:, 2], second[:, 2])[0, 1] == pytest.approx(16.364, abs=error)
        assert np.cov(first[:, 0], second[:, 2])[0, 1] == pytest.approx(8.993, abs=error)

    @pytest.mark.parametrize("measure", [0, 1])
    def test_each_is_a_cohort_of_its_own_curve(self, measure: int) -> None:
        curve = self.JOINT.curves[measure]
        scores = simulate_pair(np.random.default_rng(12), self.JOINT, FORTNIGHTLY, COUNT)[measure]
        shares = np.array(list(curve.shares.values()))
        courses = np.array([[slow_mean(curve, shape, *point) for point in POINTS] for shape in curve.shapes])
        within = [slow_covariance(curve, shape, POINTS) for shape in curve.shapes]
        means = shares @ courses
        between = (shares * (courses - means).T) @ (courses - means)
        noise = (curve.noise_variance + ROUNDING) * np.eye(4)
        assert_moments(scores, means, np.tensordot(shares, within, axes=1) + between + noise)

    def test_persons_respond_in_the_same_shape_on_both(self) -> None:
        """With persons alike in all else, who worsens on one measure worsens on the other."""
        one, other = map(all_alike, self.JOINT.curves)
        joint = replace(self.JOINT, curves=(one, other))
        first, second = simulate_pair(np.random.default_rng(12), joint, FORTNIGHTLY, 500)
        worse = first[:, 3] > first[:, 0]
        assert 0 < worse.sum() < 500
        assert worse.tolist() == (second[:, 3] > second[:, 0]).tolist()

    def test_the_default_pair(self) -> None:
        pair = simulate_pair(np.random.default_rng(13), default_joint_curve(), Occasions((0, 4)), 200)
        for scores, maximum in zip(pair, (27, 21), strict=True):
            assert scores.shape == (200, 2)
            assert ((scores >= 0) & (scores <= maximum) & (scores == np.round(scores))).all()


@pytest.mark.parametrize(("occasions", "count"), [(Occasions((0, 1)), 0), (Occasions(()), 5)])
def test_refuses_what_is_no_cohort(occasions: Occasions, count: int) -> None:
    with pytest.raises(InvalidSeries, match="at least one patient and one occasion"):
        simulate(np.random.default_rng(1), a_curve(), occasions, count)
    with pytest.raises(InvalidSeries, match="at least one patient and one occasion"):
        simulate_pair(np.random.default_rng(1), default_joint_curve(), occasions, count)

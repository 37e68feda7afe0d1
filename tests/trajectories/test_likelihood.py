"""The likelihood: exact where the model is Gaussian, bounds at the ends, however the episodes are laid out."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from app.errors import InvalidSeries
from app.trajectories import likelihood as likelihood_module
from app.trajectories.episodes import Episodes
from app.trajectories.growth import GrowthCurve
from app.trajectories.likelihood import Likelihood, mixed
from app.trajectories.link import Link, LinkKind
from app.trajectories.prediction import FloatArray
from app.trajectories.shapes import ResponseShape
from app.trajectories.simulation import Occasions, simulate
from tests.trajectories.factories import a_curve, of_all_shapes
from tests.trajectories.oracles import slow_conditional, slow_covariance, slow_link, slow_mean

LOGIT = replace(of_all_shapes(a_curve()), link=Link(LinkKind.LOGIT, 0, 27, middle=15))


def dense(curve: GrowthCurve, episode: Episodes) -> list[float]:
    """Give the log density of one episode in each shape: scipy's, with the covariance from its written formula."""
    points = list(zip(episode.doses.tolist(), episode.weeks.tolist(), strict=True))
    units = [slow_link(curve.link, score) for score in episode.scores.tolist()]
    found = []
    for shape in curve.shapes:
        covariance = slow_covariance(curve, shape, points) + curve.noise_variance * np.eye(len(points))
        means = [slow_mean(curve, shape, *point) for point in points]
        found.append(float(stats.multivariate_normal.logpdf(units, means, covariance)))
    return found


@st.composite
def some_episodes(draw: st.DrawFn) -> Episodes:
    columns: list[tuple[int, int, float, int]] = []
    for number in range(draw(st.integers(1, 5))):
        weeks = sorted(draw(st.lists(st.floats(0, 60), min_size=1, max_size=5)))
        columns += [(number, draw(st.integers(0, 30)), week, draw(st.integers(0, 27))) for week in weeks]
    ids, doses, weeks_, scores = zip(*columns, strict=True)
    return Episodes.of(ids, doses, weeks_, scores)


def each(episodes: Episodes) -> list[Episodes]:
    return [episodes.chosen(np.array([place])) for place in range(episodes.count)]


@given(some_episodes())
def test_without_bounds_it_is_the_joint_normal_density(episodes: Episodes) -> None:
    found = Likelihood(episodes, LOGIT.link).by_shape(LOGIT)
    expected = np.array([dense(LOGIT, episode) for episode in each(episodes)]).T
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-7)


def test_a_score_at_an_end_counts_with_the_probability_of_its_cell() -> None:
    """One score, by hand: at 0 Phi((g(1/2) - a) / sd), with sd^2 the sum of all variances at dose 0."""
    curve = a_curve()
    sd = (curve.sd_intercept**2 + curve.drift_variance + curve.noise_variance) ** 0.5
    lowest, highest = Episodes.of([1], [0], [0], [0]), Episodes.of([1], [0], [0], [27])
    below = stats.norm.logcdf((slow_link(curve.link, 0.5) - curve.intercept) / sd)
    above = stats.norm.logsf((slow_link(curve.link, 26.5) - curve.intercept) / sd)
    assert Likelihood(lowest, curve.link).by_episode(curve) == pytest.approx([below])
    assert Likelihood(highest, curve.link).by_episode(curve) == pytest.approx([above])


def test_with_bounds_it_is_what_the_predictions_go_by() -> None:
    """The slow filter's shares are prior times likelihood: the likelihood's own must give the same."""
    curve = of_all_shapes(a_curve())
    scores = [(0.0, 0.0, 12.0), (1.0, 1.0, 4.0), (3.0, 3.5, 0.0), (4.0, 5.0, 0.0)]
    believed = slow_conditional(curve, scores, [(5.0, 6.0)])
    episode = Episodes.of([1] * 4, *zip(*scores, strict=True))
    by_shape = Likelihood(episode, curve.link).by_shape(curve)
    assert mixed(by_shape, curve.log_shares)[1][:, 0] == pytest.approx(believed.shares, rel=1e-9)


def test_shapes_are_mixed_by_their_shares() -> None:
    """By hand: .3 e^-10 + .7 e^-12, of which the first is .3 / (.3 + .7 e^-2)."""
    log_density, posterior = mixed(np.array([[-10.0], [-12.0]]), np.log([0.3, 0.7]))
    assert log_density == pytest.approx([log(0.3 * exp(-10) + 0.7 * exp(-12))])
    assert posterior[:, 0] == pytest.approx([0.3 / (0.3 + 0.7 * exp(-2)), 0.7 * exp(-2) / (0.3 + 0.7 * exp(-2))])


def test_nothing_is_lost_far_out_in_the_tails() -> None:
    log_density, posterior = mixed(np.array([[-2000.0], [-2001.0]]), np.log([0.5, 0.5]))
    assert log_density == pytest.approx([-2000 + log(0.5 * (1 + exp(-1)))])
    assert posterior.sum() == pytest.approx(1)


@pytest.fixture(scope="module")
def cohort() -> Episodes:
    rng = np.random.default_rng(3)
    scores = simulate(rng, a_curve(), Occasions(tuple(range(12))), 70).scores
    lengths = rng.integers(1, 13, 70)
    return Episodes.of_table(range(12), range(12), np.where(np.arange(12) < lengths[:, None], scores, np.nan))


class TestLayout:
    @pytest.mark.parametrize("at_once", [1, 7, 69, 70])
    def test_episodes_don_t_depend_on_their_company(
        self, cohort: Episodes, at_once: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        curve = of_all_shapes(a_curve())
        alone = np.concatenate([Likelihood(one, curve.link).by_episode(curve) for one in each(cohort)])
        monkeypatch.setattr(likelihood_module, "_AT_ONCE", at_once)
        np.testing.assert_allclose(Likelihood(cohort, curve.link).by_episode(curve), alone, rtol=1e-12)

    def test_some_shapes_alone(self, cohort: Episodes) -> None:
        curve = of_all_shapes(a_curve())
        likelihood = Likelihood(cohort, curve.link)
        late_and_early = [curve.shapes.index(shape) for shape in (ResponseShape.LATE, ResponseShape.EARLY)]
        np.testing.assert_array_equal(
            likelihood.by_shape(curve, late_and_early), likelihood.by_shape(curve)[late_and_early]
        )

    def test_some_episodes_spread_over_all(self, cohort: Episodes) -> None:
        curve = a_curve()
        likelihood = Likelihood(cohort, curve.link)
        found = likelihood.thinned(4)
        assert found.by_episode(curve) == pytest.approx(likelihood.by_episode(curve)[[0, 23, 46, 69]])
        assert likelihood.thinned(70) is likelihood


@pytest.mark.parametrize("score", [-1.0, 28.0])
def test_a_score_outside_the_scale_is_refused(score: float) -> None:
    with pytest.raises(InvalidSeries) as caught:
        Likelihood(Episodes.of([1], [0], [0], [score]), a_curve().link)
    assert (caught.value.pointer, caught.value.allowed) == ("/score", "0 to 27")


def test_the_identity_censors_too() -> None:
    """Two scores of 0 and one of 5 on the raw scale, far from the mean: the bound is half a point above the end."""
    curve = replace(a_curve(), link=Link(LinkKind.IDENTITY, 0, 27, middle=10), intercept=0.0)
    sd = (curve.sd_intercept**2 + curve.drift_variance + curve.noise_variance) ** 0.5
    found: FloatArray = Likelihood(Episodes.of([1, 2], [0, 0], [0, 0], [0, 5]), curve.link).by_episode(curve)
    assert found == pytest.approx([stats.norm.logcdf(0.5 / sd), stats.norm.logpdf(5, 0, sd)])

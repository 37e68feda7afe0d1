"""Curves of programmes: drawn towards the whole, by what their episodes say and how much programmes differ."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from app.errors import InvalidSeries
from app.trajectories import strata as strata_module
from app.trajectories.episodes import Episodes
from app.trajectories.fitting import fit_growth_curve
from app.trajectories.growth import GrowthCurve
from app.trajectories.simulation import Occasions, simulate
from app.trajectories.strata import StrataFit, fit_strata
from tests.trajectories.factories import a_curve, b7b

WEEKLY = Occasions(tuple(range(8)))
PLAIN = replace(b7b(), drift_variance=0.0)


def programmes(*asked: tuple[int, float, float], curve: GrowthCurve = PLAIN, seed: int = 2) -> dict[str, Episodes]:
    """Simulate programmes: how many episodes, and how far intercept and slope lie from the curve's."""
    rng = np.random.default_rng(seed)
    return {
        f"programme {number}": simulate(
            rng,
            replace(curve, intercept=curve.intercept + level, session_slope=curve.session_slope + slope),
            WEEKLY,
            count,
        ).episodes
        for number, (count, level, slope) in enumerate(asked)
    }


def test_the_variance_between_programmes_by_hand() -> None:
    """Estimates 1, 2 and 6 with variances 1, 1 and 2: w = 1, 1, .5; mean 6/2.5 = 2.4; Q = 1.96 + .16 + 6.48 = 8.6.

    T = (8.6 - 2) / (2.5 - 2.25 / 2.5) = 6.6 / 1.6 = 4.125.
    """
    assert strata_module._between(np.array([1.0, 2.0, 6.0]), np.array([1.0, 1.0, 2.0])) == pytest.approx(4.125)
    assert strata_module._between(np.array([1.0, 1.1]), np.array([1.0, 1.0])) == 0.0
    assert strata_module._between(np.array([1.0]), np.array([1.0])) == 0.0


@pytest.fixture(scope="module")
def fit() -> StrataFit:
    return fit_strata(programmes((300, 0, 0), (200, 3, -0.8), (150, -3, 0.8), (40, 2, 0), (8, 5, 0)), PLAIN)


def test_large_programmes_get_their_own(fit: StrataFit) -> None:
    for stratum, (level, slope) in zip(fit.strata, [(0, 0), (3, -0.8), (-3, 0.8)], strict=False):
        assert stratum.curve.intercept == pytest.approx(PLAIN.intercept + level, abs=1)
        assert stratum.curve.session_slope == pytest.approx(PLAIN.session_slope + slope, abs=0.4)
        assert stratum.own_weight > 0.8


def test_small_ones_are_drawn_towards_the_whole(fit: StrataFit) -> None:
    weights = [stratum.own_weight for stratum in fit.strata]
    assert weights == sorted(weights, reverse=True)
    smallest = fit.strata[-1]
    assert fit.whole.curve.intercept < smallest.curve.intercept < smallest.own_intercept
    assert smallest.n_episodes == 8


def test_what_a_programme_gets_by_the_formula(fit: StrataFit) -> None:
    """(I + 1/T)^-1 (I e + whole / T), with the information of the programme's own fit by the plain mixed model."""
    episodes = programmes((300, 0, 0), (200, 3, -0.8), (150, -3, 0.8), (40, 2, 0), (8, 5, 0))["programme 3"]
    whole, stratum = fit.whole.curve, fit.strata[3]
    z = np.column_stack([np.ones(8), np.log1p(np.arange(8))])
    spread = whole.variation
    persons = np.array([[spread.level, spread.both], [spread.both, spread.slope]])
    precision = np.linalg.inv(z @ persons @ z.T + whole.noise_variance * np.eye(8))
    # The identity's ends are bounds, so that the information is a little less than that of exact scores.
    information = episodes.count * z.T @ precision @ z
    between = np.diag([fit.sd_intercept**-2, fit.sd_slope**-2])
    centre = np.array([whole.intercept, whole.session_slope])
    own = np.array([stratum.own_intercept, stratum.own_slope])
    drawn = np.linalg.solve(information + between, information @ own + between @ centre)
    assert [stratum.curve.intercept, stratum.curve.session_slope] == pytest.approx(drawn, abs=0.05)
    weight = np.trace(np.linalg.solve(information + between, information)) / 2
    assert stratum.own_weight == pytest.approx(weight, abs=0.03)


def test_all_else_is_that_of_the_whole(fit: StrataFit) -> None:
    whole = fit.whole.curve
    for stratum in fit.strata:
        own = stratum.curve
        assert replace(own, intercept=whole.intercept, session_slope=whole.session_slope) == whole


def test_the_whole_is_the_fit_on_all_episodes() -> None:
    parts = programmes((40, 0, 0), (30, 1, 0))
    everything = fit_growth_curve(Episodes.joined(list(parts.values())), PLAIN)
    assert fit_strata(parts, PLAIN).whole.curve == everything.curve


def test_programmes_that_don_t_differ_get_the_whole() -> None:
    """Ten programmes of one truth: so little between them that all stay close to the whole."""
    found = fit_strata(programmes(*[(60, 0, 0)] * 10, seed=4), PLAIN)
    assert found.sd_intercept < 0.5
    own = np.std([stratum.own_intercept for stratum in found.strata])
    assert np.std([stratum.curve.intercept for stratum in found.strata]) < 0.4 * own


def test_drawing_makes_curves_better() -> None:
    """Thirty small programmes that differ by 1 point: what they get lies closer to their truth than what they say."""
    rng = np.random.default_rng(12)
    levels = rng.normal(0, 1, 30)
    found = fit_strata(programmes(*[(12, level, 0.0) for level in levels], seed=5), PLAIN)
    truth = PLAIN.intercept + levels
    drawn = np.array([stratum.curve.intercept for stratum in found.strata])
    own = np.array([stratum.own_intercept for stratum in found.strata])
    assert sqrt(np.mean((drawn - truth) ** 2)) < 0.85 * sqrt(np.mean((own - truth) ** 2))
    assert found.sd_intercept == pytest.approx(1, abs=0.6)


def test_a_programme_whose_episodes_say_nothing_gets_the_whole() -> None:
    """One patient with one score tells a level at most, and no slope."""
    parts = programmes((60, 0, 0), (60, 1, 0)) | {"new": Episodes.of([1], [0], [0], [20])}
    found = fit_strata(parts, PLAIN)
    new = found.strata[-1]
    assert (new.own_weight, new.curve) == (0.0, found.whole.curve)
    assert np.isnan(new.own_intercept)


def test_shapes_and_links_as_well() -> None:
    found = fit_strata(programmes((60, 0, 0), (50, 2, 0), curve=a_curve()), a_curve())
    assert all(stratum.curve.shares == found.whole.curve.shares for stratum in found.strata)


def test_one_programme_is_no_comparison() -> None:
    with pytest.raises(InvalidSeries, match="two programmes or more") as caught:
        fit_strata(programmes((60, 0, 0)), PLAIN)
    assert caught.value.pointer == "/programme"

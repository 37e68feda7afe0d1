"""The plain mixed model's predictions: a dense conditional normal, and the growth model where they are one."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidSeries
from app.trajectories.episodes import Episodes
from app.trajectories.growth import GrowthCurve
from app.trajectories.mixed_model import FixedEffect, Method, MixedModelFit, fit_mixed_model
from app.trajectories.plain_model import PlainMixedModel
from app.trajectories.prediction import FloatArray
from tests.trajectories.factories import b7b

INTERCEPT, SLOPE, SD_INTERCEPT, SD_SLOPE, CORRELATION, SD_NOISE = 14.0, -3.0, 4.0, 1.5, -0.3, 3.0


def a_fit(correlation: float | None = CORRELATION, sd_slope: float = SD_SLOPE) -> MixedModelFit:
    effects = (FixedEffect("intercept", INTERCEPT, 0.1), FixedEffect("time", SLOPE, 0.1))
    spreads = (SD_INTERCEPT, sd_slope, correlation, SD_NOISE)
    return MixedModelFit(100, 500, Method.REML, -1000.0, True, effects, *spreads, warnings=())


def slow_expect(
    fit: MixedModelFit, known: list[tuple[float, float]], doses: list[float]
) -> tuple[list[float], list[float]]:
    """Mean and sd of new scores by the textbook: the whole covariance matrix, cut and inverted."""
    (intercept, slope), sds = (effect.estimate for effect in fit.fixed_effects), (fit.sd_intercept, fit.sd_slope)
    both = (fit.correlation or 0.0) * sds[0] * sds[1]
    times = [log(1 + dose) for dose, _ in known] + [log(1 + dose) for dose in doses]
    size, seen = len(times), len(known)
    covariance = np.empty((size, size))
    for i, one in enumerate(times):
        for j, other in enumerate(times):
            covariance[i, j] = sds[0] ** 2 + both * (one + other) + sds[1] ** 2 * one * other
            covariance[i, j] += fit.sd_residual**2 * (i == j)
    means = np.array([intercept + slope * time for time in times])
    gain = covariance[seen:, :seen] @ np.linalg.inv(covariance[:seen, :seen])
    found = means[seen:] + gain @ (np.array([score for _, score in known]) - means[:seen])
    left = covariance[seen:, seen:] - gain @ covariance[:seen, seen:]
    return found.tolist(), np.sqrt(np.diag(left)).tolist()


def made(many: list[list[tuple[float, float]]]) -> Episodes:
    """Episodes of doses and scores, a week a dose."""
    ids = [number for number, rows in enumerate(many) for _ in rows]
    doses, scores = zip(*(row for rows in many for row in rows), strict=True)
    return Episodes.of(ids, doses, doses, scores)


some_rows = st.lists(st.integers(0, 20), min_size=1, max_size=6, unique=True).flatmap(
    lambda doses: st.tuples(*(st.tuples(st.just(float(dose)), st.integers(0, 27)) for dose in sorted(doses)))
)


class TestExpect:
    @given(st.lists(some_rows, min_size=1, max_size=5), st.sampled_from([CORRELATION, 1.0, -1.0, 0.0, None]))
    def test_against_the_dense_conditional(
        self, many: list[tuple[tuple[float, float], ...]], correlation: float | None
    ) -> None:
        """Episodes of any lengths at once, scores at the ends of the scale among them."""
        fit = a_fit(correlation)
        rows = [[(dose, float(score)) for dose, score in each] for each in many]
        means, sds = PlainMixedModel(fit).expect(made(rows), [8, 0, 20])
        for place, each in enumerate(rows):
            slow_means, slow_sds = slow_expect(fit, each, [8, 0, 20])
            assert means[place] == pytest.approx(slow_means)
            assert sds[place] == pytest.approx(slow_sds)

    def test_one_score_by_hand(self) -> None:
        """15 at dose 0, asked at dose 0: 14 + 16 / 25 (15 - 14), with 9 + 16 - 16^2 / 25 left."""
        means, sds = PlainMixedModel(a_fit()).expect(made([[(0, 15)]]), [0])
        assert means.tolist() == [[pytest.approx(14.64)]]
        assert sds.tolist() == [[pytest.approx(14.76**0.5)]]

    def test_without_slopes_of_their_own(self) -> None:
        """As 4 scores with mean 10 at one time would: 14 + 64 / 73 (10 - 14), the time's share of the mean course."""
        rows = [(float(dose), 10 + SLOPE * log(1 + dose)) for dose in (0, 1, 2, 3)]
        means, _ = PlainMixedModel(a_fit(None, sd_slope=0.0)).expect(made([rows]), [0])
        assert means.tolist() == [[pytest.approx(14 - 4 * 64 / 73)]]

    def test_each_episode_may_have_doses_of_its_own(self) -> None:
        model = PlainMixedModel(a_fit())
        two = made([[(0, 15), (1, 12)], [(0, 20)]])
        table: FloatArray = np.array([[4.0, 8], [2, 3]])
        means, sds = model.expect(two, table)
        for place in range(2):
            alone = model.expect(two.chosen(np.array([place])), table[place])
            assert means[place] == pytest.approx(alone[0][0])
            assert sds[place] == pytest.approx(alone[1][0])

    def test_it_is_the_growth_model_with_one_shape_and_no_drift(self) -> None:
        """Where no score lies at an end, which only the growth model takes as a bound."""
        curve: GrowthCurve = replace(
            b7b(),
            intercept=INTERCEPT,
            session_slope=SLOPE,
            sd_intercept=SD_INTERCEPT,
            sd_slope=SD_SLOPE,
            correlation=CORRELATION,
            drift_variance=0.0,
            noise_variance=SD_NOISE**2,
        )
        predicted = curve.given([0, 1, 3], [0, 1, 3], [18, 15, 11]).predict([4, 8, 20], [4, 8, 20])
        means, sds = PlainMixedModel(a_fit()).expect(made([[(0, 18), (1, 15), (3, 11)]]), [4, 8, 20])
        assert means == pytest.approx(predicted.means)
        assert sds == pytest.approx(predicted.sds)

    @pytest.mark.parametrize("doses", [[-1], [nan], [inf], [[1], [2]], 3, [[[1]]]])
    def test_doses_that_can_not_be(self, doses: object) -> None:
        with pytest.raises(InvalidSeries) as refusal:
            PlainMixedModel(a_fit()).expect(made([[(0, 15)]]), doses)  # type: ignore[arg-type]  # what is refused
        assert refusal.value.pointer == "/doses"


def test_it_is_learnt_on_the_log_of_the_dose() -> None:
    rng = np.random.default_rng(1)
    doses = np.array([0.0, 2, 5])
    scores = 15 + rng.normal(0, 4, (60, 1)) - 3 * np.log1p(doses) + rng.normal(0, 2, (60, 3))
    training = Episodes.of_table(doses, doses, scores)
    assert PlainMixedModel.learn(training).fit == fit_mixed_model(training, np.log1p(training.doses))

"""The growth model: published table, hand formulas, and a slow dense computation beside the fast one."""

from __future__ import annotations

import csv
from dataclasses import replace
from math import exp, inf, log, nan, sqrt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InstrumentDataError, InvalidSeries
from app.trajectories.growth import default_curve
from app.trajectories.prediction import Prediction
from tests.trajectories.factories import a_curve
from tests.trajectories.oracles import normal_cdf, slow_conditional, slow_covariance

TABLE = Path(__file__).parents[1] / "reference" / "b7b-1.csv"

CORRELATED = replace(a_curve(), correlation=-0.3)

doses = st.integers(0, 60).map(float)
weeks = st.floats(0, 80)
scores = st.integers(0, 27).map(float)
observed = st.lists(st.tuples(doses, weeks, scores), min_size=1, max_size=6)
targets = st.lists(st.tuples(doses, weeks), min_size=1, max_size=3)


class Published(NamedTuple):
    """A row of the published table, as printed."""

    instrument: str
    first: int
    dose: int
    printed: tuple[str, str, str]


def published() -> list[Published]:
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [
        Published(instrument, int(first), int(session) - 1, (mean, f"{float(lower):.1f}", upper))
        for instrument, first, session, mean, lower, upper in list(csv.reader(lines))[1:]
    ]


@pytest.mark.parametrize("row", published())
def test_b7b_1_gives_the_published_table(row: Published) -> None:
    prediction = a_curve(row.instrument).given([0], [0], [row.first]).predict([row.dose], [row.dose])
    figures = (prediction.mean, *prediction.quantiles(0.8))
    assert tuple(f"{figure[0]:.1f}" for figure in figures) == row.printed


def test_the_published_table_is_whole() -> None:
    assert [row.instrument for row in published()] == ["phq-9"] * 20 + ["gad-7"] * 8


class TestConditional:
    @given(observed, targets)
    def test_prediction_is_the_dense_computation(
        self, given_: list[tuple[float, float, float]], points: list[tuple[float, float]]
    ) -> None:
        mean, covariance = slow_conditional(CORRELATED, given_, points)
        fast = CORRELATED.given(*zip(*given_, strict=True)).predict(*zip(*points, strict=True))
        np.testing.assert_allclose(fast.mean, mean, atol=1e-8)
        np.testing.assert_allclose(fast.true_sd**2, np.diag(covariance), atol=1e-8)
        np.testing.assert_allclose(fast.sd**2, np.diag(covariance) + 6.0, atol=1e-8)

    @given(observed, st.tuples(doses, weeks), st.tuples(doses, weeks))
    def test_true_change_is_the_dense_computation(
        self, given_: list[tuple[float, float, float]], start: tuple[float, float], end: tuple[float, float]
    ) -> None:
        mean, covariance = slow_conditional(CORRELATED, given_, [start, end])
        variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
        conditional = CORRELATED.given(*zip(*given_, strict=True))
        fast = conditional.at(*start).fall_to(conditional.at(*end))
        np.testing.assert_allclose(fast.mean, [mean[0] - mean[1]], atol=1e-8)
        np.testing.assert_allclose(fast.sd**2, [max(variance, 0)], atol=1e-8)

    @given(observed, targets, st.data())
    def test_known_scores_are_all_that_counts(
        self, given_: list[tuple[float, float, float]], points: list[tuple[float, float]], data: st.DataObject
    ) -> None:
        known = data.draw(st.integers(1, len(given_)))
        doses_, weeks_ = zip(*points, strict=True)
        of_all = CORRELATED.given(*zip(*given_, strict=True)).predict(doses_, weeks_, known)
        of_some = CORRELATED.given(*zip(*given_[:known], strict=True)).predict(doses_, weeks_)
        np.testing.assert_allclose(of_all.mean, of_some.mean, atol=1e-9)
        np.testing.assert_allclose(of_all.sd, of_some.sd, atol=1e-9)

    @given(observed)
    def test_no_later_score_has_any_weight_before_it_is_known(self, given_: list[tuple[float, float, float]]) -> None:
        whitener = CORRELATED.given(*zip(*given_, strict=True)).whitener
        assert not np.triu(whitener, 1).any()

    def test_each_prediction_may_know_another_number_of_scores(self) -> None:
        curve = a_curve()
        looks = curve.given([0, 1, 2], [0, 1, 2], [15, 14, 10]).predict([8, 8, 8, 8], [8, 8, 8, 8], [0, 1, 2, 3])
        one_by_one = [
            curve.expected([8])[0],  # nothing known: the mean of all referrals
            *(curve.given(range(n), range(n), [15, 14, 10][:n]).predict([8], [8]).mean[0] for n in (1, 2, 3)),
        ]
        np.testing.assert_allclose(looks.mean, one_by_one)

    @given(st.integers(1, 5), st.integers(1, 4), st.data())
    def test_many_patients_at_once_are_each_of_them_alone(self, n: int, patients: int, data: st.DataObject) -> None:
        """To the last bit: nobody's figures depend on who else is computed."""

        def table(cell: st.SearchStrategy[float]) -> list[list[float]]:
            row = st.lists(cell, min_size=n, max_size=n)
            return data.draw(st.lists(row, min_size=patients, max_size=patients))

        given_, points, known = (table(doses), table(weeks), table(scores)), (table(doses), table(weeks)), range(n)
        together = CORRELATED.given(*given_).at(*points)
        ends, falls = together.predict(known), together[:1].fall_to(together, known)
        for row in range(patients):
            alone = CORRELATED.given(*(column[row] for column in given_)).at(*(column[row] for column in points))
            end, fall = alone.predict(known), alone[:1].fall_to(alone, known)
            for whole, one in ((ends.mean, end.mean), (ends.sd, end.sd), (falls.mean, fall.mean), (falls.sd, fall.sd)):
                assert whole[row].tolist() == one.tolist()

    @given(doses, weeks)
    def test_a_variance_is_the_covariance_of_a_point_with_itself(self, dose: float, week: float) -> None:
        """By the written formula: s0^2 + 2 c s0 s1 phi + s1^2 phi^2 + q, whatever the week."""
        variance = CORRELATED.variance(np.array([dose]))
        np.testing.assert_allclose(variance, slow_covariance(CORRELATED, [(dose, week)])[0], rtol=1e-12)

    def test_one_score_gives_the_hand_formula(self) -> None:
        """A 15 on the PHQ-9, four weekly sessions on.

        Var(y0) = 3.74^2 + 10 + 6 = 29.9876; Cov(y0, theta3) = 3.74^2 + 10 exp(-3/13) = 21.9267;
        mean = 14.3 - 3.1 ln 4 + 21.9267 / 29.9876 * (15 - 14.3) = 10.5143;
        Var(y3) = 3.74^2 + 1.6^2 (ln 4)^2 + 10 + 6 - 21.9267^2 / 29.9876 = 18.8749.
        """
        prediction = a_curve().given([0], [0], [15]).predict([3], [3])
        assert prediction.mean[0] == pytest.approx(10.5143, abs=2e-4)
        assert prediction.sd[0] ** 2 == pytest.approx(18.8749, abs=2e-3)

    def test_dose_and_weeks_are_two_axes(self) -> None:
        """Fortnightly care has the same mean course by dose, and a baseline that says less."""
        given_ = a_curve().given([0], [0], [22])
        weekly, fortnightly = given_.predict([6, 6], [6, 12]).mean
        assert weekly - fortnightly == pytest.approx(10 * (exp(-6 / 13) - exp(-12 / 13)) * 7.7 / 29.9876)

    def test_the_curve_is_flat_from_the_plateau_on(self) -> None:
        assert a_curve().expected([52, 60, 400]) == pytest.approx([14.3 - 3.1 * log(53)] * 3)

    def test_no_change_from_a_point_to_itself(self) -> None:
        point = a_curve().given([0, 1], [0, 1], [20, 10]).at(1, 1)
        still = point.fall_to(point)
        assert (still.mean[0], still.sd[0]) == (0, 0)
        assert [still.at_least(points)[0] for points in (-1, 0, 1)] == [1, 1, 0]


@pytest.mark.parametrize(
    ("session", "mean", "improved", "below_cutoff", "correlation"),
    [
        (4, 11.4, 0.43, 0.37, 0.58),
        (8, 9.2, 0.62, 0.54, 0.47),
        (12, 8.0, 0.69, 0.62, 0.40),
        (20, 6.8, 0.75, 0.69, 0.32),
    ],
)
def test_b7b_1_implies_the_published_course_of_cases(
    session: int, mean: float, improved: float, below_cutoff: float, correlation: float
) -> None:
    """What the defaults imply for PHQ-9 cases (methods, B7b: simulated), here summed exactly over the cells."""
    curve = a_curve()
    dose = session - 1
    first = np.arange(10, 28)
    below = np.array([normal_cdf((score - 0.5 - 14.3) / sqrt(29.9876)) for score in (*first, 28)])
    share = np.diff(below) / (1 - below[0])
    share[-1] += (1 - below[-1]) / (1 - below[0])
    later = np.array(
        [curve.given([0], [0], [score]).predict([dose] * 28, [dose] * 28).at_most(range(28)) for score in first]
    )
    cells = np.diff(later, axis=1, prepend=0.0)
    means = cells @ np.arange(28)
    second_moment = share @ (cells @ np.arange(28) ** 2)
    overall = share @ means
    covariance = share @ (first * means) - (share @ first) * overall
    spread = sqrt(share @ first**2 - (share @ first) ** 2) * sqrt(second_moment - overall**2)
    assert overall == pytest.approx(mean, abs=0.1)
    assert share @ [row[score - 6] for row, score in zip(later, first, strict=True)] == pytest.approx(
        improved, abs=0.012
    )
    assert share @ later[:, 9] == pytest.approx(below_cutoff, abs=0.012)
    assert covariance / spread == pytest.approx(correlation, abs=0.02)


def a_prediction(mean: float, sd: float = 3.0) -> Prediction:
    return Prediction(np.array([mean]), np.array([sd]), np.array([sd / 2]), minimum=0, maximum=27)


means = st.floats(-15, 45)
sds = st.floats(0.5, 12)
levels = st.sampled_from([0.5, 0.8, 0.95])


class TestPrediction:
    @given(means, sds, st.integers(-3, 30))
    def test_the_cells_of_the_scale_are_all_there_is(self, mean: float, sd: float, score: int) -> None:
        """P(Y <= k) = Phi((k + 1/2 - mean) / sd), 0 below the scale and 1 from its end on."""
        expected = 0.0 if score < 0 else 1.0 if score >= 27 else normal_cdf((score + 0.5 - mean) / sd)
        assert a_prediction(mean, sd).at_most(score)[0] == pytest.approx(expected, abs=1e-12)
        assert a_prediction(mean, sd).at_least(score + 1)[0] == pytest.approx(1 - expected, abs=1e-12)

    def test_a_fraction_counts_as_the_whole_point_on_its_own_side(self) -> None:
        prediction = a_prediction(10)
        assert prediction.at_most(9.4) == prediction.at_most(9)
        assert prediction.at_least(9.4) == prediction.at_least(10)

    @given(means, sds, levels)
    def test_the_band_is_the_smallest_closed_one(self, mean: float, sd: float, level: float) -> None:
        """Slow and obvious: lower = min{k: F(k) >= a}, upper = min{k: F(k) >= 1 - a} (engine, section 1)."""
        prediction = a_prediction(mean, sd)
        reached = [float(prediction.at_most(score)[0]) for score in range(28)]
        expected = tuple(
            next(score for score, probability in enumerate(reached) if probability >= tail - 1e-12)
            for tail in ((1 - level) / 2, (1 + level) / 2)
        )
        lower, upper = prediction.band(level)
        assert (lower[0], upper[0]) == expected
        assert reached[upper[0]] - (reached[lower[0] - 1] if lower[0] else 0) >= level - 1e-12

    @given(means, sds, levels)
    def test_quantiles_are_the_normal_ones_cut_to_the_scale(self, mean: float, sd: float, level: float) -> None:
        lower, upper = a_prediction(mean, sd).quantiles(level)
        for end, tail in ((lower[0], (1 - level) / 2), (upper[0], (1 + level) / 2)):
            assert 0 <= end <= 27
            if 0 < end < 27:
                assert normal_cdf((end - mean) / sd) == pytest.approx(tail, abs=1e-9)

    @pytest.mark.parametrize(("mean", "shown"), [(-2.5, 0), (13.25, 13.25), (31, 27)])
    def test_what_is_shown_stays_within_the_scale(self, mean: float, shown: float) -> None:
        assert a_prediction(mean).expected()[0] == shown


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("maximum", 0),
            ("intercept", nan),
            ("total_slope", inf),
            ("sd_intercept", -1),
            ("sd_slope", inf),
            ("drift_variance", nan),
            ("drift_weeks", 0),
            ("noise_variance", 0),
            ("correlation", 1.1),
        ],
    )
    def test_a_curve_can_not_be_invalid(self, name: str, value: Any) -> None:
        with pytest.raises(InstrumentDataError):
            replace(a_curve(), **{name: value})

    @pytest.mark.parametrize(
        ("given_", "sentence"),
        [
            (([], [], []), "one dose, one week and one score"),
            (([0, 1], [0, 1], [15]), "one dose, one week and one score"),
            (([0, 1], [0], [15, 14]), "two lists of the same length"),
            (([[0]], [0], [15]), "two lists of the same length"),
            (([[0]], [[0]], [15]), "one dose, one week and one score"),
            (([-1], [0], [15]), "each dose must be"),
            (([0], [-0.1], [15]), "each week must be"),
            (([0], [inf], [15]), "each week must be"),
            (([nan], [0], [15]), "each dose must be"),
            (([0], [0], [28]), "outside the range of its scale"),
            (([0], [0], [-1]), "outside the range of its scale"),
            (([0], [0], [nan]), "outside the range of its scale"),
        ],
    )
    def test_scores_that_can_not_be(self, given_: tuple[list[float], list[float], list[float]], sentence: str) -> None:
        with pytest.raises(InvalidSeries, match=sentence):
            a_curve().given(*given_)

    def test_points_that_can_not_be(self) -> None:
        conditional = a_curve().given([0], [0], [15])
        with pytest.raises(InvalidSeries, match="each dose must be"):
            conditional.predict([-1], [0])
        with pytest.raises(InvalidSeries, match="each week must be"):
            conditional.at(1, -1)

    def test_no_curve_is_invented(self) -> None:
        assert [default_curve(key) for key in ("sdq", "core-10", "", "../phq-9")] == [None] * 4

    @pytest.mark.parametrize("instrument", ["phq-9", "gad-7"])
    def test_the_defaults_say_where_they_come_from(self, instrument: str) -> None:
        curve = a_curve(instrument)
        assert (curve.key, curve.instrument, curve.provenance.status) == ("b7b-1", instrument, "derived")
        assert "not fitted to local data" in curve.provenance.source

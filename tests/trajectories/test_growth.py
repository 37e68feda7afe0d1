"""The growth model: published table, hand formulas, and a slow dense computation beside the fast one."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from math import exp, inf, log, nan, sqrt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from app.errors import InstrumentDataError, InvalidSeries
from app.trajectories.growth import GrowthCurve, default_curve
from app.trajectories.link import Link, LinkKind
from app.trajectories.prediction import FloatArray, Prediction
from app.trajectories.shapes import ResponseShape
from tests.trajectories.factories import a_curve, b7b, mirrored, of_all_shapes
from tests.trajectories.oracles import (
    Point,
    Scored,
    normal_cdf,
    slow_conditional,
    slow_covariance,
    slow_link,
    slow_mean,
)

TABLE = Path(__file__).parents[1] / "reference" / "b7b-1.csv"

EARLY, LINEAR, LATE, WORSENING = ResponseShape

ONE_SHAPE = replace(b7b(), correlation=-0.3)
CURVES = [
    ONE_SHAPE,
    replace(of_all_shapes(b7b()), correlation=0.4, natural_fall=2.0),
    replace(of_all_shapes(a_curve()), correlation=-0.3),
    a_curve("gad-7"),
    replace(of_all_shapes(a_curve()), link=Link(LinkKind.LOGIT, 0, 27, middle=12)),
    mirrored(a_curve()),
]

doses = st.integers(0, 60).map(float)
weeks = st.floats(0, 80)
targets = st.lists(st.tuples(doses, weeks), min_size=1, max_size=3)


def scores_of(curve: GrowthCurve) -> st.SearchStrategy[float]:
    """Give whole scores, the ends of the scale more often than the others."""
    inside = st.integers(curve.minimum, curve.maximum)
    return (inside | inside | st.sampled_from([curve.minimum, curve.maximum])).map(float)


def rows_of(draw: st.DrawFn, curve: GrowthCurve, max_size: int = 6) -> list[Scored]:
    """Draw scores in time order."""
    when = sorted(draw(st.lists(weeks, min_size=1, max_size=max_size)))
    return [(draw(doses), week, draw(scores_of(curve))) for week in when]


@st.composite
def patients(draw: st.DrawFn, curves: Sequence[GrowthCurve] = CURVES) -> tuple[GrowthCurve, list[Scored]]:
    curve = draw(st.sampled_from(curves))
    return curve, rows_of(draw, curve)


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


class TestPublished:
    """The published default of one shape on the raw scale (methods, B7b)."""

    @pytest.mark.parametrize("row", published())
    def test_the_printed_table(self, row: Published) -> None:
        """Mean and unrounded 80 % quantiles of the normal distribution, cut to the scale. No score lies at an end."""
        curve = b7b(row.instrument)
        prediction = curve.given([0], [0], [row.first]).predict([row.dose], [row.dose])
        mean, sd = float(prediction.means[0, 0]), float(prediction.sds[0, 0])
        reach = float(ndtri(0.9)) * sd
        figures = (mean, *(min(max(end, curve.minimum), curve.maximum) for end in (mean - reach, mean + reach)))
        assert tuple(f"{figure:.1f}" for figure in figures) == row.printed

    def test_the_table_is_whole(self) -> None:
        assert [row.instrument for row in published()] == ["phq-9"] * 20 + ["gad-7"] * 8

    @pytest.mark.parametrize(
        ("session", "mean", "improved", "below_cutoff", "correlation"),
        [
            (4, 11.4, 0.43, 0.37, 0.58),
            (8, 9.2, 0.62, 0.54, 0.47),
            (12, 8.0, 0.69, 0.62, 0.40),
            (20, 6.8, 0.75, 0.69, 0.32),
        ],
    )
    def test_the_course_of_cases(
        self, session: int, mean: float, improved: float, below_cutoff: float, correlation: float
    ) -> None:
        """What the figures imply for PHQ-9 cases (methods, B7b: simulated), here summed exactly over the cells.

        First scores are normal with mean 14.3 and variance 3.74^2 + 10 + 6 = 29.9876, cut to the scale.
        """
        curve = b7b()
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


class TestByHand:
    def test_one_score(self) -> None:
        """A 15 on the PHQ-9, four weekly sessions on, in the model of one shape.

        Var(y0) = 3.74^2 + 10 + 6 = 29.9876; Cov(y0, theta3) = 3.74^2 + 10 exp(-3/13) = 21.9267;
        mean = 14.3 - 3.1 ln 4 + 21.9267 / 29.9876 * (15 - 14.3) = 10.5143;
        Var(y3) = 3.74^2 + 1.6^2 (ln 4)^2 + 10 + 6 - 21.9267^2 / 29.9876 = 18.8749.
        """
        prediction = b7b().given([0], [0], [15]).predict([3], [3])
        assert prediction.means[0, 0] == pytest.approx(10.5143, abs=2e-4)
        assert prediction.sds[0, 0] ** 2 == pytest.approx(18.8749, abs=2e-3)

    def test_dose_and_weeks_are_two_axes(self) -> None:
        """Fortnightly care has the same mean course by dose, and a baseline that says less."""
        weekly, fortnightly = b7b().given([0], [0], [22]).predict([6, 6], [6, 12]).means[0]
        assert weekly - fortnightly == pytest.approx(10 * (exp(-6 / 13) - exp(-12 / 13)) * 7.7 / 29.9876)

    def test_the_natural_course_goes_by_the_calendar_and_not_with_worsening(self) -> None:
        """In 10 weeks without a session all shapes but worsening lose the natural fall: 2.55 from 14.4."""
        means, come = of_all_shapes(a_curve()).courses(np.array([0.0]), np.array([10.0]))
        assert means[:, 0] == pytest.approx([14.4 - 2.55] * 3 + [14.4])
        assert come[:, 0] == pytest.approx([0] * 4)

    def test_mean_courses_at_dose_8_and_12(self) -> None:
        """b = -2.7: early -2.7 ln 9; linear -2.7 * 8 ln 13 / 12; late -2.7 * 1.2335 ln 4; worsening +6 at dose 8."""
        means, _ = of_all_shapes(a_curve()).courses(np.array([8.0, 12.0]), np.zeros(2))
        falls = [2.7 * log(9), 2.7 * 8 * log(13) / 12, 2.7 * log(13) / log(8) * log(4), -6]
        assert means[:, 0] == pytest.approx([14.4 - fall for fall in falls])
        assert means[:, 1] == pytest.approx([14.4 - 2.7 * log(13)] * 3 + [14.4 + 6 * log(13) / log(9)])

    def test_every_course_is_flat_from_the_plateau_on(self) -> None:
        means, come = of_all_shapes(a_curve()).courses(np.array([52.0, 60, 400]), np.array([52.0, 60, 400]))
        assert np.ptp(means, axis=1) == pytest.approx([0] * 4)
        assert np.ptp(come, axis=1) == pytest.approx([0] * 4)

    def test_a_first_score_says_nothing_of_the_shape(self) -> None:
        """At dose 0 and week 0 all shapes are one."""
        curve = of_all_shapes(a_curve())
        assert curve.given([0], [0], [3]).shares(1) == pytest.approx([0.4, 0.3, 0.2, 0.1])

    def test_a_later_score_tells_shapes_apart_by_bayes_rule(self) -> None:
        """A single score of 20 at dose 8, week 0, with persons alike: each shape has a variance of 10 + 6 = 16.

        Identity, a = 14.3, b = -3.1. Expected 14.3 - 3.1 ln 9 = 7.4886 (early), 14.3 - 3.1 * 8 ln 13 / 12 = 8.9991
        (linear), 14.3 - 3.1 * 1.2335 ln 4 = 8.9990 (late, the same by chance) and 20.3 (worsening). The densities go as
        exp(-(20 - mean)^2 / 32) = .00749, .02277, .02276, .99719; times .4, .3, .2 and .1 they sum to .11410.
        """
        curve = replace(of_all_shapes(b7b()), sd_intercept=0.0, sd_slope=0.0)
        shares = curve.given([8], [0], [20]).shares()
        assert shares.tolist() == pytest.approx([0.0263, 0.0599, 0.0399, 0.8740], abs=2e-4)

    def test_no_change_from_a_point_to_itself(self) -> None:
        point = a_curve().given([0, 1], [0, 1], [20, 10]).at(1, 1)
        still = point.fall_to(point)
        assert (set(still.means[:, 0].tolist()), set(still.sds[:, 0].tolist())) == ({0.0}, {0.0})
        assert [still.at_least(units)[0] for units in (-1, 0, 1)] == pytest.approx([1, 1, 0])
        assert np.isnan(still.at_least(nan)).all()


class TestAgainstTheSlowComputation:
    @given(patients(), targets)
    def test_predictions(self, patient: tuple[GrowthCurve, list[Scored]], points: list[Point]) -> None:
        """Shapes, moments in each, and the probability of every score; expected scores and bands follow from those."""
        curve, rows = patient
        slow = slow_conditional(curve, rows, points)
        conditional = curve.given(*zip(*rows, strict=True))
        fast = conditional.predict(*zip(*points, strict=True))
        scores, table = range(curve.minimum - 1, curve.maximum + 2), fast.tabled()
        at_most = np.array([fast.at_most(score) for score in scores])
        lower, upper = table.band(0.8)
        np.testing.assert_allclose(conditional.shares(), slow.shares, atol=1e-9)
        for place in range(len(points)):
            variances = slow.covariances[:, place, place]
            np.testing.assert_allclose(fast.shares[:, place], slow.shares, atol=1e-9)
            np.testing.assert_allclose(fast.means[:, place], slow.means[:, place], atol=1e-8)
            np.testing.assert_allclose(fast.sds[:, place] ** 2, variances + curve.noise_variance, atol=1e-8)
            cumulative = slow.cumulative(place)
            np.testing.assert_allclose(at_most[:, place], [0, *cumulative, 1], atol=1e-9)
            np.testing.assert_allclose(table.cumulative[place], cumulative, atol=1e-9)
            assert table.expected()[place] == pytest.approx(slow.expected(place), abs=1e-8)
            for end, tail in ((lower[place], 0.1), (upper[place], 0.9)):
                reached = cumulative[end - curve.minimum]
                before = cumulative[end - curve.minimum - 1] if end > curve.minimum else 0.0
                assert before - 1e-9 < tail <= reached + 1e-9

    @given(patients(), st.tuples(doses, weeks), st.tuples(doses, weeks), st.floats(-8, 8))
    def test_true_changes(
        self, patient: tuple[GrowthCurve, list[Scored]], start: Point, end: Point, units: float
    ) -> None:
        curve, rows = patient
        slow = slow_conditional(curve, rows, [start, end])
        conditional = curve.given(*zip(*rows, strict=True))
        fast = conditional.at(*start).fall_to(conditional.at(*end))
        variances = slow.covariances[:, 0, 0] + slow.covariances[:, 1, 1] - 2 * slow.covariances[:, 0, 1]
        np.testing.assert_allclose(fast.shares[:, 0], slow.shares, atol=1e-9)
        np.testing.assert_allclose(fast.means[:, 0], slow.means[:, 0] - slow.means[:, 1], atol=1e-8)
        np.testing.assert_allclose(fast.sds[:, 0] ** 2, np.maximum(variances, 0), atol=1e-8)
        if variances.min() > 0.01:
            assert fast.at_least(units)[0] == pytest.approx(slow.falls(0, 1, units), abs=1e-8)

    def test_scores_that_no_shape_explains(self) -> None:
        """Eighty scores that leap from 2 to 25 and back: in every shape so improbable that e to its log is 0."""
        curve = of_all_shapes(a_curve())
        rows = [(float(week), float(week), (2.0, 25.0)[week % 2]) for week in range(80)]
        slow = slow_conditional(curve, rows, [(80, 80)])
        fast = curve.given(*zip(*rows, strict=True)).predict(80, 80)
        np.testing.assert_allclose(fast.shares[:, 0], slow.shares, atol=1e-9)
        np.testing.assert_allclose(fast.means[:, 0], slow.means[:, 0], atol=1e-7)

    @given(st.sampled_from(CURVES), doses, weeks)
    def test_given_nothing_it_is_the_model_itself(self, curve: GrowthCurve, dose: float, week: float) -> None:
        """By the written formulas: the mean course, and s0^2 + 2 c s0 s1 p + s1^2 p^2 + q + the noise."""
        prediction = curve.given([0], [0], [curve.minimum]).predict(dose, week, known=0)
        for place, shape in enumerate(curve.shapes):
            variance = slow_covariance(curve, shape, [(dose, week)])[0, 0]
            assert prediction.means[place, 0] == pytest.approx(slow_mean(curve, shape, dose, week), abs=1e-9)
            assert prediction.sds[place, 0] ** 2 == pytest.approx(variance + curve.noise_variance)
        assert prediction.shares[:, 0] == pytest.approx(list(curve.shares.values()))

    @given(st.data())
    def test_one_shape_without_drift_is_the_plain_mixed_model(self, data: st.DataObject) -> None:
        """Henderson's equations for a person's level and slope: (Z'Z / noise + D^-1) u = Z' e / noise."""
        curve = replace(ONE_SHAPE, drift_variance=0.0)
        rows = [
            (data.draw(doses), float(week), float(data.draw(st.integers(1, 26))))
            for week in range(data.draw(st.integers(1, 6)))
        ]
        z = np.array([[1, log(1 + min(dose, 52))] for dose, _, _ in rows])
        e = np.array([score for _, _, score in rows]) - z @ [14.3, -3.1]
        d = np.array([[3.74**2, -0.3 * 3.74 * 1.6], [-0.3 * 3.74 * 1.6, 1.6**2]])
        spread = np.linalg.inv(z.T @ z / 6 + np.linalg.inv(d))
        person = spread @ (z.T @ e / 6)
        ahead = np.array([1, log(9)])
        prediction = curve.given(*zip(*rows, strict=True)).predict(8, 8)
        assert prediction.means[0, 0] == pytest.approx(ahead @ (np.array([14.3, -3.1]) + person))
        assert prediction.sds[0, 0] ** 2 == pytest.approx(ahead @ spread @ ahead + 6)

    @given(patients())
    def test_seen_in_a_mirror(self, patient: tuple[GrowthCurve, list[Scored]]) -> None:
        curve, rows = patient
        other = mirrored(curve)
        ends = curve.minimum + curve.maximum
        here = curve.given(*zip(*rows, strict=True)).predict([8], [90])
        there = other.given(*zip(*((dose, week, ends - score) for dose, week, score in rows), strict=True))
        there_ = there.predict([8], [90])
        np.testing.assert_allclose(there_.shares, here.shares, atol=1e-9)
        np.testing.assert_allclose(there_.means, ends - here.means, atol=1e-8)
        np.testing.assert_allclose(there_.sds, here.sds, atol=1e-8)


class TestKnown:
    @given(patients(), targets, st.data())
    def test_known_scores_are_all_that_counts(
        self, patient: tuple[GrowthCurve, list[Scored]], points: list[Point], data: st.DataObject
    ) -> None:
        curve, rows = patient
        known = data.draw(st.integers(1, len(rows)))
        whole, part = (curve.given(*zip(*some, strict=True)) for some in (rows, rows[:known]))
        of_all = whole.at(*zip(*points, strict=True)).predict(known)
        of_some = part.predict(*zip(*points, strict=True))
        for one, other in zip(figures_of(of_all), figures_of(of_some), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-9)
        np.testing.assert_allclose(whole.shares(known), part.shares(), atol=1e-9)

    @given(patients())
    def test_no_later_score_has_any_weight_before_it_is_known(self, patient: tuple[GrowthCurve, list[Scored]]) -> None:
        curve, rows = patient
        assert not np.triu(curve.given(*zip(*rows, strict=True)).whitener, 1).any()

    @pytest.mark.parametrize("curve", CURVES)
    def test_each_prediction_may_know_another_number_of_scores(self, curve: GrowthCurve) -> None:
        scores = [15, 14, 0]
        conditional = curve.given([0, 1, 2], [0, 1, 2], scores)
        looks = conditional.predict([8, 8, 8, 8], [8, 8, 8, 8], [0, 1, 2, 3])
        for n in (1, 2, 3):
            alone = curve.given(range(n), range(n), scores[:n]).predict([8], [8])
            for together, one in zip(figures_of(looks), figures_of(alone), strict=True):
                np.testing.assert_allclose(together[:, n], one[:, 0], atol=1e-9)
        nothing, _ = curve.courses(np.array([8.0]), np.array([8.0]))  # the mean of all referrals
        np.testing.assert_allclose(looks.means[:, 0], nothing[:, 0], atol=1e-9)
        np.testing.assert_allclose(conditional.shares([0, 1, 2, 3]), looks.shares, atol=0)

    @given(patients(), targets, st.data())
    def test_it_makes_no_difference_which_numbers_are_prepared(
        self, patient: tuple[GrowthCurve, list[Scored]], points: list[Point], data: st.DataObject
    ) -> None:
        """To the last bit: a verdict is the same whether it is given alone or with those before it."""
        curve, rows = patient
        numbers = sorted(data.draw(st.sets(st.integers(0, len(rows)), min_size=1)))
        known = data.draw(st.sampled_from(numbers))
        of_all, of_some = (curve.given(*zip(*rows, strict=True), known=each) for each in (None, numbers))
        one, other = (each.at(*zip(*points, strict=True)).predict(known) for each in (of_all, of_some))
        for figures, same in zip(figures_of(one), figures_of(other), strict=True):
            assert figures.tolist() == same.tolist()
        assert of_some.shares(known).tolist() == of_all.shares(known).tolist()


def figures_of(prediction: Prediction) -> tuple[FloatArray, ...]:
    return prediction.shares, prediction.means, prediction.sds


class TestManyPatients:
    """Nobody's figures depend on who else is computed."""

    @staticmethod
    def together_and_alone(
        curve: GrowthCurve, cells: st.SearchStrategy[float], data: st.DataObject
    ) -> list[tuple[FloatArray, FloatArray]]:
        """Draw patients with equally many scores; give each one's figures among the others, and alone."""
        n, many = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 4))

        def table(cell: st.SearchStrategy[float]) -> list[list[float]]:
            row = st.lists(cell, min_size=n, max_size=n)
            return data.draw(st.lists(row, min_size=many, max_size=many))

        rows = table(doses), [sorted(each) for each in table(weeks)], table(cells)
        points, known = (table(doses), table(weeks)), range(n)
        whole = curve.given(*rows).at(*points)
        ends, falls = whole.predict(known), whole[:1].fall_to(whole, known)
        found = []
        for row in range(many):
            one = curve.given(*(column[row] for column in rows)).at(*(column[row] for column in points))
            end, fall = one.predict(known), one[:1].fall_to(one, known)
            pairs = [*zip(figures_of(ends), figures_of(end), strict=True), (falls.means, fall.means)]
            pairs += [(falls.sds, fall.sds), (falls.shares, fall.shares)]
            found += [(together[:, row], alone) for together, alone in pairs]
        return found

    @given(st.sampled_from(CURVES), st.data())
    def test_to_the_last_bit_without_a_score_at_an_end(self, curve: GrowthCurve, data: st.DataObject) -> None:
        inside = st.integers(curve.minimum + 1, curve.maximum - 1).map(float)
        for together, alone in self.together_and_alone(curve, inside, data):
            assert together.tolist() == alone.tolist()

    @given(st.sampled_from(CURVES), st.data())
    def test_to_twelve_digits_with_one(self, curve: GrowthCurve, data: st.DataObject) -> None:
        """The filter of one series counts in another order, and its scores stand for themselves but for rounding."""
        for together, alone in self.together_and_alone(curve, scores_of(curve), data):
            np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-12)


def a_prediction(mean: float, sd: float = 3.0, link: Link | None = None) -> Prediction:
    """Give one shape, or the same one twice with unequal shares, which is the same."""
    link = link or Link(LinkKind.IDENTITY, 0, 27, middle=15)
    return Prediction(link, np.array([[0.3], [0.7]]), np.full((2, 1), mean), np.full((2, 1), sd))


means = st.floats(-15, 45)
sds = st.floats(0.5, 12)
levels = st.sampled_from([0.5, 0.8, 0.95])
links = st.sampled_from([curve.link for curve in CURVES])


@st.composite
def mixtures(draw: st.DrawFn) -> Prediction:
    """Give mixtures of one to four normal distributions at one point."""
    count = draw(st.integers(1, 4))
    shares = np.array([draw(st.floats(0.05, 1)) for _ in range(count)])
    columns = ([draw(means) for _ in range(count)], [draw(sds) for _ in range(count)])
    return Prediction(draw(links), (shares / shares.sum())[:, None], *(np.array(each)[:, None] for each in columns))


class TestPrediction:
    @given(mixtures(), st.integers(-3, 30))
    def test_the_cells_of_the_scale_are_all_there_is(self, prediction: Prediction, score: int) -> None:
        """P(Y <= k) = sum of shares Phi((g(k + 1/2) - mean) / sd), 0 below the scale and 1 from its end on."""
        link = prediction.link
        parts = zip(*(each[:, 0].tolist() for each in figures_of(prediction)), strict=True)
        within = sum(share * normal_cdf((slow_link(link, score + 0.5) - mean) / sd) for share, mean, sd in parts)
        expected = 0.0 if score < link.minimum else 1.0 if score >= link.maximum else within
        assert prediction.at_most(score)[0] == pytest.approx(expected, abs=1e-12)
        assert prediction.at_least(score + 1)[0] == pytest.approx(1 - expected, abs=1e-12)

    def test_several_values_of_each_at_once(self) -> None:
        """Standard normal tables: Phi(1) = .8413 and Phi(2) = .9772, Phi(0) = .5; a mean of 10 and 13, an sd of 3."""
        both = Prediction(a_prediction(10).link, np.ones((1, 2)), np.array([[10.0, 13.0]]), np.full((1, 2), 3.0))
        found = both.below(np.array([[[13.0, 13.0]], [[16.0, nan]]]))
        assert found == pytest.approx(np.array([[0.8413, 0.5], [0.9772, nan]]), abs=1e-4, nan_ok=True)
        assert both[1:].below(np.array([13.0])) == pytest.approx([0.5])

    @given(mixtures())
    def test_the_probabilities_of_all_scores_sum_to_one(self, prediction: Prediction) -> None:
        table = prediction.tabled()
        cells = np.diff(table.cumulative[0], prepend=0.0)
        scores = np.arange(prediction.link.minimum, prediction.link.maximum + 1)
        assert (cells >= -1e-15).all()
        assert cells.sum() == pytest.approx(1)
        assert table.expected()[0] == pytest.approx(cells @ scores)
        assert prediction.at_most(scores) == pytest.approx(table.cumulative[0], abs=1e-12)

    def test_a_fraction_counts_as_the_whole_point_on_its_own_side(self) -> None:
        prediction = a_prediction(10)
        assert prediction.at_most(9.4) == prediction.at_most(9)
        assert prediction.at_least(9.4) == prediction.at_least(10)

    @pytest.mark.parametrize("link", [curve.link for curve in CURVES])
    def test_what_is_not_asked_for_has_no_probability(self, link: Link) -> None:
        """As for a goal that does not exist: NaN in, NaN out."""
        prediction = a_prediction(10, link=link)
        assert np.isnan([prediction.at_most(nan), prediction.at_least(nan)]).all()
        assert np.isnan(prediction.at_most([nan, 9])).tolist() == [True, False]

    @given(mixtures(), levels)
    def test_the_band_is_the_smallest_closed_one(self, prediction: Prediction, level: float) -> None:
        """Slow and obvious: lower = min{k: F(k) >= a}, upper = min{k: F(k) >= 1 - a} (engine, section 1)."""
        scores = range(prediction.link.minimum, prediction.link.maximum + 1)
        reached = {score: float(prediction.at_most(score)[0]) for score in scores}
        expected = tuple(
            next(score for score in scores if reached[score] >= tail - 1e-12)
            for tail in ((1 - level) / 2, (1 + level) / 2)
        )
        lower, upper = prediction.tabled().band(level)
        assert (lower[0], upper[0]) == expected
        assert reached[upper[0]] - reached.get(lower[0] - 1, 0.0) >= level - 1e-12

    def test_several_levels_at_once(self) -> None:
        """One row for each level: that of 80 % lies within that of 95 %."""
        table = a_prediction(13).tabled()
        lower, upper = table.band([[0.8], [0.95]])
        for place, level in enumerate((0.8, 0.95)):
            assert (lower[place], upper[place]) == table.band(level)

    @pytest.mark.parametrize("level", [0.0, 1.0, -0.5, nan])
    def test_a_level_that_is_no_probability_is_our_own_mistake(self, level: float) -> None:
        with pytest.raises(AssertionError, match="level of a band"):
            a_prediction(13).tabled().band(level)

    @pytest.mark.parametrize(("mean", "shown"), [(-40, 0), (13, 13), (70, 27)])
    def test_what_is_expected_stays_within_the_scale(self, mean: float, shown: float) -> None:
        """On the raw scale a mean in the middle is the expected score, by symmetry."""
        assert a_prediction(mean).tabled().expected()[0] == pytest.approx(shown, abs=1e-3)


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("intercept", nan),
            ("session_slope", inf),
            ("natural_fall", nan),
            ("worsening", -inf),
            ("sd_intercept", -1),
            ("sd_slope", inf),
            ("drift_variance", nan),
            ("drift_weeks", 0),
            ("drift_weeks", inf),
            ("noise_variance", 0),
            ("correlation", 1.1),
            ("correlation", nan),
            ("shares", {}),
            ("shares", {EARLY: 1.0, LATE: 0.0}),
            ("shares", {EARLY: 1.2, LATE: -0.2}),
            ("shares", {EARLY: 0.5, LATE: 0.4}),
            ("shares", {EARLY: nan}),
        ],
    )
    def test_a_curve_can_not_be_invalid(self, name: str, value: Any) -> None:
        with pytest.raises(InstrumentDataError, match=name):
            replace(a_curve(), **{name: value})

    def test_the_shares_of_a_curve_can_not_be_changed(self) -> None:
        shares = {EARLY: 0.5, LATE: 0.5}
        curve = replace(a_curve(), shares=shares)
        shares[LATE] = 0.1
        assert curve.shares == {EARLY: 0.5, LATE: 0.5}
        with pytest.raises(TypeError):
            curve.shares[EARLY] = 1.0  # type: ignore[index]

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


class TestDefaults:
    def test_no_curve_is_invented(self) -> None:
        assert [default_curve(key) for key in ("sdq", "core-10", "", "../phq-9")] == [None] * 4

    @pytest.mark.parametrize("instrument", ["phq-9", "gad-7"])
    def test_they_say_where_they_come_from(self, instrument: str) -> None:
        curve = a_curve(instrument)
        assert (curve.key, curve.instrument, curve.provenance.status) == ("arcsine-1", instrument, "derived")
        assert "not fitted to local data" in curve.provenance.source

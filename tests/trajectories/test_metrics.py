"""Scores of predictions: hand arithmetic, R, and slow obvious implementations."""

from __future__ import annotations

from collections.abc import Callable
from math import floor, inf, isnan, log, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import norm

from app.errors import InvalidSeries
from app.trajectories.metrics import (
    at_flag_budget,
    auc,
    brier,
    calibration,
    fractional_above,
    fractional_below,
    fractional_coverage,
    log_score,
    ranked_probability_score,
)
from app.trajectories.prediction import FloatArray

PARTS = (fractional_below, fractional_coverage, fractional_above)
shares = st.floats(0, 1)
risks_and_outcomes = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=1, max_size=30)


def rounded_normal(means: FloatArray, sd: float, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """P(Y < y) and P(Y <= y) of a normal number, rounded and cut to 0..27."""
    below = np.where(scores <= 0, 0.0, ndtr((scores - 0.5 - means) / sd))
    return below, np.where(scores >= 27, 1.0, ndtr((scores + 0.5 - means) / sd))


class TestFractionalCoverage:
    @pytest.mark.parametrize(
        ("below", "at", "level", "parts"),
        [
            (0.2, 0.5, 0.8, (0, 1, 0)),
            (0.0, 0.2, 0.8, (0.1 / 0.2, 0.1 / 0.2, 0)),
            (0.7, 0.95, 0.8, (0, 0.2 / 0.25, 0.05 / 0.25)),
            (0.0, 0.05, 0.8, (1, 0, 0)),
            (0.92, 1.0, 0.8, (0, 0, 1)),
            (0.0, 1.0, 0.8, (0.1, 0.8, 0.1)),
            (0.0, 1.0, 0.5, (0.25, 0.5, 0.25)),
            (0.3, 0.7, 0.2, (0.1 / 0.4, 0.2 / 0.4, 0.1 / 0.4)),
        ],
    )
    def test_by_hand(self, below: float, at: float, level: float, parts: tuple[float, float, float]) -> None:
        assert [part([below], [at], level)[0] for part in PARTS] == pytest.approx(parts)

    @pytest.mark.parametrize(
        ("below", "at", "parts"),
        [
            (0.0, 0.0, (1, 0, 0)),
            (0.0, 5e-324, (1, 0, 0)),
            (5e-324, 1e-323, (1, 0, 0)),
            (0.5, 0.5, (0, 1, 0)),
            (0.5, 0.5 + 2**-53, (0, 1, 0)),
            (0.875, 0.875, (0, 1, 0)),  # an end belongs to the band, and is exact in binary
            (0.125, 0.125, (0, 1, 0)),
            (np.nextafter(0.125, 0), np.nextafter(0.125, 0), (1, 0, 0)),
            (np.nextafter(0.875, 1), np.nextafter(0.875, 1), (0, 0, 1)),
            (1.0, 1.0, (0, 0, 1)),
            (1 - 2**-53, 1.0, (0, 0, 1)),
        ],
    )
    def test_where_the_probability_vanished_the_place_decides(
        self, below: float, at: float, parts: tuple[float, float, float]
    ) -> None:
        assert [part([below], [at], 0.75)[0] for part in PARTS] == list(parts)

    @given(st.lists(st.tuples(shares, shares).map(sorted), min_size=1, max_size=9), st.floats(0.01, 0.99))
    def test_the_parts_add_up(self, cells: list[list[float]], level: float) -> None:
        below, at = np.array(cells).T
        parts = [part(below, at, level) for part in PARTS]
        assert all(((part >= 0) & (part <= 1)).all() for part in parts)
        assert np.sum(parts, axis=0) == pytest.approx(1)

    @given(shares, shares, st.floats(0.01, 0.99))
    def test_mirrored(self, one: float, other: float, level: float) -> None:
        below, at = sorted((one, other))
        mirrored = fractional_below([1 - at], [1 - below], level)
        if at - below > 1e-6:  # taking from 1 rounds, which moves a narrow cell a little
            assert fractional_above([below], [at], level) == pytest.approx(mirrored, abs=1e-8)

    def test_it_is_the_mean_of_the_randomised_transform(self) -> None:
        """The definition by brute force: a point drawn evenly from each cell."""
        rng = np.random.default_rng(20261130)
        below, at = np.sort(rng.random((2, 40)), axis=0)
        points = below + (at - below) * rng.random((100_000, 40))
        assert fractional_coverage(below, at) == pytest.approx(
            ((points >= 0.1) & (points <= 0.9)).mean(axis=0), abs=0.01
        )
        assert fractional_above(below, at) == pytest.approx((points > 0.9).mean(axis=0), abs=0.01)

    @pytest.mark.parametrize("mean", [1.0, 5.0, 14.0, 26.0])
    def test_right_predictions_cover_exactly_the_level_at_any_floor(self, mean: float) -> None:
        """By adding up over all scores with their probabilities: no sampling."""
        scores = np.arange(28.0)
        below, at = rounded_normal(np.full(28, mean), 4.0, scores)
        assert fractional_coverage(below, at) @ (at - below) == pytest.approx(0.8)
        assert fractional_above(below, at) @ (at - below) == pytest.approx(0.1)
        assert fractional_below(below, at) @ (at - below) == pytest.approx(0.1)

    @pytest.mark.parametrize("level", [0.0, 1.0, -0.1, nan])
    def test_a_band_needs_a_level(self, level: float) -> None:
        with pytest.raises(InvalidSeries, match="level of a band") as refusal:
            fractional_coverage([0.1], [0.2], level)
        assert refusal.value.pointer == "/level"

    def test_rounding_is_cut(self) -> None:
        assert fractional_coverage([-1e-12, 0.5 + 1e-12], [0.5, 0.5]).tolist() == [pytest.approx(0.8), 1.0]
        assert fractional_above([0.9], [1 + 1e-12]).tolist() == [pytest.approx(1)]


class TestLogScore:
    def test_by_hand(self) -> None:
        assert log_score([0, 0.25, 0.9], [0.25, 0.75, 1]) == pytest.approx([log(0.25), log(0.5), log(0.1)])

    def test_the_floor_is_the_same_at_both_ends(self) -> None:
        assert log_score([0, 1, 0], [0, 1, 1e-300]).tolist() == pytest.approx([-52 * log(2)] * 3)
        assert log_score([0], [2**-51]) == pytest.approx([-51 * log(2)])
        assert log_score([1 - 2**-51], [1]) == pytest.approx([-51 * log(2)])

    def test_the_truth_scores_best_in_the_mean(self) -> None:
        """A proper score: no other normal does better, with the scores weighed by their probabilities."""
        scores = np.arange(28.0)
        below, at = rounded_normal(np.full(28, 9.0), 4.0, scores)
        truth = log_score(below, at) @ (at - below)
        for mean, sd in ((8, 4.0), (10, 4.0), (9, 3.5), (9, 4.5)):
            assert log_score(*rounded_normal(np.full(28, float(mean)), sd, scores)) @ (at - below) < truth


class TestRankedProbabilityScore:
    def test_by_hand(self) -> None:
        """(.2, .5, 1) with 1 observed: .2^2 + (.5 - 1)^2 + 0; with 0: .8^2 + .5^2; with 2: .2^2 + .5^2."""
        found = ranked_probability_score([[0.2, 0.5, 1]] * 3, [1, 0, 2])
        assert found == pytest.approx([0.04 + 0.25, 0.64 + 0.25, 0.04 + 0.25])

    @given(st.integers(1, 9), st.integers(0, 2**32 - 1))
    def test_against_the_kernel_form(self, scores: int, seed: int) -> None:
        """E|X - y| - E|X - X'| / 2 (Gneiting & Raftery 2007, equation 21), term by term."""
        rng = np.random.default_rng(seed)
        masses = rng.dirichlet(np.ones(scores))
        observed = int(rng.integers(scores))
        distance = sum(mass * abs(k - observed) for k, mass in enumerate(masses))
        spread = sum(one * other * abs(k - m) for k, one in enumerate(masses) for m, other in enumerate(masses))
        found = ranked_probability_score([np.cumsum(masses)], [observed])
        assert found.tolist() == [pytest.approx(distance - spread / 2, abs=1e-12)]

    @pytest.mark.parametrize(
        ("cumulative", "observed", "pointer"),
        [
            ([[0.5, 0.4, 1]], [0], "/cumulative"),
            ([[0.5, 0.6, 0.9]], [0], "/cumulative"),
            ([[0.5, 1.1]], [0], "/cumulative"),
            ([0.5, 1], [0], "/cumulative"),
            (np.empty((0, 3)), [], "/cumulative"),
            (np.empty((2, 0)), [0, 0], "/cumulative"),
            ([[0.5, 1]], [2], "/observed"),
            ([[0.5, 1]], [-1], "/observed"),
            ([[0.5, 1]], [0.5], "/observed"),
            ([[0.5, 1]], [nan], "/observed"),
            ([[0.5, 1]], [0, 1], "/observed"),
        ],
    )
    def test_refusals(self, cumulative: object, observed: object, pointer: str) -> None:
        with pytest.raises(InvalidSeries) as refusal:
            ranked_probability_score(cumulative, observed)  # type: ignore[arg-type]  # what is refused
        assert refusal.value.pointer == pointer


class TestBrier:
    def test_by_hand(self) -> None:
        """(.2^2 + .6^2 + 1) / 3."""
        assert brier([0.2, 0.4, 1], [False, True, False]) == pytest.approx(1.4 / 3)

    def test_outcomes_may_be_0_and_1(self) -> None:
        assert brier([0.2, 0.4], [0, 1]) == brier([0.2, 0.4], [False, True])


def slow_auc(risks: list[int], happened: list[bool]) -> float:
    """Every pair, one by one."""
    pairs = [
        (one > other) + (one == other) / 2
        for one, did in zip(risks, happened, strict=True)
        if did
        for other, also in zip(risks, happened, strict=True)
        if not also
    ]
    return sum(pairs) / len(pairs) if pairs else nan


class TestAuc:
    def test_against_r(self) -> None:
        """Here with ties.

        > risk <- c(3,1,4,1,5,9,2,6,5,3,5); h <- c(1,0,1,0,0,1,0,1,1,0,0)==1
        > wilcox.test(risk[h], risk[!h])$statistic / (sum(h) * sum(!h))     0.8166666667
        """
        found = auc([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5], [1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0])
        assert found == pytest.approx(0.8166666667)

    @given(risks_and_outcomes)
    def test_against_every_pair(self, rows: list[tuple[int, bool]]) -> None:
        risks, happened = [risk for risk, _ in rows], [did for _, did in rows]
        assert auc(risks, happened) == pytest.approx(slow_auc(risks, happened), nan_ok=True)

    @given(risks_and_outcomes)
    def test_only_the_order_counts(self, rows: list[tuple[int, bool]]) -> None:
        risks, happened = np.array([risk for risk, _ in rows], dtype=float), [did for _, did in rows]
        found = auc(risks, happened)
        assert auc(np.exp(risks), happened) == pytest.approx(found, nan_ok=True)
        assert auc(-risks, happened) == pytest.approx(1 - found, nan_ok=True)

    def test_two_normals(self) -> None:
        """Phi(d / sqrt 2) for normals that lie d sds apart; its standard error here is .002."""
        rng = np.random.default_rng(3)
        risks = np.concatenate([rng.normal(1, 1, 20_000), rng.normal(0, 1, 20_000)])
        assert auc(risks, np.arange(40_000) < 20_000) == pytest.approx(norm.cdf(2**-0.5), abs=0.008)


def slow_flags(risks: list[int], happened: list[bool], flags: int) -> list[float]:
    """The four rates, counted one by one, where no two risks are equal."""
    flagged = sorted(range(len(risks)), key=lambda place: -risks[place])[:flags]
    counts = {(mark, did): 0 for mark in (True, False) for did in (True, False)}
    for place, did in enumerate(happened):
        counts[place in flagged, did] += 1

    def rate(part: tuple[bool, bool], other: tuple[bool, bool]) -> float:
        whole = counts[part] + counts[other]
        return counts[part] / whole if whole else nan

    return [
        rate((True, True), (False, True)),
        rate((False, False), (True, False)),
        rate((True, True), (True, False)),
        rate((False, False), (False, True)),
    ]


class TestFlagBudget:
    def test_by_hand(self) -> None:
        """10 episodes, the 4 highest risks hold 3 of the 5 where it happened."""
        happened = [1, 1, 0, 1, 0, 1, 0, 1, 0, 0]
        found = at_flag_budget(range(10, 0, -1), happened, 0.4, np.random.default_rng(1))
        assert (found.flagged, found.sensitivity, found.specificity) == pytest.approx((0.4, 3 / 5, 4 / 5))
        assert found.positive_predictive_value == pytest.approx(3 / 4)
        assert found.negative_predictive_value == pytest.approx(4 / 6)

    @given(st.permutations(range(12)), st.lists(st.booleans(), min_size=12, max_size=12), st.integers(0, 12))
    def test_against_counting(self, risks: list[int], happened: list[bool], flags: int) -> None:
        found = at_flag_budget(risks, happened, flags / 12, np.random.default_rng(1))
        rates = [
            found.sensitivity,
            found.specificity,
            found.positive_predictive_value,
            found.negative_predictive_value,
        ]
        assert rates == pytest.approx(slow_flags(risks, happened, flags), nan_ok=True)
        assert found.flagged == flags / 12

    @pytest.mark.parametrize(
        ("budget", "flags"), [(0, 0), (0.04, 0), (0.06, 1), (0.24, 2), (0.25, 2), (0.26, 3), (0.35, 4), (1, 10)]
    )
    def test_the_number_of_flags_is_the_nearest_whole(self, budget: float, flags: int) -> None:
        found = at_flag_budget(range(10), [True, False] * 5, budget, np.random.default_rng(1))
        assert found.flagged == flags / 10

    def test_ties_are_broken_at_random_whatever_the_order_of_the_file(self) -> None:
        """All risks equal: of 2 flags among 4 with 1 event, half find it; 4,000 draws have a standard error of .008."""
        rng = np.random.default_rng(5)
        for happened in ([1, 0, 0, 0], [0, 0, 0, 1]):
            found = [at_flag_budget([3, 3, 3, 3], happened, 0.5, rng).sensitivity for _ in range(4_000)]
            assert np.mean(found) == pytest.approx(0.5, abs=0.03)

    def test_ties_only_where_there_are_any(self) -> None:
        found = at_flag_budget([1, 2, 2, 2, 3], [0, 1, 1, 1, 1], 0.4, np.random.default_rng(5))
        assert (found.positive_predictive_value, found.specificity) == (1, 1)

    def test_the_same_seed_gives_the_same(self) -> None:
        def draw() -> object:
            return at_flag_budget([1, 1, 1, 2], [1, 0, 1, 0], 0.5, np.random.default_rng(8))

        assert draw() == draw()

    def test_rates_among_none(self) -> None:
        none = at_flag_budget([1, 2], [True, True], 0, np.random.default_rng(1))
        assert isnan(none.positive_predictive_value)
        assert isnan(none.specificity)
        assert (none.sensitivity, none.negative_predictive_value) == (0, 0)
        every = at_flag_budget([1, 2], [False, False], 1, np.random.default_rng(1))
        assert isnan(every.sensitivity)
        assert isnan(every.negative_predictive_value)
        assert (every.specificity, every.positive_predictive_value) == (0, 0)

    @given(st.integers(1, 40), st.floats(0, 1), st.data())
    def test_at_a_budget_sensitivity_is_ppv_times_budget_by_base_rate(
        self, count: int, budget: float, data: st.DataObject
    ) -> None:
        """Engine, section 4: one number."""
        happened = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
        found = at_flag_budget(range(count), happened, budget, np.random.default_rng(1))
        if any(happened) and found.flagged:
            by_ppv = found.positive_predictive_value * found.flagged / np.mean(happened)
            assert found.sensitivity == pytest.approx(by_ppv)
        assert abs(found.flagged * count - floor(budget * count + 0.5)) < 1.001

    @pytest.mark.parametrize("budget", [-0.1, 1.1, nan, inf])
    def test_a_budget_is_a_share(self, budget: float) -> None:
        with pytest.raises(InvalidSeries, match="flag budget") as refusal:
            at_flag_budget([1, 2], [0, 1], budget, np.random.default_rng(1))
        assert (refusal.value.pointer, refusal.value.allowed) == ("/budget", "0 to 1")


def flagged_anyhow(risk: object, happened: object) -> object:
    return at_flag_budget(risk, happened, 0.5, np.random.default_rng(1))  # type: ignore[arg-type]  # what is refused


class TestRefusals:
    @pytest.mark.parametrize("judge", [fractional_coverage, fractional_above, fractional_below, log_score])
    @pytest.mark.parametrize(
        ("below", "at", "pointer"),
        [
            ([], [], "/below"),
            (0.5, 0.6, "/below"),
            ([[0.5]], [[0.6]], "/below"),
            ([0.5], [0.6, 0.7], "/at"),
            ([nan], [0.6], "/below"),
            ([0.5], [inf], "/at"),
            ([0.5], [1.1], "/at"),
            ([-0.1], [0.6], "/below"),
            ([0.5], [0.4], "/at"),
            (["x"], [0.4], "/below"),
            ([0.5], [None], "/at"),
        ],
    )
    def test_cells(self, judge: Callable[..., FloatArray], below: object, at: object, pointer: str) -> None:
        with pytest.raises(InvalidSeries) as refusal:
            judge(below, at)
        assert refusal.value.pointer == pointer

    @pytest.mark.parametrize("judge", [brier, calibration, auc, flagged_anyhow])
    @pytest.mark.parametrize(
        ("predicted", "happened", "wrong"),
        [
            ([], [], "predicted"),
            ([0.5], [True, False], "happened"),
            ([nan], [True], "predicted"),
            ([inf], [True], "predicted"),
            ([0.5], [nan], "happened"),
            ([0.5], [0.5], "happened"),
            ([0.5], [2], "happened"),
            ([0.5], ["yes"], "happened"),
        ],
    )
    def test_predictions(self, judge: Callable[..., object], predicted: object, happened: object, wrong: str) -> None:
        with pytest.raises(InvalidSeries) as refusal:
            judge(predicted, happened)
        name = "risk" if wrong == "predicted" and judge in {auc, flagged_anyhow} else wrong
        assert refusal.value.pointer == f"/{name}"

    @pytest.mark.parametrize("judge", [brier, calibration])
    @pytest.mark.parametrize("predicted", [-0.01, 1.01])
    def test_what_is_no_probability(self, judge: Callable[..., object], predicted: float) -> None:
        with pytest.raises(InvalidSeries, match="must be probabilities") as refusal:
            judge([predicted, 0.5], [True, False])
        assert (refusal.value.pointer, refusal.value.allowed) == ("/predicted", "0 to 1")

    def test_a_risk_may_be_any_number(self) -> None:
        assert auc([-3, 1000], [False, True]) == 1

"""The two-level model from sums: lme4, a dense computation, and the numbers needed."""

from __future__ import annotations

from math import inf, log

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.reports.therapists import Sums, TherapistEffects, episodes_needed, therapist_effects
from app.scales.change import Better
from app.trajectories.prediction import FloatArray, IntArray
from tests.reports.oracle_tables import rows_of, table


def sums_of(name: str) -> Sums:
    data = table(name)
    whose = data["therapist"].astype(int)
    return Sums.of(whose, data["first"], data["end"], data["count"], therapists=int(whose.max()) + 1)


def model_of_r(name: str) -> dict[str, str]:
    (row,) = (row for row in rows_of("therapists.models") if row["data"] == name)
    return row


def fitted(sums: Sums, better: Better = Better.LOWER) -> TherapistEffects:
    found = therapist_effects(sums, better)
    assert found is not None
    return found


def of_rows(whose: IntArray, first: FloatArray, end: FloatArray, therapists: int) -> Sums:
    return Sums.of(whose, first, end, np.ones(len(whose)), therapists)


class TestAgainstLme4:
    def test_line_and_variances(self) -> None:
        found, r = fitted(sums_of("therapists")), model_of_r("therapists")
        for name in ("intercept", "slope", "tau2", "sigma2"):
            assert getattr(found, name) == pytest.approx(float(r[name]), rel=1e-5), name
        tau2, sigma2 = float(r["tau2"]), float(r["sigma2"])
        assert found.icc == pytest.approx(tau2 / (tau2 + sigma2), rel=1e-5)

    def test_each_therapist(self) -> None:
        found, r = fitted(sums_of("therapists")), table("therapists.effects")
        assert found.n.tolist() == r["n"].tolist()
        assert found.estimate == pytest.approx(-r["effect"], rel=1e-5, abs=1e-7)  # a lower end is better
        assert found.low == pytest.approx(-r["effect"] - 1.959964 * r["sd"], rel=1e-4)
        assert found.high == pytest.approx(-r["effect"] + 1.959964 * r["sd"], rel=1e-4)

    def test_where_they_are_alike(self) -> None:
        found, r = fitted(sums_of("alike")), model_of_r("alike")
        assert float(r["tau2"]) < 1e-12
        assert (found.tau2, found.icc, found.needed, found.may_rank) == (0, 0, None, False)
        for name in ("intercept", "slope", "sigma2"):
            assert getattr(found, name) == pytest.approx(float(r[name]), rel=1e-6), name
        assert not found.estimate.any()
        assert not found.reliability.any()
        assert not found.enough.any()


class TestNumbersNeeded:
    @pytest.mark.parametrize(("icc", "needed"), [(0.05, 76), (0.06, 63), (0.08, 46), (0.8, 1), (0.99, 1), (0.0, None)])
    def test_by_hand(self, icc: float, needed: int | None) -> None:
        """4 * 0.95 / 0.05 = 76, 4 * 0.94 / 0.06 = 62.7, 4 * 0.92 / 0.08 = 46."""
        assert episodes_needed(icc) == needed

    @given(st.floats(0.001, 0.999))
    def test_it_is_the_first_that_is_reliable_at_four_fifths(self, icc: float) -> None:
        needed, ratio = episodes_needed(icc), (1 - icc) / icc
        assert needed is not None
        assert needed / (needed + ratio) >= 0.8 - 1e-9
        assert needed == 1 or (needed - 1) / (needed - 1 + ratio) < 0.8

    def test_nobody_is_ranked_while_one_has_too_few(self) -> None:
        found = fitted(sums_of("therapists"))
        # 4 (1 - 0.07116) / 0.07116 = 52.2
        assert found.needed == 53
        assert found.enough.tolist() == [n >= 53 for n in found.n.tolist()]
        assert found.enough.sum() == 3
        assert not found.may_rank
        assert (found.reliability >= 0.8).tolist() == found.enough.tolist()

    def test_with_many_episodes_each_they_may_be_told_apart(self) -> None:
        assert fitted(many()).may_rank

    def test_one_without_episodes_keeps_nobody_from_it(self) -> None:
        some = many()
        empty = with_sums(np.append(some.n, 0), [np.append(each, 0.0) for each in point_sums(some)])
        found = fitted(empty)
        assert found.may_rank
        assert (found.n[-1], found.estimate[-1], found.reliability[-1]) == (0, 0, 0)
        assert found.high[-1] == pytest.approx(1.959964 * found.tau2**0.5, rel=1e-6)
        assert found.estimate[:-1] == pytest.approx(fitted(some).estimate)


def point_sums(sums: Sums) -> list[FloatArray]:
    return [sums.first, sums.end, sums.first_squared, sums.first_end, sums.end_squared]


def with_sums(n: IntArray, points: list[FloatArray]) -> Sums:
    return Sums(n, *points)


def many() -> Sums:
    rng = np.random.default_rng(3)
    whose = np.repeat(np.arange(6), 200)
    first = rng.integers(5, 25, len(whose)).astype(float)
    end = np.round(0.5 * first + np.array([-3, -2, -1, 1, 2, 3])[whose] + rng.normal(0, 4, len(whose)))
    return of_rows(whose, first, end, 6)


class TestShape:
    def test_better_turns_the_sign(self) -> None:
        lower, higher = fitted(many(), Better.LOWER), fitted(many(), Better.HIGHER)
        assert higher.estimate == pytest.approx(-lower.estimate)
        assert higher.low == pytest.approx(-lower.high)

    def test_who_ends_lower_than_expected_is_better_where_lower_is(self) -> None:
        assert (np.diff(fitted(many()).estimate) < 0).all()

    def test_figures_are_drawn_towards_none(self) -> None:
        found = fitted(sums_of("therapists"))
        assert (found.reliability > 0).all()
        assert (found.reliability < 1).all()
        assert (np.diff(found.reliability[np.argsort(found.n)]) >= 0).all()

    def test_a_thousand_times_the_episodes_cost_the_same(self) -> None:
        """The sums of 1.2 million episodes; the spread within stays, and the figures are all but unshrunken."""
        some = many()
        more = with_sums(some.n * 1000, [each * 1000 for each in point_sums(some)])
        found = fitted(more)
        assert found.n.sum() == 1_200_000
        assert found.sigma2 == pytest.approx(fitted(some).sigma2, rel=0.01)
        assert (found.reliability > 0.999).all()


class TestNothingToLearn:
    @pytest.mark.parametrize(
        ("whose", "first", "end"),
        [
            pytest.param([], [], [], id="nobody"),
            pytest.param([0, 0, 0, 0], [1, 2, 3, 4], [2, 1, 4, 2], id="one therapist"),
            pytest.param([0, 1, 2, 2], [1, 2, 3, 4], [2, 1, 4, 2], id="the line and therapists use all up"),
            pytest.param([0, 0, 1, 1], [3, 3, 3, 3], [2, 1, 4, 2], id="first scores alike"),
            pytest.param([0, 0, 1, 1], [3, 5, 3, 5], [2, 3, 4, 5], id="explained wholly"),
            pytest.param([0, 0, 1, 1], [3, 3, 5, 5], [2, 2, 4, 4], id="explained by therapists"),
        ],
    )
    def test_of(self, whose: list[int], first: list[int], end: list[int]) -> None:
        assert therapist_effects(Sums.of(whose, first, end, [1] * len(whose), 3), Better.LOWER) is None

    def test_first_scores_that_differ_between_therapists_only(self) -> None:
        found = fitted(Sums.of([0, 0, 1, 1, 2, 2], [3, 3, 5, 5, 9, 9], [2, 4, 3, 5, 1, 4], [1] * 6, 3))
        assert found.sigma2 > 0


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 12), min_size=2, max_size=6), st.floats(0, 6))
@settings(max_examples=40)
def test_no_ratio_of_the_variances_has_a_higher_likelihood(seed: int, sizes: list[int], tau: float) -> None:
    """The restricted likelihood of whole matrices, at the ratio that was found and at many others."""
    assume(sum(sizes) >= len(sizes) + 4)
    rng = np.random.default_rng(seed)
    whose = np.repeat(np.arange(len(sizes)), sizes)
    first = rng.normal(15, 5, len(whose))
    end = 0.5 * first + rng.normal(0, tau, len(sizes))[whose] + rng.normal(0, 3, len(whose))
    found = fitted(of_rows(whose, first, end, len(sizes)))
    best = dense(whose, first, end, found.tau2 / found.sigma2)
    assert best[0] <= min(dense(whose, first, end, ratio)[0] for ratio in (0, *np.geomspace(1e-4, 1e3, 40))) + 1e-6
    assert (found.intercept, found.slope, found.sigma2) == pytest.approx(best[1], rel=1e-6, abs=1e-8)


def dense(whose: IntArray, first: FloatArray, end: FloatArray, ratio: float) -> tuple[float, tuple[float, ...]]:
    """Give -2 log REML likelihood without its constants; then intercept, slope and sigma^2."""
    v = np.eye(len(end)) + ratio * (whose[:, None] == whose)
    x = np.column_stack([np.ones_like(first), first])
    information = x.T @ np.linalg.solve(v, x)
    line = np.linalg.solve(information, x.T @ np.linalg.solve(v, end))
    left = end - x @ line
    sigma2 = float(left @ np.linalg.solve(v, left)) / (len(end) - 2)
    if sigma2 <= 0:
        return -inf, (0.0, 0.0, 0.0)
    logs = np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1]
    return float(logs) + (len(end) - 2) * log(sigma2), (float(line[0]), float(line[1]), sigma2)

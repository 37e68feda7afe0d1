"""Effect sizes of counted pairs: R on BtheB, hand arithmetic, and resampling of persons one by one."""

from __future__ import annotations

from itertools import product
from math import isnan, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.reports import effects
from app.reports.effects import MANY, Pairs, pre_post, severity_adjusted
from app.scales.change import Better, ChangeCriteria
from app.trajectories.prediction import FloatArray, IntArray
from tests.reports.oracle_tables import REFERENCE, TEN_DIGITS, rows_of, table

CASE = ChangeCriteria(0, 63, cutoff=14)
few = st.lists(st.tuples(st.integers(0, 27), st.integers(0, 27), st.integers(0, 40)), min_size=1, max_size=8)


def counted(baseline: IntArray, end: IntArray) -> Pairs:
    return Pairs.of(baseline, end, np.ones(len(baseline), dtype=int))


def btheb() -> tuple[IntArray, IntArray, IntArray]:
    """Baseline, two months, and treatment of those with both."""
    rows = table("btheb", REFERENCE / "trajectories")
    start, later = rows["month"] == 0, rows["month"] == 2
    scores = dict(zip(rows["subject"][later], rows["bdi"][later], strict=True))
    there = start & np.isin(rows["subject"], rows["subject"][later])
    end = np.array([scores[subject] for subject in rows["subject"][there]])
    return rows["bdi"][there].astype(int), end.astype(int), rows["treatment"][there].astype(int)


def r_of_btheb() -> dict[str, float]:
    return {row["figure"]: float(row["value"]) for row in rows_of("effects")}


def effect_of(baseline: FloatArray | IntArray, end: FloatArray | IntArray) -> float:
    return float((baseline.mean() - end.mean()) / baseline.std(ddof=1))


class TestAgainstR:
    """Figures to ten digits; ends of the bootstrap, of 20,000 draws in R, to what 2,000 draws leave to chance."""

    def test_pre_post(self) -> None:
        baseline, end, _ = btheb()
        found, r = pre_post(counted(baseline, end), Better.LOWER), r_of_btheb()
        assert found is not None
        assert found.n == r["n"]
        for name in ("mean_before", "mean_after", "sd_before", "sd_after"):
            assert getattr(found, name) == pytest.approx(r[name], rel=TEN_DIGITS)
        effect = found.effect
        assert effect.estimate == pytest.approx(r["d"], rel=TEN_DIGITS)
        assert effect.standard_error == pytest.approx(r["d_error"], rel=0.05)
        assert (effect.lower, effect.upper) == pytest.approx((r["d_low"], r["d_high"]), abs=0.2 * r["d_error"])

    def test_severity_adjusted(self) -> None:
        baseline, end, treatment = btheb()
        everybody, group = counted(baseline, end), counted(baseline[treatment == 1], end[treatment == 1])
        found, r = severity_adjusted(group.cases(CASE), everybody.cases(CASE), Better.LOWER), r_of_btheb()
        assert found is not None
        assert found.estimate == pytest.approx(r["saes"], rel=TEN_DIGITS)
        assert found.standard_error == pytest.approx(r["saes_error"], rel=0.05)
        assert (found.lower, found.upper) == pytest.approx((r["saes_low"], r["saes_high"]), abs=0.2 * r["saes_error"])


class TestPairs:
    def test_pairs_are_added_up_and_put_in_order(self) -> None:
        found = Pairs.of([9, 3, 9, 9, 1], [5, 2, 4, 5, 1], [1, 2, 3, 4, 0])
        assert (found.baseline.tolist(), found.end.tolist(), found.count.tolist()) == ([3, 9, 9], [2, 4, 5], [2, 3, 5])
        assert found.persons == 10

    def test_nobody(self) -> None:
        assert Pairs.of([], [], []).persons == 0

    @pytest.mark.parametrize(("better", "cases"), [(Better.LOWER, [10, 12]), (Better.HIGHER, [9])])
    def test_cases_start_on_the_clinical_side(self, better: Better, cases: list[int]) -> None:
        everybody = Pairs.of([9, 10, 12], [0, 0, 0], [1, 2, 3])
        assert everybody.cases(ChangeCriteria(0, 27, better, cutoff=10)).baseline.tolist() == cases

    def test_without_a_cut_off_nobody_is_a_case(self) -> None:
        assert Pairs.of([9, 10], [0, 0], [1, 2]).cases(ChangeCriteria(0, 27)).persons == 0

    def test_the_others(self) -> None:
        found = Pairs.of([9, 10, 12], [0, 1, 2], [1, 2, 3]).without(Pairs.of([10, 12], [1, 2], [2, 1]))
        assert (found.baseline.tolist(), found.end.tolist(), found.count.tolist()) == ([9, 12], [0, 2], [1, 2])

    @pytest.mark.parametrize("some", [Pairs.of([10], [1], [3]), Pairs.of([10], [7], [1])])
    def test_others_than_those_who_are_there(self, some: Pairs) -> None:
        with pytest.raises(AssertionError, match="are among the others"):
            Pairs.of([10], [1], [2]).without(some)

    @pytest.mark.parametrize(
        ("given_", "message"),
        [
            (([1], [1, 2], [1, 1]), "its count"),
            (([1], [1], [1, 1]), "its count"),
            (([[1]], [[1]], [[1]]), "its count"),
            (([1], [1], [-1]), "fewer than no"),
        ],
    )
    def test_mistakes(self, given_: tuple[list[int], list[int], list[int]], message: str) -> None:
        with pytest.raises(AssertionError, match=message):
            Pairs.of(*given_)


class TestPrePost:
    def test_by_hand(self) -> None:
        # Starts 20, 14, 14, 8: mean 14, squares 36 + 0 + 0 + 36 = 72, sd sqrt(72 / 3) = 4.899. Ends 12, 9, 9, 6:
        # mean 9, sd sqrt((9 + 0 + 0 + 9) / 3) = 2.449. d = 5 / 4.899 = 1.0206.
        found = pre_post(Pairs.of([20, 14, 8], [12, 9, 6], [1, 2, 1]), Better.LOWER)
        assert found is not None
        assert (found.n, found.mean_before, found.mean_after) == (4, 14, 9)
        assert (found.sd_before, found.sd_after) == pytest.approx((sqrt(24), sqrt(6)))
        assert found.effect.estimate == pytest.approx(5 / sqrt(24))

    def test_better_turns_the_sign(self) -> None:
        pairs = Pairs.of([20, 14, 8], [12, 9, 6], [1, 2, 1])
        lower, higher = pre_post(pairs, Better.LOWER), pre_post(pairs, Better.HIGHER)
        assert lower is not None
        assert higher is not None
        assert higher.effect.estimate == -lower.effect.estimate
        assert (higher.effect.lower, higher.effect.upper) == pytest.approx((-lower.effect.upper, -lower.effect.lower))

    def test_nobody(self) -> None:
        assert pre_post(Pairs.of([], [], []), Better.LOWER) is None

    @pytest.mark.parametrize("count", [1, 5, 5000])
    def test_where_all_started_alike_there_is_no_effect_size(self, count: int) -> None:
        found = pre_post(Pairs.of([12], [6], [count]), Better.LOWER)
        assert found is not None
        assert (found.n, found.mean_before) == (count, 12)
        assert isnan(found.sd_before) == isnan(found.sd_after) == (count == 1)
        assert isnan(found.effect.estimate)
        assert isnan(found.effect.lower)

    def test_drawing_cells_is_drawing_persons(self) -> None:
        """All 4^4 ways of drawing four persons, each as likely as another, against many draws of their cells."""
        baseline, end = np.array([20.0, 14.0, 14.0, 6.0]), np.array([11.0, 12.0, 12.0, 3.0])
        ways = [list(way) for way in product(range(4), repeat=4)]
        every = [effect_of(baseline[way], end[way]) for way in ways if np.ptp(baseline[way])]
        found = pre_post(Pairs.of([20, 14, 6], [11, 12, 3], [1, 2, 1]), Better.LOWER, draws=200_000)
        assert found is not None
        assert found.effect.standard_error == pytest.approx(np.std(every), rel=0.02)
        ends = np.quantile(every, [0.025, 0.975], method="inverted_cdf")
        assert (found.effect.lower, found.effect.upper) == pytest.approx(ends, rel=1e-6)

    @pytest.mark.parametrize("persons", [200, MANY - 1, MANY, 5000])
    def test_drawing_cells_is_drawing_persons_one_by_one(self, persons: int) -> None:
        rng = np.random.default_rng(persons)
        baseline = np.clip(np.round(rng.gamma(9, 1.6, persons)), 0, 27).astype(int)
        end = np.clip(np.round(0.5 * baseline + rng.gamma(2, 2, persons) - 1), 0, 27).astype(int)
        picked = (rng.integers(persons, size=persons) for _ in range(3000))
        slow = np.array([effect_of(baseline[some], end[some]) for some in picked])
        found = pre_post(counted(baseline, end), Better.LOWER)
        assert found is not None
        error = slow.std()
        assert found.effect.estimate == pytest.approx(effect_of(baseline, end))
        assert found.effect.standard_error == pytest.approx(error, rel=0.06)
        ends = np.quantile(slow, [0.025, 0.975])
        assert (found.effect.lower, found.effect.upper) == pytest.approx(ends, abs=0.25 * error)

    @pytest.mark.parametrize("persons", [MANY - 1, 20_000])
    def test_the_error_is_that_of_the_delta_method(self, persons: int) -> None:
        """A person adds (D - M_D) / S - d ((x - M)^2 - S^2) / 2 S^2 to d; the spread of that / sqrt(n) is the error."""
        rng = np.random.default_rng(5)
        baseline = rng.integers(5, 28, persons)
        end = np.clip(baseline - rng.integers(-2, 9, persons), 0, 27)
        change, s, d = baseline - end, baseline.std(), effect_of(baseline, end)
        adds = (change - change.mean()) / s - d * ((baseline - baseline.mean()) ** 2 - s**2) / (2 * s**2)
        found = pre_post(counted(baseline, end), Better.LOWER)
        assert found is not None
        assert found.effect.standard_error == pytest.approx(adds.std() / sqrt(persons), rel=0.05)

    def test_the_cost_does_not_grow_with_persons(self) -> None:
        """Nobody could draw three billion persons one by one."""
        found = pre_post(Pairs.of([20, 14, 8], [12, 10, 8], [10**9] * 3), Better.LOWER)
        assert found is not None
        assert found.n == 3 * 10**9
        assert found.effect.estimate == pytest.approx(4 / sqrt(24))
        assert 0 < found.effect.upper - found.effect.lower < 1e-3

    @given(few, st.randoms())
    @settings(max_examples=30)
    def test_the_order_of_the_cells_says_nothing(self, cells: list[tuple[int, int, int]], random: object) -> None:
        shuffled = cells.copy()
        random.shuffle(shuffled)  # type: ignore[attr-defined]
        one, other = (pre_post(Pairs.of(*np.array(each).T), Better.LOWER, draws=50) for each in (cells, shuffled))
        assert repr(one) == repr(other)  # NaN is not itself

    def test_the_same_persons_always_give_the_same_interval(self) -> None:
        pairs = Pairs.of([20, 14, 8], [12, 10, 8], [5, 6, 7])
        assert pre_post(pairs, Better.LOWER) == pre_post(pairs, Better.LOWER)
        assert pre_post(pairs, Better.LOWER) != pre_post(pairs, Better.LOWER, seed=effects.SEED + 1)


class TestSeverityAdjusted:
    def test_by_hand(self) -> None:
        # Starts 10, 12, 14 twice each: mean 12, squares 2 (4 + 0 + 4) = 16, sd sqrt(16 / 5) = 1.789. Changes 4, 4, 4,
        # 4, 8, 4: mean 4.667; the line is flat, since 10 and 14 changed alike. The one with 8 has a residual of 3.333:
        # (4.667 + 3.333) / 1.789 = 4.472.
        everybody = Pairs.of([10, 12, 14, 10, 12, 14], [6, 8, 10, 6, 4, 10], [1, 1, 1, 1, 1, 1])
        found = severity_adjusted(Pairs.of([12], [4], [1]), everybody, Better.LOWER)
        assert found is not None
        assert found.estimate == pytest.approx(8 / sqrt(16 / 5))

    def test_a_group_that_only_started_worse_is_no_better(self) -> None:
        """All lose half of their points: by pre-post the severe change most, adjusted all change alike."""
        mild, severe = Pairs.of([12, 14], [6, 7], [20, 20]), Pairs.of([20, 22], [10, 11], [20, 20])
        everybody = Pairs.of([12, 14, 20, 22], [6, 7, 10, 11], [20] * 4)
        ours, theirs = (severity_adjusted(group, everybody, Better.LOWER) for group in (mild, severe))
        assert ours is not None
        assert theirs is not None
        assert ours.estimate == pytest.approx(theirs.estimate)
        unadjusted = [pre_post(group, Better.LOWER) for group in (mild, severe)]
        assert [each and round(each.effect.estimate, 1) for each in unadjusted] == [6.4, 10.4]

    @pytest.mark.parametrize("count", [7, 2000])
    @pytest.mark.parametrize("better", list(Better))
    def test_of_the_whole_reference_it_is_pre_post(self, count: int, better: Better) -> None:
        pairs = Pairs.of([20, 14, 8], [12, 10, 9], [count, 2 * count, 3])
        plain = pre_post(pairs, better)
        found = severity_adjusted(pairs, pairs, better)
        assert plain is not None
        assert found is not None
        assert (found.estimate, found.standard_error, found.lower, found.upper) == pytest.approx(
            (plain.effect.estimate, plain.effect.standard_error, plain.effect.lower, plain.effect.upper)
        )

    @pytest.mark.parametrize("scale", [1, 20])
    def test_the_interval_is_that_of_drawing_persons_in_both_parts(self, scale: int) -> None:
        rng = np.random.default_rng(8)
        ours, theirs = 60 * scale, 90 * scale
        baseline = np.clip(np.round(rng.normal(17, 4, ours + theirs)), 10, 27).astype(int)
        end = np.clip(np.round(0.6 * baseline + rng.normal(0, 4, ours + theirs)), 0, 27).astype(int)
        group = np.arange(ours + theirs) < ours

        def slow(rows: IntArray) -> float:
            x, change, mine = baseline[rows], baseline[rows] - end[rows], group[rows]
            slope, intercept = np.polyfit(x, change, 1)
            return float((change.mean() + (change - intercept - slope * x)[mine].mean()) / x.std(ddof=1))

        pick = ((rng.integers(ours, size=ours), ours + rng.integers(theirs, size=theirs)) for _ in range(2000))
        drawn = np.array([slow(np.concatenate(both)) for both in pick])
        found = severity_adjusted(counted(baseline[group], end[group]), counted(baseline, end), Better.LOWER)
        assert found is not None
        assert found.estimate == pytest.approx(slow(np.arange(ours + theirs)))
        assert found.standard_error == pytest.approx(drawn.std(), rel=0.07)
        ends = np.quantile(drawn, [0.025, 0.975])
        assert (found.lower, found.upper) == pytest.approx(ends, abs=0.25 * drawn.std())

    def test_nobody(self) -> None:
        assert severity_adjusted(Pairs.of([], [], []), Pairs.of([12], [6], [1]), Better.LOWER) is None
        assert severity_adjusted(Pairs.of([], [], []), Pairs.of([], [], []), Better.LOWER) is None

    def test_where_all_started_alike_there_is_no_line(self) -> None:
        found = severity_adjusted(Pairs.of([12], [6], [3]), Pairs.of([12, 12], [6, 9], [4, 4]), Better.LOWER)
        assert found is not None
        assert isnan(found.estimate)
        assert isnan(found.upper)

    def test_a_group_from_elsewhere_is_a_mistake(self) -> None:
        with pytest.raises(AssertionError, match="are among the others"):
            severity_adjusted(Pairs.of([12], [6], [3]), Pairs.of([12], [6], [2]), Better.LOWER)

"""How sure a figure is: R, hand arithmetic, and many samples."""

from __future__ import annotations

from collections.abc import Callable
from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from app.errors import InvalidSeries
from app.trajectories.prediction import FloatArray, IntArray
from app.trajectories.sampling_error import (
    Interval,
    bootstrapped,
    bootstrapped_each,
    clustered_mean,
    paired_difference,
    share,
)

# R 4.2.2, base:
#   > v <- c(2.5,1,4,3,7,-2,0.5,6); cl <- c(1,1,2,2,2,3,4,4); m <- mean(v); r <- rowsum(v-m, cl)
#   > se <- sqrt(4/3*sum(r^2))/8; c(m, se, m-qt(.975,3)*se, m+qt(.975,3)*se)
#   2.7500000000  1.1238419966 -0.8265668098  6.3265668098
VALUES = [2.5, 1, 4, 3, 7, -2, 0.5, 6]
CLUSTERS = [1, 1, 2, 2, 2, 3, 4, 4]
FOUND = [2.75, 1.1238419966, -0.8265668098, 6.3265668098]


def figures(found: Interval) -> list[float]:
    return [found.estimate, found.standard_error, found.lower, found.upper]


class TestClusteredMean:
    def test_against_r(self) -> None:
        assert figures(clustered_mean(VALUES, CLUSTERS)) == pytest.approx(FOUND)

    @pytest.mark.parametrize("names", [["a", "a", "b", "b", "b", "c", "d", "d"], [9, 9, -1, -1, -1, 0, 3, 3]])
    def test_names_and_order_do_not_matter(self, names: list[object]) -> None:
        backwards = clustered_mean(VALUES[::-1], np.array(names)[::-1])
        assert figures(backwards) == pytest.approx(FOUND)

    def test_clusters_need_not_stand_together(self) -> None:
        order = [7, 0, 4, 5, 2, 1, 6, 3]
        found = clustered_mean(np.array(VALUES)[order], np.array(CLUSTERS)[order])
        assert figures(found) == pytest.approx(FOUND)

    def test_alone_each_it_is_the_textbook_error(self) -> None:
        """The mean of 1, 2, 3, 4 has the sd sqrt(5/3) / 2; t with 3 degrees of freedom is 3.182446."""
        found = clustered_mean([1, 2, 3, 4], [1, 2, 3, 4])
        error = (5 / 3) ** 0.5 / 2
        assert figures(found) == pytest.approx([2.5, error, 2.5 - 3.182446305 * error, 2.5 + 3.182446305 * error])

    def test_one_cluster_has_no_error(self) -> None:
        assert figures(clustered_mean([1, 2], ["a", "a"])) == pytest.approx([1.5, nan, nan, nan], nan_ok=True)

    def test_the_interval_holds_the_truth_as_often_as_it_says(self) -> None:
        """20 patients with 5 values each that share half their variance; 2,000 samples tell it within .005."""
        rng = np.random.default_rng(11)
        clusters = np.repeat(np.arange(20), 5)
        held = []
        for _ in range(2_000):
            found = clustered_mean(np.repeat(rng.normal(size=20), 5) + rng.normal(size=100), clusters)
            held.append(found.lower < 0 < found.upper)
        assert np.mean(held) == pytest.approx(0.95, abs=0.02)

    @pytest.mark.parametrize(
        ("values", "clusters", "pointer"),
        [
            ([], [], "/values"),
            ([1, nan], [1, 2], "/values"),
            ([1, 2], [1], "/clusters"),
            ([1, 2], [1, None], "/clusters"),
        ],
    )
    def test_refusals(self, values: object, clusters: object, pointer: str) -> None:
        with pytest.raises(InvalidSeries) as refusal:
            clustered_mean(values, clusters)  # type: ignore[arg-type]  # what is refused
        assert refusal.value.pointer == pointer


class TestPairedDifference:
    def test_against_r(self) -> None:
        found = paired_difference(np.array(VALUES) + 100, [100] * 8, CLUSTERS)
        assert figures(found) == pytest.approx(FOUND)

    @given(arrays.arrays(np.float64, (2, 8), elements=st.floats(-50, 50)))
    def test_the_other_way_round(self, both: FloatArray) -> None:
        first, second = both
        there = figures(paired_difference(first, second, CLUSTERS))
        back = figures(paired_difference(second, first, CLUSTERS))
        assert there == pytest.approx([-back[0], back[1], -back[3], -back[2]], abs=1e-9)

    @pytest.mark.parametrize(
        ("first", "second", "pointer"),
        [([1, 2], [1], "/second"), ([nan, 2], [1, 2], "/first"), ([1, 2], [1, nan], "/second"), ([], [], "/first")],
    )
    def test_refusals(self, first: list[float], second: list[float], pointer: str) -> None:
        with pytest.raises(InvalidSeries) as refusal:
            paired_difference(first, second, [1, 2])
        assert refusal.value.pointer == pointer


class TestBootstrap:
    def test_two_clusters_by_hand(self) -> None:
        """Means 2 and 6: a quarter of the samples has 2, half 4, a quarter 6, so that the sd is sqrt 2."""
        values = np.array([1.0, 5, 3, 7])
        found = bootstrapped(
            lambda rows: float(values[rows].mean()), ["a", "b", "a", "b"], np.random.default_rng(1), 5000
        )
        assert (found.estimate, found.lower, found.upper) == (4, 2, 6)
        assert found.standard_error == pytest.approx(2**0.5, abs=0.05)

    def test_it_agrees_with_the_formula_for_a_mean(self) -> None:
        """With 200 clusters of unequal size; the sd of 2,000 repeats is known within 1.6 %."""
        rng = np.random.default_rng(2)
        clusters = np.repeat(np.arange(200), rng.integers(1, 6, size=200))
        values = rng.normal(size=200)[clusters] + rng.normal(size=len(clusters))
        found = bootstrapped(lambda rows: float(values[rows].mean()), clusters, rng, repeats=2_000)
        formula = clustered_mean(values, clusters)
        assert found.estimate == formula.estimate
        assert found.standard_error == pytest.approx(formula.standard_error, rel=0.07)
        assert found.lower == pytest.approx(formula.lower, abs=0.25 * formula.standard_error)
        assert found.upper == pytest.approx(formula.upper, abs=0.25 * formula.standard_error)

    def test_clusters_are_drawn_whole_and_as_many_as_there_are(self) -> None:
        clusters = np.array([3, 1, 2, 1, 3, 3, 2, 4])
        seen: list[list[int]] = []

        def look(rows: IntArray) -> float:
            seen.append(rows.tolist())
            return 0.0

        bootstrapped(look, clusters, np.random.default_rng(3), repeats=50)
        assert seen[0] == list(range(8))
        assert len(seen) == 51
        for rows in seen[1:]:
            times = [[rows.count(row) for row in np.flatnonzero(clusters == name).tolist()] for name in (1, 2, 3, 4)]
            assert all(len(set(each)) == 1 for each in times)
            assert sum(each[0] for each in times) == 4
        assert len({tuple(rows) for rows in seen}) > 20

    def test_repeats_without_a_figure_are_left_out(self) -> None:
        """Every third repeat has none; the rest are 1 and 2 in turn."""
        figures_given = iter([7.0, *[nan, 1.0, 2.0] * 20])
        found = bootstrapped(lambda _: next(figures_given), [1, 2, 3], np.random.default_rng(1), repeats=60)
        assert (found.estimate, found.lower, found.upper) == (7, 1, 2)
        assert found.standard_error == pytest.approx((0.25 * 40 / 39) ** 0.5)

    @pytest.mark.parametrize(("told", "interval"), [(30, [1, 0, 1, 1]), (29, [1, nan, nan, nan])])
    def test_half_of_them_have_to_remain(self, told: int, interval: list[float]) -> None:
        figures_given = iter([1.0, *[1.0] * told, *[nan] * 60])
        found = bootstrapped(lambda _: next(figures_given), [1, 2, 3], np.random.default_rng(1), repeats=60)
        assert figures(found) == pytest.approx(interval, nan_ok=True)

    def test_one_of_two_repeats_has_no_spread(self) -> None:
        figures_given = iter([1.0, 1.0, nan])
        found = bootstrapped(lambda _: next(figures_given), [1, 2], np.random.default_rng(1), repeats=2)
        assert figures(found) == pytest.approx([1, nan, nan, nan], nan_ok=True)

    def test_one_cluster_has_no_error(self) -> None:
        found = bootstrapped(lambda rows: float(len(rows)), [1, 1], np.random.default_rng(1))
        assert figures(found) == pytest.approx([2, nan, nan, nan], nan_ok=True)

    def test_the_same_seed_gives_the_same(self) -> None:
        values = np.array(VALUES)
        one, other = (
            bootstrapped(lambda rows: float(np.median(values[rows])), CLUSTERS, np.random.default_rng(4)) for _ in "ab"
        )
        assert one == other

    def test_refusals(self) -> None:
        with pytest.raises(InvalidSeries, match="needs its cluster"):
            bootstrapped(lambda _: 0.0, [], np.random.default_rng(1))
        with pytest.raises(InvalidSeries, match="needs repeats") as refusal:
            bootstrapped(lambda _: 0.0, [1, 2], np.random.default_rng(1), repeats=1)
        assert refusal.value.pointer == "/repeats"


class TestBootstrapOfSeveral:
    def test_each_is_as_it_would_be_alone(self) -> None:
        """With the same seed the same clusters are drawn, for all figures at once."""
        statistics: list[Callable[[FloatArray], np.float64]] = [np.mean, np.median, np.max]

        def found(of: list[Callable[[FloatArray], np.float64]]) -> list[Interval]:
            def statistic(rows: IntArray) -> FloatArray:
                return np.array([figure(np.array(VALUES)[rows]) for figure in of])

            return bootstrapped_each(statistic, CLUSTERS, np.random.default_rng(5), 50)

        together = found(statistics)
        for place, figure in enumerate(statistics):
            assert found([figure]) == [together[place]]
        median = bootstrapped(
            lambda rows: float(np.median(np.array(VALUES)[rows])), CLUSTERS, np.random.default_rng(5), 50
        )
        assert together[1] == median

    def test_what_goes_together_row_by_row_goes_together_in_every_repeat(self) -> None:
        """A difference of two figures that are one is 0 throughout, though each of them moves."""

        def both(rows: IntArray) -> FloatArray:
            mean = np.array(VALUES)[rows].mean()
            return np.array([mean, mean + 3, mean - mean])

        first, second, apart = bootstrapped_each(both, CLUSTERS, np.random.default_rng(5), 50)
        assert first.standard_error > 0.5
        assert figures(second) == pytest.approx(
            [first.estimate + 3, first.standard_error, first.lower + 3, first.upper + 3]
        )
        assert figures(apart) == [0, 0, 0, 0]

    def test_a_figure_that_can_not_be_told_takes_none_of_the_others_with_it(self) -> None:
        """Told in none, in a third, in two thirds and in all of 60 repeats."""
        given_ = iter([[7.0, 7, 7, 7], *[[nan, nan, 1, 1], [nan, nan, 2, 2], [nan, 4, nan, 3]] * 20])
        never, seldom, often, always = bootstrapped_each(
            lambda _: np.array(next(given_)), [1, 2, 3], np.random.default_rng(1), 60
        )
        for untold in (never, seldom):
            assert figures(untold) == pytest.approx([7, nan, nan, nan], nan_ok=True)
        assert (often.lower, often.upper) == (1, 2)
        assert often.standard_error == pytest.approx((0.25 * 40 / 39) ** 0.5)
        assert (always.lower, always.upper) == (1, 3)
        assert always.standard_error == pytest.approx((2 / 3 * 60 / 59) ** 0.5)

    def test_it_asks_once_for_the_rows_and_once_for_each_repeat(self) -> None:
        asked: list[int] = []

        def count(rows: IntArray) -> FloatArray:
            asked.append(len(rows))
            return np.zeros(2)

        assert len(bootstrapped_each(count, [1, 2, 3], np.random.default_rng(1), 7)) == 2
        assert asked == [3] * 8

    def test_one_cluster_has_no_error(self) -> None:
        found = bootstrapped_each(lambda rows: np.array([1.0, len(rows)]), ["a", "a"], np.random.default_rng(1))
        assert [each.estimate for each in found] == [1, 2]
        for each in found:
            assert figures(each)[1:] == pytest.approx([nan, nan, nan], nan_ok=True)

    @pytest.mark.parametrize(
        ("clusters", "repeats", "pointer"),
        [([], 200, "/clusters"), ([1, None], 200, "/clusters"), ([1, 2], 1, "/repeats")],
    )
    def test_refusals(self, clusters: list[object], repeats: int, pointer: str) -> None:
        with pytest.raises(InvalidSeries) as refusal:
            bootstrapped_each(lambda _: np.zeros(1), clusters, np.random.default_rng(1), repeats)  # type: ignore[arg-type]  # what is refused
        assert refusal.value.pointer == pointer


# R 4.2.2, base, the intervals of Newcombe (1998), Statistics in Medicine 17:857, table I, method 3:
#   > for (x in list(c(81,263), c(15,148), c(0,20), c(1,29), c(29,29)))
#   +     print(prop.test(x[1], x[2], correct=FALSE)$conf.int)
SHARES = {
    (81, 263): (0.2552885, 0.3662096),
    (15, 148): (0.0623864, 0.1604872),
    (0, 20): (0.0, 0.1611252),
    (1, 29): (0.006113214, 0.171755219),
    (29, 29): (0.8830302, 1.0),
}


class TestShare:
    @pytest.mark.parametrize(("counts", "ends"), SHARES.items())
    def test_against_r(self, counts: tuple[int, int], ends: tuple[float, float]) -> None:
        true, count = counts
        found = share([1] * true + [0] * (count - true))
        assert (found.lower, found.upper) == pytest.approx(ends, abs=1e-7)
        assert found.estimate == pytest.approx(true / count)
        assert found.standard_error == pytest.approx((true * (count - true) / count**3) ** 0.5)

    @given(st.integers(1, 60), st.data())
    def test_ends_lie_within_and_around(self, count: int, data: st.DataObject) -> None:
        true = data.draw(st.integers(0, count))
        found = share([True] * true + [False] * (count - true))
        assert 0 <= found.lower <= found.estimate <= found.upper <= 1
        assert found.lower < found.upper

    @pytest.mark.parametrize("happened", [[], [0.5], [1, None], "1"])
    def test_what_is_no_outcome_is_refused(self, happened: object) -> None:
        with pytest.raises(InvalidSeries):
            share(happened)  # type: ignore[arg-type]  # what is refused

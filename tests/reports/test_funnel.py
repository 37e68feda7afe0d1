"""Funnel limits: R's arithmetic, sums by hand, and what must hold of all."""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reports.funnel import Funnel, dispersion_of, funnel, limits
from app.trajectories.prediction import FloatArray
from tests.reports.oracle_tables import TEN_DIGITS, rows_of, table

ENDS = ("lower_95", "upper_95", "lower_998", "upper_998")
tables = st.lists(
    st.lists(st.integers(0, 60).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))), min_size=2, max_size=2),
    min_size=1,
    max_size=8,
)


def parts_of_r() -> tuple[FloatArray, FloatArray]:
    r = table("funnel")
    return tuple(np.stack([r[f"{what}_{each}"] for each in (1, 2, 3)], axis=1) for what in ("count", "of"))  # type: ignore[return-value]


def funnel_of(count: object, of: object) -> Funnel:
    found = funnel(np.asarray(count), np.asarray(of))
    assert found is not None
    return found


class TestAgainstR:
    def test_with_case_mix(self) -> None:
        r, found = table("funnel"), funnel_of(*parts_of_r())
        assert found.share == pytest.approx(r["share"], rel=TEN_DIGITS)
        assert found.expected == pytest.approx(r["expected"], rel=TEN_DIGITS)
        assert found.z == pytest.approx(r["z"], rel=TEN_DIGITS)
        for end in ENDS:
            assert getattr(found.limits, end) == pytest.approx(r[end], rel=TEN_DIGITS)
        self.assert_spread(found, "strata")

    def test_without(self) -> None:
        count, of = (each.sum(axis=1, keepdims=True) for each in parts_of_r())
        r, found = table("funnel"), funnel_of(count, of)
        assert found.z == pytest.approx(r["crude_z"], rel=TEN_DIGITS)
        lines = limits(found.centre, of[:, 0], found.dispersion.inflation)
        for end in ENDS:
            assert getattr(found.limits, end) == pytest.approx(r[f"crude_{end}"], rel=TEN_DIGITS)
            assert getattr(lines, end) == pytest.approx(r[f"crude_{end}"], rel=TEN_DIGITS)
        self.assert_spread(found, "crude")

    @staticmethod
    def assert_spread(found: Funnel, of: str) -> None:
        (row,) = (row for row in rows_of("funnel.spread") if row["of"] == of)
        assert found.centre == pytest.approx(float(row["centre"]), rel=TEN_DIGITS)
        assert found.dispersion.units == 12
        for name, ours in (("phi", "phi"), ("p", "p_value"), ("inflation", "inflation")):
            assert getattr(found.dispersion, ours) == pytest.approx(float(row[name]), rel=1e-8)


class TestByHand:
    def test_two_alike_in_size(self) -> None:
        # p0 = 50 / 100, sqrt(0.25 / 50) = 0.070711: 0.5 -+ 1.96 * 0.070711 = 0.3614, 0.6386; 3.09: 0.2815, 0.7185.
        # z = (20 - 25) / sqrt(12.5) = -1.414. Drawn in to 0.1 and 0.9 of the way: -+1.131; phi = 1.28; I phi = 2.56
        # with one degree of freedom has p = 0.110: not over-dispersed.
        found = funnel_of([[20], [30]], [[50], [50]])
        assert found.share.tolist() == [0.4, 0.6]
        assert found.z == pytest.approx([-sqrt(2), sqrt(2)])
        assert [getattr(found.limits, end)[0] for end in ENDS] == pytest.approx(
            [0.3614, 0.6386, 0.2815, 0.7185], abs=5e-5
        )
        assert found.dispersion.phi == pytest.approx(1.28)
        assert found.dispersion.p_value == pytest.approx(0.1096, abs=5e-5)
        assert found.dispersion.inflation == 1

    def test_case_mix_alone_makes_nobody_stand_out(self) -> None:
        """Of the mild 80 of 100 improve, of the severe 20 of 100, in either service; one has the mild."""
        found = funnel_of([[64, 4], [16, 16]], [[80, 20], [20, 80]])
        assert found.share.tolist() == [0.68, 0.32]
        assert found.expected == pytest.approx([0.68, 0.32])
        assert found.z == pytest.approx([0, 0], abs=1e-12)
        # sqrt(80 * 0.16 + 20 * 0.16) / 100 = 0.04
        assert found.limits.upper_95 == pytest.approx([0.68 + 1.96 * 0.04, 0.32 + 1.96 * 0.04])
        crude = funnel_of([[68], [32]], [[100], [100]])
        assert crude.z == pytest.approx([0.18 * 10 / 0.5, -0.18 * 10 / 0.5])

    def test_lines_are_cut_where_shares_end(self) -> None:
        found = limits(0.1, [1, 100])
        assert found.lower_95.tolist() == pytest.approx([0, 0.1 - 1.96 * 0.03])
        assert found.upper_998[0] == 1

    def test_one_that_stands_out_does_not_widen_its_own_limits(self) -> None:
        """Twenty z of -1 and 1 and one of 20: drawn in, it counts as the others, 1."""
        found = dispersion_of([-1.0, 1.0] * 10 + [20.0])
        assert (found.phi, found.inflation) == (1, 1)

    def test_over_dispersed(self) -> None:
        found = dispersion_of([-3.0, 3.0] * 5)
        assert (found.units, found.phi, found.inflation) == (10, 9, 3)

    def test_alike_beyond_chance(self) -> None:
        assert dispersion_of([0.1, -0.1, 0.1]).inflation == 1


class TestNothingToTell:
    def test_nobody(self) -> None:
        assert funnel(np.zeros((2, 3), dtype=int), np.zeros((2, 3), dtype=int)) is None

    def test_a_unit_of_nobody(self) -> None:
        found = funnel_of([[0], [20], [30]], [[0], [50], [50]])
        lower = found.limits.lower_95[0]
        assert all(isnan(each) for each in (found.share[0], found.expected[0], found.z[0], lower))
        assert found.dispersion.units == 2

    def test_one_unit(self) -> None:
        found = funnel_of([[20]], [[50]])
        assert found.z == pytest.approx([0])
        assert isnan(found.dispersion.phi)
        assert found.dispersion.inflation == 1

    def test_all_improve(self) -> None:
        found = funnel_of([[20], [30]], [[20], [30]])
        assert found.limits.lower_998.tolist() == found.limits.upper_998.tolist() == [1, 1]
        assert [isnan(each) for each in found.z] == [True, True]

    def test_lines_of_nobody(self) -> None:
        assert isnan(limits(0.5, [0]).lower_95[0])


@pytest.mark.parametrize(
    ("count", "of", "message"),
    [([1], [2], "strata"), ([[1]], [[2], [2]], "whole"), ([[3]], [[2]], "neither"), ([[-1]], [[2]], "neither")],
)
def test_mistakes(count: object, of: object, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        funnel(np.asarray(count), np.asarray(of))


@given(tables, st.randoms())
def test_the_order_of_the_units_says_nothing(units: list[list[tuple[int, int]]], random: object) -> None:
    places = list(range(len(units)))
    random.shuffle(places)  # type: ignore[attr-defined]
    parts = np.array(units)
    one = funnel(parts[..., 0], parts[..., 1])
    other = funnel(parts[places, :, 0], parts[places, :, 1])
    if one is None or other is None:
        assert one is other
        return
    assert one.limits.upper_95[places] == pytest.approx(other.limits.upper_95, nan_ok=True)
    assert one.z[places] == pytest.approx(other.z, nan_ok=True)


@given(tables)
def test_limits_lie_around_what_is_expected_which_adds_up_to_what_was_seen(units: list[list[tuple[int, int]]]) -> None:
    parts = np.array(units)
    found = funnel(parts[..., 0], parts[..., 1])
    if found is None:
        return
    some = found.of > 0
    assert (found.expected[some] * found.of[some]).sum() == pytest.approx(found.count.sum())
    ends = found.limits
    for lower, upper in ((ends.lower_95, ends.upper_95), (ends.lower_998, ends.upper_998)):
        assert (lower[some] <= found.expected[some] + 1e-12).all()
        assert (found.expected[some] <= upper[some] + 1e-12).all()
    assert (ends.lower_998[some] <= ends.lower_95[some]).all()
    assert found.dispersion.inflation >= 1

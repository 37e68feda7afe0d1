"""Cumulative incidence with a competing risk: R's survfit, hand arithmetic, and what must hold of all."""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.reports.survival import CumulativeIncidence, Curve, cumulative_incidence, kaplan_meier
from app.trajectories.prediction import FloatArray
from tests.reports.oracle_tables import table

NINE_DIGITS = 1e-9
cells = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=20).filter(
    lambda some: any(count for _, _, count in some)
)


def incidence(some: list[tuple[int, int, int]]) -> CumulativeIncidence:
    found = cumulative_incidence(*np.array(some).T)
    assert found is not None
    return found


def assert_curve(found: Curve, r: dict[str, FloatArray], name: str) -> None:
    told = ~np.isnan(found.low)
    assert found.estimate == pytest.approx(r[name], rel=NINE_DIGITS, abs=1e-14)
    assert found.standard_error == pytest.approx(np.nan_to_num(r[f"{name}_error"]), rel=NINE_DIGITS, abs=1e-9)
    assert told.sum() > 30
    assert found.low[told] == pytest.approx(r[f"{name}_low"][told], rel=1e-8)
    assert found.high[told] == pytest.approx(r[f"{name}_high"][told], rel=1e-8)


class TestAgainstR:
    """R had whole persons, row by row; here are the same, counted."""

    def test_two_causes(self) -> None:
        data, r = table("mgus2"), table("mgus2.curves")
        found = cumulative_incidence(data["time"], data["event"], data["count"])
        assert found is not None
        assert found.time.tolist() == r["time"].tolist()
        assert found.at_risk.tolist() == r["at_risk"].tolist()
        for name, curve in zip(("free", "first", "second"), (found.free, *found.causes), strict=True):
            assert_curve(curve, {key: column[: len(found.time)] for key, column in r.items()}, name)

    def test_one_cause(self) -> None:
        data, r = table("veteran"), table("veteran.curves")
        found = kaplan_meier(data["time"], data["event"], data["count"])
        assert found is not None
        assert found.time.tolist() == r["time"].tolist()
        assert found.at_risk.tolist() == r["at_risk"].tolist()
        assert_curve(found.free, r, "free")
        assert found.causes[0].estimate == pytest.approx(1 - r["free"])


class TestByHand:
    """Of ten, two improve at session 1, one drops out at 2, and of the seven left one improves at 3."""

    found = incidence([(1, 1, 2), (2, 2, 1), (3, 1, 1), (3, 0, 6)])

    def test_shares(self) -> None:
        assert self.found.time.tolist() == [1, 2, 3]
        assert self.found.at_risk.tolist() == [10, 8, 7]
        assert self.found.free.estimate == pytest.approx([0.8, 0.7, 0.6])
        assert self.found.causes[0].estimate == pytest.approx([0.2, 0.2, 0.3])
        assert self.found.causes[1].estimate == pytest.approx([0, 0.1, 0.1])

    def test_errors(self) -> None:
        # Nobody was censored before session 3, so that each share is that of a plain count: sqrt(p (1 - p) / 10).
        for curve in (self.found.free, *self.found.causes):
            p = curve.estimate
            assert curve.standard_error == pytest.approx(np.sqrt(p * (1 - p) / 10))

    def test_intervals(self) -> None:
        # log(-log 0.8) = -1.49994 with error sqrt(0.016) / (0.8 * 0.223144) = 0.708575; 1.959964 of them are 1.388781.
        # exp(-exp(-1.49994 + 1.388781)) = 0.408691, exp(-exp(-1.49994 - 1.388781)) = 0.945873; of 0.2 the complement.
        assert (self.found.free.low[0], self.found.free.high[0]) == pytest.approx((0.408691, 0.945873), abs=1e-5)
        first = self.found.causes[0]
        assert (first.low[0], first.high[0]) == pytest.approx((1 - 0.945873, 1 - 0.408691), abs=1e-5)
        assert isnan(self.found.causes[1].low[0])

    def test_dropping_out_is_not_censoring(self) -> None:
        """Thought to improve as the others, those who left at 2 would make it 1 - 0.8 * 6 / 7 instead of 0.3."""
        censored = kaplan_meier([1, 2, 3, 3], [1, 0, 1, 0], [2, 1, 1, 6])
        assert censored is not None
        assert censored.causes[0].estimate[-1] == pytest.approx(1 - 0.8 * 6 / 7)

    def test_between_and_after_the_times(self) -> None:
        later = self.found.at([0, 1, 2, 4])
        assert later.time.tolist() == [0, 1, 2, 4]
        assert later.at_risk.tolist() == [10, 10, 8, 0]
        assert later.free.estimate[:3] == pytest.approx([1, 0.8, 0.7])
        assert later.causes[1].estimate[:3] == pytest.approx([0, 0, 0.1])
        assert later.causes[0].standard_error[:2] == pytest.approx([0, sqrt(0.016)])
        assert later.causes[0].low[1] == self.found.causes[0].low[0]
        assert [isnan(later.free.estimate[3]), isnan(later.causes[0].high[3]), isnan(later.free.low[0])] == [True] * 3

    def test_to_all_it_has_happened(self) -> None:
        found = kaplan_meier([1, 1, 2, 3], [1, 0, 1, 1], [1, 1, 1, 3])
        assert found is not None
        assert found.free.estimate[-1] == found.free.standard_error[-1] == 0
        assert [isnan(found.free.high[-1]), isnan(found.causes[0].low[-1])] == [True, True]


def test_nobody() -> None:
    assert cumulative_incidence([], [], []) is None
    assert cumulative_incidence([3], [1], [0]) is None


@pytest.mark.parametrize(
    ("time", "event", "count", "message"),
    [
        ([1, 2], [1], [1], "each cell"),
        ([-1], [1], [1], "no time"),
        ([1], [1], [-1], "fewer than no"),
        ([1], [3], [1], "nothing is known"),
        ([1], [-1], [1], "nothing is known"),
    ],
)
def test_mistakes(time: list[int], event: list[int], count: list[int], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        cumulative_incidence(time, event, count)


@given(cells)
def test_all_shares_add_up_to_one_and_lie_in_their_intervals(some: list[tuple[int, int, int]]) -> None:
    found = incidence(some)
    curves = (found.free, *found.causes)
    assert sum(curve.estimate for curve in curves) == pytest.approx(np.ones(len(found.time)))
    for curve in curves:
        told = ~np.isnan(curve.low)
        assert (curve.low[told] >= 0).all()
        assert (curve.low[told] <= curve.estimate[told] + 1e-12).all()
        assert (curve.estimate[told] <= curve.high[told] + 1e-12).all()
        assert (curve.high[told] <= 1).all()
        assert (told == ((curve.estimate > 1e-9) & (curve.estimate < 1 - 1e-9))).all()
    assert (np.diff(found.free.estimate) <= 1e-12).all()
    assert all((np.diff(curve.estimate) >= -1e-12).all() for curve in found.causes)


@given(cells, st.randoms())
def test_the_order_of_the_cells_says_nothing(some: list[tuple[int, int, int]], random: object) -> None:
    shuffled = [(time, event, 1) for time, event, count in some for _ in range(count)]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = incidence(some), incidence(shuffled)
    assert one.time.tolist() == other.time.tolist()
    assert one.causes[0].estimate.tolist() == other.causes[0].estimate.tolist()
    assert one.causes[1].standard_error.tolist() == other.causes[1].standard_error.tolist()


@given(cells)
def test_with_nobody_censored_it_is_counting(some: list[tuple[int, int, int]]) -> None:
    everybody = [(time, max(event, 1), count) for time, event, count in some]
    found = incidence(everybody)
    persons = sum(count for *_, count in everybody)
    for cause, curve in enumerate(found.causes, start=1):
        by = [sum(n for when, what, n in everybody if when <= t and what == cause) / persons for t in found.time]
        assert curve.estimate == pytest.approx(by)
        assert curve.standard_error == pytest.approx(np.sqrt(np.array(by) * (1 - np.array(by)) / persons), abs=1e-7)


@given(cells)
@settings(max_examples=50)
def test_the_error_is_that_of_the_infinitesimal_jackknife(some: list[tuple[int, int, int]]) -> None:
    """How far each person moves the share when weighted a little more, squared and added up: what R does."""
    found, little = incidence(some), 1e-6
    kept = [cell for cell in some if cell[2]]
    moved = np.zeros((len(kept), len(found.time)))
    for row, (time, event, _) in enumerate(kept):
        up, down = (slow_share(kept, found.time.tolist(), (time, event, each)) for each in (little, -little))
        moved[row] = (up - down) / (2 * little)
    variance = (moved**2 * np.array([count for *_, count in kept])[:, None]).sum(axis=0)
    assert found.causes[0].standard_error == pytest.approx(np.sqrt(variance), abs=1e-5)


def slow_share(some: list[tuple[int, int, int]], times: list[int], more: tuple[int, int, float]) -> FloatArray:
    """Share of cause 1 by each time, where one person counts a little more or less."""
    free, share, shares = 1.0, 0.0, []
    weighted = [*some, more]
    for t in times:
        risk = sum(count for time, _, count in weighted if time >= t)
        first, second = (sum(n for time, what, n in weighted if (time, what) == (t, each)) / risk for each in (1, 2))
        share += free * first
        free *= 1 - first - second
        shares.append(share)
    return np.array(shares)

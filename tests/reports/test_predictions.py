"""Probabilities against what happened, from counted cells: R, hand arithmetic, and the same persons one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app.reports.predictions import PredictedCell, chance, predicted
from app.trajectories.metrics import brier, calibration


def cells(*rows: tuple[int, int, int], look: int = 4, at_end: bool = True) -> list[PredictedCell]:
    """Of (per mille, reached the goal, persons)."""
    return [
        PredictedCell(2025, 1, look, per_mille, happened, at_end, count)
        for per_mille, met, persons in rows
        for happened, count in ((True, met), (False, persons - met))
        if count
    ]


ROWS = ((100, 3, 30), (250, 8, 30), (400, 10, 25), (550, 19, 35), (700, 20, 28), (900, 30, 32))


def test_against_r() -> None:
    """R 4.2.

    > d <- data.frame(p=c(.1,.25,.4,.55,.7,.9), met=c(3,8,10,19,20,30), n=c(30,30,25,35,28,32))
    > m <- glm(cbind(met, n-met) ~ qlogis(p), family=binomial, data=d, control=list(epsilon=1e-14))
    > coef(summary(m)); confint.default(m); with(d, sum(met*(1-p)^2+(n-met)*p^2)/sum(n))
    """
    found = predicted(cells(*ROWS))[4]
    intercept, slope = found.line.intercept, found.line.slope
    assert [intercept.estimate, intercept.standard_error] == pytest.approx([0.0633022885469, 0.180742961303])
    assert [intercept.lower, intercept.upper] == pytest.approx([-0.290947406066, 0.417551983159])
    assert [slope.estimate, slope.standard_error] == pytest.approx([1.0664057394878, 0.167041930651])
    assert [slope.lower, slope.upper] == pytest.approx([0.739009571504, 1.393801907472])
    assert found.brier == pytest.approx(0.171680555556)
    assert (found.count, found.happened) == (180, 90)


def test_counted_persons_are_as_many_persons() -> None:
    rows = [(per_mille, did) for per_mille, met, of in ROWS for did in [True] * met + [False] * (of - met)]
    chances, happened = np.array([each for each, _ in rows]) / 1000, [did for _, did in rows]
    found, one_by_one = predicted(cells(*ROWS))[4], calibration(chances, happened)
    assert found.line.slope.estimate == pytest.approx(one_by_one.slope.estimate)
    assert found.line.intercept.upper == pytest.approx(one_by_one.intercept.upper)
    assert found.brier == pytest.approx(brier(chances, happened))


def test_who_is_carried_forward_and_who_is_not_judged() -> None:
    rows = [
        *cells((500, 10, 20)),
        *cells((500, 3, 5), at_end=False),
        PredictedCell(2025, 1, 4, 500, None, None, 7),
        PredictedCell(2025, 1, 7, 500, None, None, 9),
    ]
    found = predicted(rows)
    assert list(found) == [4]
    assert (found[4].count, found[4].carried_forward, found[4].not_judged) == (25, 5, 7)
    assert predicted(rows, only_at_end=True)[4].count == 20
    assert predicted([]) == {}


def test_groups_hold_equally_many_and_equal_probabilities_stay_together() -> None:
    """200 at 500 different per mille values: 8 groups of 25; 100 alike are one group."""
    spread = predicted(cells(*((100 + 4 * place, place % 2, 1) for place in range(200))))[4].groups
    assert [group.count for group in spread] == [25] * 8
    assert spread[0].predicted == pytest.approx((100 + 196) / 2 / 1000)
    assert [group.happened for group in spread] == [12, 13] * 4
    [alike] = predicted(cells((300, 40, 100)))[4].groups
    assert (alike.count, alike.happened) == (100, 40)
    assert alike.predicted == pytest.approx(0.3)
    [few] = predicted(cells((300, 1, 2), (400, 1, 3)))[4].groups
    assert few.count == 5
    assert few.predicted == pytest.approx(0.36)
    assert len(predicted(cells(*((each, 1, 2) for each in range(1, 999))))[4].groups) == 10


def test_without_both_outcomes_there_is_no_line() -> None:
    found = predicted(cells((300, 20, 20), (600, 20, 20)))[4]
    assert math.isnan(found.line.slope.estimate)
    assert found.brier == pytest.approx((0.49 + 0.16) / 2)


@pytest.mark.parametrize(("per_mille", "kept"), [(0, 0.0005), (1, 0.001), (1000, 0.9995)])
def test_nothing_is_certain(per_mille: int, kept: float) -> None:
    assert chance(PredictedCell(2025, 1, 4, per_mille, True, True, 1)) == kept

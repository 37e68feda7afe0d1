"""Outcomes of the composite are counted as by arrays of changes, and nobody to count is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.errors import InvalidSeries
from app.trajectories.composite import default_joint_curve
from app.trajectories.composite_check import check_composite
from app.trajectories.simulation import Occasions, simulate_pair
from tests.trajectories.factories import GAD_7, PHQ_9


def test_by_arrays() -> None:
    """Better on one by 6 or 4 points and worse on none; cases from 10 or 8 on (NHS Talking Therapies manual)."""
    rates = check_composite(default_joint_curve(), (PHQ_9, GAD_7), np.random.default_rng(3), count=800, dose=5)
    first, second = simulate_pair(np.random.default_rng(3), default_joint_curve(), Occasions((0, 5)), 800)
    down, anxious = first[:, 0] - first[:, 1], second[:, 0] - second[:, 1]
    better, worse = (down >= 6) | (anxious >= 4), (down <= -6) | (anxious <= -4)
    case = (first[:, 0] >= 10) | (second[:, 0] >= 8)
    assert rates.cases == case.sum()
    assert rates.improvement.estimate == pytest.approx((better & ~worse)[case].mean())
    assert rates.deterioration.estimate == pytest.approx((worse & ~better)[case].mean())
    assert rates.recovery.estimate == pytest.approx(((first[:, 1] < 10) & (second[:, 1] < 8))[case].mean())
    assert rates.deterioration_of_all.estimate == pytest.approx((worse & ~better).mean())
    assert rates.deterioration_alone.estimate == pytest.approx((down <= -6)[first[:, 0] >= 10].mean())


def test_nobody_is_a_case() -> None:
    joint = default_joint_curve()
    phq_9, gad_7 = joint.curves
    healthy = replace(joint, curves=(replace(phq_9, intercept=-40.0), gad_7))
    with pytest.raises(InvalidSeries, match="nobody is a case"):
        check_composite(healthy, (PHQ_9, GAD_7), np.random.default_rng(1), count=20)

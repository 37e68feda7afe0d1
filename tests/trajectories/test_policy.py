"""Windows, thresholds, plans and staleness."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import nan
from typing import Any

import pytest

from app.errors import MalformedBody
from app.trajectories.policy import Plan, Policy, due_at, is_stale
from tests.trajectories.factories import at


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("early_window_dose", 0),
        ("late_window_dose", 3),
        ("late_window_dose", 12),
        ("period_evaluation_doses", (12, 12)),
        ("period_evaluation_doses", (5,)),
        ("early_share", 0),
        ("established_probability", 1),
        ("established_probability", 0.4),
        ("no_change_probability", 0.9),
        ("goal_probability", nan),
        ("clear_probability", 0.6),
        ("deterioration_probability", -0.1),
        ("band_level", 0.96),
        ("clear_band_level", 1.5),
        ("stale_intervals", 0),
        ("stale_extra_days", -1),
        ("plateau_dose", 0),
        ("plateau_sessions", 0),
        ("plateau_probability", 1.0),
    ],
)
def test_a_policy_can_not_be_invalid(name: str, value: Any) -> None:
    with pytest.raises(MalformedBody) as refusal:
        replace(Policy(), **{name: value})
    assert refusal.value.pointer is not None
    assert refusal.value.allowed is not None


@pytest.mark.parametrize(("name", "value"), [("planned_dose", 0), ("interval_days", 0), ("pathway", 0), ("pathway", 4)])
def test_a_plan_can_not_be_invalid(name: str, value: Any) -> None:
    with pytest.raises(MalformedBody, match=name) as refusal:
        replace(Plan(), **{name: value})
    assert refusal.value.pointer == f"/{name}"


@pytest.mark.parametrize(("planned", "window"), [(None, 7), (20, 7), (9, 7), (8, 6), (6, 4), (5, 3), (4, 3), (1, 3)])
def test_the_late_window_closes_two_sessions_before_a_shorter_end(planned: int | None, window: int) -> None:
    assert Policy().late_window(Plan(planned_dose=planned)) == window


@pytest.mark.parametrize(
    ("planned", "dose", "end"),
    [
        (None, 0, 12),
        (None, 11, 12),
        (None, 12, 20),  # never the present, never the past
        (None, 20, 52),
        (None, 52, 52),
        (None, 60, 60),
        (8, 3, 8),
        (8, 8, 12),  # the planned end has come: the next evaluation
        (30, 3, 30),
        (30, 30, 52),
    ],
)
def test_predictions_are_for_the_planned_end_or_the_next_evaluation(planned: int | None, dose: int, end: int) -> None:
    assert Policy().end_dose(Plan(planned_dose=planned), dose) == end


@pytest.mark.parametrize(
    ("planned", "dose", "due"),
    [
        (None, 6, None),
        (None, 7, 7),
        (None, 11, 7),
        (None, 12, 12),
        (None, 30, 20),
        (None, 60, 52),
        (10, 9, 7),
        (10, 10, 10),
        (10, 12, 12),
        (6, 3, None),
        (6, 4, 4),
        (6, 6, 6),
    ],
)
def test_the_newest_review_point_that_has_been_reached(planned: int | None, dose: int, due: int | None) -> None:
    assert Policy().due_dose(Plan(planned_dose=planned), dose) == due


@pytest.mark.parametrize(("interval_days", "stale_days"), [(7, 21), (14, 35)])
def test_stale_after_21_days_of_weekly_and_35_of_fortnightly_care(interval_days: int, stale_days: int) -> None:
    """Methods, G3."""
    plan, last = Plan(interval_days=interval_days), at(0)
    on_the_day = last + timedelta(days=stale_days)
    assert not is_stale(last, on_the_day, plan, Policy())
    assert is_stale(last, on_the_day + timedelta(seconds=1), plan, Policy())
    assert due_at(last, plan) == last + timedelta(days=interval_days)

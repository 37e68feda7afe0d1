"""Why targets are missed: the same figures where one thing is otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from app.scales.change import ChangeCriteria
from app.trajectories.course import Course
from app.trajectories.flag_budget import series_of
from app.trajectories.growth import GrowthCurve
from app.trajectories.late_responders import EARLY_LOOKS, LateFlags, check_late_flags, late_auc
from app.trajectories.limits import LATE_AUC
from app.trajectories.policy import Plan, Policy
from app.trajectories.progress import ResponderState
from app.trajectories.sampling_error import Interval, share
from app.trajectories.scenarios import Scenario
from app.trajectories.shapes import ResponseShape
from app.trajectories.simulation import Occasions, simulate
from app.trajectories.tracking import assess_many
from app.trajectories.trial import draw_trial

TOTAL_SLOPE: Final = -3.95
"""What the PHQ-9's sessions take off where the natural course is part of it (engine, section 2)."""

OLDER_RELIABLE_CHANGE: Final = 5
"""Of the GAD-7, in older papers (methods, B6)."""


@dataclass(frozen=True)
class Reasons:
    """What was found.

    `auc` is that of late responders on the PHQ-9 without a natural course of its own, `flags` those of the GAD-7 with a
    reliable change of five points. `called_early` is the share of late responders on the PHQ-9 that is called early at
    a look before the late window, `truly_early` the share of those, and `early_of_all` that of all late responders,
    whose true score was better by as much as counts at dose 3.
    """

    auc: dict[int, Interval]
    flags: LateFlags
    called_early: Interval
    truly_early: Interval
    early_of_all: Interval


def without_natural_course(
    curve: GrowthCurve, criteria: ChangeCriteria, rng: np.random.Generator, count: int, learnt_from: int, repeats: int
) -> dict[int, Interval]:
    """Tell late responders from lasting non-responders where sessions bring all improvement."""
    otherwise = replace(curve, natural_fall=0.0, session_slope=TOTAL_SLOPE)
    trial = draw_trial(Scenario.WELL_SPECIFIED, otherwise, criteria, rng, count=count, learnt_from=learnt_from)
    return dict(late_auc(trial, rng, look_doses=tuple(LATE_AUC), repeats=repeats))


def with_a_larger_change(
    curve: GrowthCurve, criteria: ChangeCriteria, rng: np.random.Generator, count: int, learnt_from: int, repeats: int
) -> LateFlags:
    """Flag by the policy `pending` where it takes a point more to be reliably worse."""
    otherwise = replace(criteria, reliable_change=OLDER_RELIABLE_CHANGE)
    trial = draw_trial(Scenario.WELL_SPECIFIED, curve, otherwise, rng, count=count, learnt_from=learnt_from)
    return check_late_flags(trial, rng, repeats=repeats)


def called_early(
    curve: GrowthCurve, criteria: ChangeCriteria, seed: int, count: int
) -> tuple[Interval, Interval, Interval]:
    """Hold what late responders are called against their true scores, which are those without noise.

    The same draws with hardly any noise give the same persons, whose scores are then their true ones, to the point.
    """
    occasions = Occasions(tuple(range(EARLY_LOOKS[-1] + 1)))
    late = replace(curve, shares={ResponseShape.LATE: 1.0})
    seen, true = (
        simulate(np.random.default_rng(seed), replace(late, noise_variance=noise), occasions, count).complete
        for noise in (curve.noise_variance, 1e-9)
    )
    cases = np.array([criteria.is_case(score) for score in seen[:, 0].tolist()])
    held_against = criteria, curve, Policy(), Plan()
    courses = [Course(series_of(row, occasions), *held_against, first=EARLY_LOOKS[0]) for row in seen[cases].tolist()]
    called = np.array(
        [any(each.responder_state is ResponderState.EARLY for each in verdicts) for verdicts in assess_many(courses)]
    )
    needed = np.array([each.needed_improvement for each in courses])
    truly = true[cases, 0] - true[cases, Policy().early_window_dose] >= needed
    return share(called), share(truly[called]), share(truly)

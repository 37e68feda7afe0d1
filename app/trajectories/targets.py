"""The targets of the engine, measured on simulated patients who are as a curve says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.errors import InvalidSeries
from app.scales.change import ChangeCriteria
from app.trajectories.band_check import BandCheck
from app.trajectories.calibration import Group
from app.trajectories.growth import GrowthCurve
from app.trajectories.late_responders import (
    LateFlags,
    LateStates,
    check_late_flags,
    check_late_states,
    late_auc,
)
from app.trajectories.limits import (
    Target,
    auc_targets,
    band_targets,
    flag_target,
    late_targets,
    slope_target,
    state_target,
)
from app.trajectories.risk_check import RiskCheck
from app.trajectories.sampling_error import Interval
from app.trajectories.scenarios import Scenario
from app.trajectories.shapes import ResponseShape
from app.trajectories.trial import Belief, draw_trial

LOOKS = (0, 1, 2, 3, 4, None)
"""From the first score, from each dose to 4, and one step ahead."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one instrument, where the service is as the published curve says.

    Parameters
    ----------
    patients, learnt_from : int
        How many judged, and from how many earlier ones the curve was learnt.
    bands : mapping of Belief to tuple of BandCheck
        The bands, by look, dose and third.
    risks : mapping of Belief to tuple of RiskCheck
        Who would not improve reliably, beside the rivals, by look.
    groups : mapping of float to mapping of str to tuple of Group
        Predicted reliable improvement and what happened, by look and predictor; the published curve.
    flags : LateFlags
        Who is flagged before the late window.
    auc : mapping of int to Interval
        How well late responders are told from lasting non-responders, by look.
    states : LateStates
        What late responders are called.
    """

    patients: int
    learnt_from: int
    bands: Mapping[Belief, tuple[BandCheck, ...]]
    risks: Mapping[Belief, tuple[RiskCheck, ...]]
    groups: Mapping[float, Mapping[str, tuple[Group, ...]]]
    flags: LateFlags
    auc: Mapping[int, Interval]
    states: LateStates

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets of one instrument."""
        return (
            *(each for belief, found in self.bands.items() for each in band_targets(belief, found)),
            *(slope_target(belief, found) for belief, found in self.risks.items()),
            *(flag_target(belief, found) for belief, found in self.risks.items()),
            *late_targets(self.flags),
            *auc_targets(self.auc),
            state_target(self.states),
        )


def measure_targets(
    curve: GrowthCurve,
    criteria: ChangeCriteria,
    rng: np.random.Generator,
    *,
    known_count: int = 40_000,
    learnt_from: int = 5_000,
    repeats: int = 200,
) -> Measured:
    """Measure an instrument's targets on patients who are as its curve says.

    Parameters
    ----------
    curve : GrowthCurve
        The published curve, with late and worsening shapes.
    criteria : ChangeCriteria
        Scale, cut-off and reliable change.
    rng : numpy.random.Generator
        Source of randomness.
    known_count : int
        How many patients judge, whose parameters are known or learnt; and how many late responders are drawn besides.
    learnt_from : int
        From how many earlier patients the curve is learnt, and its rivals.
    repeats : int
        Of the bootstrap.

    Returns
    -------
    Measured

    Raises
    ------
    InvalidSeries
        If the curve lacks a shape, or there are too few patients to judge by or to learn from.

    Examples
    --------
    >>> from app.trajectories.growth import default_curve
    >>> phq_9 = ChangeCriteria(0, 27, cutoff=10, reliable_change=6, important_difference=1.7)
    >>> few = np.random.default_rng(1)
    >>> measured = measure_targets(default_curve("phq-9"), phq_9, few, known_count=500, learnt_from=300, repeats=2)
    >>> [target.met for target in measured.targets if target.name.startswith("3")]  # too few cases
    [False, False]
    """
    if not {ResponseShape.LATE, ResponseShape.WORSENING} <= set(curve.shapes):
        raise InvalidSeries("the targets are about a curve with late and worsening shapes", pointer="/curve/shares")
    trial = draw_trial(Scenario.WELL_SPECIFIED, curve, criteria, rng, count=known_count, learnt_from=learnt_from)
    return Measured(
        patients=known_count,
        learnt_from=learnt_from,
        bands={belief: trial.bands(belief, LOOKS) for belief in Belief},
        risks={belief: trial.risks(belief, rng, repeats=repeats) for belief in Belief},
        groups=trial.improvement_groups(Belief.PUBLISHED),
        flags=check_late_flags(trial, rng, repeats=repeats),
        auc=late_auc(trial, rng, repeats=repeats),
        states=check_late_states(curve, criteria, rng, count=known_count),
    )

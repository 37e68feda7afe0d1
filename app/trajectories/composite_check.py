"""How often a simulated service has the outcomes of NHS Talking Therapies' composite, beside what services report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.errors import InvalidSeries
from app.scales.change import ChangeCategory, ChangeCriteria
from app.scales.reliable_change import CompositeChange, composite_change
from app.trajectories.composite import JointCurve
from app.trajectories.sampling_error import Interval, share
from app.trajectories.simulation import Occasions, simulate_pair

REPORTED_DOSE = 7
"""The score before session 8."""


@dataclass(frozen=True, slots=True)
class CompositeRates:
    """How often the outcomes come about.

    Parameters
    ----------
    cases : int
        Patients who are cases on either measure at the start.
    improvement, deterioration, recovery : Interval
        Shares of them.
    deterioration_of_all : Interval
        Share of all patients.
    deterioration_alone : Interval
        Reliable deterioration on the first measure, as a share of those who are cases on it.
    """

    cases: int
    improvement: Interval
    deterioration: Interval
    recovery: Interval
    deterioration_of_all: Interval
    deterioration_alone: Interval


def check_composite(
    joint: JointCurve,
    criteria: tuple[ChangeCriteria, ChangeCriteria],
    rng: np.random.Generator,
    *,
    count: int = 40_000,
    dose: int = REPORTED_DOSE,
) -> CompositeRates:
    """Draw patients who answer two measures, and count what became of them.

    Parameters
    ----------
    joint : JointCurve
        The truth.
    criteria : tuple of ChangeCriteria
        Of the two measures.
    rng : numpy.random.Generator
        Source of randomness.
    count : int
        How many patients, 1 or more.
    dose : int
        Dose of the last score; weekly sessions.

    Returns
    -------
    CompositeRates

    Raises
    ------
    InvalidSeries
        If there is no patient, or nobody is a case on the first measure.

    Examples
    --------
    >>> from app.trajectories.composite import default_joint_curve
    >>> phq_9 = ChangeCriteria(0, 27, cutoff=10, reliable_change=6)
    >>> gad_7 = ChangeCriteria(0, 21, cutoff=8, reliable_change=4)
    >>> rates = check_composite(default_joint_curve(), (phq_9, gad_7), np.random.default_rng(1), count=2000)
    >>> rates.recovery.estimate < rates.improvement.estimate
    True
    """
    first, second = (each.tolist() for each in simulate_pair(rng, joint, Occasions((0, dose)), count))
    found = [
        composite_change([(criteria[0], *one), (criteria[1], *other)]) for one, other in zip(first, second, strict=True)
    ]
    cases = [each for each in found if each.case_at_start]
    alone = [
        criteria[0].category(start, end) is ChangeCategory.RELIABLE_DETERIORATION
        for start, end in first
        if criteria[0].is_case(start)
    ]
    if not alone:
        raise InvalidSeries("nobody is a case")
    return CompositeRates(
        cases=len(cases),
        improvement=share([each.reliably_improved for each in cases]),
        deterioration=_deteriorated(cases),
        recovery=share([each.recovered for each in cases]),
        deterioration_of_all=_deteriorated(found),
        deterioration_alone=share(alone),
    )


def _deteriorated(changes: list[CompositeChange]) -> Interval:
    return share([each.reliably_deteriorated for each in changes])

"""The numbers behind a verdict: what the model says at each administration of a series.

A look at an administration uses the scores up to it and none after it. All looks of a series come from one
factorisation (see :meth:`GrowthCurve.given`). Figures are rounded here, once, so that the evidence that is shown is
exactly what was compared with the thresholds, and so that a verdict that is computed again comes out the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.trajectories.growth import Conditional, GrowthCurve
from app.trajectories.policy import Plan
from app.trajectories.prediction import FloatArray, TrueChange
from app.trajectories.series import Observation
from app.trajectories.yardstick import Yardstick

_POINT_DECIMALS = 2
_PROBABILITY_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Look:
    """What the model says at one treated administration.

    Parameters
    ----------
    observation : Observation
        The administration.
    known : int
        Treated scores up to it, itself included; 1 at the baseline.
    expected : float
        Expected score given the baseline only, points, within the scale.
    band, clear_band : tuple of int
        Expected range given the baseline only, points, at the policy's two levels.
    end_dose : int
        Dose that the two probabilities by the end are for.
    goal : float or None
        Probability of reaching the goal at the end dose; None where there is no goal.
    deterioration : float or None
        Probability of reliable deterioration at the end dose; None where no reliable change is published.
    established : float
        Probability of a true improvement by as much as counts.
    noticeable : float or None
        Probability of a true improvement by as much as patients notice; None where no such figure is published.
    established_early : float or None
        Probability that the improvement was there at the early window; None before that window.
    """

    observation: Observation
    known: int
    expected: float
    band: tuple[int, int]
    clear_band: tuple[int, int]
    end_dose: int
    goal: float | None
    deterioration: float | None
    established: float
    noticeable: float | None
    established_early: float | None


def look_at_each(treated: Sequence[Observation], yardstick: Yardstick, first: int = 0) -> tuple[Look, ...]:
    """Look at the treated administrations of a series, each with the scores up to it.

    Parameters
    ----------
    treated : sequence of Observation
        The baseline and what follows, in time order.
    yardstick : Yardstick
        What they are held against.
    first : int
        Position of the first administration to look at. Those before it count as scores all the same.

    Returns
    -------
    tuple of Look
        In time order.
    """
    given = condition_on(treated, yardstick.curve)
    known = np.arange(first + 1, len(treated) + 1)
    rows = zip(
        treated[first:],
        known.tolist(),
        _expectations(given, yardstick, first),
        _outlooks(treated, given, yardstick, known),
        _changes(treated, given, yardstick, known),
        strict=True,
    )
    return tuple(
        Look(observation, count, *expectation, *outlook, *change)
        for observation, count, expectation, outlook, change in rows
    )


def condition_on(treated: Sequence[Observation], curve: GrowthCurve) -> Conditional:
    """Condition a curve on treated observations, in time order."""
    doses, weeks, scores = zip(*((each.dose, each.weeks, each.score) for each in treated), strict=True)
    return curve.given(doses, weeks, scores)


def weeks_at(doses: FloatArray, treated: Sequence[Observation], plan: Plan) -> FloatArray:
    """Give the calendar time of doses: between observations by interpolation, later ones by the planned interval.

    Parameters
    ----------
    doses : ndarray, shape (m,)
        Doses, whole or not.
    treated : sequence of Observation
        The baseline and what follows, in time order.
    plan : Plan
        Holds the planned interval.

    Returns
    -------
    ndarray, shape (m,)
        Weeks since the baseline; 0 for doses before it.

    Notes
    -----
    A dose counts from its first observation, so that a later score never moves a point that has been passed.
    """
    passed = [treated[0]]
    for observation in treated[1:]:
        if observation.dose > passed[-1].dose:
            passed.append(observation)
    between = np.interp(doses, [each.dose for each in passed], [each.weeks for each in passed])
    newest = treated[-1]
    ahead = newest.weeks + plan.weeks_for(1) * (doses - newest.dose)
    return np.where(doses > passed[-1].dose, ahead, between)


def _expectations(
    given: Conditional, yardstick: Yardstick, first: int
) -> Iterator[tuple[float, tuple[int, int], tuple[int, int]]]:
    """Give the expected score and its two bands from the baseline only."""
    prediction = given.predict(given.doses[first:], given.weeks[first:], known=1)
    expected = np.round(prediction.expected(), _POINT_DECIMALS).tolist()
    bands, clear_bands = (
        zip(*(limits.tolist() for limits in prediction.band(level)), strict=True)
        for level in (yardstick.policy.band_level, yardstick.policy.clear_band_level)
    )
    return zip(expected, bands, clear_bands, strict=True)


def _outlooks(
    treated: Sequence[Observation], given: Conditional, yardstick: Yardstick, known: npt.NDArray[np.int_]
) -> Iterator[tuple[int, float | None, float | None]]:
    """Give the end dose, and the probabilities of the goal and of deterioration at it."""
    newest = [treated[count - 1] for count in known]
    plan = yardstick.plan
    ends = [yardstick.policy.end_dose(plan, each.dose) for each in newest]
    weeks = [each.weeks + plan.weeks_for(end - each.dose) for each, end in zip(newest, ends, strict=True)]
    at_end = given.predict(ends, weeks, known)
    goal = _rounded(yardstick.chance_of_goal(at_end), len(known))
    deterioration = _rounded(yardstick.chance_of_deterioration(at_end), len(known))
    return zip(ends, goal, deterioration, strict=True)


def _changes(
    treated: Sequence[Observation], given: Conditional, yardstick: Yardstick, known: npt.NDArray[np.int_]
) -> Iterator[tuple[float, float | None, float | None]]:
    """Give the probabilities that the true improvement counts, is noticeable, and was there early.

    Whether it was there early is judged with all scores so far (smoothing): a score at dose 5 also tells where the
    patient was at dose 3, and may settle what was in doubt then.
    """
    count, newest = len(known), known - 1
    early_doses = np.full(count, float(yardstick.policy.early_window_dose))
    early_weeks = weeks_at(early_doses, treated, yardstick.plan)
    improved = _true_improvement(
        given,
        yardstick,
        np.concatenate([given.doses[newest], early_doses]),
        np.concatenate([given.weeks[newest], early_weeks]),
        np.concatenate([known, known]),
    )
    counts = improved.at_least(yardstick.needed_improvement)
    difference = yardstick.criteria.important_difference
    noticeable = None if difference is None else improved.at_least(difference)[:count]
    early = np.where(given.doses[newest] < early_doses, np.nan, counts[count:])
    established = np.round(counts[:count], _PROBABILITY_DECIMALS).tolist()
    return zip(established, _rounded(noticeable, count), _rounded(early, count), strict=True)


def _true_improvement(
    given: Conditional, yardstick: Yardstick, doses: FloatArray, weeks: FloatArray, known: npt.NDArray[np.int_]
) -> TrueChange:
    """Give the true improvement from the baseline to points in treatment, positive when better."""
    start = np.full(len(doses), given.doses[0]), np.full(len(doses), given.weeks[0])
    if yardstick.lower_is_better:
        return given.true_change(*start, doses, weeks, known)
    return given.true_change(doses, weeks, *start, known)


def _rounded(probabilities: FloatArray | None, count: int) -> list[float | None]:
    """Round probabilities; those that are not defined become None."""
    if probabilities is None:
        return [None] * count
    rounded = np.round(probabilities, _PROBABILITY_DECIMALS).tolist()
    return [None if np.isnan(probability) else probability for probability in rounded]

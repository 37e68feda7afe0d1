"""The numbers behind a verdict: what the model says at each administration of a course.

A look at an administration uses the scores up to it and none after it. All looks of a course come from one
factorisation (see :meth:`GrowthCurve.given`), and courses that are alike are computed together. Figures are rounded
here, once, so that the evidence that is shown is exactly what was compared with the thresholds, and so that a verdict
that is computed again comes out the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from app.trajectories.conditional import Conditional, Points
from app.trajectories.course import Course
from app.trajectories.policy import Plan
from app.trajectories.prediction import HALF_A_POINT, FloatArray, IntArray, Prediction
from app.trajectories.series import Observation

_POINT_DECIMALS = 2
_PROBABILITY_DECIMALS = 4

_CELLS_AT_ONCE = 250_000
"""So many cells of covariance matrices are held at a time (2 MB an array), however large the batch."""


class Look(NamedTuple):
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


def look_at(courses: Sequence[Course]) -> list[tuple[Look, ...]]:
    """Look at the treated administrations of courses, each with the scores up to it.

    Parameters
    ----------
    courses : sequence of Course
        Of any instruments and lengths.

    Returns
    -------
    list of tuple of Look
        For each course the looks from `looked_at_from` on, in time order; none where nothing is treated.

    Notes
    -----
    Courses with one curve, one good end of the scale and equally many scores are computed at once. Each has rows and
    a factorisation of its own, so that it makes no difference in whose company a course is looked at. Those with a
    score that is only a bound are computed apart, since they take the filter and the others need not.
    """
    alike: defaultdict[Hashable, list[int]] = defaultdict(list)
    for position, course in enumerate(courses):
        if course.looked_at_from < len(course.treated):
            alike[_kind(course)].append(position)
    looks: list[tuple[Look, ...]] = [()] * len(courses)
    for positions in alike.values():
        at_once = max(1, _CELLS_AT_ONCE // len(courses[positions[0]].treated) ** 2)
        for start in range(0, len(positions), at_once):
            some = positions[start : start + at_once]
            for position, found in zip(some, _look_at_alike([courses[each] for each in some]), strict=True):
                looks[position] = found
    return looks


def _kind(course: Course) -> Hashable:
    """Give what courses that are computed at once have in common."""
    link = course.curve.link
    bounded = link.censors and any(not link.minimum < each.score < link.maximum for each in course.treated)
    return id(course.curve), course.lower_is_better, len(course.treated), course.looked_at_from, bounded


def placed(treated: Sequence[Observation]) -> tuple[list[float], list[float], list[float]]:
    """Give doses, weeks and scores of treated observations, as a curve is conditioned on them."""
    return [each.dose for each in treated], [each.weeks for each in treated], [each.score for each in treated]


def weeks_at(dose: float, treated: Sequence[Observation], plan: Plan) -> float:
    """Give the calendar time of a dose: between observations by interpolation, later by the planned interval.

    Parameters
    ----------
    dose : float
        Dose, whole or not.
    treated : sequence of Observation
        The baseline and what follows, in time order.
    plan : Plan
        Holds the planned interval.

    Returns
    -------
    float
        Weeks since the baseline; 0 for a dose before it.

    Notes
    -----
    A dose counts from its first observation, so that a later score never moves a point that has been passed.
    """
    passed = treated[0]
    if dose <= passed.dose:
        return passed.weeks
    for each in treated:
        if each.dose == dose:
            return each.weeks
        if each.dose > dose:
            return passed.weeks + (each.weeks - passed.weeks) / (each.dose - passed.dose) * (dose - passed.dose)
        if each.dose > passed.dose:
            passed = each
    newest = treated[-1]
    return newest.weeks + plan.weeks_for(1) * (dose - newest.dose)


class _Figures(NamedTuple):
    """What courses that are looked at together are held against: arrays of shape (courses, 1), NaN where undefined."""

    goal: FloatArray
    deterioration: FloatArray
    needed_units: FloatArray
    noticeable_units: FloatArray
    early_dose: FloatArray
    early_weeks: FloatArray
    weeks_each: FloatArray
    band_level: FloatArray
    clear_band_level: FloatArray


def _figures(courses: Sequence[Course]) -> _Figures:
    rows = [
        (
            each.goal_score,
            each.deterioration_score,
            each.needed_improvement,
            each.criteria.important_difference,
            each.policy.early_window_dose,
            weeks_at(each.policy.early_window_dose, each.treated, each.plan),
            each.plan.weeks_for(1),
            each.policy.band_level,
            each.policy.clear_band_level,
        )
        for each in courses
    ]
    figures = _Figures(*np.array(rows, dtype=np.float64).T[..., None])
    units = _in_link_units(courses, figures.needed_units, figures.noticeable_units)
    return figures._replace(needed_units=units[0], noticeable_units=units[1])


def _in_link_units(courses: Sequence[Course], *improvements: FloatArray) -> FloatArray:
    """Give how far the link stretches so many points of improvement from each baseline.

    A point weighs more close to an end of the scale; what a patient needs is told in points of the first score. Where
    that is only a bound, the way starts at the bound.
    """
    link, sign = courses[0].curve.link, -1 if courses[0].lower_is_better else 1
    start = np.array([each.baseline.score for each in courses], dtype=np.float64)[:, None]
    if link.censors:
        start -= HALF_A_POINT * link.at_ends(start)
    return np.abs(link.forward(start + sign * np.array(improvements)) - link.forward(start))


def _look_at_alike(courses: Sequence[Course]) -> Iterator[tuple[Look, ...]]:
    """Look at courses with one curve, one good end of the scale and equally many scores.

    Arrays have a row for each course and a column for each look. What is undefined is NaN in arrays, None in looks.
    """
    first, lower_is_better = courses[0].looked_at_from, courses[0].lower_is_better
    given = courses[0].curve.given(*zip(*(placed(each.treated) for each in courses), strict=True))
    known = np.arange(first, given.doses.shape[-1]) + 1
    ends = [[each.policy.end_dose(each.plan, look.dose) for look in each.treated[first:]] for each in courses]
    figures = _figures(courses)
    baseline, end, now_and_early = _points(given, figures, first, np.array(ends, dtype=np.float64))
    chances = [
        *_outlooks(end.predict(known), figures, lower_is_better),
        *_changes(baseline, now_and_early, known, figures, lower_is_better),
    ]
    rounded = np.array(chances).round(_PROBABILITY_DECIMALS)
    columns = np.where(np.isnan(rounded), np.array(None), rounded).tolist()
    expectations = _expectations(now_and_early[: len(known)].predict(known=1), figures)
    for course, *rows in zip(courses, *expectations, ends, *columns, strict=True):
        yield tuple(map(Look, course.treated[first:], known.tolist(), *rows))


def _points(given: Conditional, figures: _Figures, first: int, end_doses: FloatArray) -> tuple[Points, Points, Points]:
    """Give the points that matter: the baseline, the end of each look, and each look with its early window after it."""
    doses, weeks = given.doses[:, first:], given.weeks[:, first:]
    looks = doses.shape[-1]
    end_weeks = weeks + figures.weeks_each * (end_doses - doses)
    points = given.at(
        np.concatenate([given.doses[:, :1], end_doses, doses, figures.early_dose.repeat(looks, axis=1)], axis=1),
        np.concatenate([given.weeks[:, :1], end_weeks, weeks, figures.early_weeks.repeat(looks, axis=1)], axis=1),
    )
    return points[:1], points[1 : 1 + looks], points[1 + looks :]


def _expectations(prediction: Prediction, figures: _Figures) -> tuple[Iterable[Any], Iterable[Any], Iterable[Any]]:
    """Give the expected scores and the two bands around them."""
    table = prediction.tabled()
    lower, upper = table.band(np.array([figures.band_level, figures.clear_band_level]))
    bands, clear_bands = (map(zip, *limits) for limits in zip(lower.tolist(), upper.tolist(), strict=True))
    return table.expected().round(_POINT_DECIMALS).tolist(), bands, clear_bands


def _outlooks(at_end: Prediction, figures: _Figures, lower_is_better: bool) -> tuple[FloatArray, FloatArray]:
    """Give the probabilities of the goal and of reliable deterioration at the end doses."""
    if lower_is_better:
        return at_end.at_most(figures.goal), at_end.at_least(figures.deterioration)
    return at_end.at_least(figures.goal), at_end.at_most(figures.deterioration)


def _changes(
    baseline: Points, now_and_early: Points, known: IntArray, figures: _Figures, lower_is_better: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the probabilities that the true improvement counts, is noticeable, and was there early.

    Whether it was there early is judged with all scores so far (smoothing): a score at dose 5 also tells where the
    patient was at dose 3, and may settle what was in doubt then.
    """
    looks = len(known)
    start, end = (baseline, now_and_early) if lower_is_better else (now_and_early, baseline)
    improved = start.fall_to(end, np.concatenate([known, known]))
    counts = improved.at_least(figures.needed_units)
    noticeable = improved.at_least(figures.noticeable_units)
    not_there_yet = now_and_early.doses[:, :looks] < figures.early_dose
    return counts[:, :looks], noticeable[:, :looks], np.where(not_there_yet, np.nan, counts[:, looks:])

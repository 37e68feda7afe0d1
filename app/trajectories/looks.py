"""The numbers behind a verdict: what the model says at each administration of a course.

A look at an administration uses the scores up to it and none after it. All looks of a course come from one
factorisation (see :meth:`GrowthCurve.given`), and courses that are alike are computed together. Figures are rounded
here, once, so that the evidence that is shown is exactly what was compared with the thresholds, and so that a verdict
that is computed again comes out the same.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from app.trajectories.conditional import Points
from app.trajectories.course import Course
from app.trajectories.policy import Plan, Policy
from app.trajectories.prediction import FloatArray, Prediction
from app.trajectories.series import Observation

_POINT_DECIMALS = 2
_PROBABILITY_DECIMALS = 4

_CELLS_AT_ONCE = 100_000
"""So many cells of covariance matrices are held at a time, however large the batch: 0.8 MB an array, of which the cache
of a core holds a few."""


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
    scores = [each.score for each in course.treated]
    bounded = link.bounds_any(min(scores), max(scores))
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
    """What courses that are looked at together are held against: arrays, NaN where undefined.

    Parameters
    ----------
    edges : ndarray, shape (2, 1, courses, 1)
        What lies between the scores at the goal, or reliably worse, and those that are not: link units.
    improvements : ndarray, shape (2, 1, courses, 1)
        What improvement counts, and what is noticeable: link units.
    tails : ndarray, shape (4, courses, 1)
        P(Y <= k) that the lower and the upper ends of the two bands reach.
    early_dose : ndarray, shape (courses, 1)
        The early window.
    """

    edges: FloatArray
    improvements: FloatArray
    tails: FloatArray
    early_dose: FloatArray


def _figures(courses: Sequence[Course]) -> _Figures:
    rows = [(*_edges(each), *_improved(each), *_tails(each.policy), each.policy.early_window_dose) for each in courses]
    table = np.array(rows, dtype=np.float64).T[..., None]
    units = courses[0].curve.link.forward(table[2:5])
    return _Figures(table[:2, None], np.abs(units[1:, None] - units[0]), table[5:9], table[9])


def _edges(course: Course) -> tuple[float | None, float | None]:
    """Give the edges that part scores at the goal from the others, and those that are reliably worse: link units."""
    edge_of, goal, worse = course.curve.link.upper_edge, course.goal_score, course.deterioration_score
    if course.lower_is_better:
        return None if goal is None else edge_of(goal), None if worse is None else edge_of(math.ceil(worse) - 1)
    return None if goal is None else edge_of(math.ceil(goal) - 1), None if worse is None else edge_of(worse)


def _improved(course: Course) -> tuple[float, float, float | None]:
    """Give the baseline, the score after an improvement that counts, and after one that is noticeable.

    A point weighs more close to an end of the scale; what a patient needs is told in points of the first score. Where
    that is only a bound, the way starts at the bound.
    """
    sign, noticeable = -1 if course.lower_is_better else 1, course.criteria.important_difference
    start = course.curve.link.bound(course.baseline.score)
    return start, start + sign * course.needed_improvement, None if noticeable is None else start + sign * noticeable


def _tails(policy: Policy) -> Iterator[float]:
    """Give P(Y <= k) that the lower and the upper end reach, of the band and of the clear band."""
    for level in (policy.band_level, policy.clear_band_level):
        yield (1 - level) / 2
        yield (1 + level) / 2


def _look_at_alike(courses: Sequence[Course]) -> Iterator[tuple[Look, ...]]:
    """Look at courses with one curve, one good end of the scale and equally many scores.

    Arrays have a row for each course and a column for each look. What is undefined is NaN in arrays, None in looks.
    """
    first, lower_is_better = courses[0].looked_at_from, courses[0].lower_is_better
    known = range(first + 1, len(courses[0].treated) + 1)
    scored = np.array([placed(each.treated) for each in courses], dtype=np.float64).swapaxes(0, 1)
    given = courses[0].curve.given(*scored, known=sorted({1, *known}))
    ends = [[each.policy.end_dose(each.plan, look.dose) for look in each.treated[first:]] for each in courses]
    figures = _figures(courses)
    asked = np.array([_points(*each, first) for each in zip(courses, ends, strict=True)], dtype=np.float64)
    points = given.at(*asked.swapaxes(0, 1))
    looks = len(known)
    # The end given the scores so far, and each look given the baseline only.
    predicted = points[1 : 1 + 2 * looks].predict([*known, *[1] * looks])
    chances = [
        *_outlooks(predicted[:looks], figures, lower_is_better),
        *_changes(points[:1], points[1 + looks :], known, figures, lower_is_better),
    ]
    rounded = np.array(chances).round(_PROBABILITY_DECIMALS)
    columns = np.where(np.isnan(rounded), np.array(None), rounded).tolist()
    expectations = _expectations(predicted[looks:], figures)
    for course, *rows in zip(courses, *expectations, ends, *columns, strict=True):
        yield tuple(map(Look, course.treated[first:], known, *rows))


def _points(course: Course, ends: Sequence[int], first: int) -> tuple[list[float], list[float]]:
    """Give doses and weeks of what matters: the baseline, the end of each look, each look, each one's early window."""
    looks, plan, early = course.treated[first:], course.plan, course.policy.early_window_dose
    doses = [each.dose for each in looks]
    weeks = [each.weeks for each in looks]
    end_weeks = [each.weeks + plan.weeks_for(end - each.dose) for each, end in zip(looks, ends, strict=True)]
    early_weeks = weeks_at(early, course.treated, plan)
    return (
        [course.baseline.dose, *ends, *doses, *[early] * len(looks)],
        [course.baseline.weeks, *end_weeks, *weeks, *[early_weeks] * len(looks)],
    )


def _expectations(prediction: Prediction, figures: _Figures) -> tuple[Iterable[Any], Iterable[Any], Iterable[Any]]:
    """Give the expected scores and the two bands around them."""
    table = prediction.tabled()
    lower, upper, clear_lower, clear_upper = table.reaching(figures.tails).tolist()
    return table.expected().round(_POINT_DECIMALS).tolist(), map(zip, lower, upper), map(zip, clear_lower, clear_upper)


def _outlooks(at_end: Prediction, figures: _Figures, lower_is_better: bool) -> tuple[FloatArray, FloatArray]:
    """Give the probabilities of the goal and of reliable deterioration at the end doses."""
    goal, deterioration = at_end.below(figures.edges)
    return (goal, 1.0 - deterioration) if lower_is_better else (1.0 - goal, deterioration)


def _changes(
    baseline: Points, now_and_early: Points, known: Sequence[int], figures: _Figures, lower_is_better: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the probabilities that the true improvement counts, is noticeable, and was there early.

    Whether it was there early is judged with all scores so far (smoothing): a score at dose 5 also tells where the
    patient was at dose 3, and may settle what was in doubt then.
    """
    looks = len(known)
    start, end = (baseline, now_and_early) if lower_is_better else (now_and_early, baseline)
    improved = start.fall_to(end, [*known, *known])
    counts, noticeable = improved.at_least(figures.improvements)
    not_there_yet = now_and_early.doses[:, :looks] < figures.early_dose
    return counts[:, :looks], noticeable[:, :looks], np.where(not_there_yet, np.nan, counts[:, looks:])

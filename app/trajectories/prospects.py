"""What lies ahead of a patient, beyond the verdict: worked out when somebody reads, and never stored.

The verdict says whether to stop and talk. This says what to talk about: what the end may bring, how unusual the newest
score is, how many would have come as far without the help, and what more sessions may still give. Nothing here sets a
signal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.scales.change import ChangeCategory
from app.trajectories.conditional import Conditional
from app.trajectories.course import Course
from app.trajectories.gain import chances_of_gain
from app.trajectories.looks import placed
from app.trajectories.natural import default_natural_course
from app.trajectories.outlook import natural_gains
from app.trajectories.prediction import Prediction

GAIN_SESSIONS = (5, 10)
"""Over how many more sessions a further gain is told (methods, G3)."""

_POINT_DECIMALS = 2
_PROBABILITY_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class AtEnd:
    """What a score at the planned end may show, given all scores so far.

    Parameters
    ----------
    dose : int
        Counted sessions at the end: the planned end or the next period evaluation, after the newest score.
    weeks : float
        Weeks since the baseline, by the planned interval.
    reliable_improvement, below_cutoff, reliable_deterioration : float or None
        Probability of each, apart. None where the figure is not published, or no score of the scale shows it: a first
        score below the reliable change leaves no room for a reliable improvement.
    """

    dose: int
    weeks: float
    reliable_improvement: float | None
    below_cutoff: float | None
    reliable_deterioration: float | None


@dataclass(frozen=True, slots=True)
class FurtherGain:
    """What some more sessions may give, beside what the calendar alone would.

    Parameters
    ----------
    sessions : int
        Counted sessions from now on.
    weeks : float
        Weeks that they take at the planned interval.
    expected : float
        Expected further improvement, points; negative when worse is to be expected.
    noticeable : float or None
        Probability of a true gain that patients notice; None where no important difference is published.
    natural : float or None
        What the natural course would bring in those weeks, points; None where it is not known.

    Notes
    -----
    What is expected is the difference between new scores now and then, both given all scores so far. The mean noise of
    a score is nothing, so that this is the expected change of the true score.
    """

    sessions: int
    weeks: float
    expected: float
    noticeable: float | None
    natural: float | None


class PlateauKind(StrEnum):
    """Whether a course has levelled out, and where."""

    NONE = "none"
    """It has not: something noticeable may still come."""

    GOOD_ENOUGH = "good_enough"
    """On the good side of the cut-off: consider fewer sessions, or drawing to a close."""

    REVIEW = "review"
    """Elsewhere: review together whether to go on, step up or change the help."""


@dataclass(frozen=True, slots=True)
class Plateau:
    """Whether a course has levelled out.

    Parameters
    ----------
    kind : PlateauKind
        Whether it has, and where.
    ahead : FurtherGain
        What the policy's next sessions may give, which this rests on.
    important_difference : float
        Smallest change that patients notice, points.
    """

    kind: PlateauKind
    ahead: FurtherGain
    important_difference: float


class GainsDue(StrEnum):
    """Why the further gains are to be shown now."""

    PERIOD_EVALUATION = "period_evaluation"
    PLANNED_END = "planned_end"
    PLATEAU = "plateau"


@dataclass(frozen=True, slots=True)
class Prospects:
    """What a therapist is told beside the verdict on the newest score.

    Parameters
    ----------
    end : AtEnd or None
        What the end may bring; None where the newest score lies at the end or the treatment has ended.
    exceedance : float or None
        Probability that a similar patient, with the same baseline, would have a score this bad or worse by now; a tie
        counts as half. None at the baseline.
    natural_share : float or None
        Probability that a similar person would have improved by at least this much by now without the service. None
        where there is no improvement, and where no natural course is known. Not for the patient's view.

    Notes
    -----
    The exceedance is P(Y > y) + P(Y = y) / 2 where high scores are bad: the mid-P value, whose mean over patients is
    1/2 in a correct model however coarse the scale.

    References
    ----------
    Lancaster (1961), JASA 56:223, doi:10.1080/01621459.1961.10482105 (mid-P).
    """

    end: AtEnd | None
    exceedance: float | None
    natural_share: float | None
    plateau: Plateau | None
    gains: tuple[FurtherGain, ...]
    gains_due: GainsDue | None


def prospects(course: Course, *, ended: bool = False) -> Prospects | None:
    """Tell what lies ahead of a patient.

    Parameters
    ----------
    course : Course
        The scores and what they are held against.
    ended : bool
        Whether the treatment has ended, so that nothing of it lies ahead.

    Returns
    -------
    Prospects or None
        For the newest treated score; None where nothing is treated.

    Examples
    --------
    Four weekly PHQ-9 scores of a patient for whom ten sessions are planned:

    >>> from datetime import UTC, datetime, timedelta
    >>> from app.scales.change import ChangeCriteria
    >>> from app.trajectories.growth import default_curve
    >>> from app.trajectories.policy import Plan, Policy
    >>> from app.trajectories.series import CountedSession, Measurement, Series
    >>> weeks = [datetime(2024, 1, 1, 9, tzinfo=UTC) + timedelta(weeks=week) for week in range(4)]
    >>> sessions = [CountedSession(number, start + timedelta(hours=1)) for number, start in enumerate(weeks)]
    >>> scores = [Measurement(number, *pair) for number, pair in enumerate(zip(weeks, (16, 15, 12, 12)))]
    >>> phq_9 = ChangeCriteria(0, 27, cutoff=10, reliable_change=6, important_difference=1.7)
    >>> held_against = phq_9, default_curve("phq-9"), Policy(), Plan(planned_dose=10)
    >>> ahead = prospects(Course(Series.build(scores, sessions), *held_against))
    >>> ahead.end.dose, round(ahead.end.reliable_improvement, 2), round(ahead.end.below_cutoff, 2)
    (10, 0.72, 0.65)
    >>> round(ahead.exceedance, 2), round(ahead.natural_share, 2)
    (0.46, 0.3)
    """
    if not course.treated:
        return None
    given = course.curve.given(*placed(course.treated))
    # The first is what a plateau rests on.
    gains = () if ended else tuple(_gains(course, given, (course.policy.plateau_sessions, *GAIN_SESSIONS)))
    plateau = _plateau(course, gains[0]) if gains else None
    return Prospects(
        end=None if ended else _at_end(course, given),
        exceedance=_exceedance(course, given),
        natural_share=_natural_share(course),
        plateau=plateau,
        gains=gains[1:],
        gains_due=_gains_due(course, plateau) if gains else None,
    )


def _at_end(course: Course, given: Conditional) -> AtEnd | None:
    newest = course.treated[-1]
    dose = course.policy.end_dose(course.plan, newest.dose)
    if dose == newest.dose:
        return None
    weeks = newest.weeks + course.plan.weeks_for(dose - newest.dose)
    at_end = given.predict([dose], [weeks])
    worse = course.deterioration_score
    return AtEnd(
        dose=dose,
        weeks=weeks,
        reliable_improvement=_as_good(course, at_end, course.improvement_score),
        below_cutoff=_as_good(course, at_end, course.subclinical_score),
        reliable_deterioration=_as_bad(course, at_end, None if worse is None else course.within_scale(worse)),
    )


def _as_good(course: Course, prediction: Prediction, score: float | None) -> float | None:
    """Give the probability of a score as good as this one, or better."""
    if score is None:
        return None
    reached = prediction.at_most(score) if course.lower_is_better else prediction.at_least(score)
    return _probability(float(reached[0]))


def _as_bad(course: Course, prediction: Prediction, score: float | None) -> float | None:
    """Give the probability of a score as bad as this one, or worse."""
    if score is None:
        return None
    reached = prediction.at_least(score) if course.lower_is_better else prediction.at_most(score)
    return _probability(float(reached[0]))


def _exceedance(course: Course, given: Conditional) -> float | None:
    """Give the mid-P value of the newest score, from the baseline only: half of at least as bad and truly worse."""
    if len(course.treated) == 1:
        return None
    newest = course.treated[-1]
    prediction = given.predict([newest.dose], [newest.weeks], known=1)
    at_least, at_most = float(prediction.at_least(newest.score)[0]), float(prediction.at_most(newest.score)[0])
    as_bad, as_good = (at_least, at_most) if course.lower_is_better else (at_most, at_least)
    return _probability((as_bad + 1 - as_good) / 2)


def _natural_share(course: Course) -> float | None:
    newest = course.treated[-1]
    known = default_natural_course(course.curve.instrument)
    if known is None or course.improvement(newest.score) <= 0:
        return None
    return _probability(known.as_good(course.baseline.score, newest.score, newest.weeks, course.criteria.better))


def _gains(course: Course, given: Conditional, sessions: tuple[int, ...]) -> Iterator[FurtherGain]:
    """Give what so many more sessions may bring, each from now on."""
    newest, criteria = course.treated[-1], course.criteria
    ahead = np.array([0, *sessions], dtype=np.float64)
    weeks = ahead * course.plan.weeks_for(1)
    points = given.at(newest.dose + ahead, newest.weeks + weeks)
    now, *expected = points.predict().tabled().expected().tolist()
    noticeable: list[float | None] = [None] * len(sessions)
    if criteria.important_difference is not None:
        chances = chances_of_gain(points[:1], points[1:], criteria.important_difference, criteria.better)
        noticeable = [_probability(each) for each in chances.tolist()]
    calendar = newest.weeks + weeks[1:]
    natural = natural_gains(course.curve.instrument, criteria, course.baseline.score, newest.weeks, calendar)
    gains = [round(criteria.improvement(now, score), _POINT_DECIMALS) for score in expected]
    yield from map(FurtherGain, sessions, weeks[1:].tolist(), gains, noticeable, natural)


def _plateau(course: Course, ahead: FurtherGain) -> Plateau | None:
    """Tell whether a course has levelled out, from what the policy's next sessions may give."""
    newest, policy, noticed = course.treated[-1], course.policy, course.criteria.important_difference
    too_early = newest.dose <= policy.plateau_dose or len(course.treated) == 1
    if too_early or course.plan.only_worsening_signals or course.plan.crisis_pause:
        return None
    if noticed is None or ahead.noticeable is None:
        return None
    kind = PlateauKind.NONE
    if abs(ahead.expected) < noticed and ahead.noticeable < policy.plateau_probability:
        worse = course.change(newest.score) is ChangeCategory.RELIABLE_DETERIORATION
        below = course.below_cutoff(newest.score) and not worse
        kind = PlateauKind.GOOD_ENOUGH if below else PlateauKind.REVIEW
    return Plateau(kind, ahead, noticed)


def _gains_due(course: Course, plateau: Plateau | None) -> GainsDue | None:
    """Tell why the further gains are to be shown now; the late window is no reason by itself."""
    due = course.due_dose(course.treated[-1].dose)
    if due is not None and due == course.plan.planned_dose:
        return GainsDue.PLANNED_END
    if due in course.policy.period_evaluation_doses:
        return GainsDue.PERIOD_EVALUATION
    return GainsDue.PLATEAU if plateau is not None and plateau.kind is not PlateauKind.NONE else None


def _probability(probability: float) -> float:
    return round(probability, _PROBABILITY_DECIMALS)

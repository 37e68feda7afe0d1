"""What lies ahead of a patient, beyond the verdict: worked out when somebody reads, and never stored.

The verdict says whether to stop and talk. This says what to talk about: what the end may bring, how unusual the newest
score is, and how many would have come as far without the help. Nothing here sets a signal.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.trajectories.conditional import Conditional
from app.trajectories.course import Course
from app.trajectories.looks import placed
from app.trajectories.natural import default_natural_course
from app.trajectories.prediction import Prediction

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
    return Prospects(
        end=None if ended else _at_end(course, given),
        exceedance=_exceedance(course, given),
        natural_share=_natural_share(course),
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


def _probability(probability: float) -> float:
    return round(probability, _PROBABILITY_DECIMALS)

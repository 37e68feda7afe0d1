"""The verdict: how a patient is doing, against what was to be expected.

Signal and responder state are two answers to two questions, and neither looks at the other: *pending* never hides
worsening, and a red signal says nothing about who will respond. A signal is advice that asks for a conversation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.scales.change import ChangeCategory, ChangeCriteria
from app.trajectories.course import Course
from app.trajectories.findings import Findings, find
from app.trajectories.growth import GrowthCurve
from app.trajectories.looks import Look, look_at
from app.trajectories.policy import Flagging, Plan, Policy, due_at, is_stale
from app.trajectories.progress import (
    SIGNALS,
    Probabilities,
    Progress,
    Reason,
    ReasonCode,
    ResponderState,
    Signal,
    SignalReason,
    Standing,
)
from app.trajectories.reasons import deterioration_reason, reasons_for
from app.trajectories.series import Series

__all__ = [
    "Course",
    "Flagging",
    "Plan",
    "Policy",
    "Probabilities",
    "Progress",
    "Reason",
    "ReasonCode",
    "ResponderState",
    "Signal",
    "SignalReason",
    "Standing",
    "assess",
    "assess_each",
    "assess_many",
    "disagreement",
    "due_at",
    "is_stale",
]


def assess_many(courses: Sequence[Course]) -> list[tuple[Progress, ...]]:
    """Give the verdicts on many courses at once, each on the scores up to it.

    Parameters
    ----------
    courses : sequence of Course
        Of any instruments, lengths and policies.

    Returns
    -------
    list of tuple of Progress
        For each course the verdicts on its treated administrations from `first` on, in time order; none where all of
        those are waiting time or follow-up, or nothing is there to compare with: such scores are shown, not judged.
        A verdict is the same in any company.

    Examples
    --------
    Weekly PHQ-9 scores of two patients, one before each session. Of the second, only the newest is judged:

    >>> from datetime import UTC, datetime, timedelta
    >>> from app.trajectories.growth import default_curve
    >>> from app.trajectories.series import CountedSession, Measurement
    >>> weeks = [datetime(2024, 1, 1, 9, tzinfo=UTC) + timedelta(weeks=week) for week in range(4)]
    >>> sessions = [CountedSession(number, start + timedelta(hours=1)) for number, start in enumerate(weeks)]
    >>> def series(*scores):
    ...     return Series.build([Measurement(n, *pair) for n, pair in enumerate(zip(weeks, scores))], sessions)
    >>> phq_9 = ChangeCriteria(0, 27, cutoff=10, reliable_change=6, important_difference=1.7)
    >>> standard = phq_9, default_curve("phq-9"), Policy(), Plan()
    >>> verdicts = assess_many([Course(series(12, 19), *standard), Course(series(16, 12, 9, 7), *standard, first=3)])
    >>> [[(each.dose, str(each.signal_reason)) for each in of_course] for of_course in verdicts]
    [[(0, 'too_early'), (1, 'deterioration_unconfirmed')], [(3, 'good_enough')]]
    """
    return [_verdicts(course, looks) for course, looks in zip(courses, look_at(courses), strict=True)]


def assess(
    series: Series,
    criteria: ChangeCriteria,
    curve: GrowthCurve,
    policy: Policy,
    plan: Plan,
    *,
    reviewed_doses: Iterable[int] = (),
) -> Progress | None:
    """Give the verdict on the newest administration of a series.

    Parameters
    ----------
    series, criteria, curve, policy, plan, reviewed_doses
        As for :class:`Course`.

    Returns
    -------
    Progress or None
        None when the newest administration is waiting time or follow-up, or nothing is there to compare with: such
        a score is shown, not judged.

    Examples
    --------
    Four weekly PHQ-9 scores, one before each session:

    >>> from datetime import UTC, datetime, timedelta
    >>> from app.trajectories.growth import default_curve
    >>> from app.trajectories.series import CountedSession, Measurement
    >>> weeks = [datetime(2024, 1, 1, 9, tzinfo=UTC) + timedelta(weeks=week) for week in range(4)]
    >>> sessions = [CountedSession(number, start + timedelta(hours=1)) for number, start in enumerate(weeks)]
    >>> scores = [Measurement(number, *pair) for number, pair in enumerate(zip(weeks, (16, 12, 9, 7)))]
    >>> phq_9 = ChangeCriteria(0, 27, cutoff=10, reliable_change=6, important_difference=1.7)
    >>> verdict = assess(Series.build(scores, sessions), phq_9, default_curve("phq-9"), Policy(), Plan())
    >>> verdict.dose, str(verdict.signal), str(verdict.signal_reason), str(verdict.responder_state)
    (3, 'green', 'good_enough', 'early')
    """
    newest = max(len(series.observations) - 1, 0)
    course = Course(series, criteria, curve, policy, plan, tuple(reviewed_doses), first=newest)
    return next(iter(*assess_many([course])), None)


def assess_each(
    series: Series,
    criteria: ChangeCriteria,
    curve: GrowthCurve,
    policy: Policy,
    plan: Plan,
    *,
    reviewed_doses: Iterable[int] = (),
) -> tuple[Progress, ...]:
    """Give the verdict on each treated administration of a series, each from the scores up to it.

    Parameters
    ----------
    series, criteria, curve, policy, plan, reviewed_doses
        As for :class:`Course`.

    Returns
    -------
    tuple of Progress
        In time order, the baseline first. The baseline and the doses are those that are known now.
    """
    (verdicts,) = assess_many([Course(series, criteria, curve, policy, plan, tuple(reviewed_doses))])
    return verdicts


def disagreement(
    main: Standing, others: Mapping[str, Standing], code: ReasonCode = ReasonCode.MEASURES_DISAGREE
) -> tuple[Reason, ...]:
    """Tell which other series of an episode contradict the main measure.

    Parameters
    ----------
    main : Standing
        Where the main measure stands.
    others : mapping of str to Standing
        Where each other series stands, by a label of the caller's.
    code : ReasonCode
        `measures_disagree` or `informants_disagree`, by what the others are.

    Returns
    -------
    tuple of Reason
        One for each other series that has reliably changed in the opposite direction, or is red while the main
        measure is not. They are named and never averaged.
    """
    return tuple(
        Reason(
            code,
            {
                "label": label,
                "main_change": str(main.change),
                "other_change": str(other.change),
                "main_signal": str(main.signal),
                "other_signal": str(other.signal),
            },
        )
        for label, other in others.items()
        if _opposite(main.change, other.change) or (other.signal is Signal.RED and main.signal is not Signal.RED)
    )


def _opposite(change: ChangeCategory, other: ChangeCategory) -> bool:
    return {change, other} == {ChangeCategory.RELIABLE_IMPROVEMENT, ChangeCategory.RELIABLE_DETERIORATION}


def _verdicts(course: Course, looks: Sequence[Look]) -> tuple[Progress, ...]:
    """Give the verdicts on a course; a look before the first is for rules that ask for two in a row."""
    verdicts, before = [], None
    for look in looks:
        now = find(look, course)
        if look.known > course.judged_from:
            verdicts.append(_progress(now, before, course))
        before = now
    return tuple(verdicts)


def _progress(now: Findings, before: Findings | None, course: Course) -> Progress:
    look, observation = now.look, now.look.observation
    signal_reason = _signal_reason(now, before, course)
    at_baseline = look.known == 1
    return Progress(
        administration_id=observation.administration_id,
        dose=observation.dose,
        weeks=observation.weeks,
        score=observation.score,
        baseline=course.baseline.score,
        improvement=now.improvement,
        change=now.change,
        signal=SIGNALS[signal_reason],
        signal_reason=signal_reason,
        responder_state=_responder_state(now, course),
        reasons=reasons_for(signal_reason, now, course),
        expected=None if at_baseline else look.expected,
        band=None if at_baseline else look.band,
        probabilities=Probabilities(look.goal, look.deterioration, look.established),
        end_dose=look.end_dose,
        curve_version=course.curve.key,
    )


def _signal_reason(now: Findings, before: Findings | None, course: Course) -> SignalReason:
    """Give the first cause that applies: worsening before silence, silence before praise."""
    if course.plan.crisis_pause:
        return SignalReason.CRISIS_PAUSE
    if now.deteriorated:
        return deterioration_reason(now)
    if now.enough_to_judge and now.good_enough:
        return SignalReason.GOOD_ENOUGH
    if course.started_below_cutoff:
        return SignalReason.STARTED_BELOW_CUTOFF
    return _expected_or_not(now, before, course) if now.enough_to_judge else SignalReason.TOO_EARLY


def _expected_or_not(now: Findings, before: Findings | None, course: Course) -> SignalReason:
    """Tell whether the course is as expected, and if not, in which way."""
    if now.likely_to_deteriorate:
        return SignalReason.LIKELY_TO_DETERIORATE
    if course.plan.only_worsening_signals or not now.off_course:
        return SignalReason.AS_EXPECTED
    return _off_course_reason(now, before, course)


def _off_course_reason(now: Findings, before: Findings | None, course: Course) -> SignalReason:
    """Tell whether a flat or out-of-band course is ripe for a signal, and by which of its tests.

    Before the late window the scores of late responders look like those of lasting non-responders, so by default
    the course is *no change yet*. So it is between two review points, once the review was held.
    """
    two_looks = before is not None and before.off_course
    early = course.policy.flagging is Flagging.EARLY and (two_looks or now.clear)
    if not now.past_late_window and not early:
        return SignalReason.NO_CHANGE_YET
    if now.unchanged and (now.due_dose is not None or not now.past_late_window):
        return SignalReason.TIME_FOR_REVIEW
    if now.unlikely_to_reach_goal:
        return SignalReason.UNLIKELY_TO_REACH_GOAL
    return SignalReason.ABOVE_BAND if now.above_band else SignalReason.NO_CHANGE_YET


def _responder_state(now: Findings, course: Course) -> ResponderState:
    """Tell when improvement became established, if it did.

    After a late baseline nobody can be called an early responder, and *none* has to wait until as many sessions were
    observed as the early window holds.
    """
    look, policy = now.look, course.policy
    if not now.enough_to_judge or course.started_below_cutoff:
        return ResponderState.NOT_ASSESSED
    early = look.established_early
    if not course.late_baseline and early is not None and early >= policy.established_probability:
        return ResponderState.EARLY
    if not now.past_late_window:
        return ResponderState.PENDING
    if look.established >= policy.established_probability:
        return ResponderState.LATE
    observed_doses = look.observation.dose - course.baseline.dose
    observed_enough = not course.late_baseline or observed_doses >= policy.early_window_dose
    return ResponderState.NONE if now.unchanged and observed_enough else ResponderState.PENDING

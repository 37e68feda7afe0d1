"""The verdict: how a patient is doing, against what was to be expected.

Signal and responder state are two answers to two questions, and neither looks at the other: *pending* never hides
worsening, and a red signal says nothing about who will respond. A signal is advice that asks for a conversation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.scales.change import ChangeCategory, ChangeCriteria
from app.trajectories.findings import Findings, find_at_each
from app.trajectories.growth import GrowthCurve
from app.trajectories.policy import Flagging, Plan, Policy, due_at, is_stale
from app.trajectories.progress import (
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
from app.trajectories.series import Observation, Series
from app.trajectories.yardstick import Yardstick

__all__ = [
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
    "disagreement",
    "due_at",
    "is_stale",
]

_SIGNALS: Mapping[SignalReason, Signal] = {
    SignalReason.DETERIORATION_UNCONFIRMED: Signal.RED,
    SignalReason.DETERIORATION_CONFIRMED: Signal.RED,
    SignalReason.LIKELY_TO_DETERIORATE: Signal.YELLOW,
    SignalReason.TIME_FOR_REVIEW: Signal.YELLOW,
    SignalReason.UNLIKELY_TO_REACH_GOAL: Signal.YELLOW,
    SignalReason.ABOVE_BAND: Signal.YELLOW,
    SignalReason.AS_EXPECTED: Signal.GREEN,
    SignalReason.GOOD_ENOUGH: Signal.GREEN,
    SignalReason.TOO_EARLY: Signal.GREY,
    SignalReason.NO_CHANGE_YET: Signal.GREY,
    SignalReason.STARTED_BELOW_CUTOFF: Signal.GREY,
    SignalReason.CRISIS_PAUSE: Signal.GREY,
}


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
    series : Series
        The scores, placed on dose and weeks.
    criteria : ChangeCriteria
        Reliable change, cut-off and important difference of the score. Rules that need a figure that is not
        published do not apply.
    curve : GrowthCurve
        The growth model of the score.
    policy : Policy
        The organisation's windows and thresholds.
    plan : Plan
        What is planned for the patient.
    reviewed_doses : iterable of int
        Doses at which a review was recorded.

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
    treated = series.treated()
    if not treated or treated[-1] is not series.observations[-1]:
        return None
    yardstick = Yardstick(treated[0], series.late_baseline, criteria, curve, policy, plan, tuple(reviewed_doses))
    return _verdicts(treated, yardstick, first=len(treated) - 1)[0]


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
        As for :func:`assess`.

    Returns
    -------
    tuple of Progress
        In time order, the baseline first. The baseline and the doses are those that are known now.
    """
    treated = series.treated()
    if not treated:
        return ()
    yardstick = Yardstick(treated[0], series.late_baseline, criteria, curve, policy, plan, tuple(reviewed_doses))
    return _verdicts(treated, yardstick, first=0)


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


def _verdicts(treated: Sequence[Observation], yardstick: Yardstick, first: int) -> tuple[Progress, ...]:
    """Give the verdicts from a position on; the look before it is needed for rules that ask for two in a row."""
    start = max(first - 1, 0)
    findings = find_at_each(treated, yardstick, start)
    earlier = (None, *findings[:-1])
    judged = [_progress(now, before, yardstick) for now, before in zip(findings, earlier, strict=True)]
    return tuple(judged[first - start :])


def _progress(now: Findings, before: Findings | None, yardstick: Yardstick) -> Progress:
    look, observation = now.look, now.look.observation
    signal_reason = _signal_reason(now, before, yardstick)
    at_baseline = look.known == 1
    return Progress(
        administration_id=observation.administration_id,
        dose=observation.dose,
        weeks=observation.weeks,
        score=observation.score,
        baseline=yardstick.baseline.score,
        improvement=yardstick.improvement(observation.score),
        change=yardstick.change(observation.score),
        signal=_SIGNALS[signal_reason],
        signal_reason=signal_reason,
        responder_state=_responder_state(now, yardstick),
        reasons=reasons_for(signal_reason, now, yardstick),
        expected=None if at_baseline else look.expected,
        band=None if at_baseline else look.band,
        probabilities=Probabilities(look.goal, look.deterioration, look.established),
        end_dose=look.end_dose,
        curve_version=yardstick.curve.key,
    )


def _signal_reason(now: Findings, before: Findings | None, yardstick: Yardstick) -> SignalReason:
    """Give the first cause that applies: worsening before silence, silence before praise."""
    on_course = yardstick.plan.only_worsening_signals or not now.off_course
    order = (
        (yardstick.plan.crisis_pause, SignalReason.CRISIS_PAUSE),
        (now.deteriorated, deterioration_reason(now)),
        (now.enough_to_judge and now.good_enough, SignalReason.GOOD_ENOUGH),
        (yardstick.started_below_cutoff, SignalReason.STARTED_BELOW_CUTOFF),
        (not now.enough_to_judge, SignalReason.TOO_EARLY),
        (now.likely_to_deteriorate, SignalReason.LIKELY_TO_DETERIORATE),
        (on_course, SignalReason.AS_EXPECTED),
    )
    applying = (reason for holds, reason in order if holds)
    return next(applying, None) or _off_course_reason(now, before, yardstick)


def _off_course_reason(now: Findings, before: Findings | None, yardstick: Yardstick) -> SignalReason:
    """Tell whether a flat or out-of-band course is ripe for a signal, and by which of its tests.

    Before the late window the scores of late responders look like those of lasting non-responders, so by default
    the course is *no change yet*. So it is between two review points, once the review was held.
    """
    two_looks = before is not None and before.off_course
    early = yardstick.policy.flagging is Flagging.EARLY and (two_looks or now.clear)
    if not now.past_late_window and not early:
        return SignalReason.NO_CHANGE_YET
    if now.unchanged and (now.due_dose is not None or not now.past_late_window):
        return SignalReason.TIME_FOR_REVIEW
    if now.unlikely_to_reach_goal:
        return SignalReason.UNLIKELY_TO_REACH_GOAL
    return SignalReason.ABOVE_BAND if now.above_band else SignalReason.NO_CHANGE_YET


def _responder_state(now: Findings, yardstick: Yardstick) -> ResponderState:
    """Tell when improvement became established, if it did.

    After a late baseline nobody can be called an early responder, and *none* has to wait until as many sessions were
    observed as the early window holds.
    """
    look, policy = now.look, yardstick.policy
    if not now.enough_to_judge or yardstick.started_below_cutoff:
        return ResponderState.NOT_ASSESSED
    early = look.established_early
    if not yardstick.late_baseline and early is not None and early >= policy.established_probability:
        return ResponderState.EARLY
    if not now.past_late_window:
        return ResponderState.PENDING
    if look.established >= policy.established_probability:
        return ResponderState.LATE
    observed_doses = look.observation.dose - yardstick.baseline.dose
    observed_enough = not yardstick.late_baseline or observed_doses >= policy.early_window_dose
    return ResponderState.NONE if now.unchanged and observed_enough else ResponderState.PENDING

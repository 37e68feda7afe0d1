"""The causes of a verdict, and the numbers that each rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.trajectories.findings import Findings
from app.trajectories.progress import Reason, ReasonCode, SignalReason
from app.trajectories.yardstick import Yardstick


def reasons_for(signal_reason: SignalReason, now: Findings, yardstick: Yardstick) -> tuple[Reason, ...]:
    """Give all reasons that apply to a verdict, the signal's own first.

    Parameters
    ----------
    signal_reason : SignalReason
        What set the signal.
    now : Findings
        The tests at this look.
    yardstick : Yardstick
        What the series is held against.

    Returns
    -------
    tuple of Reason
        Each code once, with the numbers that it rests on. Every reason carries dose, baseline, score and
        improvement.
    """
    own = ReasonCode(signal_reason)
    codes = dict.fromkeys((own, *_applying(own, now, yardstick)))
    observation = now.look.observation
    common = {
        "dose": observation.dose,
        "baseline": yardstick.baseline.score,
        "score": observation.score,
        "improvement": yardstick.improvement(observation.score),
    }
    evidence = _evidence(now, yardstick)
    return tuple(
        Reason(code, {**common, **{name: figure for name, figure in evidence[code].items() if figure is not None}})
        for code in codes
    )


def deterioration_reason(now: Findings) -> SignalReason:
    """Name a reliable deterioration by whether the score before it was one too."""
    return SignalReason.DETERIORATION_CONFIRMED if now.confirmed else SignalReason.DETERIORATION_UNCONFIRMED


def _applying(own: ReasonCode, now: Findings, yardstick: Yardstick) -> Iterator[ReasonCode]:
    """Name what holds, whether or not it set the signal; the model's tests only where they may set one."""
    if yardstick.plan.crisis_pause:
        yield ReasonCode.CRISIS_PAUSE
    if now.deteriorated:
        yield ReasonCode(deterioration_reason(now))
    if now.enough_to_judge and now.good_enough:
        yield ReasonCode.GOOD_ENOUGH
    if yardstick.started_below_cutoff:
        yield ReasonCode.STARTED_BELOW_CUTOFF
    elif now.enough_to_judge:
        if now.likely_to_deteriorate:
            yield ReasonCode.LIKELY_TO_DETERIORATE
        if not yardstick.plan.only_worsening_signals:
            yield from _tests_that_hold(own, now)
    if yardstick.late_baseline:
        yield ReasonCode.LATE_BASELINE


def _tests_that_hold(own: ReasonCode, now: Findings) -> Iterator[ReasonCode]:
    """Name the tests of a flat or out-of-band course that hold.

    A course without improvement is one finding: time for review when a review is due, else no change yet.
    """
    if now.unchanged and own is not ReasonCode.TIME_FOR_REVIEW:
        yield ReasonCode.NO_CHANGE_YET if now.due_dose is None else ReasonCode.TIME_FOR_REVIEW
    if now.unlikely_to_reach_goal:
        yield ReasonCode.UNLIKELY_TO_REACH_GOAL
    if now.above_band:
        yield ReasonCode.ABOVE_BAND


def _evidence(now: Findings, yardstick: Yardstick) -> Mapping[ReasonCode, Mapping[str, float | int | None]]:
    """Give the numbers behind each reason; None for what does not exist here and is left out."""
    look, policy, criteria = now.look, yardstick.policy, yardstick.criteria
    expectation = {"expected": look.expected, "lower": look.band[0], "upper": look.band[1]}
    worsening = {"reliable_change": criteria.reliable_change}
    improvement = {
        "probability": look.established,
        "threshold": policy.no_change_probability,
        "needed_improvement": yardstick.needed_improvement,
        "due_dose": now.due_dose,
        "late_window_dose": yardstick.late_window,
    }
    goal = {
        "probability": look.goal,
        "threshold": policy.goal_probability,
        "goal_score": yardstick.goal_score,
        "end_dose": look.end_dose,
    }
    outlook = {
        "probability": look.deterioration,
        "threshold": policy.deterioration_probability,
        "reliable_change": criteria.reliable_change,
        "end_dose": look.end_dose,
    }
    return {
        ReasonCode.DETERIORATION_UNCONFIRMED: worsening,
        ReasonCode.DETERIORATION_CONFIRMED: worsening,
        ReasonCode.ABOVE_BAND: {**expectation, "level": policy.band_level},
        ReasonCode.UNLIKELY_TO_REACH_GOAL: goal,
        ReasonCode.LIKELY_TO_DETERIORATE: outlook,
        ReasonCode.TIME_FOR_REVIEW: improvement,
        ReasonCode.AS_EXPECTED: expectation,
        ReasonCode.GOOD_ENOUGH: {"cutoff": criteria.cutoff, "reliable_change": criteria.reliable_change},
        ReasonCode.TOO_EARLY: {"scores": look.known, "early_window_dose": policy.early_window_dose},
        ReasonCode.NO_CHANGE_YET: improvement,
        ReasonCode.STARTED_BELOW_CUTOFF: {"cutoff": criteria.cutoff},
        ReasonCode.CRISIS_PAUSE: {},
        ReasonCode.LATE_BASELINE: {"baseline_dose": yardstick.baseline.dose},
    }

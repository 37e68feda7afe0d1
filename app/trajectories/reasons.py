"""The causes of a verdict, and the numbers that each rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from app.trajectories.course import Course
from app.trajectories.findings import Findings
from app.trajectories.progress import Reason, ReasonCode, SignalReason

Figures: TypeAlias = Mapping[str, float | None]


def reasons_for(signal_reason: SignalReason, now: Findings, course: Course) -> tuple[Reason, ...]:
    """Give all reasons that apply to a verdict, the signal's own first.

    Parameters
    ----------
    signal_reason : SignalReason
        What set the signal.
    now : Findings
        The tests at this look.
    course : Course
        The course that they belong to.

    Returns
    -------
    tuple of Reason
        Each code once, with the numbers that it rests on. Every reason carries dose, baseline, score and
        improvement.
    """
    own = ReasonCode(signal_reason)
    codes = dict.fromkeys((own, *_applying(own, now, course)))
    observation = now.look.observation
    common: dict[str, float | int | str] = {
        "dose": observation.dose,
        "baseline": course.baseline.score,
        "score": observation.score,
        "improvement": now.improvement,
    }
    return tuple(Reason(code, common | _known(_EVIDENCE[code](now, course))) for code in codes)


def _known(figures: Figures) -> dict[str, float | int | str]:
    """Leave out the figures that do not exist."""
    return {name: figure for name, figure in figures.items() if figure is not None}


def deterioration_reason(now: Findings) -> SignalReason:
    """Name a reliable deterioration by whether the score before it was one too."""
    return SignalReason.DETERIORATION_CONFIRMED if now.confirmed else SignalReason.DETERIORATION_UNCONFIRMED


def _applying(own: ReasonCode, now: Findings, course: Course) -> Iterator[ReasonCode]:
    """Name what holds, whether or not it set the signal; the model's tests only where they may set one."""
    if course.plan.crisis_pause:
        yield ReasonCode.CRISIS_PAUSE
    if now.deteriorated:
        yield ReasonCode(deterioration_reason(now))
    if now.enough_to_judge and now.good_enough:
        yield ReasonCode.GOOD_ENOUGH
    if course.started_below_cutoff:
        yield ReasonCode.STARTED_BELOW_CUTOFF
    elif now.enough_to_judge:
        if now.likely_to_deteriorate:
            yield ReasonCode.LIKELY_TO_DETERIORATE
        if not course.plan.only_worsening_signals:
            yield from _tests_that_hold(own, now)
    if course.late_baseline:
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


def _nothing_more(_now: Findings, _course: Course) -> Figures:
    return {}


def _expectation(now: Findings, _course: Course) -> Figures:
    lower, upper = now.look.band
    return {"expected": now.look.expected, "lower": lower, "upper": upper}


def _band(now: Findings, course: Course) -> Figures:
    return {**_expectation(now, course), "level": course.policy.band_level}


def _worsening(_now: Findings, course: Course) -> Figures:
    return {"reliable_change": course.criteria.reliable_change}


def _outlook(now: Findings, course: Course) -> Figures:
    return {
        "probability": now.look.deterioration,
        "threshold": course.policy.deterioration_probability,
        "reliable_change": course.criteria.reliable_change,
        "end_dose": now.look.end_dose,
    }


def _improvement(now: Findings, course: Course) -> Figures:
    return {
        "probability": now.look.established,
        "threshold": course.policy.no_change_probability,
        "needed_improvement": course.needed_improvement,
        "due_dose": now.due_dose,
        "late_window_dose": course.late_window,
    }


def _goal(now: Findings, course: Course) -> Figures:
    return {
        "probability": now.look.goal,
        "threshold": course.policy.goal_probability,
        "goal_score": course.goal_score,
        "end_dose": now.look.end_dose,
    }


def _cutoff(_now: Findings, course: Course) -> Figures:
    return {"cutoff": course.criteria.cutoff}


def _cutoff_and_change(now: Findings, course: Course) -> Figures:
    return {**_cutoff(now, course), **_worsening(now, course)}


def _early_window(now: Findings, course: Course) -> Figures:
    return {"scores": now.look.known, "early_window_dose": course.policy.early_window_dose}


def _late_baseline(_now: Findings, course: Course) -> Figures:
    return {"baseline_dose": course.baseline.dose}


_EVIDENCE: Mapping[ReasonCode, Callable[[Findings, Course], Figures]] = {
    ReasonCode.DETERIORATION_UNCONFIRMED: _worsening,
    ReasonCode.DETERIORATION_CONFIRMED: _worsening,
    ReasonCode.ABOVE_BAND: _band,
    ReasonCode.UNLIKELY_TO_REACH_GOAL: _goal,
    ReasonCode.LIKELY_TO_DETERIORATE: _outlook,
    ReasonCode.TIME_FOR_REVIEW: _improvement,
    ReasonCode.AS_EXPECTED: _expectation,
    ReasonCode.GOOD_ENOUGH: _cutoff_and_change,
    ReasonCode.TOO_EARLY: _early_window,
    ReasonCode.NO_CHANGE_YET: _improvement,
    ReasonCode.STARTED_BELOW_CUTOFF: _cutoff,
    ReasonCode.CRISIS_PAUSE: _nothing_more,
    ReasonCode.LATE_BASELINE: _late_baseline,
}
"""The numbers behind each reason; None for what does not exist here."""

"""What is true at one look: each test of a course, answered by itself, before any of them sets a signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.scales.change import ChangeCategory
from app.trajectories.looks import Look, look_at_each
from app.trajectories.series import Observation
from app.trajectories.yardstick import Yardstick


@dataclass(frozen=True, slots=True)
class Findings:
    """The tests of a course at one look.

    Parameters
    ----------
    look : Look
        The numbers.
    enough_to_judge : bool
        Whether there are two scores and the early window has been reached.
    deteriorated : bool
        The score is reliably worse than the baseline.
    confirmed : bool
        And so was the score before it.
    good_enough : bool
        The score is reliably better than the baseline and below the cut-off.
    likely_to_deteriorate : bool
        A score at the end is likely to be reliably worse than the baseline.
    unchanged : bool
        A true improvement that counts is less likely than not, and not even a noticeable one is established.
    unlikely_to_reach_goal : bool
        The goal has not been reached, and a score at the end is unlikely to.
    above_band : bool
        The score lies outside the expected band, on the bad side.
    clear : bool
        One of the last two holds by the stricter threshold that needs no second look.
    past_late_window : bool
        The late window has been reached.
    due_dose : int or None
        The newest review point that has been reached and not been reviewed since; None when no review is due.
    """

    look: Look
    enough_to_judge: bool
    deteriorated: bool
    confirmed: bool
    good_enough: bool
    likely_to_deteriorate: bool
    unchanged: bool
    unlikely_to_reach_goal: bool
    above_band: bool
    clear: bool
    past_late_window: bool
    due_dose: int | None

    @property
    def off_course(self) -> bool:
        """Whether any test of a flat or out-of-band course holds, after at least one session."""
        tested = self.look.known > 1 and self.look.observation.dose >= 1
        return tested and (self.unchanged or self.unlikely_to_reach_goal or self.above_band)


def find_at_each(treated: Sequence[Observation], yardstick: Yardstick, first: int = 0) -> tuple[Findings, ...]:
    """Answer every test at each treated administration, with the scores up to it.

    Parameters
    ----------
    treated : sequence of Observation
        The baseline and what follows, in time order.
    yardstick : Yardstick
        What they are held against.
    first : int
        Position of the first administration to answer for.

    Returns
    -------
    tuple of Findings
        In time order.
    """
    worse = [yardstick.change(each.score) is ChangeCategory.RELIABLE_DETERIORATION for each in treated]
    return tuple(
        _find(look, yardstick, deteriorated=worse[look.known - 1], before=look.known > 1 and worse[look.known - 2])
        for look in look_at_each(treated, yardstick, first)
    )


def _find(look: Look, yardstick: Yardstick, *, deteriorated: bool, before: bool) -> Findings:
    policy = yardstick.policy
    score, dose = look.observation.score, look.observation.dose
    improved = yardstick.change(score) is ChangeCategory.RELIABLE_IMPROVEMENT
    return Findings(
        look=look,
        enough_to_judge=look.known > 1 and dose >= policy.early_window_dose,
        deteriorated=deteriorated,
        confirmed=deteriorated and before,
        good_enough=improved and yardstick.below_cutoff(score),
        likely_to_deteriorate=_reaches(look.deterioration, policy.deterioration_probability),
        unchanged=_unchanged(look, yardstick),
        unlikely_to_reach_goal=_goal_unlikely(look, yardstick, policy.goal_probability),
        above_band=yardstick.worse_than(look.band, score),
        clear=_goal_unlikely(look, yardstick, policy.clear_probability) or yardstick.worse_than(look.clear_band, score),
        past_late_window=dose >= yardstick.late_window,
        due_dose=yardstick.due_dose(dose),
    )


def _unchanged(look: Look, yardstick: Yardstick) -> bool:
    """Tell whether the patient is, as far as anyone can tell, where the treatment started.

    A quarter of a high first score is more than the expected course gives in the first sessions, part of which is
    regression to the mean and no true change. So a course is not called unchanged while a noticeable improvement is
    established, although the quarter is not.
    """
    policy = yardstick.policy
    better = _reaches(look.noticeable, policy.established_probability)
    return look.established < policy.no_change_probability and not better


def _goal_unlikely(look: Look, yardstick: Yardstick, threshold: float) -> bool:
    """Tell whether the goal is unlikely to be reached; never of a patient whose newest score is there."""
    if look.goal is None or yardstick.reaches_goal(look.observation.score):
        return False
    return look.goal < threshold


def _reaches(probability: float | None, threshold: float) -> bool:
    return probability is not None and probability >= threshold

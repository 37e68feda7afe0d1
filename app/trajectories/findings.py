"""What is true at one look: each test of a course, answered by itself, before any of them sets a signal."""

from __future__ import annotations

from typing import NamedTuple

from app.scales.change import ChangeCategory
from app.trajectories.course import Course
from app.trajectories.looks import Look
from app.trajectories.policy import Policy


class Findings(NamedTuple):
    """The tests of a course at one look.

    Parameters
    ----------
    look : Look
        The numbers.
    improvement : float
        Points since the baseline, positive when better.
    change : ChangeCategory
        Whether that is a reliable change from the baseline.
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
    improvement: float
    change: ChangeCategory
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


def find(look: Look, course: Course) -> Findings:
    """Answer every test at one look at a course.

    Parameters
    ----------
    look : Look
        The numbers.
    course : Course
        The course that they belong to.

    Returns
    -------
    Findings
    """
    policy = course.policy
    score, dose = look.observation.score, look.observation.dose
    change = course.change(score)
    reached = course.reaches_goal(score)
    out_of_reach = not reached and _below(look.goal, policy.clear_probability)
    deteriorated = change is ChangeCategory.RELIABLE_DETERIORATION
    return Findings(
        look=look,
        improvement=course.improvement(score),
        change=change,
        enough_to_judge=look.known > 1 and dose >= policy.early_window_dose,
        deteriorated=deteriorated,
        confirmed=deteriorated and _deteriorated_before(look, course),
        good_enough=change is ChangeCategory.RELIABLE_IMPROVEMENT and course.below_cutoff(score),
        likely_to_deteriorate=_reaches(look.deterioration, policy.deterioration_probability),
        unchanged=_unchanged(look, policy),
        unlikely_to_reach_goal=not reached and _below(look.goal, policy.goal_probability),
        above_band=course.worse_than(look.band, score),
        clear=out_of_reach or course.worse_than(look.clear_band, score),
        past_late_window=dose >= course.late_window,
        due_dose=course.due_dose(dose),
    )


def _deteriorated_before(look: Look, course: Course) -> bool:
    """Tell whether the score before was reliably worse than the baseline, which itself never is."""
    before = course.treated[max(look.known - 2, 0)]
    return course.change(before.score) is ChangeCategory.RELIABLE_DETERIORATION


def _unchanged(look: Look, policy: Policy) -> bool:
    """Tell whether the patient is, as far as anyone can tell, where the treatment started.

    A quarter of a high first score is more than the expected course gives in the first sessions, part of which is
    regression to the mean and no true change. So a course is not called unchanged while a noticeable improvement is
    established, although the quarter is not.
    """
    better = _reaches(look.noticeable, policy.established_probability)
    return look.established < policy.no_change_probability and not better


def _reaches(probability: float | None, threshold: float) -> bool:
    return probability is not None and probability >= threshold


def _below(probability: float | None, threshold: float) -> bool:
    return probability is not None and probability < threshold

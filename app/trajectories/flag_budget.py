"""Thresholds from a flag budget: how likely counts as likely, where only so many episodes can be taken up.

A team can take up only so many courses. In place of a probability it names the share of episodes that it wants to
discuss before and from the late window on, and gets the two thresholds of its policy that flag so many of simulated
ones: no other figure of the policy is found for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from app.errors import InvalidSeries, MalformedBody
from app.scales.change import ChangeCriteria
from app.trajectories.course import Course
from app.trajectories.findings import Findings, find
from app.trajectories.growth import GrowthCurve
from app.trajectories.looks import Look, look_at
from app.trajectories.policy import Plan, Policy
from app.trajectories.prediction import FloatArray
from app.trajectories.series import Observation, Phase, Series
from app.trajectories.simulation import Occasions, simulate

BoolArray: TypeAlias = npt.NDArray[np.bool_]

_DECIMALS = 4
_STEP = 10.0**-_DECIMALS
"""What probabilities are rounded to before they are compared, so that thresholds need no more."""

_START = datetime(2024, 1, 1, tzinfo=UTC)
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class BudgetedThreshold:
    """A threshold, and how many episodes it flags.

    Parameters
    ----------
    probability : float or None
        The threshold, above 0 and below 1. None where no episode can be flagged for this reason.
    share : float
        Share of the simulated episodes that it flags.
    standard_error : float
        Of that share.
    """

    probability: float | None
    share: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class BudgetThresholds:
    """The thresholds for a flag budget.

    Parameters
    ----------
    deterioration : BudgetedThreshold
        From which probability of reliable deterioration on an episode is flagged before the late window.
    goal : BudgetedThreshold
        Below which probability of reaching the goal one is flagged from the late window on.
    ever : BudgetedThreshold
        Share of the episodes that both together flag at any time; its probability is None.
    episodes : int
        How many episodes were simulated.
    """

    deterioration: BudgetedThreshold
    goal: BudgetedThreshold
    ever: BudgetedThreshold
    episodes: int

    def applied_to(self, policy: Policy) -> Policy:
        """Give a policy with these thresholds; what it takes to be clear follows a lower goal.

        Parameters
        ----------
        policy : Policy
            The policy that they were found for.

        Returns
        -------
        Policy
            The same where no threshold was found.
        """
        goal = self.goal.probability or policy.goal_probability
        return replace(
            policy,
            deterioration_probability=self.deterioration.probability or policy.deterioration_probability,
            goal_probability=goal,
            clear_probability=min(policy.clear_probability, goal),
        )


class _Extremes(NamedTuple):
    """The most alarming figures of one episode, where they could flag it; infinite where they could not."""

    deterioration_early: float
    deterioration: float
    goal: float


def thresholds_for_budget(
    curve: GrowthCurve,
    criteria: ChangeCriteria,
    policy: Policy,
    plan: Plan,
    budget: float,
    rng: np.random.Generator,
    count: int,
) -> BudgetThresholds:
    """Find the thresholds that flag a share of simulated episodes.

    Parameters
    ----------
    curve : GrowthCurve
        The growth model, taken for the truth.
    criteria : ChangeCriteria
        Reliable change and cut-off. Only who starts on the clinical side counts; all do where there is no cut-off.
    policy : Policy
        The windows. Flagging is taken as `pending`: under `early` the goal flags before the late window too.
    plan : Plan
        Planned end and interval. Without an end, episodes go to the first period evaluation, or the late window where
        there is none. A crisis pause is left out.
    budget : float
        Share of the episodes to be flagged for each of the two reasons, above 0 and below 1: for likely deterioration
        before the late window, for an unlikely goal from it on.
    rng : numpy.random.Generator
        Source of randomness.
    count : int
        How many referrals to draw, 1 or more; those that are no cases are left out.

    Returns
    -------
    BudgetThresholds
        The lowest threshold of deterioration and the highest of the goal that keep within the budget.

    Raises
    ------
    MalformedBody
        If the budget is not a share.
    InvalidSeries
        If there is no episode, or none is a case.

    Notes
    -----
    Everybody is measured before each session, and nobody leaves. An episode is flagged when a look at it has the
    figure beyond the threshold and no red and no *good enough* stands before it, as in the verdict. A threshold found
    from n episodes is itself uncertain: among other episodes the share flagged lies around the budget with about
    sqrt(2) times the standard error.

    Examples
    --------
    >>> from app.trajectories.growth import default_curve
    >>> phq_9 = ChangeCriteria(0, 27, cutoff=10, reliable_change=6, important_difference=1.7)
    >>> held_against = default_curve("phq-9"), phq_9, Policy(), Plan(planned_dose=8)
    >>> found = thresholds_for_budget(*held_against, 0.2, np.random.default_rng(1), 300)
    >>> found.deterioration.share <= 0.2, found.goal.share <= 0.2, found.episodes < 300
    (True, True, True)
    """
    if not 0 < budget < 1:
        raise MalformedBody("budget must be a share", pointer="/budget", allowed="a number above 0 and below 1")
    pending = replace(plan, crisis_pause=False)
    courses = _cases(curve, criteria, policy, pending, rng, count)
    if not courses:
        raise InvalidSeries("no simulated episode starts on the clinical side of the cut-off")
    looked = zip(courses, look_at(courses), strict=True)
    early, ever, goal = np.array([_extremes(course, looks) for course, looks in looked]).T
    deterioration_threshold, goal_threshold = _lowest(early, budget), _highest(goal, budget)
    worse = _reaching(ever, deterioration_threshold)
    stuck = _below(goal, goal_threshold)
    return BudgetThresholds(
        deterioration=_budgeted(deterioration_threshold, _reaching(early, deterioration_threshold)),
        goal=_budgeted(goal_threshold, stuck),
        ever=_budgeted(None, worse | stuck),
        episodes=len(courses),
    )


def _cases(
    curve: GrowthCurve, criteria: ChangeCriteria, policy: Policy, plan: Plan, rng: np.random.Generator, count: int
) -> list[Course]:
    end = plan.planned_dose or next(iter(policy.period_evaluation_doses), policy.late_window_dose)
    occasions = Occasions(tuple(range(end + 1)), plan.weeks_for(1))
    scores = simulate(rng, curve, occasions, count).complete
    return [
        Course(series_of(row, occasions), criteria, curve, policy, plan)
        for row in scores.tolist()
        if criteria.cutoff is None or criteria.is_case(row[0])
    ]


def series_of(scores: Sequence[float], occasions: Occasions) -> Series:
    """Give the series of somebody who answers on simulated occasions, before each session.

    Parameters
    ----------
    scores : sequence of float
        One for each occasion, points.
    occasions : Occasions
        When they are given.

    Returns
    -------
    Series
        The first score is the baseline.
    """
    placed = zip(scores, occasions.doses, occasions.weeks, strict=True)
    observations = (
        Observation(dose, _START + timedelta(weeks=weeks), score, dose, weeks, Phase.TREATMENT)
        for score, dose, weeks in placed
    )
    return Series(tuple(observations), 0, late_baseline=False, sessions_counted=occasions.doses[-1] + 1)


def _extremes(course: Course, looks: Sequence[Look]) -> _Extremes:
    found = [now for now in (find(look, course) for look in looks) if _may_be_flagged(now)]
    worse = [(now.past_late_window, now.look.deterioration) for now in found if now.look.deterioration is not None]
    open_goals = [
        now.look.goal
        for now in found
        if now.past_late_window and now.look.goal is not None and not course.reaches_goal(now.look.observation.score)
    ]
    return _Extremes(
        deterioration_early=max((chance for late, chance in worse if not late), default=-math.inf),
        deterioration=max((chance for _, chance in worse), default=-math.inf),
        goal=math.inf if course.plan.only_worsening_signals else min(open_goals, default=math.inf),
    )


def _may_be_flagged(now: Findings) -> bool:
    """Tell whether nothing stands before a yellow signal at a look at a case."""
    return now.enough_to_judge and not now.deteriorated and not now.good_enough


def _lowest(figures: FloatArray, budget: float) -> float | None:
    """Give the lowest threshold that no more than the budget reach."""
    if np.isinf(figures).all():
        return None
    first_beyond = np.sort(figures)[::-1][_allowed(figures, budget)]
    return _as_threshold(max(first_beyond, 0.0) + _STEP)


def _highest(figures: FloatArray, budget: float) -> float | None:
    """Give the highest threshold that no more than the budget lie below."""
    if np.isinf(figures).all():
        return None
    return _as_threshold(min(np.sort(figures)[_allowed(figures, budget)], 1.0))


def _allowed(figures: FloatArray, budget: float) -> int:
    """Give how many may be flagged, which is fewer than there are."""
    return math.floor(budget * len(figures) + _SLACK)


def _as_threshold(probability: float) -> float:
    return round(float(np.clip(probability, _STEP, 1 - _STEP)), _DECIMALS)


def _reaching(figures: FloatArray, threshold: float | None) -> BoolArray:
    return figures >= (math.inf if threshold is None else threshold)


def _below(figures: FloatArray, threshold: float | None) -> BoolArray:
    return figures < (-math.inf if threshold is None else threshold)


def _budgeted(probability: float | None, flagged: BoolArray) -> BudgetedThreshold:
    share = float(flagged.mean())
    return BudgetedThreshold(probability, share, math.sqrt(share * (1 - share) / len(flagged)))

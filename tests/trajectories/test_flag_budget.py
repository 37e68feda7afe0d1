"""Thresholds from a flag budget: held against the verdicts that they give on the same episodes, and on others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from app.errors import InvalidSeries, MalformedBody
from app.scales.change import ChangeCriteria
from app.trajectories.flag_budget import BudgetedThreshold, BudgetThresholds, thresholds_for_budget
from app.trajectories.policy import Plan, Policy
from app.trajectories.progress import Progress, ReasonCode, Signal, SignalReason
from app.trajectories.simulation import Occasions, simulate
from app.trajectories.tracking import assess_each
from tests.trajectories.factories import GAD_7, PHQ_9, a_curve, a_series, of_all_shapes

USUAL, EIGHT = Policy(), Plan(planned_dose=8)
CURVE = of_all_shapes(a_curve())
"""One in ten gets worse, so that there is much to flag before the late window."""


def found(
    budget: float = 0.2,
    *,
    criteria: ChangeCriteria = PHQ_9,
    policy: Policy = USUAL,
    plan: Plan = EIGHT,
    seed: int = 1,
    count: int = 250,
) -> BudgetThresholds:
    return thresholds_for_budget(CURVE, criteria, policy, plan, budget, np.random.default_rng(seed), count)


def episodes(seed: int = 1, count: int = 250, end: int = 8) -> list[list[float]]:
    """Give the scores of the cases of a cohort, before each session up to the end."""
    scores = simulate(np.random.default_rng(seed), CURVE, Occasions(tuple(range(end + 1))), count).complete
    return [row for row in scores.tolist() if row[0] >= 10]


def verdicts_on(scores: Sequence[float], policy: Policy, plan: Plan = EIGHT) -> tuple[Progress, ...]:
    return assess_each(a_series(scores), PHQ_9, CURVE, policy, plan)


def worried_before(verdicts: Sequence[Progress], window: int) -> bool:
    return any(each.dose < window and each.signal_reason is SignalReason.LIKELY_TO_DETERIORATE for each in verdicts)


def stuck_after(verdicts: Sequence[Progress], window: int) -> bool:
    """Tell whether an unlikely goal was a reason of a yellow signal, whichever reason came first."""
    return any(
        each.dose >= window
        and each.signal is Signal.YELLOW
        and ReasonCode.UNLIKELY_TO_REACH_GOAL in {reason.code for reason in each.reasons}
        for each in verdicts
    )


@pytest.mark.parametrize("budget", [0.05, 0.2])
def test_the_verdicts_on_the_same_episodes_flag_the_shares_that_are_told(budget: float) -> None:
    thresholds = found(budget)
    policy = thresholds.applied_to(USUAL)
    assessed = [verdicts_on(scores, policy) for scores in episodes()]
    window = policy.late_window(EIGHT)
    before = [worried_before(each, window) for each in assessed]
    after = [stuck_after(each, window) for each in assessed]
    assert thresholds.episodes == len(assessed)
    assert thresholds.deterioration.share == pytest.approx(sum(before) / len(before))
    assert thresholds.goal.share == pytest.approx(sum(after) / len(after))


def test_ever_counts_an_episode_once() -> None:
    thresholds = found()
    policy = thresholds.applied_to(USUAL)
    window = policy.late_window(EIGHT)
    ever = [
        stuck_after(each, window)
        or any(verdict.signal_reason is SignalReason.LIKELY_TO_DETERIORATE for verdict in each)
        for each in (verdicts_on(scores, policy) for scores in episodes())
    ]
    assert thresholds.ever.share == pytest.approx(sum(ever) / len(ever))
    assert thresholds.ever.share <= thresholds.deterioration.share + thresholds.goal.share + 0.1


@pytest.mark.parametrize("budget", [0.05, 0.1, 0.2, 0.4])
def test_the_budget_is_used_and_not_exceeded(budget: float) -> None:
    """Probabilities hardly ever tie, so that all of the budget is used but a part of one episode, or two."""
    thresholds = found(budget)
    for each in (thresholds.deterioration, thresholds.goal):
        assert budget - 3 / thresholds.episodes < each.share <= budget
        assert each.standard_error == pytest.approx(sqrt(each.share * (1 - each.share) / thresholds.episodes))


def test_one_step_more_would_exceed_it() -> None:
    thresholds = found()
    assert thresholds.deterioration.probability is not None
    assert thresholds.goal.probability is not None
    policy = thresholds.applied_to(USUAL)
    wider = replace(
        policy,
        deterioration_probability=thresholds.deterioration.probability - 1e-4,
        goal_probability=thresholds.goal.probability + 1e-4,
    )
    assessed = [verdicts_on(scores, wider) for scores in episodes()]
    window = wider.late_window(EIGHT)
    assert sum(worried_before(each, window) for each in assessed) > 0.2 * len(assessed)
    assert sum(stuck_after(each, window) for each in assessed) > 0.2 * len(assessed)


def test_other_episodes_keep_to_it_within_its_error() -> None:
    thresholds = found(0.1, count=1500)
    policy = thresholds.applied_to(USUAL)
    window = policy.late_window(EIGHT)
    others = [verdicts_on(scores, policy) for scores in episodes(seed=2, count=500)]
    for share, flags in (
        (thresholds.deterioration.share, [worried_before(each, window) for each in others]),
        (thresholds.goal.share, [stuck_after(each, window) for each in others]),
    ):
        error = sqrt(0.1 * 0.9 * (1 / len(others) + 1 / thresholds.episodes))
        assert sum(flags) / len(flags) == pytest.approx(share, abs=3 * error)


def test_more_flags_need_looser_thresholds() -> None:
    thresholds = [found(budget) for budget in (0.05, 0.1, 0.2, 0.4)]
    deterioration = [each.deterioration.probability or 0 for each in thresholds]
    goal = [each.goal.probability or 0 for each in thresholds]
    assert deterioration == sorted(deterioration, reverse=True)
    assert goal == sorted(goal)


def test_the_same_seed_gives_the_same_thresholds() -> None:
    assert found() == found()
    assert found() != found(seed=2)


def test_what_can_not_be_flagged_has_no_threshold() -> None:
    """Two sessions never reach the early window; in pathway 3 an unlikely goal is no finding."""
    never = BudgetedThreshold(None, 0.0, 0.0)
    short = found(plan=Plan(planned_dose=2))
    assert (short.deterioration, short.goal, short.ever) == (never, never, never)
    assert short.applied_to(USUAL) == USUAL
    long_term = found(plan=Plan(planned_dose=8, pathway=3))
    assert long_term.goal == never
    assert long_term.deterioration.probability is not None


def test_without_a_reliable_change_no_deterioration_and_without_a_cutoff_everybody() -> None:
    thresholds = found(criteria=ChangeCriteria(0, 27, cutoff=10))
    assert thresholds.deterioration.probability is None
    assert thresholds.goal.probability is not None
    everybody = found(criteria=ChangeCriteria(0, 27, reliable_change=6))
    assert everybody.episodes == 250


def test_a_budget_that_nearly_all_fit_into_asks_for_the_loosest_threshold() -> None:
    """Most episodes have some probability of deterioration and one below 1 of the goal, but not all."""
    thresholds = found(0.999)
    assert thresholds.deterioration.probability == 1e-4
    assert thresholds.goal.probability == 0.9999


def test_a_crisis_pause_is_left_out() -> None:
    assert found(plan=replace(EIGHT, crisis_pause=True)) == found()


@pytest.mark.parametrize(("policy", "end"), [(USUAL, 12), (replace(USUAL, period_evaluation_doses=()), 7)])
def test_without_a_planned_end_it_goes_to_the_first_evaluation(policy: Policy, end: int) -> None:
    thresholds = found(policy=policy, plan=Plan())
    assessed = [verdicts_on(scores, thresholds.applied_to(policy), Plan()) for scores in episodes(end=end)]
    after = [stuck_after(each, 7) for each in assessed]
    assert thresholds.goal.share == pytest.approx(sum(after) / len(after))


def test_a_lower_goal_takes_what_is_clear_along() -> None:
    figures = BudgetedThreshold(0.1, 0.2, 0.01)
    policy = BudgetThresholds(figures, figures, figures, 100).applied_to(USUAL)
    assert (policy.deterioration_probability, policy.goal_probability, policy.clear_probability) == (0.1, 0.1, 0.1)


def test_for_the_gad_7_too() -> None:
    curve, rng = a_curve("gad-7"), np.random.default_rng(1)
    thresholds = thresholds_for_budget(curve, GAD_7, USUAL, EIGHT, 0.2, rng, 200)
    assert 0.15 < thresholds.goal.share <= 0.2


@pytest.mark.parametrize("budget", [0, 1, -0.1, float("nan")])
def test_a_budget_is_a_share(budget: float) -> None:
    with pytest.raises(MalformedBody, match="budget") as refusal:
        found(budget)
    assert refusal.value.pointer == "/budget"


def test_there_must_be_a_case() -> None:
    with pytest.raises(InvalidSeries, match="clinical side"):
        found(criteria=ChangeCriteria(0, 27, cutoff=27, reliable_change=6), count=5)

"""Learnt curves on later episodes: figures by their own definitions, and gates that open for a good curve only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.trajectories.calibration import calibration
from app.trajectories.episodes import Episodes
from app.trajectories.fitting import fit_growth_curve
from app.trajectories.gates import GateName, judge
from app.trajectories.growth import GrowthCurve
from app.trajectories.out_of_time import judge_out_of_time
from app.trajectories.parameters import default_spread
from app.trajectories.sampling_error import clustered_mean
from app.trajectories.simulation import Occasions, simulate
from tests.trajectories.factories import PHQ_9, a_curve, b7b
from tests.trajectories.oracles import slow_conditional

DOSES = tuple(range(9))


def a_service(truth: GrowthCurve, count: int, seed: int) -> Episodes:
    return simulate(np.random.default_rng(seed), truth, Occasions(DOSES), count).episodes


def shut(learnt_from: Episodes, held_back: Episodes, candidate: GrowthCurve, present: GrowthCurve) -> set[GateName]:
    gates = judge(judge_out_of_time(learnt_from, held_back, candidate, present, PHQ_9))
    return {gate.name for gate in gates if not gate.passed}


def test_a_curve_learnt_from_a_service_that_differs_passes_every_gate() -> None:
    truth = replace(a_curve(), intercept=a_curve().intercept + 3, session_slope=-1.5)
    older, newer = a_service(truth, 300, seed=1), a_service(truth, 200, seed=2)
    learnt = fit_growth_curve(older, a_curve(), default_spread("phq-9")).curve
    assert shut(older, newer, learnt, a_curve()) == set()
    found = judge_out_of_time(older, newer, learnt, a_curve(), PHQ_9)
    assert found.log_score_difference.estimate > 0
    assert (found.episodes_learnt_with_three_scores, found.episodes_judged) == (300, 200)


def test_a_curve_that_is_too_sure_does_not() -> None:
    """A quarter of the noise and of the drift: bands half as wide, probabilities too extreme."""
    sure = replace(a_curve(), noise_variance=2.0, drift_variance=3.0)
    older, newer = a_service(a_curve(), 120, seed=1), a_service(a_curve(), 300, seed=2)
    assert shut(older, newer, sure, a_curve()) == {GateName.COVERAGE, GateName.CALIBRATION, GateName.LOG_SCORE}


def test_nor_one_learnt_from_few() -> None:
    older, newer = a_service(a_curve(), 99, seed=1), a_service(a_curve(), 300, seed=2)
    assert shut(older, newer, a_curve(), a_curve()) == {GateName.ENOUGH_EPISODES}


def test_episodes_with_two_scores_don_t_count_as_enough() -> None:
    pairs = Episodes.of([1, 1, 2, 2, 2], [0, 1, 0, 1, 2], [0, 1, 0, 1, 2], [15, 12, 14, 12, 9])
    found = judge_out_of_time(pairs, a_service(a_curve(), 20, seed=3), a_curve(), a_curve(), PHQ_9)
    assert found.episodes_learnt_with_three_scores == 1


def test_the_figures_by_the_slow_way() -> None:
    """Each patient alone, by the dense oracle: coverage, log score and the probability of no reliable improvement."""
    newer = a_service(a_curve(), 12, seed=5)
    narrow = replace(b7b(), noise_variance=4.0)
    found = judge_out_of_time(newer, newer, narrow, b7b(), PHQ_9)
    coverage, difference, risks, happened, who, whose = [], [], [], [], [], []
    for place in range(newer.count):
        one = newer.chosen(np.array([place]))
        rows = list(zip(one.doses.tolist(), one.weeks.tolist(), one.scores.tolist(), strict=True))
        known, later = rows[:4], rows[4:]
        ours, theirs = (slow_conditional(curve, known, [row[:2] for row in later]) for curve in (narrow, b7b()))
        for number, (_, _, score) in enumerate(later):
            cells, others = np.array(ours.cells(number)), np.array(theirs.cells(number))
            below, at = cells[: int(score)].sum(), cells[: int(score) + 1].sum()
            coverage.append(max(0.0, min(at, 0.9) - max(below, 0.1)) / (at - below))
            difference.append(np.log(cells[int(score)] / others[int(score)]))
            who.append(place)
            if known[0][2] >= 10:
                risks.append(1 - cells[: int(known[0][2]) - 6 + 1].sum())
                happened.append(score > known[0][2] - 6)
                whose.append(place)
    assert found.coverage.estimate == pytest.approx(np.mean(coverage), abs=1e-6)
    assert found.coverage.standard_error == pytest.approx(clustered_mean(coverage, who).standard_error, rel=1e-5)
    assert found.log_score_difference.estimate == pytest.approx(np.mean(difference), abs=1e-6)
    expected = calibration(risks, happened, whose).slope
    assert found.calibration_slope.estimate == pytest.approx(expected.estimate, rel=1e-4)
    assert found.calibration_slope.standard_error == pytest.approx(expected.standard_error, rel=1e-4)


class TestWhatCantBeTold:
    def test_no_later_scores(self) -> None:
        first_only = Episodes.of([1, 2], [0, 0], [0, 0], [15, 12])
        found = judge_out_of_time(a_service(a_curve(), 120, seed=1), first_only, a_curve(), a_curve(), PHQ_9)
        assert found.episodes_judged == 0
        assert {gate.name for gate in judge(found) if gate.passed} == {GateName.ENOUGH_EPISODES}

    def test_nobody_started_as_a_case(self) -> None:
        mild = Episodes.of([1, 1, 2, 2], [0, 5, 0, 5], [0, 5, 0, 5], [8, 5, 9, 9])
        found = judge_out_of_time(mild, mild, a_curve(), a_curve(), PHQ_9)
        assert np.isnan(found.calibration_slope.estimate)
        assert found.coverage.estimate == pytest.approx(found.coverage.estimate)

    def test_no_reliable_change_is_published(self) -> None:
        criteria = replace(PHQ_9, reliable_change=None)
        newer = a_service(a_curve(), 20, seed=3)
        found = judge_out_of_time(newer, newer, a_curve(), a_curve(), criteria)
        assert np.isnan(found.calibration_slope.estimate)
        assert not np.isnan(found.coverage.estimate)

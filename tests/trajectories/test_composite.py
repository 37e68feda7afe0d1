"""Two measures together: against one measure alone, a bivariate normal distribution, and simulated pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from app.errors import InstrumentDataError, InvalidSeries
from app.trajectories.composite import (
    CompositeChances,
    JointCurve,
    Scored,
    composite_chances,
    default_joint_curve,
    joint_cells,
)
from app.trajectories.link import Link, LinkKind
from app.trajectories.shapes import ResponseShape
from app.trajectories.simulation import Occasions, simulate_pair
from tests.trajectories.factories import GAD_7, PHQ_9, b7b
from tests.trajectories.oracles import slow_conditional

JOINT = default_joint_curve()


@pytest.mark.parametrize("scores", [[15], [15, 12, 10], [15, 3, 0, 0], [27, 27, 20]])
@pytest.mark.parametrize("measure", [0, 1])
def test_one_measure_alone_is_its_own_curve(measure: int, scores: list[int]) -> None:
    """With only one of the two known, its margin is what the slow computation of its own curve gives."""
    curve = JOINT.curves[measure]
    known = [(dose, dose, min(score, curve.maximum)) for dose, score in enumerate(scores)]
    cells = joint_cells(JOINT, [Scored(measure, *each) for each in known], 8, 8)
    alone = slow_conditional(curve, known, [(8, 8)]).cells(0)
    np.testing.assert_allclose(cells.sum(axis=1 - measure), alone, atol=1e-10)


def test_pairs_without_any_score_are_a_bivariate_normal_distribution() -> None:
    """One shape on the raw scale: rectangles by scipy's bivariate distribution, the ends of the scale included.

    At dose 0: means 14.3 and 12.8; variances 3.74^2 + 10 + 6 and 3^2 + 6.5 + 4; covariance
    .65 x 3.74 x 3 + .7 sqrt(10 x 6.5) + .4 sqrt(6 x 4).
    """
    joint = JointCurve((b7b(), b7b("gad-7")), level=0.65, slope=0.8, drift=0.7, noise=0.4)
    both = 0.65 * 3.74 * 3 + 0.7 * 65**0.5 + 0.4 * 24**0.5
    law = multivariate_normal([14.3, 12.8], [[3.74**2 + 16, both], [both, 19.5]])
    cells = joint_cells(joint, [], 0, 0)

    def rectangle(first: int, second: int) -> float:
        low, high = -200.0 if first == 0 else first - 0.5, 200.0 if first == 27 else first + 0.5
        left, right = -200.0 if second == 0 else second - 0.5, 200.0 if second == 21 else second + 0.5
        return float(law.cdf([high, right]) - law.cdf([low, right]) - law.cdf([high, left]) + law.cdf([low, left]))

    for pair in ((0, 0), (5, 6), (14, 13), (27, 21), (0, 21), (27, 3)):
        assert cells[pair] == pytest.approx(rectangle(*pair), abs=1e-7)


def test_a_score_of_the_other_measure_tells_something() -> None:
    """Both measures go together: a high GAD-7 raises what the PHQ-9 is expected to be, as by hand.

    One shape, raw scale, both at dose 0: 14.3 + both / 19.5 x (20 - 12.8), `both` as above.
    """
    joint = JointCurve((b7b(), b7b("gad-7")), level=0.65, slope=0.8, drift=0.7, noise=0.0)
    both = 0.65 * 3.74 * 3 + 0.7 * 65**0.5
    without_ends = Link(LinkKind.IDENTITY, -200, 200, middle=10)
    phq_9, gad_7 = joint.curves
    wide = replace(joint, curves=(replace(phq_9, link=without_ends), replace(gad_7, link=without_ends)))
    cells = joint_cells(wide, [Scored(1, 0, 0, 20)], 0, 0)
    expected = cells.sum(axis=1) @ np.arange(-200, 201)
    assert expected == pytest.approx(14.3 + both / 19.5 * 7.2, abs=1e-6)


def test_the_outcomes_are_summed_over_pairs() -> None:
    """First scores 15 and 12: pairs are listed by hand from the definitions of NHS Talking Therapies."""
    cells = np.zeros((28, 22))
    cells[9, 12] = 0.1  # PHQ-9 reliably better, GAD-7 still a case: improvement
    cells[9, 7] = 0.2  # both below their cut-offs: improvement and recovery
    cells[21, 8] = 0.3  # one reliably worse, the other better: neither
    cells[15, 16] = 0.25  # GAD-7 reliably worse: deterioration
    cells[14, 13] = 0.15  # no reliable change
    chances = composite_chances(cells, (PHQ_9, GAD_7), (15, 12))
    assert chances == pytest.approx(CompositeChances(improvement=0.3, deterioration=0.25, recovery=0.2))


def test_what_is_said_happens_as_often_in_simulated_pairs() -> None:
    """Standard errors over 4,000 patients at most .008; four of them are allowed. Only first scores are known."""
    first, second = simulate_pair(np.random.default_rng(5), JOINT, Occasions((0, 7)), 4000)
    pairs, counts = np.unique(np.column_stack([first[:, 0], second[:, 0]]), axis=0, return_counts=True)
    said = np.zeros(3)
    for (phq_9, gad_7), count in zip(pairs.tolist(), counts, strict=True):
        cells = joint_cells(JOINT, [Scored(0, 0, 0, phq_9), Scored(1, 0, 0, gad_7)], 7, 7)
        said += count / 4000 * np.array(composite_chances(cells, (PHQ_9, GAD_7), (phq_9, gad_7)))
    down, anxious = first[:, 0] - first[:, 1], second[:, 0] - second[:, 1]
    better, worse = (down >= 6) | (anxious >= 4), (down <= -6) | (anxious <= -4)
    case = (first[:, 0] >= 10) | (second[:, 0] >= 8)
    recovered = case & (first[:, 1] < 10) & (second[:, 1] < 8)
    happened = np.array([(better & ~worse).mean(), (worse & ~better).mean(), recovered.mean()])
    np.testing.assert_allclose(said, happened, atol=0.032)


def test_the_default_deteriorates_as_often_as_services_report() -> None:
    """Engine, section 6: of cases 5 to 8 % on the composite at session 8 (dose 7), 2 to 4 % on the PHQ-9 alone."""
    first, second = simulate_pair(np.random.default_rng(9), JOINT, Occasions((0, 7)), 60_000)
    down, anxious = first[:, 0] - first[:, 1], second[:, 0] - second[:, 1]
    better, worse = (down >= 6) | (anxious >= 4), (down <= -6) | (anxious <= -4)
    case = (first[:, 0] >= 10) | (second[:, 0] >= 8)
    assert 0.05 < (worse & ~better)[case].mean() < 0.08
    assert 0.02 < (down <= -6)[first[:, 0] >= 10].mean() < 0.04


def test_curves_that_do_not_go_together_are_refused() -> None:
    phq_9, gad_7 = JOINT.curves
    one = replace(gad_7, shares={ResponseShape.EARLY: 1.0})
    for curves in ((phq_9, one), (phq_9, replace(gad_7, drift_weeks=3.0))):
        with pytest.raises(InstrumentDataError, match="the same shapes"):
            replace(JOINT, curves=curves)
    with pytest.raises(InstrumentDataError, match="correlation of drift"):
        replace(JOINT, drift=1.0)


def test_a_score_outside_its_scale_is_refused() -> None:
    with pytest.raises(InvalidSeries, match="outside the range"):
        joint_cells(JOINT, [Scored(1, 0, 0, 22)], 8, 8)

"""How a learnt curve did, as tests of its gates need it."""

from __future__ import annotations

from app.trajectories.gates import HeldOut
from app.trajectories.sampling_error import Interval


def about(estimate: float, standard_error: float = 0.01) -> Interval:
    """Give an interval by hand: the estimate and twice its standard error on both sides."""
    return Interval(estimate, standard_error, estimate - 2 * standard_error, estimate + 2 * standard_error)


DOES_WELL = HeldOut(
    episodes_learnt_with_three_scores=120,
    episodes_judged=45,
    coverage=about(0.8),
    calibration_slope=about(1.0),
    log_score_difference=about(0.004),
)
"""What passes every gate."""

"""Slow and obvious computations, straight from the written formulas, to hold the fast ones against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import erf, exp, log, sqrt

import numpy as np

from app.scales.change import Better, ChangeCategory, ChangeCriteria
from app.trajectories.growth import GrowthCurve
from app.trajectories.policy import Plan, Policy
from app.trajectories.prediction import FloatArray
from app.trajectories.series import Observation


def normal_cdf(z: float) -> float:
    return 0.5 * (1 + erf(z / sqrt(2)))


def slow_covariance(curve: GrowthCurve, points: Sequence[tuple[float, float]]) -> FloatArray:
    """Give the covariance of true scores from its written formula, one pair at a time."""
    matrix = np.empty((len(points), len(points)))
    for row, (dose, week) in enumerate(points):
        for column, (other_dose, other_week) in enumerate(points):
            phi, other_phi = log(1 + min(dose, 52)), log(1 + min(other_dose, 52))
            matrix[row, column] = (
                curve.sd_intercept**2
                + curve.correlation * curve.sd_intercept * curve.sd_slope * (phi + other_phi)
                + curve.sd_slope**2 * phi * other_phi
                + curve.drift_variance * exp(-abs(week - other_week) / curve.drift_weeks)
            )
    return matrix


def slow_conditional(
    curve: GrowthCurve, given_: Sequence[tuple[float, float, float]], points: Sequence[tuple[float, float]]
) -> tuple[FloatArray, FloatArray]:
    """Give mean and covariance of true scores by solving with the dense covariance matrix."""
    n = len(given_)
    everything = [(dose, week) for dose, week, _ in given_] + list(points)
    mean = np.array([curve.intercept + curve.total_slope * log(1 + min(dose, 52)) for dose, _ in everything])
    covariance = slow_covariance(curve, everything)
    gain = np.linalg.solve(covariance[:n, :n] + curve.noise_variance * np.eye(n), covariance[:n, n:]).T
    residuals = np.array([score for _, _, score in given_]) - mean[:n]
    return mean[n:] + gain @ residuals, covariance[n:, n:] - gain @ covariance[:n, n:]


@dataclass(frozen=True)
class SlowLook:
    """The numbers behind a verdict, unrounded. `cumulative` is P(Y <= k) from the baseline only, for each score k."""

    expected: float
    cumulative: list[float]
    goal: float | None
    deterioration: float | None
    established: float
    noticeable: float | None
    established_early: float | None


def slow_look(
    treated: Sequence[Observation], criteria: ChangeCriteria, curve: GrowthCurve, policy: Policy, plan: Plan
) -> SlowLook:
    """Look at the newest of some scores: one patient, one look, one dense system of equations, cell by cell."""
    baseline, newest = treated[0], treated[-1]
    observed = [(each.dose, each.weeks, each.score) for each in treated]
    early_dose, end_dose = policy.early_window_dose, policy.end_dose(plan, newest.dose)
    end_weeks = newest.weeks + (end_dose - newest.dose) * plan.interval_days / 7
    points = [
        (baseline.dose, baseline.weeks),
        (newest.dose, newest.weeks),
        (early_dose, slow_weeks(early_dose, treated)),
        (end_dose, end_weeks),
    ]
    mean, covariance = slow_conditional(curve, observed, points)
    first_mean, first_covariance = slow_conditional(curve, observed[:1], points[1:2])
    noise = curve.noise_variance
    sign = 1 if criteria.better is Better.LOWER else -1
    to_gain = baseline.score - criteria.minimum if sign == 1 else criteria.maximum - baseline.score
    needed = max(policy.early_share * to_gain, criteria.important_difference or 0)

    def improved(point: int, points_needed: float) -> float:
        fall = sign * (mean[0] - mean[point]) - points_needed
        if points[point] == points[0]:
            return float(-points_needed >= 0)
        return normal_cdf(fall / sqrt(covariance[0, 0] + covariance[point, point] - 2 * covariance[0, point]))

    def at_end(counts: Callable[[int], bool]) -> float:
        return sum(
            cell
            for score, cell in enumerate(slow_cells(curve, mean[3], sqrt(covariance[3, 3] + noise)), curve.minimum)
            if counts(score)
        )

    def good(score: int) -> bool:
        change = criteria.category(baseline.score, score)
        return change is ChangeCategory.RELIABLE_IMPROVEMENT or (
            criteria.cutoff is not None and not criteria.is_case(score)
        )

    def bad(score: int) -> bool:
        return criteria.category(baseline.score, score) is ChangeCategory.RELIABLE_DETERIORATION

    attainable = any(good(score) for score in range(curve.minimum, curve.maximum + 1))
    return SlowLook(
        expected=min(max(first_mean[0], curve.minimum), curve.maximum),
        cumulative=np.cumsum(slow_cells(curve, first_mean[0], sqrt(first_covariance[0, 0] + noise))).tolist(),
        goal=at_end(good) if attainable else None,
        deterioration=None if criteria.reliable_change is None else at_end(bad),
        established=improved(1, needed),
        noticeable=None if criteria.important_difference is None else improved(1, criteria.important_difference),
        established_early=improved(2, needed) if newest.dose >= early_dose else None,
    )


def slow_weeks(dose: float, treated: Sequence[Observation]) -> float:
    """Give the week of a dose among those that scores have reached, each at the first score that did."""
    reached: dict[int, float] = {}
    for each in treated:
        if not reached or each.dose > max(reached):
            reached[each.dose] = each.weeks
    return float(np.interp(dose, list(reached), list(reached.values())))


def slow_cells(curve: GrowthCurve, mean: float, sd: float) -> list[float]:
    """Give the probability of each score of the scale; what lies beyond its ends belongs to them."""
    edges = [-np.inf, *(score + 0.5 for score in range(curve.minimum, curve.maximum)), np.inf]
    below = [normal_cdf((edge - mean) / sd) for edge in edges]
    return np.diff(below).tolist()

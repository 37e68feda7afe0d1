"""Slow and obvious computations, straight from the written formulas, to hold the fast ones against."""

from __future__ import annotations

from collections.abc import Sequence
from math import erf, exp, log, sqrt

import numpy as np

from app.trajectories.growth import GrowthCurve
from app.trajectories.prediction import FloatArray


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
    """Give mean and covariance of true scores by inverting the dense covariance matrix."""
    n = len(given_)
    everything = [(dose, week) for dose, week, _ in given_] + list(points)
    mean = np.array([curve.intercept + curve.total_slope * log(1 + min(dose, 52)) for dose, _ in everything])
    covariance = slow_covariance(curve, everything)
    precision = np.linalg.inv(covariance[:n, :n] + curve.noise_variance * np.eye(n))
    gain = covariance[n:, :n] @ precision
    residuals = np.array([score for _, _, score in given_]) - mean[:n]
    return mean[n:] + gain @ residuals, covariance[n:, n:] - gain @ covariance[:n, n:]

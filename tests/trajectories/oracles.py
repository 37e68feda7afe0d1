"""Slow and obvious computations, straight from the written formulas, to hold the fast ones against.

One patient, one shape and one score at a time, with dense matrices; nothing of the link, the shapes or the filter of
the engine is used, only the figures of a curve.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import asin, erf, exp, log, pi, sqrt

import numpy as np

from app.scales.change import Better, ChangeCategory, ChangeCriteria
from app.trajectories.growth import GrowthCurve
from app.trajectories.link import Link, LinkKind
from app.trajectories.policy import Plan, Policy
from app.trajectories.prediction import FloatArray
from app.trajectories.series import Observation
from app.trajectories.shapes import ResponseShape

Scored = tuple[float, float, float]
"""Dose, weeks and score."""

Point = tuple[float, float]
"""Dose and weeks."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(300)


def normal_cdf(z: float) -> float:
    return 0.5 * (1 + erf(z / sqrt(2)))


def normal_density(z: float) -> float:
    return exp(-z * z / 2) / sqrt(2 * pi)


def slow_link(link: Link, score: float) -> float:
    """Give g(score), which stops half a point outside the scale; the identity does not."""
    if link.kind is LinkKind.IDENTITY:
        return score
    m = link.maximum - link.minimum

    def stretch(y: float) -> float:
        return asin(sqrt((y + 0.5) / (m + 1))) if link.kind is LinkKind.ARCSINE else log((y + 1) / (m + 1 - y))

    middle = link.middle - link.minimum
    share = (middle + 0.5) / (m + 1)
    arcsine = link.kind is LinkKind.ARCSINE
    slope = 1 / (2 * (m + 1) * sqrt(share * (1 - share))) if arcsine else 1 / (middle + 1) + 1 / (m + 1 - middle)
    inside = min(max(score - link.minimum, -0.5), m + 0.5)
    return link.middle + (stretch(inside) - stretch(middle)) / slope


def slow_progress(shape: ResponseShape, dose: float) -> float:
    """Give how far a shape has come (engine, sections 3 and 7): ln 13 at dose 12, flat from 52 or from 20 on."""
    if shape is ResponseShape.LINEAR:
        return min(dose, 20) * log(13) / 12
    if shape is ResponseShape.LATE:
        return log(1 + max(min(dose, 52) - 5, 0)) * log(13) / log(8)
    return log(1 + min(dose, 52))


def slow_mean(curve: GrowthCurve, shape: ResponseShape, dose: float, week: float) -> float:
    if shape is ResponseShape.WORSENING:
        return curve.intercept + curve.worsening * log(1 + min(dose, 52)) / log(9)
    natural = curve.natural_fall * log(1 + min(week, 52) / 2) / log(6)
    return curve.intercept + curve.session_slope * slow_progress(shape, dose) - natural


def slow_covariance(curve: GrowthCurve, shape: ResponseShape, points: Sequence[Point]) -> FloatArray:
    """Give the covariance of true values from its written formula, one pair at a time."""
    matrix = np.empty((len(points), len(points)))
    for row, (dose, week) in enumerate(points):
        for column, (other_dose, other_week) in enumerate(points):
            come, other_come = slow_progress(shape, dose), slow_progress(shape, other_dose)
            matrix[row, column] = (
                curve.sd_intercept**2
                + curve.correlation * curve.sd_intercept * curve.sd_slope * (come + other_come)
                + curve.sd_slope**2 * come * other_come
                + curve.drift_variance * exp(-abs(week - other_week) / curve.drift_weeks)
            )
    return matrix


def cut_off_normal(z: float) -> tuple[float, float, float]:
    """Give P(Z <= z), and the mean and variance of Z given that it is so, by numerical integration.

    With Z = z - s the density is phi(z) exp(z s - s^2 / 2), which falls from s = max(z, 0) on: twelve standard
    deviations from there, or forty times its own scale, are all of it.
    """
    reach = max(z, 0) + min(12, 40 / (1 + max(-z, 0)))
    s = (_NODES + 1) / 2 * reach
    weights = _WEIGHTS / 2 * reach * np.exp(z * s - s * s / 2)
    total = weights.sum()
    mean = (weights * s).sum() / total
    return normal_density(z) * total, z - mean, (weights * (s - mean) ** 2).sum() / total


@dataclass(frozen=True)
class Believed:
    """What scores say: the probability of each shape, and in each mean and covariance of the true values at points."""

    curve: GrowthCurve
    shares: FloatArray
    means: FloatArray
    covariances: FloatArray

    def cells(self, point: int) -> list[float]:
        """Give the probability of each score of the scale; what lies beyond its ends belongs to them."""
        link = self.curve.link
        edges = [slow_link(link, score + 0.5) for score in range(link.minimum, link.maximum)]
        found = np.zeros(len(edges) + 1)
        for share, means, covariance in zip(self.shares, self.means, self.covariances, strict=True):
            sd = sqrt(covariance[point, point] + self.curve.noise_variance)
            found += share * np.diff([0.0, *(normal_cdf((edge - means[point]) / sd) for edge in edges), 1.0])
        return list(found.tolist())

    def cumulative(self, point: int) -> list[float]:
        """Give P(Y <= k) for each score k of the scale."""
        return list(np.cumsum(self.cells(point)).tolist())

    def expected(self, point: int) -> float:
        """Give the mean of a new score, points."""
        return sum(score * cell for score, cell in enumerate(self.cells(point), start=self.curve.minimum))

    def falls(self, start: int, end: int, units: float, sign: int = 1) -> float:
        """Give the probability that the true value falls (or rises, by sign) by so many link units or more.

        Two points may be one in a shape, as doses 1 and 4 of one week are in the late shape: nothing moves then.
        """
        probability = 0.0
        for share, means, covariance in zip(self.shares, self.means, self.covariances, strict=True):
            beyond = sign * (means[start] - means[end]) - units
            variance = covariance[start, start] + covariance[end, end] - 2 * covariance[start, end]
            probability += share * (normal_cdf(beyond / sqrt(variance)) if variance > 1e-9 else beyond > -1e-9)
        return probability


def slow_conditional(curve: GrowthCurve, given_: Sequence[Scored], points: Sequence[Point]) -> Believed:
    """Take in scores one by one, in a joint normal distribution of the true values at all of them and the points.

    A score at an end of the scale says that the value is there or beyond. The distribution that this leaves of the
    observed value is taken for the normal one of its mean and variance (engine, section 1), and the true values follow
    by the law of total variance.
    """
    everything = [(dose, week) for dose, week, _ in given_] + list(points)
    evidence, means, covariances = [], [], []
    for shape, share in curve.shares.items():
        mean = np.array([slow_mean(curve, shape, *point) for point in everything])
        covariance = slow_covariance(curve, shape, everything)
        told = log(share)
        for place, (_, _, score) in enumerate(given_):
            variance = covariance[place, place] + curve.noise_variance
            probability, seen_mean, seen_variance = _seen(curve.link, score, mean[place], variance)
            told += log(probability)
            gain = covariance[:, place] / variance
            mean = mean + gain * (seen_mean - mean[place])
            covariance = covariance - np.outer(gain, gain) * (variance - seen_variance)
        evidence.append(told)
        means.append(mean[len(given_) :])
        covariances.append(covariance[len(given_) :, len(given_) :])
    likelihood = np.exp(np.array(evidence) - max(evidence))
    return Believed(curve, likelihood / likelihood.sum(), np.array(means), np.array(covariances))


def _seen(link: Link, score: float, mean: float, variance: float) -> tuple[float, float, float]:
    """Give the density or probability of a score, and mean and variance of the observed value behind it."""
    sd = sqrt(variance)
    if link.kind is not LinkKind.LOGIT and score == link.minimum:
        probability, z_mean, z_variance = cut_off_normal((slow_link(link, score + 0.5) - mean) / sd)
        return probability, mean + sd * z_mean, variance * z_variance
    if link.kind is not LinkKind.LOGIT and score == link.maximum:
        probability, z_mean, z_variance = cut_off_normal((mean - slow_link(link, score - 0.5)) / sd)
        return probability, mean - sd * z_mean, variance * z_variance
    value = slow_link(link, score)
    return normal_density((value - mean) / sd) / sd, value, 0.0


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
    """Look at the newest of some scores: one patient, one look, cell by cell."""
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
    now = slow_conditional(curve, observed, points)
    at_first = slow_conditional(curve, observed[:1], points[1:2])
    sign = 1 if criteria.better is Better.LOWER else -1
    to_gain = baseline.score - criteria.minimum if sign == 1 else criteria.maximum - baseline.score
    needed = max(policy.early_share * to_gain, criteria.important_difference or 0)

    def improved(point: int, points_needed: float) -> float:
        return now.falls(0, point, slow_units(curve.link, baseline.score, -sign * points_needed), sign)

    def at_end(counts: Callable[[int], bool]) -> float:
        return sum(cell for score, cell in enumerate(now.cells(3), curve.minimum) if counts(score))

    def good(score: int) -> bool:
        change = criteria.category(baseline.score, score)
        return change is ChangeCategory.RELIABLE_IMPROVEMENT or (
            criteria.cutoff is not None and not criteria.is_case(score)
        )

    def bad(score: int) -> bool:
        return criteria.category(baseline.score, score) is ChangeCategory.RELIABLE_DETERIORATION

    attainable = any(good(score) for score in range(curve.minimum, curve.maximum + 1))
    return SlowLook(
        expected=at_first.expected(0),
        cumulative=at_first.cumulative(0),
        goal=at_end(good) if attainable else None,
        deterioration=None if criteria.reliable_change is None else at_end(bad),
        established=improved(1, needed),
        noticeable=None if criteria.important_difference is None else improved(1, criteria.important_difference),
        established_early=improved(2, needed) if newest.dose >= early_dose else None,
    )


def slow_units(link: Link, score: float, points: float) -> float:
    """Give how many link units some points are from a score on, up or down; from its bound where it is only that."""
    if link.kind is not LinkKind.LOGIT:
        score += 0.5 * (score == link.minimum) - 0.5 * (score == link.maximum)
    return abs(slow_link(link, score + points) - slow_link(link, score))


def slow_weeks(dose: float, treated: Sequence[Observation]) -> float:
    """Give the week of a dose among those that scores have reached, each at the first score that did."""
    reached: dict[int, float] = {}
    for each in treated:
        if not reached or each.dose > max(reached):
            reached[each.dose] = each.weeks
    return float(np.interp(dose, list(reached), list(reached.values())))

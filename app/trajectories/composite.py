"""Two measures of one patient together, as the composite of NHS Talking Therapies needs them: PHQ-9 and GAD-7.

Each measure has its own growth curve. Persons respond in the same shape on both, and their levels, slopes, drifts and
noises go together. What both will be at the end is then a distribution over all pairs of scores, summed exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from app.errors import InstrumentDataError, InvalidSeries
from app.scales.change import ChangeCriteria
from app.scales.reliable_change import composite_change
from app.trajectories.growth import GrowthCurve, default_curve
from app.trajectories.prediction import HALF_A_POINT, FloatArray

_LOG_TWO_PI = math.log(2 * math.pi)
_NODES, _WEIGHTS = (each / 2 for each in np.polynomial.legendre.leggauss(8))
"""Points within a cell of probability at which the other measure is asked; eight give nine digits."""

_BEYOND = np.arange(0.5, 7.5, 0.5)
"""Where the open cells at the ends of the scale are cut, standard deviations beyond the last edge."""


@dataclass(frozen=True, slots=True)
class JointCurve:
    """The growth curves of two measures and how they go together.

    Parameters
    ----------
    curves : tuple of GrowthCurve
        Of the two measures, with the same shapes, shares and time constant of the drift.
    level, slope, drift, noise : float
        Correlations between the measures, above -1 and below 1: of persons' levels and slopes, of the drift, and of the
        noise of two scores given on one occasion.

    Raises
    ------
    InstrumentDataError
        If the curves don't go together, or a correlation lies outside its range.
    """

    curves: tuple[GrowthCurve, GrowthCurve]
    level: float
    slope: float
    drift: float
    noise: float

    def __post_init__(self) -> None:
        first, second = self.curves
        if first.shares != second.shares or first.drift_weeks != second.drift_weeks:
            raise InstrumentDataError("joint curves have the same shapes, shares and time constant of the drift")
        for name in ("level", "slope", "drift", "noise"):
            if not -1 < getattr(self, name) < 1:
                raise InstrumentDataError(f"the correlation of {name} must lie between -1 and 1")


class Scored(NamedTuple):
    """One score of one of two measures.

    Parameters
    ----------
    measure : int
        0 or 1, as the curves stand.
    dose, weeks : float
        When it was given. Scores with the same weeks belong to one occasion.
    score : float
        Points.
    """

    measure: int
    dose: float
    weeks: float
    score: float


class CompositeChances(NamedTuple):
    """Probabilities of the composite's outcomes at the end."""

    improvement: float
    deterioration: float
    recovery: float


def default_joint_curve() -> JointCurve:
    """Give the default of PHQ-9 and GAD-7. Its correlations are assumed: no source for them was found (UNVERIFIED)."""
    phq_9, gad_7 = default_curve("phq-9"), default_curve("gad-7")
    assert phq_9 is not None, "the PHQ-9 has a default curve"
    assert gad_7 is not None, "the GAD-7 has a default curve"
    return JointCurve((phq_9, gad_7), level=0.65, slope=0.8, drift=0.7, noise=0.4)


def joint_cells(joint: JointCurve, known: Sequence[Scored], dose: float, weeks: float) -> FloatArray:
    """Give the probability of every pair of scores at a point in treatment.

    Parameters
    ----------
    joint : JointCurve
        The model.
    known : sequence of Scored
        What is known of the patient, in time order; may be empty.
    dose, weeks : float
        The point.

    Returns
    -------
    ndarray, shape (scores of the first measure, scores of the second)
        They add up to 1.

    Raises
    ------
    InvalidSeries
        If a score lies outside its scale.

    Notes
    -----
    In each shape all values, known and asked, are jointly normal. They are conditioned on the known ones one by one,
    with the ends of the scale as bounds as in :mod:`app.trajectories.filtering`, and shapes weigh by Bayes' rule.

    Examples
    --------
    >>> joint = default_joint_curve()
    >>> cells = joint_cells(joint, [Scored(0, 0, 0, 15), Scored(1, 0, 0, 12)], 8, 8)
    >>> cells.shape, round(float(cells.sum()), 9)
    ((28, 22), 1.0)
    """
    for each in known:
        curve = joint.curves[each.measure]
        if not curve.minimum <= each.score <= curve.maximum:
            raise InvalidSeries("a score lies outside the range of its scale", pointer="/score")
    points = [*known, Scored(0, dose, weeks, math.nan), Scored(1, dose, weeks, math.nan)]
    values = [_value(joint, each) for each in known]
    evidence, tables = [], []
    for place in range(len(joint.curves[0].shapes)):
        log_density, mean, covariance = _conditioned(values, *_prior(joint, points, place))
        evidence.append(log_density + joint.curves[0].log_shares[place])
        tables.append(_rectangles(joint, mean, covariance))
    shares = np.exp(np.array(evidence) - max(evidence))
    return np.asarray(np.tensordot(shares / shares.sum(), np.array(tables), axes=1))


def composite_chances(
    cells: FloatArray, criteria: Sequence[ChangeCriteria], first: Sequence[float]
) -> CompositeChances:
    """Give the probabilities of the composite's outcomes.

    Parameters
    ----------
    cells : ndarray
        Of :func:`joint_cells`.
    criteria : sequence of ChangeCriteria
        Of the two measures.
    first : sequence of float
        First score of each, points.

    Returns
    -------
    CompositeChances
    """
    outcomes = _outcomes(tuple(criteria), tuple(first))
    return CompositeChances(*(float((cells * outcome).sum()) for outcome in outcomes))


@cache
def _outcomes(criteria: tuple[ChangeCriteria, ...], first: tuple[float, ...]) -> FloatArray:
    """Tell for every pair of last scores whether it is improved, deteriorated and recovered."""
    ranges = [range(each.minimum, each.maximum + 1) for each in criteria]
    found = [
        [
            composite_change(list(zip(criteria, first, last, strict=True)))
            for last in ((row, column) for column in ranges[1])
        ]
        for row in ranges[0]
    ]
    names = ("reliably_improved", "reliably_deteriorated", "recovered")
    return np.array([[[getattr(each, name) for each in row] for row in found] for name in names], dtype=np.float64)


def _value(joint: JointCurve, scored: Scored) -> tuple[float, int]:
    """Give a score in link units, and the end of the scale at which it lies, if it is only a bound there."""
    link, score = joint.curves[scored.measure].link, np.array(scored.score)
    side = int(link.at_ends(score)) if link.censors else 0
    return float(link.forward(score - HALF_A_POINT * side)), side


def _conditioned(
    values: Sequence[tuple[float, int]], mean: FloatArray, covariance: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """Give the log density of the known values, which come first, and mean and covariance of the others given them."""
    log_density, known = 0.0, len(values)
    for at, (value, side) in enumerate(values):
        distance = value - mean[at]
        sd = math.sqrt(covariance[at, at])
        innovation, share = distance, 1.0
        if side:
            towards = -side * distance / sd
            log_tail = float(log_ndtr(towards))
            hazard = math.exp(-0.5 * (_LOG_TWO_PI + towards * towards) - log_tail)
            innovation, share = side * sd * hazard, hazard * (towards + hazard)
            log_density += log_tail
        else:
            log_density -= 0.5 * (_LOG_TWO_PI + (distance / sd) ** 2) + math.log(sd)
        column = covariance[:, at] / covariance[at, at]
        mean = mean + column * innovation
        covariance = covariance - share * np.outer(column, covariance[at])
    return log_density, mean[known:], covariance[known:, known:]


def _prior(joint: JointCurve, points: Sequence[Scored], place: int) -> tuple[FloatArray, FloatArray]:
    """Give mean and covariance of observed values in a shape, before any is known."""
    measure = np.array([each.measure for each in points])
    doses, weeks = (
        np.array(column, dtype=np.float64) for column in ([p.dose for p in points], [p.weeks for p in points])
    )
    courses = [curve.courses(doses, weeks) for curve in joint.curves]
    mean = np.where(measure == 0, *(means[place] for means, _ in courses))
    come = courses[0][1][place]
    same = measure[:, None] == measure
    together = {name: np.where(same, 1.0, getattr(joint, name)) for name in ("level", "slope", "drift")}
    variations = [curve.variation for curve in joint.curves]
    sd = {name: np.sqrt([getattr(each, name) for each in variations])[measure] for name in (*together, "noise")}
    both = np.array([each.both for each in variations])[measure]
    apart = np.abs(weeks[:, None] - weeks)
    covariance = together["level"] * np.outer(sd["level"], sd["level"])
    covariance += together["slope"] * np.outer(sd["slope"] * come, sd["slope"] * come)
    covariance += np.where(same, both * (come[:, None] + come), 0.0)
    covariance += together["drift"] * np.outer(sd["drift"], sd["drift"]) * np.exp(apart / -variations[0].drift_weeks)
    # What is asked is an occasion of its own, with a noise of its own.
    occasion = np.where(np.isnan([each.score for each in points]), -1.0, weeks)
    one_occasion = ~same & (occasion[:, None] == occasion)
    noise = np.where(np.eye(len(points), dtype=np.bool_), 1.0, np.where(one_occasion, joint.noise, 0.0))
    covariance += noise * np.outer(sd["noise"], sd["noise"])
    return np.asarray(mean), covariance


def _rectangles(joint: JointCurve, mean: FloatArray, covariance: FloatArray) -> FloatArray:
    """Give the probability of every pair of cells of a bivariate normal distribution.

    Within each cell of the first measure the second one's conditional distribution is averaged over points that are
    spaced by probability. The open cells at the ends are cut into pieces first, since such points are sparse there.
    """
    edges, others = (curve.link.edges for curve in joint.curves)
    sd, other_sd = np.sqrt(np.diag(covariance))
    fine = np.concatenate([edges[0] - sd * _BEYOND[::-1], edges, edges[-1] + sd * _BEYOND])
    below = np.concatenate([[0.0], ndtr((fine - mean[0]) / sd), [1.0]])
    width = np.diff(below)
    at = below[:-1, None] + width[:, None] * (_NODES + 0.5)
    z = ndtri(np.clip(at, 1e-300, 1 - 1e-16))
    correlation = covariance[0, 1] / (sd * other_sd)
    expected = mean[1] + correlation * other_sd * z
    rest = other_sd * math.sqrt(1 - correlation**2)
    within = ndtr((others - expected[..., None]) / rest)
    cumulative = np.concatenate([np.zeros((*z.shape, 1)), within, np.ones((*z.shape, 1))], axis=-1)
    table = width[:, None] * np.tensordot(np.diff(cumulative, axis=-1), _WEIGHTS, axes=(1, 0))
    cells = np.concatenate([[0], np.arange(len(_BEYOND) + 1, len(_BEYOND) + len(edges) + 1)])
    return np.asarray(np.add.reduceat(table, cells, axis=0))

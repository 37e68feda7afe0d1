"""Courses with known truth, for demonstration data and tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from app.errors import InvalidSeries
from app.trajectories.growth import GrowthCurve
from app.trajectories.prediction import FloatArray, IntArray

_EARLY_DONE_DOSE = 3
"""Dose by which an early course has had what the expected one has at dose 12 (the early window; an invention)."""

_LATE_START_DOSE = 5
"""Last dose of the flat part of a late course (engine, section 7; Saunders et al. 2019, PMC6428692)."""

_FULL_DOSE = 12
"""Dose at which expected, early and late courses have fallen equally far (engine, section 7)."""

_WORSENING_DOSE = 8
"""Dose at which a worsening course has lost its points (engine, section 3)."""


class CourseShape(StrEnum):
    """The mean course of a simulated patient."""

    EARLY = "early"
    EXPECTED = "expected"
    LATE = "late"
    NONE = "none"
    WORSENING = "worsening"


_FULL = math.log1p(_FULL_DOSE)

_SHAPES: Mapping[CourseShape, Callable[[FloatArray], FloatArray]] = {
    CourseShape.EARLY: lambda dose: np.log1p(np.minimum(dose, _EARLY_DONE_DOSE)) * _FULL / math.log1p(_EARLY_DONE_DOSE),
    CourseShape.EXPECTED: np.log1p,
    CourseShape.LATE: lambda dose: (
        np.log1p(np.maximum(dose - _LATE_START_DOSE, 0)) * _FULL / math.log1p(_FULL_DOSE - _LATE_START_DOSE)
    ),
    CourseShape.NONE: np.zeros_like,
    CourseShape.WORSENING: np.log1p,
}


def simulate_course(
    rng: np.random.Generator,
    curve: GrowthCurve,
    doses: npt.ArrayLike,
    weeks: npt.ArrayLike,
    shape: CourseShape,
    *,
    first_score: float | None = None,
    worsening_points: float = 6.0,
) -> IntArray:
    """Draw the scores of one patient.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    curve : GrowthCurve
        Level, spread, drift and noise.
    doses, weeks : array_like, shape (n,)
        Where the scores lie, both 0 or more; at least one.
    shape : CourseShape
        The mean course.
    first_score : float, optional
        Score of the first administration, points; the rest is then drawn given it. Drawn as well when None.
    worsening_points : float
        Points that a worsening course has lost at dose 8: one reliable change (PHQ-9 6, GAD-7 4).

    Returns
    -------
    ndarray of int, shape (n,)
        Scores, rounded and cut to the range of the scale.

    Raises
    ------
    InvalidSeries
        If there is no dose, the lengths differ, or a dose or week is negative or not finite.

    Notes
    -----
    The truth is that of the growth model with another shape in place of ln(1 + dose), in the mean and in the random
    slope: expected ln(1 + d); early ln(1 + min(d, 3)) and late ln(1 + max(0, d - 5)), both scaled to reach ln 13 at
    dose 12; none 0. A worsening course is level for the mean and loses `worsening_points` ln(1 + d) / ln 9, with the
    random slope of the expected one. Person effects, drift and noise are drawn from the curve's normal distributions.

    Examples
    --------
    >>> from app.trajectories.growth import default_curve
    >>> weekly = np.arange(5)
    >>> rng = np.random.default_rng(20)
    >>> course = simulate_course(rng, default_curve("phq-9"), weekly, weekly, CourseShape.EXPECTED, first_score=15)
    >>> int(course[0]), course.shape
    (15, (5,))
    """
    doses, weeks = np.asarray(doses, np.float64), np.asarray(weeks, np.float64)
    if doses.ndim != 1 or doses.shape != weeks.shape or not doses.size:
        raise InvalidSeries("a course needs one dose and one week per score")
    if not np.all((doses >= 0) & (doses < np.inf) & (weeks >= 0) & (weeks < np.inf)):
        raise InvalidSeries("doses and weeks must be finite numbers, 0 or more")
    mean, covariance = _truth(curve, doses, weeks, shape, worsening_points)
    factor = np.linalg.cholesky(covariance)
    draws = rng.standard_normal(len(doses))
    if first_score is not None:
        # The factor is triangular: the first score fixes the first draw, and the others stay as they are.
        draws[0] = (first_score - mean[0]) / factor[0, 0]
    scores = np.clip(np.rint(mean + factor @ draws), curve.minimum, curve.maximum)
    return np.asarray(scores, dtype=np.int64)


def _truth(
    curve: GrowthCurve, doses: FloatArray, weeks: FloatArray, shape: CourseShape, worsening_points: float
) -> tuple[FloatArray, FloatArray]:
    """Give mean and covariance of the observed scores of a shape."""
    phi = _SHAPES[shape](doses)
    slope = curve.total_slope
    if shape is CourseShape.WORSENING:
        slope = -math.copysign(worsening_points, curve.total_slope) / math.log1p(_WORSENING_DOSE)
    both = curve.correlation * curve.sd_intercept * curve.sd_slope
    persons = curve.sd_intercept**2 + both * (phi[:, None] + phi) + curve.sd_slope**2 * np.outer(phi, phi)
    drift = curve.drift_variance * np.exp(-np.abs(weeks[:, None] - weeks) / curve.drift_weeks)
    return curve.intercept + slope * phi, persons + drift + curve.noise_variance * np.eye(len(doses))

"""Invented patients with a course that shows: for demonstration data, and for tests that need one of a kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from app.errors import InvalidSeries
from app.trajectories.growth import GrowthCurve
from app.trajectories.natural import share_of_fall
from app.trajectories.prediction import FloatArray, IntArray
from app.trajectories.shapes import ResponseShape, progress, worsening_share

_EARLY_DONE_DOSE = 3
"""Dose by which an early course has had what the expected one has at dose 12 (the early window; an invention)."""

_FULL_DOSE = 12
"""Dose at which expected, early and late courses have fallen equally far (engine, section 7)."""


class CourseShape(StrEnum):
    """The mean course of an invented patient."""

    EARLY = "early"
    EXPECTED = "expected"
    LATE = "late"
    NONE = "none"
    WORSENING = "worsening"


_SHAPES: Mapping[CourseShape, Callable[[FloatArray], FloatArray]] = {
    CourseShape.EARLY: lambda dose: (
        np.log1p(np.minimum(dose, _EARLY_DONE_DOSE)) * math.log1p(_FULL_DOSE) / math.log1p(_EARLY_DONE_DOSE)
    ),
    CourseShape.EXPECTED: lambda dose: progress(ResponseShape.EARLY, dose),
    CourseShape.LATE: lambda dose: progress(ResponseShape.LATE, dose),
    CourseShape.NONE: np.zeros_like,
    CourseShape.WORSENING: lambda dose: progress(ResponseShape.WORSENING, dose),
}


def simulate_course(
    rng: np.random.Generator,
    curve: GrowthCurve,
    doses: npt.ArrayLike,
    weeks: npt.ArrayLike,
    shape: CourseShape,
    *,
    first_score: float | None = None,
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

    Returns
    -------
    ndarray of int, shape (n,)
        Whole points of the scale.

    Raises
    ------
    InvalidSeries
        If there is no dose, the lengths differ, or a dose or week is negative or not finite.

    Notes
    -----
    The truth is that of the growth model with another progress, in the mean and in the persons' slopes: expected
    ln(1 + d); early ln(1 + min(d, 3)) scaled to reach ln 13; late as in :mod:`app.trajectories.shapes`; none 0, without
    a natural course. A worsening course gains the curve's `worsening` by dose 8.

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
    mean, covariance = _truth(curve, doses, weeks, shape)
    factor = np.linalg.cholesky(covariance)
    draws = rng.standard_normal(len(doses))
    if first_score is not None:
        # The factor is triangular: the first score fixes the first draw, and the others stay as they are.
        draws[0] = (curve.link.forward(first_score) - mean[0]) / factor[0, 0]
    return curve.minimum + np.searchsorted(curve.link.edges, mean + factor @ draws)


def _truth(
    curve: GrowthCurve, doses: FloatArray, weeks: FloatArray, shape: CourseShape
) -> tuple[FloatArray, FloatArray]:
    """Give mean and covariance of the observed values of a shape, link units."""
    come = _SHAPES[shape](doses)
    moved = curve.session_slope * come - curve.natural_fall * share_of_fall(weeks)
    if shape is CourseShape.WORSENING:
        moved = curve.worsening * worsening_share(doses)
    elif shape is CourseShape.NONE:
        moved = np.zeros_like(doses)
    person = curve.variation
    persons = person.level + person.both * (come[:, None] + come) + person.slope * np.outer(come, come)
    drift = person.drift * np.exp(-np.abs(weeks[:, None] - weeks) / person.drift_weeks)
    return curve.intercept + moved, persons + drift + person.noise * np.eye(len(doses))

"""Response shapes: in which way scores move with dose."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from app.trajectories.prediction import FloatArray

PLATEAU_DOSE = 52
"""From this dose on every shape is flat: no source carries a course further."""

_FULL_DOSE = 12
"""Dose at which early, linear and late have moved equally far, so that a slope means one thing (engine, section 7)."""

_LINEAR_END_DOSE = 20
"""Dose from which on the linear shape is flat (engine, section 2; methods, G1)."""

_LATE_START_DOSE = 5
"""Last dose of the flat part of the late shape (Saunders et al. 2019, PMC6428692: flat to session 6)."""

WORSENING_DOSE = 8
"""Dose at which the worsening shape has lost its points (engine, section 3)."""


class ResponseShape(StrEnum):
    """How the mean course of a group of patients goes."""

    EARLY = "early"
    """Steep first, then flattening."""

    LINEAR = "linear"
    """By the same amount at each dose up to 20."""

    LATE = "late"
    """Flat to dose 5, then as the early shape from there."""

    WORSENING = "worsening"
    """Against the patient, by a fixed number of points at dose 8; persons differ as in the early shape."""


_FULL = math.log1p(_FULL_DOSE)


def _early(dose: FloatArray) -> FloatArray:
    return np.log1p(np.minimum(dose, PLATEAU_DOSE))


_COURSES: Mapping[ResponseShape, Callable[[FloatArray], FloatArray]] = {
    ResponseShape.EARLY: _early,
    ResponseShape.LINEAR: lambda dose: np.minimum(dose, _LINEAR_END_DOSE) * (_FULL / _FULL_DOSE),
    ResponseShape.LATE: lambda dose: (
        np.log1p(np.maximum(np.minimum(dose, PLATEAU_DOSE) - _LATE_START_DOSE, 0.0))
        * (_FULL / math.log1p(_FULL_DOSE - _LATE_START_DOSE))
    ),
    ResponseShape.WORSENING: _early,
}


def progress(shape: ResponseShape, doses: npt.ArrayLike) -> FloatArray:
    """Give how far a shape has come.

    Parameters
    ----------
    shape : ResponseShape
        The shape. Worsening goes as early, in its own direction.
    doses : array_like
        Doses, 0 or more.

    Returns
    -------
    ndarray
        Same shape as `doses`: 0 at dose 0, ln 13 at dose 12.

    Examples
    --------
    >>> [progress(shape, [0, 5, 7, 12, 60]).round(3).tolist() for shape in (ResponseShape.EARLY, ResponseShape.LATE)]
    [[0.0, 1.792, 2.079, 2.565, 3.97], [0.0, 0.0, 1.355, 2.565, 4.775]]
    """
    return np.asarray(_COURSES[shape](np.asarray(doses, dtype=np.float64)))


def progress_of_each(shapes: Sequence[ResponseShape], doses: FloatArray) -> FloatArray:
    """Give how far each of several shapes has come, shape (shapes, ...); what goes alike is computed once."""
    courses = [_COURSES[shape] for shape in shapes]
    come = {course: course(doses) for course in set(courses)}
    return np.array([come[course] for course in courses])


def worsening_share(doses: npt.ArrayLike) -> FloatArray:
    """Give the share of the worsening shape's points that is lost by a dose: ln(1 + d) / ln 9."""
    return progress(ResponseShape.WORSENING, doses) / math.log1p(WORSENING_DOSE)

"""Columns that are judged, checked on the way in: the place is named in the error, the value never."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.errors import InvalidSeries
from app.trajectories.prediction import FloatArray, IntArray

_ROUNDING = 1e-9
"""So far outside its range a probability is rounding, and is cut."""


def numbers(name: str, values: npt.ArrayLike, rows: int | None = None, axes: int = 1) -> FloatArray:
    """Read finite numbers.

    Parameters
    ----------
    name : str
        What they are, for the error.
    values : array_like, shape (n, ...)
        The numbers, at least one.
    rows : int, optional
        How many rows there must be.
    axes : int
        How many axes there must be.

    Returns
    -------
    ndarray

    Raises
    ------
    InvalidSeries
        If that is not what they are.
    """
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidSeries(f"{name} must be numbers", pointer=f"/{name}") from error
    if found.ndim != axes or not found.size:
        raise InvalidSeries(f"{name} must have rows", pointer=f"/{name}")
    if rows is not None and len(found) != rows:
        raise InvalidSeries(f"{name} must be one for each row", pointer=f"/{name}")
    if not np.isfinite(found).all():
        raise InvalidSeries(f"{name} must be finite numbers", pointer=f"/{name}")
    return found


def probabilities(name: str, values: npt.ArrayLike, rows: int | None = None, axes: int = 1) -> FloatArray:
    """Read probabilities, as :func:`numbers` does; what rounding added beyond 0 and 1 is cut."""
    found = numbers(name, values, rows, axes)
    if (found < -_ROUNDING).any() or (found > 1.0 + _ROUNDING).any():
        raise InvalidSeries(f"{name} must be probabilities", pointer=f"/{name}", allowed="0 to 1")
    return np.clip(found, 0.0, 1.0)


def outcomes(values: npt.ArrayLike, rows: int) -> npt.NDArray[np.bool_]:
    """Read whether it happened, as :func:`numbers` does: true and false, or 1 and 0."""
    found = numbers("happened", values, rows)
    if not np.isin(found, (0.0, 1.0)).all():
        raise InvalidSeries("what happened must be true or false", pointer="/happened", allowed="0 and 1")
    return found.astype(np.bool_)


def distributions(name: str, values: npt.ArrayLike) -> FloatArray:
    """Read P(Y <= k) for each score k, a row for each distribution, as :func:`probabilities` does."""
    found = probabilities(name, values, axes=2)
    if (np.diff(found, axis=1) < -_ROUNDING).any() or (found[:, -1] < 1.0 - _ROUNDING).any():
        raise InvalidSeries("cumulative probabilities must not fall, and must end at 1", pointer=f"/{name}")
    return found


def cells(below: npt.ArrayLike, at: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Read P(Y < y) and P(Y <= y), as :func:`probabilities` does; the second is not less than the first."""
    lower = probabilities("below", below)
    upper = probabilities("at", at, len(lower))
    if (upper < lower - _ROUNDING).any():
        raise InvalidSeries("P(Y <= y) must not be less than P(Y < y)", pointer="/at")
    return lower, np.maximum(lower, upper)


def groups_of(clusters: npt.ArrayLike, rows: int | None = None) -> IntArray:
    """Give clusters numbers from 0, by the order of their names.

    Parameters
    ----------
    clusters : array_like, shape (n,)
        Cluster of each row, at least one: names of one kind, none missing.
    rows : int, optional
        How many rows there must be.

    Returns
    -------
    ndarray of int, shape (n,)

    Raises
    ------
    InvalidSeries
        If that is not what they are.
    """
    try:
        names = np.asarray(clusters)
        groups = np.unique(names, return_inverse=True)[1].astype(np.int64)
    except (TypeError, ValueError) as error:
        raise InvalidSeries("clusters must be names of one kind", pointer="/clusters") from error
    if names.ndim != 1 or not len(names) or rows not in {None, len(names)}:
        raise InvalidSeries("each row needs its cluster", pointer="/clusters")
    if any(name is None or name != name for name in names.tolist()):  # noqa: PLR0124 (only NaN is not itself)
        raise InvalidSeries("no cluster may be missing", pointer="/clusters")
    return groups

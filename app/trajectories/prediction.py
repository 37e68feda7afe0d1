"""What the growth model says: distributions of new scores and of true change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]

_HALF_A_POINT = 0.5
"""Continuity correction: an integer score k stands for the cell from k - 1/2 to k + 1/2."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """New scores, as normal distributions that stand for whole points within the range of the scale.

    Parameters
    ----------
    mean : ndarray, shape (..., m)
        Points. Not cut to the range.
    sd : ndarray, shape (..., m)
        Standard deviation of a new observed score, points.
    true_sd : ndarray, shape (..., m)
        Standard deviation of the true score, without the noise of one answer, points.
    minimum, maximum : int
        Range of the score, points.

    Notes
    -----
    With the continuity correction, P(Y <= k) = Phi((k + 1/2 - mean) / sd) for minimum <= k < maximum, 0 below and
    1 from the maximum on: the tails outside the scale belong to its ends.
    """

    mean: FloatArray
    sd: FloatArray
    true_sd: FloatArray
    minimum: int
    maximum: int

    def at_most(self, score: npt.ArrayLike) -> FloatArray:
        """Give P(Y <= score).

        Parameters
        ----------
        score : array_like
            Points; one number, or one per prediction. A fraction counts as the whole point below it.

        Returns
        -------
        ndarray, shape (..., m)
            Probabilities.

        Examples
        --------
        >>> surely_above = Prediction(np.array([40.0]), np.array([1.0]), np.array([1.0]), minimum=0, maximum=27)
        >>> surely_above.at_most(26).round(2), surely_above.at_most(27)
        (array([0.]), array([1.]))
        """
        point = np.floor(np.asarray(score, dtype=np.float64))
        within = ndtr((point + _HALF_A_POINT - self.mean) / self.sd)
        return np.where(point >= self.maximum, 1.0, np.where(point < self.minimum, 0.0, within))

    def at_least(self, score: npt.ArrayLike) -> FloatArray:
        """Give P(Y >= score), shape (..., m).

        Parameters
        ----------
        score : array_like
            Points; one number, or one per prediction. A fraction counts as the whole point above it.

        Returns
        -------
        ndarray, shape (..., m)
            Probabilities.
        """
        return 1.0 - self.at_most(np.ceil(np.asarray(score, dtype=np.float64)) - 1.0)

    def band(self, level: npt.ArrayLike = 0.8) -> tuple[IntArray, IntArray]:
        """Give the closed band of whole points in which a new score is expected.

        Parameters
        ----------
        level : float or array_like
            Central probability of the band, above 0 and below 1; one number, or one per prediction.

        Returns
        -------
        lower, upper : ndarray of int, shape (..., m)
            Smallest scores whose P(Y <= k) reaches (1 - level) / 2 and (1 + level) / 2. Being closed and whole, the
            band holds at least the level.
        """
        first, last = (np.ceil(self.mean + self.sd * ndtri(share) - _HALF_A_POINT) for share in _tails(level))
        return self._within_range(first).astype(np.int64), self._within_range(last).astype(np.int64)

    def quantiles(self, level: float = 0.8) -> tuple[FloatArray, FloatArray]:
        """Give the same band unrounded: normal quantiles, cut to the range of the scale.

        Parameters
        ----------
        level : float
            Central probability of the band, above 0 and below 1.

        Returns
        -------
        lower, upper : ndarray, shape (..., m)
            Points.
        """
        first, last = (self.mean + self.sd * ndtri(share) for share in _tails(level))
        return self._within_range(first), self._within_range(last)

    def expected(self) -> FloatArray:
        """Give the mean as it is shown, cut to the range of the scale, shape (..., m), points."""
        return self._within_range(self.mean)

    def _within_range(self, points: FloatArray) -> FloatArray:
        return np.minimum(np.maximum(points, self.minimum), self.maximum)


@dataclass(frozen=True, slots=True)
class TrueChange:
    """How far true scores moved, as normal distributions; positive when the score fell.

    Parameters
    ----------
    mean, sd : ndarray, shape (..., m)
        Points.
    """

    mean: FloatArray
    sd: FloatArray

    def at_least(self, points: npt.ArrayLike) -> FloatArray:
        """Give P(change >= points).

        Parameters
        ----------
        points : float or array_like
            Points, positive for a fall of the score; one number, or one per change.

        Returns
        -------
        ndarray, shape (..., m)
            Probabilities; 0 or 1 for the change from a point to itself, which is 0. NaN where the points are.
        """
        moved = self.sd > 0
        beyond = self.mean - np.asarray(points, dtype=np.float64)
        return np.where(moved, ndtr(beyond / np.where(moved, self.sd, 1.0)), np.heaviside(beyond, 1.0))


def _tails(level: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    level = np.asarray(level, dtype=np.float64)
    assert ((level > 0) & (level < 1)).all(), "the level of a band is a probability"
    return (1 - level) / 2, (1 + level) / 2

"""What the growth model says: distributions of new scores and of true change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

if TYPE_CHECKING:
    from app.trajectories.link import Link

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]

HALF_A_POINT = 0.5
"""A whole score k stands for the cell from k - 1/2 to k + 1/2."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """New scores, as mixtures of normal distributions that stand for whole points within the range of the scale.

    Parameters
    ----------
    link : Link
        The scale on which the distributions are normal.
    shares : ndarray, shape (shapes, ..., m)
        Probability of each shape.
    means, sds : ndarray, shape (shapes, ..., m)
        Of a new observed score in each shape, link units. Not cut to the range.

    Notes
    -----
    P(Y <= k) = sum of shares Phi((g(k + 1/2) - mean) / sd) for minimum <= k < maximum, 0 below and 1 from the maximum
    on: the tails outside the scale belong to its ends.
    """

    link: Link
    shares: FloatArray
    means: FloatArray
    sds: FloatArray

    def __getitem__(self, which: slice) -> Prediction:
        """Give some of the predictions."""
        return Prediction(self.link, self.shares[..., which], self.means[..., which], self.sds[..., which])

    def at_most(self, score: npt.ArrayLike) -> FloatArray:
        """Give P(Y <= score).

        Parameters
        ----------
        score : array_like
            Points; one number, or one per prediction. A fraction counts as the whole point below it.

        Returns
        -------
        ndarray, shape (..., m)
            Probabilities. NaN where the score is.

        Examples
        --------
        >>> from app.trajectories.link import Link, LinkKind
        >>> one = np.ones((1, 1))
        >>> surely_above = Prediction(Link(LinkKind.IDENTITY, 0, 27, middle=15), one, 40 * one, one)
        >>> surely_above.at_most(26).round(2), surely_above.at_most(27)
        (array([0.]), array([1.]))
        """
        point = np.floor(np.asarray(score, dtype=np.float64))
        within = self.below(self.link.forward(point + HALF_A_POINT))
        return np.where(point >= self.link.maximum, 1.0, np.where(point < self.link.minimum, 0.0, within))

    def at_least(self, score: npt.ArrayLike) -> FloatArray:
        """Give P(Y >= score), shape (..., m).

        Parameters
        ----------
        score : array_like
            Points; one number, or one per prediction. A fraction counts as the whole point above it.

        Returns
        -------
        ndarray, shape (..., m)
            Probabilities. NaN where the score is.
        """
        return 1.0 - self.at_most(np.ceil(np.asarray(score, dtype=np.float64)) - 1.0)

    def tabled(self) -> ScoreTable:
        """Tabulate the probabilities of all scores."""
        edges = self.link.edges
        z = (edges - self.means[..., None]) / self.sds[..., None]
        cumulative = np.ones((*z.shape[1:-1], len(edges) + 1))
        (self.shares[..., None] * ndtr(z)).sum(axis=0, out=cumulative[..., :-1])
        return ScoreTable(self.link.minimum, cumulative)

    def below(self, units: FloatArray) -> FloatArray:
        """Give the probability that the normal variable behind the score lies below a value.

        Parameters
        ----------
        units : ndarray
            Link units: one per prediction, shape (..., m), or several, shape (values, 1, ..., m).

        Returns
        -------
        ndarray, shape (..., m) or (values, ..., m)
            Probabilities. NaN where the value is.

        Examples
        --------
        >>> from app.trajectories.link import Link, LinkKind
        >>> one = np.ones((1, 1))
        >>> around_10 = Prediction(Link(LinkKind.IDENTITY, 0, 27, middle=15), one, 10 * one, 3 * one)
        >>> around_10.below(np.array([[[10.0]], [[13.0]]])).round(3).tolist()
        [[0.5], [0.841]]
        """
        return _mixed(self.shares, ndtr((units - self.means) / self.sds))


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Distributions of new scores, score by score.

    Parameters
    ----------
    minimum : int
        Lowest score, points.
    cumulative : ndarray, shape (..., m, scores)
        P(Y <= k) for each k from the minimum to the maximum; the last is 1.
    """

    minimum: int
    cumulative: FloatArray

    def expected(self) -> FloatArray:
        """Give the means, points, shape (..., m): the minimum plus the sum of P(Y > k) over all k."""
        return np.asarray(self.minimum + (1.0 - self.cumulative).sum(axis=-1))

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
        level = np.asarray(level, dtype=np.float64)
        assert ((level > 0) & (level < 1)).all(), "the level of a band is a probability"
        return self.reaching((1 - level) / 2), self.reaching((1 + level) / 2)

    def reaching(self, tails: npt.ArrayLike) -> IntArray:
        """Give the smallest scores whose P(Y <= k) reaches a probability.

        Parameters
        ----------
        tails : float or array_like, shape (..., m)
            Probabilities, above 0 and below 1; one number, or one per prediction.

        Returns
        -------
        ndarray of int, shape (..., m)
            Points.

        Examples
        --------
        >>> ScoreTable(0, np.array([[0.1, 0.6, 1.0]])).reaching([[0.1], [0.2], [0.7]]).tolist()
        [[0], [1], [2]]
        """
        tails = np.asarray(tails, dtype=np.float64)[..., None]
        return np.asarray((self.cumulative < tails).sum(axis=-1) + self.minimum)


@dataclass(frozen=True, slots=True)
class TrueChange:
    """How far true values moved, as mixtures of normal distributions; positive when the score fell.

    Parameters
    ----------
    shares : ndarray, shape (shapes, ..., m)
        Probability of each shape.
    means, sds : ndarray, shape (shapes, ..., m)
        Link units.
    """

    shares: FloatArray
    means: FloatArray
    sds: FloatArray

    def at_least(self, units: npt.ArrayLike) -> FloatArray:
        """Give P(change >= units).

        Parameters
        ----------
        units : float or array_like
            Link units, positive for a fall of the score; one number, one per change, or several for each, of shape
            (values, 1, ..., m).

        Returns
        -------
        ndarray, shape (..., m) or (values, ..., m)
            Probabilities; 0 or 1 for the change from a point to itself, which is 0. NaN where the units are.
        """
        moved = self.sds > 0
        beyond = self.means - np.asarray(units, dtype=np.float64)
        each = np.where(moved, ndtr(beyond / np.where(moved, self.sds, 1.0)), np.heaviside(beyond, 1.0))
        return _mixed(self.shares, each)


def _mixed(shares: FloatArray, each: FloatArray) -> FloatArray:
    """Give what holds over all shapes; there may be an axis before theirs."""
    return np.asarray((shares * each).sum(axis=-shares.ndim))

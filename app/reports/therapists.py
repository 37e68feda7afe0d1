"""How much of the difference between therapists is more than chance, and what may be said of one of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import ndtri

from app.scales.change import Better
from app.trajectories.prediction import FloatArray, IntArray

RELIABLE: Final = 0.8
"""Reliability of a figure from which on therapists may be told apart by it."""

_Z: Final = float(ndtri(0.975))
_ROUNDING: Final = 1e-9
_SMALLEST_RATIO: Final = 1e-6
_LARGEST_RATIO: Final = 1e6
"""Of the two variances: beyond these therapists, or the episodes of one, are all but alike."""


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """All that the model needs of the episodes of each therapist: sums of first score x and end score y.

    Parameters
    ----------
    n : ndarray of int, shape (therapists,)
        Episodes with both scores.
    first, end : ndarray, shape (therapists,)
        Sums of x and of y, points.
    first_squared, first_end, end_squared : ndarray, shape (therapists,)
        Sums of x^2, x y and y^2.
    """

    n: IntArray
    first: FloatArray
    end: FloatArray
    first_squared: FloatArray
    first_end: FloatArray
    end_squared: FloatArray

    @classmethod
    def of(
        cls, therapist: npt.ArrayLike, first: npt.ArrayLike, end: npt.ArrayLike, count: npt.ArrayLike, therapists: int
    ) -> Sums:
        """Add up counted cells.

        Parameters
        ----------
        therapist : array_like of int, shape (cells,)
            Whose, numbered from 0.
        first, end : array_like of int, shape (cells,)
            Points.
        count : array_like of int, shape (cells,)
            Episodes.
        therapists : int
            How many there are.

        Returns
        -------
        Sums

        Examples
        --------
        >>> sums = Sums.of([0, 0, 1], [10, 12, 9], [5, 6, 9], [1, 2, 1], therapists=2)
        >>> sums.n.tolist(), sums.first.tolist(), sums.first_end.tolist()
        ([3, 1], [34.0, 9.0], [194.0, 81.0])
        """
        whose, persons = np.asarray(therapist, dtype=np.int64), np.asarray(count, dtype=np.int64)
        x, y = np.asarray(first, dtype=np.float64), np.asarray(end, dtype=np.float64)
        parts = (np.ones_like(x), x, y, x * x, x * y, y * y)
        n, *sums = (np.bincount(whose, persons * part, minlength=therapists) for part in parts)
        return cls(n.astype(np.int64), *(np.asarray(each, dtype=np.float64) for each in sums))


@dataclass(frozen=True, slots=True, eq=False)
class TherapistEffects:
    """What a two-level model says of therapists, in the order of the sums.

    Parameters
    ----------
    n : ndarray of int, shape (therapists,)
        Episodes.
    estimate : ndarray, shape (therapists,)
        Shrunken difference from what is expected of such first scores, points, positive when better; 0 of one without
        episodes.
    low, high : ndarray, shape (therapists,)
        95 % interval, which takes variances and line as known: without width where tau2 is 0, which then says only
        that no difference was found.
    reliability : ndarray, shape (therapists,)
        Of each one's figure, 0 to 1.
    enough : ndarray of bool, shape (therapists,)
        Whether there are episodes enough for a reliability of 0.8.
    intercept, slope : float
        Of end score on first score.
    tau2, sigma2 : float
        Variance between therapists and within, points squared.
    icc : float
        Share of the variance that lies between therapists.
    needed : int or None
        Episodes for a reliability of 0.8; None where therapists don't differ and no number is enough.
    may_rank : bool
        Whether there are so many of every therapist with episodes. Else any order is mostly chance.
    """

    n: IntArray
    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    reliability: FloatArray
    enough: npt.NDArray[np.bool_]
    intercept: float
    slope: float
    tau2: float
    sigma2: float
    icc: float
    needed: int | None
    may_rank: bool

    def reach(self, episodes: int) -> float:
        """Give how far the interval of a therapist with so many episodes reaches to either side."""
        return float(_Z) * math.sqrt(self.tau2 * self.sigma2 / (self.sigma2 + episodes * self.tau2))


def therapist_effects(sums: Sums, better: Better) -> TherapistEffects | None:
    """Fit end score on first score with therapists who differ, and give what each adds.

    Parameters
    ----------
    sums : Sums
        Of the episodes of each therapist.
    better : Better
        Which end of the scale is the good one.

    Returns
    -------
    TherapistEffects or None
        None where nothing can be learnt: fewer than two therapists with episodes, no episode more than they and the
        line use up, first scores that are all alike, or end scores that the line and the therapists explain wholly.

    Notes
    -----
    y = b0 + b1 x + u_j + e with variances tau^2 and sigma^2, by REML: lme4's `lmer(y ~ x + (1 | therapist))`. With
    r = tau^2 / sigma^2, the inverse of the covariance of n scores is (I - r / (1 + n r) 1 1') / sigma^2, so that the
    likelihood needs sums only and costs the same for any number of episodes. u~_j = tau^2 / (tau^2 + sigma^2 / n_j)
    times the mean residual, with conditional variance tau^2 sigma^2 / (sigma^2 + n_j tau^2). A figure's reliability is
    n / (n + sigma^2 / tau^2).

    References
    ----------
    Bates, Maechler, Bolker & Walker (2015), J Stat Softw 67(1), doi:10.18637/jss.v067.i01.

    Examples
    --------
    >>> sums = Sums.of([0, 0, 0, 1, 1, 1], [9, 12, 15, 9, 12, 15], [6, 10, 11, 1, 3, 5], [1] * 6, therapists=2)
    >>> found = therapist_effects(sums, Better.LOWER)
    >>> found.estimate.round(2).tolist(), found.may_rank
    ([-2.97, 2.97], True)
    """
    likelihood = _Likelihood.of(sums)
    if likelihood is None:
        return None
    ratio = likelihood.best()
    line, sigma2 = likelihood.line(ratio)
    n, mean_residual = sums.n, likelihood.mean_residuals(line)
    shrinking = ratio * n / (1.0 + ratio * n)
    sign = -1.0 if better is Better.LOWER else 1.0
    estimate = sign * shrinking * mean_residual
    reach = _Z * np.sqrt(sigma2 * ratio / (1.0 + ratio * n))
    icc = ratio / (1.0 + ratio)
    needed = episodes_needed(icc)
    enough = np.zeros(len(n), dtype=np.bool_) if needed is None else n >= needed
    return TherapistEffects(
        n=n,
        estimate=estimate,
        low=estimate - reach,
        high=estimate + reach,
        reliability=shrinking,
        enough=enough,
        intercept=float(line[0] - line[1] * likelihood.centre[0] + likelihood.centre[1]),
        slope=float(line[1]),
        tau2=ratio * sigma2,
        sigma2=sigma2,
        icc=icc,
        needed=needed,
        may_rank=bool(enough[n > 0].all()),
    )


def episodes_needed(icc: float) -> int | None:
    """Give how many episodes make the figure of a therapist reliable at 0.8.

    Parameters
    ----------
    icc : float
        Share of the variance that lies between therapists, 0 to below 1.

    Returns
    -------
    int or None
        4 (1 - ICC) / ICC, rounded up; None where therapists don't differ.

    Notes
    -----
    n / (n + (1 - ICC) / ICC) = 0.8, as Spearman and Brown have it.

    References
    ----------
    Spearman (1910), Br J Psychol 3:271, doi:10.1111/j.2044-8295.1910.tb00206.x.

    Examples
    --------
    >>> [episodes_needed(icc) for icc in (0.05, 0.06, 0.08, 0.0)]
    [76, 63, 46, None]
    """
    if icc <= 0.0:
        return None
    return max(1, math.ceil(RELIABLE / (1 - RELIABLE) * (1 - icc) / icc - _ROUNDING))


@dataclass(frozen=True, slots=True, eq=False)
class _Likelihood:
    """The profiled restricted likelihood; x and y are counted from their means over all episodes, the centre.

    `products` holds, for each therapist, the sums of the products of (1, x, y) with each other.
    """

    n: FloatArray
    products: FloatArray
    centre: FloatArray

    @classmethod
    def of(cls, sums: Sums) -> _Likelihood | None:
        """Lay out the sums; None where nothing can be learnt from them."""
        n = sums.n.astype(np.float64)
        rows, working = n.sum(), int((n > 0).sum())
        if working < 2 or rows < working + 2:
            return None
        total = np.array([sums.first, sums.end])
        raw = np.array([[sums.first_squared, sums.first_end], [sums.first_end, sums.end_squared]])
        centre = total.sum(axis=1) / rows
        products = np.empty((len(n), 3, 3))
        products[:, 0, 0] = n
        products[:, 0, 1:] = products[:, 1:, 0] = (total - centre[:, None] * n).T
        moved = raw - centre[:, None, None] * total - total[:, None] * centre[:, None]
        products[:, 1:, 1:] = np.moveaxis(moved + np.outer(centre, centre)[..., None] * n, -1, 0)
        found = cls(n, products, centre)
        return found if found._can_be_learnt(raw.sum(axis=-1).diagonal()) else None

    def _can_be_learnt(self, size: FloatArray) -> bool:
        whole, within = self._weighted(0.0), self._less(1.0 / np.maximum(self.n, 1.0))
        if whole[1, 1] <= _ROUNDING * size[0]:
            return False
        slope = within[1, 2] / within[1, 1] if within[1, 1] > _ROUNDING * size[0] else 0.0
        return bool(within[2, 2] - slope * within[1, 2] > _ROUNDING * size[1])

    def _weighted(self, ratio: float) -> FloatArray:
        """Give (1, x, y)' V^-1 (1, x, y), with V in units of sigma^2."""
        return self._less(ratio / (1.0 + ratio * self.n))

    def _less(self, part: FloatArray) -> FloatArray:
        """Add up the products of all, less a part of those of each therapist's sums."""
        sums = self.products[:, 0, :]
        return np.asarray(self.products.sum(axis=0) - (sums * part[:, None]).T @ sums)

    def line(self, ratio: float) -> tuple[FloatArray, float]:
        """Give intercept and slope through the centre, and sigma^2."""
        found = self._weighted(ratio)
        line = np.asarray(np.linalg.solve(found[:2, :2], found[:2, 2]), dtype=np.float64)
        return line, float((found[2, 2] - found[:2, 2] @ line) / (self.n.sum() - 2))

    def deviance(self, ratio: float) -> float:
        """Give -2 log restricted likelihood without its constants."""
        sigma2 = self.line(ratio)[1]
        fixed = float(np.linalg.slogdet(self._weighted(ratio)[:2, :2])[1])
        return float(np.log1p(ratio * self.n).sum()) + fixed + (float(self.n.sum()) - 2) * math.log(sigma2)

    def best(self) -> float:
        """Give the ratio of the variances with the highest likelihood; 0 where none is better."""
        steps = np.linspace(math.log(_SMALLEST_RATIO), math.log(_LARGEST_RATIO), 61)
        best = int(np.argmin([self.deviance(math.exp(step)) for step in steps]))
        around = steps[max(best - 1, 0)], steps[min(best + 1, len(steps) - 1)]
        found = minimize_scalar(
            lambda step: self.deviance(math.exp(step)), bounds=around, method="bounded", options={"xatol": 1e-8}
        )
        gain = self.deviance(0.0) - float(found.fun)
        return math.exp(float(found.x)) if gain > _ROUNDING else 0.0

    def mean_residuals(self, line: FloatArray) -> FloatArray:
        """Give the mean of each therapist's residuals; 0 without episodes."""
        sums = self.products[:, 0, :] @ np.array([-line[0], -line[1], 1.0])
        return np.asarray(sums / np.maximum(self.n, 1.0))

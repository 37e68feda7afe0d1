"""Shares with their 95 % intervals: how many of how many, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.trajectories.prediction import FloatArray
from app.trajectories.sampling_error import Interval, wilson_ends


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """Several shares at once.

    Parameters
    ----------
    share : ndarray
        0 to 1; NaN of none.
    low, high : ndarray, the same shape
        95 % interval; NaN of none.
    """

    share: FloatArray
    low: FloatArray
    high: FloatArray


def wilson(count: int, of: int) -> Interval | None:
    """Give a share with its score interval.

    Parameters
    ----------
    count, of : int
        How many of how many.

    Returns
    -------
    Interval or None
        The ends are within 0 and 1, and apart; the error is that of the share, 0 where it is 0 or 1. None of none:
        there is no share, which is not the same as 0.

    Raises
    ------
    AssertionError
        If there are more than all, or less than none: a mistake of ours.

    Notes
    -----
    The ends are [p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)] / (1 + z^2 / n), without correction for
    continuity.

    References
    ----------
    Wilson (1927), JASA 22:209, doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> found = wilson(23, 40)
    >>> found.estimate, round(found.lower, 2), round(found.upper, 2)
    (0.575, 0.42, 0.71)
    >>> wilson(0, 0) is None
    True
    """
    found = wilson_each(count, of)
    if not of:
        return None
    share = float(found.share)
    return Interval(share, math.sqrt(share * (1 - share) / of), float(found.low), float(found.high))


def wilson_each(count: npt.ArrayLike, of: npt.ArrayLike) -> Shares:
    """Give several shares with their score intervals, as :func:`wilson` does.

    Parameters
    ----------
    count, of : array_like of int
        How many of how many; shapes that go together.

    Returns
    -------
    Shares
        NaN where it is of none.

    Raises
    ------
    AssertionError
        As for :func:`wilson`.

    Examples
    --------
    >>> found = wilson_each([58, 0], [100, 0])
    >>> found.low.round(2).tolist(), found.high.round(2).tolist()
    ([0.48, nan], [0.67, nan])
    """
    part, whole = np.broadcast_arrays(np.asarray(count), np.asarray(of))
    assert ((part >= 0) & (part <= whole)).all(), "a part is neither less than none nor more than the whole"
    low, high = wilson_ends(part, whole)
    return Shares(part / np.where(whole > 0, whole, math.nan), low, high)

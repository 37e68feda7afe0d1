"""By which session something has happened for the first time, when some leave before it can, from counted cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from app.trajectories.prediction import FloatArray, IntArray

CENSORED: Final = 0
"""Neither had happened when the person was last followed."""

_Z: Final = float(ndtri(0.975))
_ROUNDING: Final = 1e-12
"""A share so near 0 or 1 is one of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A share by time, and how sure it is.

    Parameters
    ----------
    estimate : ndarray, shape (times,)
        0 to 1; NaN later than anybody was followed.
    standard_error : ndarray, shape (times,)
        Of the estimate.
    low, high : ndarray, shape (times,)
        95 % interval; NaN where the estimate is 0 or 1, of which none can be made.
    """

    estimate: FloatArray
    standard_error: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class CumulativeIncidence:
    """What had happened by each time.

    Parameters
    ----------
    time : ndarray of int, shape (times,)
        In order; in the unit of the data.
    at_risk : ndarray of int, shape (times,)
        Persons who were followed so far and to whom nothing had happened before.
    free : Curve
        Share to whom nothing has happened.
    causes : tuple of Curve
        Share to whom each has happened first, in the order of their numbers. With `free` they add up to 1.
    """

    time: IntArray
    at_risk: IntArray
    free: Curve
    causes: tuple[Curve, ...]

    def at(self, times: npt.ArrayLike) -> CumulativeIncidence:
        """Give the same at other times: curves keep their height from one time to the next.

        Parameters
        ----------
        times : array_like of int, shape (n,)
            In the unit of the data, 0 or later.

        Returns
        -------
        CumulativeIncidence
            Nobody at risk and NaN at times later than the last: nothing is known of them.

        Examples
        --------
        >>> found = cumulative_incidence([2, 4], [1, 0], [1, 3], causes=1).at([1, 3, 5])
        >>> found.at_risk.tolist(), found.causes[0].estimate.tolist()
        ([4, 3, 0], [0.0, 0.25, nan])
        """
        wanted = np.asarray(times, dtype=np.int64)
        risk = np.append(self.at_risk, 0)[np.searchsorted(self.time, wanted)]
        place = np.where(wanted > self.time[-1], len(self.time) + 1, np.searchsorted(self.time, wanted, side="right"))

        def moved(curve: Curve, before: float) -> Curve:
            starts = (before, 0.0, math.nan, math.nan)
            lines = (curve.estimate, curve.standard_error, curve.low, curve.high)
            return Curve(*(np.array([a, *line, math.nan])[place] for a, line in zip(starts, lines, strict=True)))

        return CumulativeIncidence(wanted, risk, moved(self.free, 1.0), tuple(moved(each, 0.0) for each in self.causes))


def cumulative_incidence(
    time: npt.ArrayLike, event: npt.ArrayLike, count: npt.ArrayLike, causes: int = 2
) -> CumulativeIncidence | None:
    """Give the share to whom each of several things has happened first, by time (Aalen-Johansen).

    Parameters
    ----------
    time : array_like of int, shape (cells,)
        When it happened, or until when the person was followed: session, 0 or later.
    event : array_like of int, shape (cells,)
        What happened, 1 to `causes`; 0 if nothing had.
    count : array_like of int, shape (cells,)
        Persons.
    causes : int
        How many things may happen. With one this is 1 - Kaplan-Meier.

    Returns
    -------
    CumulativeIncidence or None
        At each time of the data. None of nobody.

    Raises
    ------
    AssertionError
        If the lengths differ, a time or count is below 0, or there is no such event: a mistake of ours.

    Notes
    -----
    Of the n_j at risk at t_j, d_kj have cause k: I_k grows by S(t_j-) d_kj / n_j, and S shrinks by the sum. Those who
    are censored at t_j are at risk there. Leaving is not censoring: who has dropped out is not thought to improve later
    as those who stayed do, which 1 - Kaplan-Meier would. The variance is that of Aalen & Johansen with multinomial
    increments, carried from step to step: with p = (S, I_1, ...) and transition matrix A_j, C_j = A_j' C_j-1 A_j +
    S(t_j-)^2 (diag(a) - a a') / n_j, where a is the first row of A_j. For S it is Greenwood's, for all what R's
    `survfit` gives (the infinitesimal jackknife, for whole persons). The intervals are those of log(-log(1 - I)),
    symmetric, 1 - (1 - I)^exp(-+ z s / ((1 - I) log(1 - I))): for S, R's conf.type "log-log" (its default, "log", may
    leave 0 and 1), so that without a competing risk I has the interval of 1 - Kaplan-Meier.

    References
    ----------
    Aalen & Johansen (1978), Scand J Stat 5:141, https://www.jstor.org/stable/4615704.
    Beyersmann, Allignol & Schumacher (2012), Competing Risks and Multistate Models with R, chapter 4,
    doi:10.1007/978-1-4614-2035-4.

    Examples
    --------
    Of ten, two improve at session 1, one leaves at 2, and of the seven left one improves at 3.

    >>> found = cumulative_incidence([1, 2, 3, 3], [1, 2, 1, 0], [2, 1, 1, 6])
    >>> [curve.estimate.round(3).tolist() for curve in (found.free, *found.causes)]
    [[0.8, 0.7, 0.6], [0.2, 0.2, 0.3], [0.0, 0.1, 0.1]]
    """
    times, what, persons = (np.asarray(each, dtype=np.int64) for each in (time, event, count))
    assert times.shape == what.shape == persons.shape == (persons.size,), "each cell has its time, event and count"
    assert (times >= 0).all(), "no time is below 0"
    assert (persons >= 0).all(), "there are not fewer than no persons"
    assert ((what >= CENSORED) & (what <= causes)).all(), "something happened of which nothing is known"
    some = persons > 0
    if not some.any():
        return None
    steps, step = np.unique(times[some], return_inverse=True)
    ended = np.zeros((len(steps), causes + 1), dtype=np.int64)
    np.add.at(ended, (step, what[some]), persons[some])
    at_risk = ended.sum(axis=1)[::-1].cumsum()[::-1]
    shares, variances = _steps(ended[:, 1:], at_risk)
    causes_of = (_caused(*each) for each in zip(shares.T[1:], variances.T[1:], strict=True))
    return CumulativeIncidence(steps, at_risk, _curve(shares[:, 0], variances[:, 0]), tuple(causes_of))


def kaplan_meier(time: npt.ArrayLike, event: npt.ArrayLike, count: npt.ArrayLike) -> CumulativeIncidence | None:
    """Give the share to whom one thing has happened, by time, where nothing competes with it.

    Parameters
    ----------
    time, count
        As for :func:`cumulative_incidence`.
    event : array_like of int, shape (cells,)
        1 if it happened, 0 if it had not when the person was last followed.

    Returns
    -------
    CumulativeIncidence or None
        `free` is the Kaplan-Meier curve, with Greenwood's error and the log-log interval. None of nobody.

    Raises
    ------
    AssertionError
        As for :func:`cumulative_incidence`.

    References
    ----------
    Kaplan & Meier (1958), JASA 53:457, doi:10.1080/01621459.1958.10501452.

    Examples
    --------
    >>> kaplan_meier([1, 2, 3], [1, 0, 1], [2, 1, 1]).free.estimate.tolist()
    [0.5, 0.5, 0.0]
    """
    return cumulative_incidence(time, event, count, causes=1)


def _steps(happened: IntArray, at_risk: IntArray) -> tuple[FloatArray, FloatArray]:
    """Carry shares and their covariances from step to step; give shares and variances, a row for each step."""
    states = happened.shape[1] + 1
    share, covariance = np.eye(states)[0], np.zeros((states, states))
    shares, variances = [], []
    for ends, n in zip(happened, at_risk, strict=True):
        leaves = np.concatenate([[n - ends.sum()], ends]) / n
        transition = np.vstack([leaves, np.eye(states)[1:]])
        multinomial = np.diag(leaves) - np.outer(leaves, leaves)
        covariance = transition.T @ covariance @ transition + share[0] ** 2 / n * multinomial
        share = share @ transition
        shares.append(share)
        variances.append(np.diag(covariance))
    return np.array(shares), np.maximum(np.array(variances), 0.0)


def _curve(share: FloatArray, variance: FloatArray) -> Curve:
    """Give a share its log(-log) interval."""
    error = np.sqrt(variance)
    told = (share > _ROUNDING) & (share < 1.0 - _ROUNDING)
    inside = np.where(told, share, 0.5)
    power = np.exp(-_Z * error / (inside * np.log(inside)))
    low, high = (np.where(told, inside**each, math.nan) for each in (power, 1.0 / power))
    return Curve(share, error, low, high)


def _caused(share: FloatArray, variance: FloatArray) -> Curve:
    """Give a share the interval of what is left of it."""
    left = _curve(1.0 - share, variance)
    return Curve(share, left.standard_error, 1.0 - left.high, 1.0 - left.low)

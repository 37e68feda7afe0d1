"""How sure a figure is that was worked out from many patients, each with rows of their own that go together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from app.errors import InvalidSeries
from app.trajectories.checked import groups_of, numbers, outcomes
from app.trajectories.prediction import FloatArray, IntArray

_UPPER_TAIL = 0.975


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its 95 % confidence interval; NaN where it can't be told.

    Parameters
    ----------
    estimate, standard_error : float
        The figure, and the spread that it has over samples.
    lower, upper : float
        Ends of the interval.
    """

    estimate: float
    standard_error: float
    lower: float
    upper: float


def clustered_mean(values: npt.ArrayLike, clusters: npt.ArrayLike) -> Interval:
    """Give a mean and how sure it is when the values of a cluster go together.

    Parameters
    ----------
    values : array_like, shape (n,)
        Finite numbers.
    clusters : array_like, shape (n,)
        Whose value each is; names of one kind.

    Returns
    -------
    Interval
        Without an error where there is one cluster.

    Raises
    ------
    InvalidSeries
        If there are no rows, the lengths differ, or a number is missing or infinite.

    Notes
    -----
    The variance is G / (G - 1) sum r^2 / n^2, with r the sum of the deviations from the mean in one of the G clusters;
    the quantiles are those of t with G - 1 degrees of freedom.

    References
    ----------
    Liang & Zeger (1986), Biometrika 73:13, doi:10.1093/biomet/73.1.13.

    Examples
    --------
    >>> found = clustered_mean([1, 3, 5, 7], ["a", "a", "b", "b"])
    >>> found.estimate, found.standard_error
    (4.0, 2.0)
    """
    found = numbers("values", values)
    mean = found.mean(keepdims=True)
    return clustered_intervals(mean, (found - mean)[:, None] / len(found), groups_of(clusters, len(found)))[0]


def share(happened: npt.ArrayLike) -> Interval:
    """Give how often something happened, and how sure that is where each time stands for itself.

    Parameters
    ----------
    happened : array_like of bool, shape (n,)
        Whether it happened; or 0 and 1.

    Returns
    -------
    Interval
        The error is that of the share, 0 where it is 0 or 1; the ends are not: they lie within 0 and 1, and apart.

    Raises
    ------
    InvalidSeries
        If there are no rows, or a number is missing or neither 0 nor 1.

    Notes
    -----
    The ends are [p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)] / (1 + z^2 / n), the score interval.

    References
    ----------
    Wilson (1927), JASA 22:209, doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> found = share([True] * 15 + [False] * 133)
    >>> round(found.estimate, 4), round(found.lower, 4), round(found.upper, 4)
    (0.1014, 0.0624, 0.1605)
    """
    counted = numbers("happened", happened)
    true = outcomes(happened, len(counted))
    count, part = len(true), float(true.mean())
    error = math.sqrt(part * (1 - part) / count)
    lower, upper = wilson_ends(int(true.sum()), count)
    return Interval(part, error, float(lower), float(upper))


def wilson_ends(count: npt.ArrayLike, of: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Give the ends of the score interval of shares.

    Parameters
    ----------
    count, of : array_like of int
        How many of how many, in shapes that go together; nothing is checked.

    Returns
    -------
    lower, upper : ndarray
        Within 0 and 1, on either side of the share; NaN of none.

    References
    ----------
    Wilson (1927), JASA 22:209, doi:10.1080/01621459.1927.10502953.
    """
    whole = np.where(np.asarray(of) > 0, of, math.nan)
    part = np.asarray(count) / whole
    z = float(ndtri(_UPPER_TAIL))
    middle = part + z * z / (2 * whole)
    reach = z * np.sqrt(part * (1 - part) / whole + (z / (2 * whole)) ** 2)
    over = 1 + z * z / whole
    # Rounding must not lead out of 0 and 1, nor past the share itself.
    return np.clip((middle - reach) / over, 0.0, part), np.clip((middle + reach) / over, part, 1.0)


def paired_difference(first: npt.ArrayLike, second: npt.ArrayLike, clusters: npt.ArrayLike) -> Interval:
    """Give the mean of first - second, as :func:`clustered_mean` does.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        Two figures for each row, finite numbers: log scores of two models, say.
    clusters : array_like, shape (n,)
        As for :func:`clustered_mean`.

    Returns
    -------
    Interval

    Raises
    ------
    InvalidSeries
        As for :func:`clustered_mean`.

    Examples
    --------
    >>> paired_difference([1, 3, 5, 7], [0, 0, 0, 0], [1, 1, 2, 2]) == clustered_mean([1, 3, 5, 7], [1, 1, 2, 2])
    True
    """
    minuend = numbers("first", first)
    return clustered_mean(minuend - numbers("second", second, len(minuend)), clusters)


def bootstrapped(
    statistic: Callable[[IntArray], float], clusters: npt.ArrayLike, rng: np.random.Generator, repeats: int = 200
) -> Interval:
    """Give a figure and how far it moves when clusters are drawn anew.

    Parameters
    ----------
    statistic : callable
        Gives the figure of some rows, named by their places; a row may be named more than once.
    clusters : array_like, shape (n,)
        Whose each row is.
    rng : numpy.random.Generator
        Draws the clusters.
    repeats : int
        How often, 2 or more.

    Returns
    -------
    Interval
        The estimate is that of all rows as they are. Without an error where there is one cluster, or where the figure
        is NaN in more than half of the repeats.

    Raises
    ------
    InvalidSeries
        If there are no rows, or too few repeats.

    Notes
    -----
    As many clusters as there are, drawn with replacement. The error is the standard deviation of the repeats and the
    ends are their 2.5 and 97.5 percentiles; repeats in which the figure is NaN are left out.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, sections 6.2 and 13.3, doi:10.1201/9780429246593.
    Field & Welsh (2007), J R Stat Soc B 69:369, doi:10.1111/j.1467-9868.2007.00593.x (clusters).

    Examples
    --------
    >>> values = np.array([1.0, 3.0, 5.0, 7.0])
    >>> def mean(rows):
    ...     return float(values[rows].mean())
    >>> found = bootstrapped(mean, [1, 1, 2, 2], np.random.default_rng(1))
    >>> found.estimate, found.lower, found.upper
    (4.0, 2.0, 6.0)
    """
    return bootstrapped_each(lambda rows: np.array([statistic(rows)]), clusters, rng, repeats)[0]


def bootstrapped_each(
    statistics: Callable[[IntArray], FloatArray], clusters: npt.ArrayLike, rng: np.random.Generator, repeats: int = 200
) -> list[Interval]:
    """Give several figures of the same rows, and how far each moves: as :func:`bootstrapped`, in one go.

    Parameters
    ----------
    statistics : callable
        Gives the figures of some rows, always equally many.
    clusters, rng, repeats
        As for :func:`bootstrapped`.

    Returns
    -------
    list of Interval
        One for each figure.

    Raises
    ------
    InvalidSeries
        As for :func:`bootstrapped`.
    """
    groups = groups_of(clusters)
    if repeats < 2:
        raise InvalidSeries("a bootstrap needs repeats", pointer="/repeats", allowed="2 or more")
    count = int(groups.max()) + 1
    estimates = statistics(np.arange(len(groups)))
    if count < 2:
        return [Interval(estimate, math.nan, math.nan, math.nan) for estimate in estimates.tolist()]
    drawn = (rng.integers(count, size=count) for _ in range(repeats))
    moved = np.array([statistics(_rows_of(some, groups)) for some in drawn])
    return [spread(estimate, figures) for estimate, figures in zip(estimates.tolist(), moved.T, strict=True)]


def spread(estimate: float, figures: FloatArray) -> Interval:
    """Give an estimate with the spread of its repeats.

    Parameters
    ----------
    estimate : float
        The figure itself.
    figures : ndarray, shape (repeats,)
        The figure anew; NaN where it can't be told.

    Returns
    -------
    Interval
        As of :func:`bootstrapped`.
    """
    told = figures[~np.isnan(figures)]
    if len(told) < max(2, len(figures) / 2):
        return Interval(estimate, math.nan, math.nan, math.nan)
    return Interval(estimate, float(told.std(ddof=1)), *np.quantile(told, [1 - _UPPER_TAIL, _UPPER_TAIL]).tolist())


def _rows_of(clusters: IntArray, groups: IntArray) -> IntArray:
    """Give the rows of some clusters, cluster by cluster; one may be named more than once."""
    lengths = np.bincount(groups)
    starts, taken = np.cumsum(lengths) - lengths, lengths[clusters]
    ends = np.cumsum(taken)
    places = np.repeat(starts[clusters] - ends + taken, taken) + np.arange(ends[-1])
    return np.asarray(np.argsort(groups, kind="stable")[places])


def intervals(estimates: FloatArray, errors: FloatArray, freedom: float = math.inf) -> list[Interval]:
    """Give the intervals of estimates with a quantile of t; with endless degrees of freedom it is the normal one."""
    reach = stdtrit(freedom, _UPPER_TAIL) * errors
    columns = (estimates, errors, estimates - reach, estimates + reach)
    return [Interval(*row) for row in np.column_stack(columns).tolist()]


def clustered_intervals(estimates: FloatArray, influences: FloatArray, groups: IntArray) -> list[Interval]:
    """Give the intervals of estimates that rows which go together have moved.

    Parameters
    ----------
    estimates : ndarray, shape (figures,)
        The figures.
    influences : ndarray, shape (n, figures)
        How far each row moved each.
    groups : ndarray of int, shape (n,)
        Cluster of each row, numbered from 0.

    Returns
    -------
    list of Interval
        Without errors where there is one cluster.

    Notes
    -----
    With r the sum of the influences of one of the G clusters, the variance is G / (G - 1) sum r^2; the quantiles are
    those of t with G - 1 degrees of freedom.
    """
    count = int(groups.max()) + 1
    if count < 2:
        return intervals(estimates, np.full(len(estimates), math.nan))
    sums = np.array([np.bincount(groups, weights=column) for column in influences.T])
    return intervals(estimates, np.sqrt(count / (count - 1) * (sums**2).sum(axis=1)), count - 1)

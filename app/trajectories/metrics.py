"""How good predictions were: scores of distributions and of probabilities, and how sure these scores are.

Nothing here knows of curves. Bad input, a number missing among it, is refused; what can't be told from good input, as
a rate among none, is NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from app.errors import InvalidSeries
from app.trajectories.calibration import Calibration, calibration
from app.trajectories.checked import cells, distributions, numbers, outcomes, probabilities
from app.trajectories.prediction import FloatArray
from app.trajectories.sampling_error import Interval, bootstrapped, clustered_mean, paired_difference

__all__ = [
    "Calibration",
    "Flagged",
    "Interval",
    "at_flag_budget",
    "auc",
    "bootstrapped",
    "brier",
    "calibration",
    "clustered_mean",
    "fractional_above",
    "fractional_below",
    "fractional_coverage",
    "log_score",
    "paired_difference",
    "ranked_probability_score",
]

_SMALLEST_CELL = float(np.finfo(np.float64).eps)
"""2^-52: a difference of two probabilities near 1 says nothing of anything smaller."""


@dataclass(frozen=True, slots=True)
class Flagged:
    """What flagging some episodes finds.

    Parameters
    ----------
    flagged : float
        Share of the episodes that were flagged.
    sensitivity, specificity : float
        Share flagged where it happened, and not flagged where it did not; NaN where there are none of these.
    positive_predictive_value, negative_predictive_value : float
        Share where it happened among the flagged, and where it did not among the others; NaN likewise.
    """

    flagged: float
    sensitivity: float
    specificity: float
    positive_predictive_value: float
    negative_predictive_value: float


def fractional_coverage(below: npt.ArrayLike, at: npt.ArrayLike, level: float = 0.8) -> FloatArray:
    """Give how much of each observed score lies in the central band of its prediction.

    Parameters
    ----------
    below, at : array_like, shape (n,)
        P(Y < y) and P(Y <= y) of the scores y that were observed.
    level : float
        Central probability of the band, above 0 and below 1.

    Returns
    -------
    ndarray, shape (n,)
        Shares, 0 to 1. Their expected value is the level if the predictions are right, also at the ends of a scale.

    Raises
    ------
    InvalidSeries
        If there are no rows, the lengths differ, a number is missing or no probability, or the level is not one.

    Notes
    -----
    With a = (1 - level) / 2, the share is |[below, at] n [a, 1 - a]| / (at - below): the probability that a point drawn
    evenly between the two, the randomised probability integral transform, falls in the band. Where the two are so close
    that nothing can be divided by their difference, it is 0 or 1, by where they lie.

    References
    ----------
    Czado, Gneiting & Held (2009), Biometrics 65:1254, doi:10.1111/j.1541-0420.2009.01191.x.

    Examples
    --------
    The first score takes up the lowest fifth, half of which is below the band.

    >>> fractional_coverage([0.0, 0.2, 0.95], [0.2, 0.5, 1.0]).round(2).tolist()
    [0.5, 1.0, 0.0]
    """
    lower, middle, _ = _parts(below, at, level)
    return np.asarray(middle - lower)


def fractional_above(below: npt.ArrayLike, at: npt.ArrayLike, level: float = 0.8) -> FloatArray:
    """Give how much of each observed score lies above the central band of its prediction.

    Parameters
    ----------
    below, at, level
        As for :func:`fractional_coverage`.

    Returns
    -------
    ndarray, shape (n,)
        Shares, 0 to 1. Their expected value is (1 - level) / 2 if the predictions are right.

    Raises
    ------
    InvalidSeries
        As for :func:`fractional_coverage`.

    Examples
    --------
    >>> fractional_above([0.0, 0.8, 0.95], [0.2, 1.0, 1.0]).round(2).tolist()
    [0.0, 0.5, 1.0]
    """
    _, middle, whole = _parts(below, at, level)
    return np.asarray(whole - middle)


def fractional_below(below: npt.ArrayLike, at: npt.ArrayLike, level: float = 0.8) -> FloatArray:
    """Give how much of each observed score lies below the central band of its prediction.

    Parameters
    ----------
    below, at, level
        As for :func:`fractional_coverage`.

    Returns
    -------
    ndarray, shape (n,)
        Shares, 0 to 1. Their expected value is (1 - level) / 2 if the predictions are right.

    Raises
    ------
    InvalidSeries
        As for :func:`fractional_coverage`.

    Examples
    --------
    >>> fractional_below([0.0, 0.8, 0.95], [0.2, 1.0, 1.0]).round(2).tolist()
    [0.5, 0.0, 0.0]
    """
    return _parts(below, at, level)[0]


def log_score(below: npt.ArrayLike, at: npt.ArrayLike) -> FloatArray:
    """Give the log of the probability that each observed score had.

    Parameters
    ----------
    below, at
        As for :func:`fractional_coverage`.

    Returns
    -------
    ndarray, shape (n,)
        Nats, 0 or less; more is better.

    Raises
    ------
    InvalidSeries
        As for :func:`fractional_coverage`.

    Notes
    -----
    ln(at - below), where a probability below 2^-52 counts as 2^-52, which is -36.04 nats. The two come as doubles, so
    that near 1 a difference below that is rounding, or 0; a floor at it treats both ends of a scale alike, and no
    single score makes a mean infinite.

    References
    ----------
    Good (1952), J R Stat Soc B 14:107, doi:10.1111/j.2517-6161.1952.tb00104.x.

    Examples
    --------
    >>> log_score([0.0, 0.5, 1.0], [0.25, 1.0, 1.0]).round(2).tolist()
    [-1.39, -0.69, -36.04]
    """
    below, at = cells(below, at)
    return np.log(np.maximum(at - below, _SMALLEST_CELL))


def ranked_probability_score(cumulative: npt.ArrayLike, observed: npt.ArrayLike) -> FloatArray:
    """Give how far whole distributions were from the scores that were observed.

    Parameters
    ----------
    cumulative : array_like, shape (n, scores)
        P(Y <= k) for each score k of the scale; the last is 1.
    observed : array_like of int, shape (n,)
        Place of the observed score among these, from 0.

    Returns
    -------
    ndarray, shape (n,)
        Points, 0 or more; less is better. For a sure prediction it is how many points it was off.

    Raises
    ------
    InvalidSeries
        If there are no rows, the lengths differ, a row is no distribution, or there is no such score.

    Notes
    -----
    The sum of (P(Y <= k) - 1{y <= k})^2 over k: the continuous ranked probability score of a whole number.

    References
    ----------
    Epstein (1969), J Appl Meteorol 8:985, doi:10.1175/1520-0450(1969)008<0985:ASSFPF>2.0.CO;2.
    Gneiting & Raftery (2007), JASA 102:359, doi:10.1198/016214506000001437.

    Examples
    --------
    >>> ranked_probability_score([[0, 0, 1], [0.5, 0.5, 1]], [0, 1]).tolist()
    [2.0, 0.5]
    """
    table = distributions("cumulative", cumulative)
    places = numbers("observed", observed, len(table))
    scores = np.arange(table.shape[1])
    if not np.isin(places, scores).all():
        allowed = f"0 to {len(scores) - 1}"
        raise InvalidSeries("each observed score needs a place on the scale", pointer="/observed", allowed=allowed)
    return np.asarray(((table - (scores >= places[:, None])) ** 2).sum(axis=1))


def brier(predicted: npt.ArrayLike, happened: npt.ArrayLike) -> float:
    """Give the mean squared error of probabilities.

    Parameters
    ----------
    predicted : array_like, shape (n,)
        Probabilities that were predicted.
    happened : array_like of bool, shape (n,)
        Whether it happened; or 0 and 1.

    Returns
    -------
    float
        0 to 1; less is better.

    Raises
    ------
    InvalidSeries
        If there are no rows, the lengths differ, or a number is missing or lies outside its range.

    References
    ----------
    Brier (1950), Mon Weather Rev 78:1, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.

    Examples
    --------
    >>> brier([0.5, 1.0], [True, True])
    0.125
    """
    chances = probabilities("predicted", predicted)
    return float(((chances - outcomes(happened, len(chances))) ** 2).mean())


def auc(risk: npt.ArrayLike, happened: npt.ArrayLike) -> float:
    """Give how often the risk is higher where it happened than where it did not.

    Parameters
    ----------
    risk : array_like, shape (n,)
        Any finite numbers; higher where it is thought more likely.
    happened : array_like of bool, shape (n,)
        Whether it happened; or 0 and 1.

    Returns
    -------
    float
        0 to 1, with ties as a half: area under the receiver operating characteristic. NaN with one outcome only.

    Raises
    ------
    InvalidSeries
        If there are no rows, the lengths differ, or a number is missing or infinite.

    Notes
    -----
    (R - m (m + 1) / 2) / (m (n - m)), with R the sum of the mean ranks of the m risks where it happened.

    References
    ----------
    Mann & Whitney (1947), Ann Math Stat 18:50, doi:10.1214/aoms/1177730491.
    Hanley & McNeil (1982), Radiology 143:29, doi:10.1148/radiology.143.1.7063747.

    Examples
    --------
    >>> auc([0.9, 0.4, 0.4, 0.1], [True, True, False, False])
    0.875
    """
    risks = numbers("risk", risk)
    true = outcomes(happened, len(risks))
    with_it = int(true.sum())
    above = float(rankdata(risks)[true].sum()) - with_it * (with_it + 1) / 2
    return _share(above, with_it * (len(risks) - with_it))


def at_flag_budget(risk: npt.ArrayLike, happened: npt.ArrayLike, budget: float, rng: np.random.Generator) -> Flagged:
    """Give what flagging the episodes with the highest risk finds.

    Parameters
    ----------
    risk, happened
        As for :func:`auc`.
    budget : float
        Share to flag, 0 to 1. The number of flags is the nearest whole one, of two equally near the even one.
    rng : numpy.random.Generator
        Decides among equal risks: by their order, the figures would depend on that of the file.

    Returns
    -------
    Flagged

    Raises
    ------
    InvalidSeries
        As for :func:`auc`, and if the budget lies outside its range.

    Examples
    --------
    >>> at_flag_budget([5, 9, 1, 7], [False, True, False, False], 0.5, np.random.default_rng(1))
    ... # doctest: +NORMALIZE_WHITESPACE
    Flagged(flagged=0.5, sensitivity=1.0, specificity=0.6666666666666666, positive_predictive_value=0.5,
            negative_predictive_value=1.0)
    """
    risks = numbers("risk", risk)
    true = outcomes(happened, len(risks))
    if not 0 <= budget <= 1:
        raise InvalidSeries("a flag budget must be a share", pointer="/budget", allowed="0 to 1")
    flags = round(budget * len(risks))
    highest_first = np.lexsort((rng.random(len(risks)), -risks))
    found = int(true[highest_first[:flags]].sum())
    with_it, unflagged = int(true.sum()), len(risks) - flags
    missed = with_it - found
    return Flagged(
        flagged=flags / len(risks),
        sensitivity=_share(found, with_it),
        specificity=_share(unflagged - missed, len(risks) - with_it),
        positive_predictive_value=_share(found, flags),
        negative_predictive_value=_share(unflagged - missed, unflagged),
    )


def _parts(below: npt.ArrayLike, at: npt.ArrayLike, level: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give how much of each cell lies below the band, below its upper end, and in all."""
    below, at = cells(below, at)
    if not 0 < level < 1:
        raise InvalidSeries("the level of a band must be a probability", pointer="/level", allowed="above 0, below 1")
    tail = (1 - level) / 2
    width = at - below
    wide = width >= np.finfo(np.float64).tiny
    divisor = np.where(wide, width, 1.0)
    lower = np.where(wide, np.clip((tail - below) / divisor, 0.0, 1.0), below < tail)
    middle = np.where(wide, np.clip((1 - tail - below) / divisor, 0.0, 1.0), below <= 1 - tail)
    return lower, middle, np.ones_like(lower)


def _share(part: float, whole: int) -> float:
    return part / whole if whole else math.nan

"""Whether predicted probabilities mean what they say."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logit

from app.errors import InvalidSeries
from app.trajectories.checked import groups_of, outcomes, probabilities
from app.trajectories.logistic import fit_logistic_line
from app.trajectories.sampling_error import Interval, clustered_intervals, intervals, share

_SUREST = 1e-6
"""Closer to 0 or 1 than one in a million no set of episodes can judge a probability."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How predicted probabilities stand to what happened, on the scale of log odds.

    Parameters
    ----------
    intercept : Interval
        Log odds of what happened where even odds were predicted: 0 in a calibrated prediction.
    slope : Interval
        1 in a calibrated prediction; below 1 predictions are too extreme.
    """

    intercept: Interval
    slope: Interval


def calibration(
    predicted: npt.ArrayLike, happened: npt.ArrayLike, clusters: npt.ArrayLike | None = None
) -> Calibration:
    """Give the line that leads from the predicted log odds to those of what happened.

    Parameters
    ----------
    predicted, happened
        As for :func:`app.trajectories.metrics.brier`.
    clusters : array_like, shape (n,), optional
        Whose prediction each is: predictions for one patient are not independent.

    Returns
    -------
    Calibration
        NaN where there is no such line: one outcome only, equal predictions, or predictions that separate the outcomes.
        Without an error where there is one cluster.

    Raises
    ------
    InvalidSeries
        As for :func:`app.trajectories.metrics.brier`, and if the clusters are not one for each row.

    Notes
    -----
    logit P(happened) = intercept + slope logit(predicted), both fitted at once by maximum likelihood. Probabilities
    below 1e-6 count as 1e-6 and those above 1 - 1e-6 as that. The errors come from the information, with normal
    quantiles; with clusters, from A^-1 [G / (G - 1) sum s s'] A^-1, with A the information, s the sum of the scores of
    one of the G clusters, and quantiles of t with G - 1 degrees of freedom.

    References
    ----------
    Cox (1958), Biometrika 45:562, doi:10.1093/biomet/45.3-4.562.
    Van Calster et al. (2016), J Clin Epidemiol 74:167, doi:10.1016/j.jclinepi.2015.12.005.
    Liang & Zeger (1986), Biometrika 73:13, doi:10.1093/biomet/73.1.13 (clusters).

    Examples
    --------
    Of ten at 20 % three happened, of ten at 80 % seven did.

    >>> found = calibration([0.2] * 10 + [0.8] * 10, [1] * 3 + [0] * 7 + [1] * 7 + [0] * 3)
    >>> round(found.intercept.estimate, 3), round(found.slope.estimate, 3), round(found.slope.standard_error, 3)
    (0.0, 0.611, 0.352)
    """
    chances = probabilities("predicted", predicted)
    groups = None if clusters is None else groups_of(clusters, len(chances))
    line = fit_logistic_line(logit(np.clip(chances, _SUREST, 1.0 - _SUREST)), outcomes(happened, len(chances)))
    if line is None:
        untold = Interval(math.nan, math.nan, math.nan, math.nan)
        return Calibration(untold, untold)
    if groups is None:
        return Calibration(*intervals(line.coefficients, np.sqrt(np.diag(line.covariance))))
    return Calibration(*clustered_intervals(line.coefficients, line.influences, groups))


@dataclass(frozen=True, slots=True)
class Group:
    """Predictions that are close to each other, and what happened there.

    Parameters
    ----------
    predicted : float
        Their mean.
    happened : Interval
        Share of them in which it happened.
    count : int
        How many they are.
    """

    predicted: float
    happened: Interval
    count: int


def calibration_groups(predicted: npt.ArrayLike, happened: npt.ArrayLike, groups: int = 10) -> tuple[Group, ...]:
    """Divide predictions by their size into groups of equally many, and give what happened in each.

    Parameters
    ----------
    predicted, happened
        As for :func:`app.trajectories.metrics.brier`.
    groups : int
        How many groups, 1 or more; fewer where there are fewer predictions.

    Returns
    -------
    tuple of Group
        From the lowest predictions to the highest. Of equal predictions at a border, the first ones are in the lower
        group.

    Raises
    ------
    InvalidSeries
        As for :func:`app.trajectories.metrics.brier`, and if there is to be no group.

    Examples
    --------
    >>> low, high = calibration_groups([0.9, 0.1, 0.2, 0.8], [1, 0, 1, 1], groups=2)
    >>> round(low.predicted, 2), low.happened.estimate, round(high.predicted, 2), high.happened.estimate
    (0.15, 0.5, 0.85, 1.0)
    """
    chances = probabilities("predicted", predicted)
    true = outcomes(happened, len(chances))
    if groups < 1:
        raise InvalidSeries("there must be a group", pointer="/groups", allowed="1 or more")
    parts = np.array_split(np.argsort(chances, kind="stable"), min(groups, len(chances)))
    return tuple(Group(float(chances[rows].mean()), share(true[rows]), len(rows)) for rows in parts)

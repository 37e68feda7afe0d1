"""SDQ added value: whether a group of children did better than similar ones do without help; never one child."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.errors import MalformedBody
from app.scales.sources import Confidence, Source

SOURCE: Final = Source(
    "sdqinfo e10 page (variables, standard deviation, caveats); slide deck 'SDQ added value score' (coefficients): made"
    " from 604 children of the follow-up of the British survey of 2004 with a disorder or recent help-seeking",
    Confidence.A,
)

_SD: Final = 5.0
"""Of one child's score, points: nineteen of twenty lie within 10 of their expectation whatever was done."""

_NORMAL_95: Final = 1.96


@dataclass(frozen=True, slots=True)
class AddedValue:
    """What a group gained beyond what was to be expected, by parents' reports.

    Parameters
    ----------
    children : int
        How many have both measures.
    mean : float
        Points of total difficulties; positive when the group did better than expected.
    low, high : float
        95 % interval of the mean.
    effect_size : float
        The mean in standard deviations.
    """

    children: int
    mean: float
    low: float
    high: float
    effect_size: float


def added_value(
    total: NDArray[np.float64],
    impact: NDArray[np.float64],
    emotional: NDArray[np.float64],
    later_total: NDArray[np.float64],
) -> AddedValue:
    """Give the added value of a group of children in need.

    Parameters
    ----------
    total, impact, emotional : array of float, shape (n,)
        Of the parents' form (4-17) at the start, points; NaN where there is no score.
    later_total : array of float, shape (n,)
        Total difficulties of the parents' follow-up form about six months later, points; NaN where there is none.

    Returns
    -------
    AddedValue
        Of the children with all four scores.

    Raises
    ------
    MalformedBody
        If there are fewer than two: of one child the score says nothing, since it varies by 10 points either way.

    Notes
    -----
    2.3 + 0.8 total + 0.2 impact - 0.3 emotional - later total, whose standard deviation is 5. It holds for children
    with a disorder or recent help-seeking only, and rests on British children; see `SOURCE`.

    Examples
    --------
    >>> start = np.array([20.0, 20.0])
    >>> round(added_value(start, np.array([4.0, 4.0]), np.array([5.0, 5.0]), np.array([12.0, 14.0])).mean, 9)
    4.6
    """
    columns = np.stack([total, impact, emotional, later_total])
    complete = columns[:, ~np.isnan(columns).any(axis=0)]
    children = complete.shape[1]
    if children < 2:
        raise MalformedBody(
            "added value is for groups: one child's score varies by 10 points either way, whatever was done",
            allowed="two children or more with both measures",
        )
    return of_means(children, *(float(each) for each in complete.mean(axis=1)))


def of_means(children: int, total: float, impact: float, emotional: float, later_total: float) -> AddedValue:
    """Give the added value of a group of which only the means are known: the formula is linear.

    Parameters
    ----------
    children : int
        Children with all four scores, 2 or more.
    total, impact, emotional, later_total : float
        Means of the scores that :func:`added_value` takes, points.

    Returns
    -------
    AddedValue

    Examples
    --------
    >>> round(of_means(2, 20.0, 4.0, 5.0, 13.0).mean, 9)
    4.6
    """
    mean = 2.3 + 0.8 * total + 0.2 * impact - 0.3 * emotional - later_total
    margin = _NORMAL_95 * _SD / sqrt(children)
    return AddedValue(children, mean, mean - margin, mean + margin, mean / _SD)

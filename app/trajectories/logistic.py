"""A logistic regression on one number: as much of it as judging probabilities needs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_expit

from app.trajectories.prediction import FloatArray

_SAME = 1e-9  # a spread of the numbers below this is rounding
_STEPS, _CLOSE = 100, 1e-18  # a step is the last that gains no more log-likelihood than this
_GAIN_ROUNDING = 1e-12  # a share of the log-likelihood that may be rounding
_TOO_FLAT = 1e12  # condition of an information that tells only one of the two figures


class LogisticLine(NamedTuple):
    """A fitted line on the scale of log odds.

    Parameters
    ----------
    coefficients : ndarray, shape (2,)
        Intercept and slope.
    covariance : ndarray, shape (2, 2)
        Inverse of the information.
    influences : ndarray, shape (n, 2)
        How far each observation moves the two; their crossed sums are the covariance that does not rely on the model.
    """

    coefficients: FloatArray
    covariance: FloatArray
    influences: FloatArray


def fit_logistic_line(
    numbers: FloatArray, happened: npt.NDArray[np.bool_], counts: FloatArray | None = None
) -> LogisticLine | None:
    """Fit the log odds of an event as a line in a number, by maximum likelihood.

    Parameters
    ----------
    numbers : ndarray, shape (n,)
        Finite.
    happened : ndarray of bool, shape (n,)
        Whether the event happened.
    counts : ndarray, shape (n,), optional
        How many observations each row stands for, above 0; one each when None. A row's influence is theirs together.

    Returns
    -------
    LogisticLine or None
        None where there is no maximum, or none that can be told: one outcome only, equal numbers, or numbers that
        separate the outcomes.

    Notes
    -----
    With one number, there is a maximum if and only if the numbers of the two outcomes overlap in more than a point
    (Albert & Anderson 1984). It is found by Newton's steps, halved where they go too far.

    References
    ----------
    Albert & Anderson (1984), Biometrika 71:1, doi:10.1093/biomet/71.1.1.

    Examples
    --------
    >>> line = fit_logistic_line(np.array([0.0, 0, 0, 1, 1, 1]), np.array([1, 0, 0, 1, 1, 0]) == 1)
    >>> line.coefficients.round(3).tolist()
    [-0.693, 1.386]
    """
    if happened.all() or not happened.any() or np.ptp(numbers) < _SAME:
        return None
    with_it, without = numbers[happened], numbers[~happened]
    if with_it.min() >= without.max() or with_it.max() <= without.min():
        return None
    of = np.ones(len(numbers)) if counts is None else counts
    centre = np.average(numbers, weights=of)
    scale = np.sqrt(np.average((numbers - centre) ** 2, weights=of))
    design = np.column_stack([np.ones(len(numbers)), (numbers - centre) / scale])
    signs = np.where(happened, 1.0, -1.0)
    line, gain, left = np.zeros(2), np.inf, _STEPS
    while gain > _CLOSE and left:
        predicted = expit(design @ line)
        information = (design.T * (of * predicted * (1.0 - predicted))) @ design
        if not np.linalg.cond(information) < _TOO_FLAT:
            return None
        covariance, slopes = np.linalg.inv(information), design * (of * (happened - predicted))[:, None]
        step = covariance @ slopes.sum(axis=0)
        gain = float(slopes.sum(axis=0) @ step)
        line = line + _shortened(step, line, design * signs[:, None], of)
        left -= 1
    back = np.array([[1.0, -centre / scale], [0.0, 1.0 / scale]])
    fitted = LogisticLine(back @ line, back @ covariance @ back.T, slopes @ covariance @ back.T)
    return fitted if gain <= _CLOSE else None


def _shortened(step: FloatArray, line: FloatArray, signed: FloatArray, of: FloatArray) -> FloatArray:
    """Halve a step until the log-likelihood does not fall; `signed` is the design, times -1 where it did not."""
    here = float(of @ log_expit(signed @ line))
    while of @ log_expit(signed @ (line + step)) < here * (1.0 + _GAIN_ROUNDING):
        step = step / 2.0
    return step

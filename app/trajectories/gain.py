"""How likely a true gain of some points is, from now on."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from app.scales.change import Better
from app.trajectories.conditional import Points
from app.trajectories.prediction import FloatArray

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_FARTHEST = 8.0
"""Standard deviations beyond which nobody is."""

_LEAST_VARIANCE = 1e-12
"""Of a true value that is as good as known: its square root is far below what is shown."""


def chances_of_gain(now: Points, later: Points, points: float, better: Better) -> FloatArray:
    """Give the probabilities that the true score will have improved by so many points or more.

    Parameters
    ----------
    now : Points
        One point in treatment, as all scores see it.
    later : Points, of m points
        Where the gains end, given the same scores.
    points : float
        The gain, points, above 0.
    better : Better
        Which end of the scale is the good one.

    Returns
    -------
    ndarray, shape (m,)
        Probabilities.

    Notes
    -----
    A true value, which is the observed one without its noise, has the points h(value) at which the link takes it, cut
    to the range of the scale. Where less than the gain is left to the good end, it can't be had. With x the true value
    now, where lower is better, and over all shapes,

        P(gain >= d) = integral over h(x) >= min + d of N(x; now) P(later <= g(h(x) - d) | x)

    which is smooth, by Gauss-Legendre. Far from the ends it is :meth:`TrueChange.at_least` of d points in link units.
    """
    curve, sign = now.given.curve, 1.0 if better is Better.LOWER else -1.0
    link = curve.link
    here, there, fall = now.predict(), later.predict(), now.fall_to(later)
    variance = np.maximum(here.sds**2 - curve.noise_variance, _LEAST_VARIANCE)
    variance_later = there.sds**2 - curve.noise_variance
    shared = (variance + variance_later - fall.sds**2) / 2
    left = np.sqrt(np.maximum(variance_later - shared**2 / variance, _LEAST_VARIANCE))[..., None]
    good_end = link.minimum if sign > 0 else link.maximum
    nearest = sign * (link.forward(good_end + sign * points) - here.means) / np.sqrt(variance)
    start = np.clip(nearest, -_FARTHEST, _FARTHEST)[..., None]
    worse = start + (_FARTHEST - start) * (_NODES + 1) / 2
    weights = (_FARTHEST - start) / 2 * _WEIGHTS * np.exp(-(worse**2) / 2) / math.sqrt(2 * math.pi)
    away = sign * worse * np.sqrt(variance)[..., None]
    target = link.forward(link.backward(here.means[..., None] + away) - sign * points)
    expected = there.means[..., None] + (shared / variance)[..., None] * away
    reached = (weights * ndtr(sign * (target - expected) / left)).sum(axis=-1)
    return np.asarray(np.minimum((there.shares * reached).sum(axis=0), 1.0))

"""The sequential filter: the evidence of scores for a shape, where the ends of the scale are only bounds.

A score of 0 says "0 or lower" about the normal variable behind it. Conditioned on such a bound a normal distribution is
no longer normal; the filter goes on with the normal one of the same mean and variance, score by score. That is exact
where no score lies at an end, and where one does it equals a score with another value and another noise, its *site*,
from which everything else follows in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr

from app.trajectories.prediction import FloatArray

_LOG_TWO_PI = math.log(2 * math.pi)

_LEAST_SHARE = 1e-12
"""A bound that the model expects to hold tells nothing; its site would have an infinite noise."""

Figure = TypeVar("Figure", float, FloatArray)
"""A number of one series, or the numbers of many at one occasion: what is written once serves both."""

Sides = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Variation:
    """How persons differ, drift and answer, in link units.

    Parameters
    ----------
    level, slope, both : float
        Variances of the persons' levels and slopes, and their covariance.
    drift : float
        Variance of the slow drift.
    drift_weeks : float
        Time constant of the drift, weeks.
    noise : float
        Variance of the noise of one score.
    """

    level: float
    slope: float
    both: float
    drift: float
    drift_weeks: float
    noise: float


class Filtered(NamedTuple):
    """What the filter says of scores, in the order of the scores.

    Parameters
    ----------
    log_density : ndarray, shape (n, ...)
        Log probability density of each score given those before it; of a score at an end its log probability.
    site : ndarray, shape (n, ...)
        The value that stands for each score, as a deviation from the mean course.
    noise : ndarray, shape (n, ...)
        Its noise variance. Infinite where there is no score.
    """

    log_density: FloatArray
    site: FloatArray
    noise: FloatArray


def filter_scores(
    deviations: FloatArray, sides: Sides, progress: FloatArray, weeks: FloatArray, variation: Variation
) -> Filtered:
    """Filter scores of one shape, occasion by occasion.

    Parameters
    ----------
    deviations : ndarray, shape (n, ...)
        Score minus mean course, link units; for a score at an end, its bound minus the mean course. NaN where an
        episode has no such occasion: only after its last score.
    sides : ndarray of int8, shape (n, ...)
        -1 where the value lies at or below its bound, 1 where at or above, 0 where it is known.
    progress : ndarray, shape (n, ...)
        How far the shape has come, which is the weight of the persons' slopes.
    weeks : ndarray, shape (n, ...)
        Calendar time, not falling. All four are broadcast against each other.
    variation : Variation
        How persons differ, drift and answer.

    Returns
    -------
    Filtered

    Notes
    -----
    State (u0, u1, r) with r <- r exp(-dw / tau). With prior predictive mean m and variance F = C + noise of a score:
    a known one has the innovation y - m. At the lower bound b, z = (b - m) / sqrt F and l = phi(z) / Phi(z), the
    innovation is -l sqrt F and the variance falls by s = l (z + l) of what a known score would take; the upper bound
    is its mirror image. The site is m + innovation / s with the noise F / s - C (engine, section 1; moments of the
    truncated normal: Johnson, Kotz & Balakrishnan 1994, Continuous Univariate Distributions 1, section 10.1).
    """
    deviations, sides, progress, weeks = np.broadcast_arrays(deviations, sides, progress, weeks)
    log_density, site, noise = (np.empty(deviations.shape) for _ in range(3))
    known = ~np.isnan(deviations)
    decay = np.exp(np.diff(weeks, axis=0, prepend=weeks[:1]) / -variation.drift_weeks)
    state: _State[FloatArray] = _State(np.zeros(deviations.shape[1:]), variation)
    for place, each in enumerate(deviations):
        if place:
            state.drift(decay[place])
        ahead = state.predict(each, progress[place])
        seen = _see_all(ahead, sides[place], known[place])
        state.take(ahead, seen)
        log_density[place] = seen.log_density
        with np.errstate(divide="ignore", invalid="ignore"):
            site[place] = np.where(seen.share > 0, each - ahead.distance + seen.innovation / seen.share, 0.0)
            noise[place] = ahead.variance / seen.share - (ahead.variance - variation.noise)
    return Filtered(log_density, site, noise)


def filter_series(
    deviations: Sequence[float],
    sides: Sequence[int],
    progress: Sequence[float],
    weeks: Sequence[float],
    variation: Variation,
) -> tuple[tuple[float, float, float], ...]:
    """Filter the scores of one series in one shape.

    Parameters
    ----------
    deviations, sides, progress, weeks, variation
        As for :func:`filter_scores`, all of them known.

    Returns
    -------
    tuple of tuple of float
        Log density, site and noise of each score. Numbers of Python, since arrays of one number take five times as
        long.
    """
    state: _State[float] = _State(0.0, variation)
    found, before = [], weeks[0]
    for deviation, side, come, week in zip(deviations, sides, progress, weeks, strict=True):
        state.drift(math.exp((week - before) / -variation.drift_weeks))
        before = week
        ahead = state.predict(deviation, come)
        seen = _see_one(ahead, side)
        state.take(ahead, seen)
        site = deviation - ahead.distance + seen.innovation / seen.share
        found.append((seen.log_density, site, ahead.variance / seen.share - (ahead.variance - variation.noise)))
    return tuple(found)


class _Ahead(NamedTuple, Generic[Figure]):
    """A score that is ahead: its distance from what is expected, its variance, and its covariance with the state."""

    distance: Figure
    variance: Figure
    level: Figure
    slope: Figure
    drift: Figure


class _Seen(NamedTuple, Generic[Figure]):
    """A score that was seen: what it moves, and which share of the variance of a known score it takes."""

    innovation: Figure
    share: Figure
    log_density: Figure


def _see_all(ahead: _Ahead[FloatArray], sides: Sides, known: npt.NDArray[np.bool_]) -> _Seen[FloatArray]:
    """Take in the scores of one occasion: known, at an end of the scale, or absent."""
    sd = np.sqrt(ahead.variance)
    z = ahead.distance / sd
    innovation = ahead.distance
    share = np.ones_like(z)
    log_density = -0.5 * (_LOG_TWO_PI + z * z) - np.log(sd)
    if sides.any():
        at_end = sides != 0
        towards = -sides * z
        log_tail = log_ndtr(towards)
        hazard = np.exp(-0.5 * (_LOG_TWO_PI + towards * towards) - log_tail)
        innovation = np.where(at_end, sides * sd * hazard, innovation)
        share = np.where(at_end, np.maximum(hazard * (towards + hazard), _LEAST_SHARE), share)
        log_density = np.where(at_end, log_tail, log_density)
    if not known.all():
        innovation, share, log_density = (np.where(known, each, 0.0) for each in (innovation, share, log_density))
    return _Seen(innovation, share, log_density)


def _see_one(ahead: _Ahead[float], side: int) -> _Seen[float]:
    """Take in one score: known, or at an end of the scale."""
    sd = math.sqrt(ahead.variance)
    z = ahead.distance / sd
    if not side:
        return _Seen(ahead.distance, 1.0, -0.5 * (_LOG_TWO_PI + z * z) - math.log(sd))
    towards = -side * z
    log_tail = float(log_ndtr(towards))
    hazard = math.exp(-0.5 * (_LOG_TWO_PI + towards * towards) - log_tail)
    return _Seen(side * sd * hazard, max(hazard * (towards + hazard), _LEAST_SHARE), log_tail)


class _State(Generic[Figure]):
    """Mean and covariance of level, slope and drift given the scores so far; `nothing` is a zero, or zeros."""

    level: Figure
    slope: Figure
    drifted: Figure
    v_ll: Figure
    v_ls: Figure
    v_ss: Figure
    v_ld: Figure
    v_sd: Figure
    v_dd: Figure

    def __init__(self, nothing: Figure, variation: Variation) -> None:
        self.variation = variation
        self.level = self.slope = self.drifted = self.v_ld = self.v_sd = nothing
        self.v_ll = nothing + variation.level
        self.v_ls = nothing + variation.both
        self.v_ss = nothing + variation.slope
        self.v_dd = nothing + variation.drift

    def drift(self, decay: Figure) -> None:
        """Let calendar time pass."""
        self.drifted = self.drifted * decay
        self.v_ld = self.v_ld * decay
        self.v_sd = self.v_sd * decay
        self.v_dd = self.variation.drift + (self.v_dd - self.variation.drift) * decay * decay

    def predict(self, value: Figure, progress: Figure) -> _Ahead[Figure]:
        """Look ahead to a score: level + slope * progress + drift + noise."""
        level = self.v_ll + progress * self.v_ls + self.v_ld
        slope = self.v_ls + progress * self.v_ss + self.v_sd
        drift = self.v_ld + progress * self.v_sd + self.v_dd
        distance = value - (self.level + progress * self.slope + self.drifted)
        return _Ahead(distance, level + progress * slope + drift + self.variation.noise, level, slope, drift)

    def take(self, ahead: _Ahead[Figure], seen: _Seen[Figure]) -> None:
        """Move by what was seen."""
        step = seen.innovation / ahead.variance
        self.level = self.level + ahead.level * step
        self.slope = self.slope + ahead.slope * step
        self.drifted = self.drifted + ahead.drift * step
        taken = seen.share / ahead.variance
        of_level, of_slope = ahead.level * taken, ahead.slope * taken
        self.v_ll = self.v_ll - of_level * ahead.level
        self.v_ls = self.v_ls - of_level * ahead.slope
        self.v_ld = self.v_ld - of_level * ahead.drift
        self.v_ss = self.v_ss - of_slope * ahead.slope
        self.v_sd = self.v_sd - of_slope * ahead.drift
        self.v_dd = self.v_dd - ahead.drift * taken * ahead.drift

"""The sequential filter: the evidence of scores for a shape, where the ends of the scale are only bounds.

A score of 0 says "0 or lower" about the normal variable behind it. Conditioned on such a bound a normal distribution is
no longer normal; the filter goes on with the normal one of the same mean and variance, score by score. That is exact
where no score lies at an end, and where one does it equals a score with another value and another noise, its *site*,
from which everything else follows in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
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
    deviations : ndarray, shape (n, ...), with at least one axis of episodes
        Score minus mean course, link units; for a score at an end, its bound minus the mean course. NaN where an
        episode has no such occasion: only after its last score.
    sides : ndarray of int8, shape (n, ...)
        -1 where the value lies at or below its bound, 1 where at or above, 0 where it is known.
    progress : ndarray, shape (n, ...)
        How far the shape has come, which is the weight of the persons' slopes.
    weeks : ndarray, shape (n, ...)
        Calendar time, not falling. The axes after the first are broadcast against each other.
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
    log_density, site, noise = (np.empty(_shape(deviations, sides, progress, weeks)) for _ in range(3))
    for place, (each, ahead, seen) in enumerate(_walk(deviations, sides, progress, weeks, variation)):
        log_density[place] = seen.log_density
        with np.errstate(divide="ignore", invalid="ignore"):
            site[place] = np.where(seen.taken > 0, each - ahead.distance + seen.step / seen.taken, 0.0)
            noise[place] = 1 / seen.taken - (ahead.variance - variation.noise)
    return Filtered(log_density, site, noise)


def log_density(
    deviations: FloatArray, sides: Sides, progress: FloatArray, weeks: FloatArray, variation: Variation
) -> FloatArray:
    """Give the log density of the scores of each episode together, as :func:`filter_scores` finds it, shape (...)."""
    steps = _walk(deviations, sides, progress, weeks, variation)
    return np.asarray(sum(seen.log_density for _, _, seen in steps))


def _shape(*arrays: npt.NDArray[np.generic]) -> tuple[int, ...]:
    return np.broadcast_shapes(*(each.shape for each in arrays))


def _walk(
    deviations: FloatArray, sides: Sides, progress: FloatArray, weeks: FloatArray, variation: Variation
) -> Iterator[tuple[FloatArray, _Ahead[FloatArray], _Seen[FloatArray]]]:
    """Go through the scores, occasion by occasion."""
    shape = _shape(deviations, sides, progress, weeks)
    decay = np.exp(np.diff(weeks, axis=0, prepend=weeks[:1]) / -variation.drift_weeks)
    ends = np.asarray(sides.any(axis=tuple(range(1, sides.ndim))))
    state: _State[FloatArray] = _State(np.zeros(shape[1:]), variation)
    for each, side, has_ends, come, faded in zip(deviations, sides, ends, progress, decay, strict=True):
        state.drift(faded)
        ahead = state.predict(each, come)
        seen = _see_all(ahead, np.broadcast_to(side, shape[1:]) if has_ends else None)
        state.take(ahead, seen)
        yield each, ahead, seen


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
        site = deviation - ahead.distance + seen.step / seen.taken
        found.append((seen.log_density, site, 1 / seen.taken - (ahead.variance - variation.noise)))
    return tuple(found)


class _Ahead(NamedTuple, Generic[Figure]):
    """A score that is ahead: its distance from what is expected, its variance, and its covariance with the state."""

    distance: Figure
    variance: Figure
    level: Figure
    slope: Figure
    drift: Figure


class _Seen(NamedTuple, Generic[Figure]):
    """A score that was seen: by how much it moves the state and its variance, for each unit of their covariance."""

    step: Figure
    taken: Figure
    log_density: Figure


def _see_all(ahead: _Ahead[FloatArray], sides: Sides | None) -> _Seen[FloatArray]:
    """Take in the scores of one occasion: known, at an end of the scale, or absent; without sides none is at an end."""
    taken = 1 / ahead.variance
    step = ahead.distance * taken
    log_density = -0.5 * (_LOG_TWO_PI + ahead.distance * step + np.log(ahead.variance))
    if sides is not None:
        at_end = np.nonzero(sides)
        side, sd = sides[at_end], np.sqrt(ahead.variance[at_end])
        towards = -side * ahead.distance[at_end] / sd
        log_tail = log_ndtr(towards)
        hazard = np.exp(-0.5 * (_LOG_TWO_PI + towards * towards) - log_tail)
        step[at_end] = side * hazard / sd
        taken[at_end] *= np.maximum(hazard * (towards + hazard), _LEAST_SHARE)
        log_density[at_end] = log_tail
    absent = np.isnan(ahead.distance)
    if absent.any():
        step[absent] = taken[absent] = log_density[absent] = 0.0
    return _Seen(step, taken, log_density)


def _see_one(ahead: _Ahead[float], side: int) -> _Seen[float]:
    """Take in one score: known, or at an end of the scale."""
    sd = math.sqrt(ahead.variance)
    z = ahead.distance / sd
    if not side:
        log_density = -0.5 * (_LOG_TWO_PI + z * z) - math.log(sd)
        return _Seen(ahead.distance / ahead.variance, 1 / ahead.variance, log_density)
    towards = -side * z
    log_tail = float(log_ndtr(towards))
    hazard = math.exp(-0.5 * (_LOG_TWO_PI + towards * towards) - log_tail)
    share = max(hazard * (towards + hazard), _LEAST_SHARE)
    return _Seen(side * hazard / sd, share / ahead.variance, log_tail)


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
        self.level = self.level + ahead.level * seen.step
        self.slope = self.slope + ahead.slope * seen.step
        self.drifted = self.drifted + ahead.drift * seen.step
        of_level, of_slope = ahead.level * seen.taken, ahead.slope * seen.taken
        self.v_ll = self.v_ll - of_level * ahead.level
        self.v_ls = self.v_ls - of_level * ahead.slope
        self.v_ld = self.v_ld - of_level * ahead.drift
        self.v_ss = self.v_ss - of_slope * ahead.slope
        self.v_sd = self.v_sd - of_slope * ahead.drift
        self.v_dd = self.v_dd - ahead.drift * seen.taken * ahead.drift

"""The sequential filter: the evidence of scores for a shape, where the ends of the scale are only bounds.

A score of 0 says "0 or lower" about the normal variable behind it. Conditioned on such a bound a normal distribution is
no longer normal; the filter goes on with the normal one of the same mean and variance, score by score. That is exact
where no score lies at an end, and where one does it equals a score with another value and another noise, its *site*,
from which everything else follows in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr

from app.trajectories.prediction import FloatArray

_LOG_TWO_PI = math.log(2 * math.pi)

_LEAST_SHARE = 1e-12
"""A bound that the model expects to hold tells nothing; its site would have an infinite noise."""

Figure = TypeVar("Figure", float, FloatArray)
"""A number of one series, or the numbers of many at one occasion: what is written once serves both."""

Seen: TypeAlias = tuple[Figure, Figure, Figure]
"""By how much a score moves the state and its variance, for each unit of their covariance, and its log density."""

Sides = npt.NDArray[np.int8]

Side = TypeVar("Side")


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
    steps = _walk_all(deviations, sides, progress, weeks, variation)
    for place, (mean, variance, step, taken, density) in enumerate(steps):
        log_density[place] = density
        with np.errstate(divide="ignore", invalid="ignore"):
            site[place] = np.where(taken > 0, mean + step / taken, 0.0)
            noise[place] = 1 / taken - (variance - variation.noise)
    return Filtered(log_density, site, noise)


def log_density(
    deviations: FloatArray, sides: Sides, progress: FloatArray, weeks: FloatArray, variation: Variation
) -> FloatArray:
    """Give the log density of the scores of each episode together, as :func:`filter_scores` finds it, shape (...)."""
    steps = _walk_all(deviations, sides, progress, weeks, variation)
    return np.asarray(sum(density for *_, density in steps))


def _shape(*arrays: npt.NDArray[np.generic]) -> tuple[int, ...]:
    return np.broadcast_shapes(*(each.shape for each in arrays))


def _walk_all(
    deviations: FloatArray, sides: Sides, progress: FloatArray, weeks: FloatArray, variation: Variation
) -> Iterator[tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]]:
    """Go through the scores of many series; see :func:`_walk`."""
    shape = _shape(deviations, sides, progress, weeks)
    decay = np.exp(np.diff(weeks, axis=0, prepend=weeks[:1]) / -variation.drift_weeks)
    ends = np.asarray(sides.any(axis=tuple(range(1, sides.ndim))))
    where = (np.broadcast_to(side, shape[1:]) if has_ends else None for side, has_ends in zip(sides, ends, strict=True))
    return _walk(zip(deviations, where, progress, decay, strict=True), np.zeros(shape[1:]), variation, _see_all)


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
    elapsed = (later - earlier for earlier, later in pairwise((weeks[0], *weeks)))
    decay = (math.exp(each / -variation.drift_weeks) for each in elapsed)
    steps = _walk(zip(deviations, sides, progress, decay, strict=True), 0.0, variation, _see_one)
    return tuple(
        (log_density, mean + step / taken, 1 / taken - (variance - variation.noise))
        for mean, variance, step, taken, log_density in steps
    )


def _walk(
    rows: Iterable[tuple[Figure, Side, Figure, Figure]],
    nothing: Figure,
    variation: Variation,
    see: Callable[[Figure, Figure, Side], Seen[Figure]],
) -> Iterator[tuple[Figure, Figure, Figure, Figure, Figure]]:
    """Go through scores (deviation, side, progress, decay of the drift since the one before), in time order.

    Gives each one's expected deviation and its variance, and what was seen. The state is the mean and covariance of
    level, slope and drift given the scores so far; `nothing` is a zero, or zeros.
    """
    of = variation
    level = slope = drift = v_ld = v_sd = nothing
    v_ll, v_ls, v_ss, v_dd = nothing + of.level, nothing + of.both, nothing + of.slope, nothing + of.drift
    for deviation, side, progress, decay in rows:
        drift, v_ld, v_sd = drift * decay, v_ld * decay, v_sd * decay
        v_dd = of.drift + (v_dd - of.drift) * decay * decay
        mean = level + progress * slope + drift
        # Covariances of the score, which is level + slope * progress + drift + noise, with the state.
        c_l, c_s, c_d = v_ll + progress * v_ls + v_ld, v_ls + progress * v_ss + v_sd, v_ld + progress * v_sd + v_dd
        variance = c_l + progress * c_s + c_d + of.noise
        step, taken, log_density = see(deviation - mean, variance, side)
        level, slope, drift = level + c_l * step, slope + c_s * step, drift + c_d * step
        of_level, of_slope = c_l * taken, c_s * taken
        v_ll, v_ls, v_ld = v_ll - of_level * c_l, v_ls - of_level * c_s, v_ld - of_level * c_d
        v_ss, v_sd, v_dd = v_ss - of_slope * c_s, v_sd - of_slope * c_d, v_dd - c_d * taken * c_d
        yield mean, variance, step, taken, log_density


def _see_all(distance: FloatArray, variance: FloatArray, sides: Sides | None) -> Seen[FloatArray]:
    """Take in the scores of one occasion: known, at an end of the scale, or absent; without sides none is at an end."""
    taken = 1 / variance
    step = distance * taken
    log_density = -0.5 * (_LOG_TWO_PI + distance * step + np.log(variance))
    if sides is not None:
        at_end = np.nonzero(sides)
        side, sd = sides[at_end], np.sqrt(variance[at_end])
        towards = -side * distance[at_end] / sd
        log_tail = log_ndtr(towards)
        hazard = np.exp(-0.5 * (_LOG_TWO_PI + towards * towards) - log_tail)
        step[at_end] = side * hazard / sd
        taken[at_end] *= np.maximum(hazard * (towards + hazard), _LEAST_SHARE)
        log_density[at_end] = log_tail
    absent = np.isnan(distance)
    if absent.any():
        step[absent] = taken[absent] = log_density[absent] = 0.0
    return step, taken, log_density


def _see_one(distance: float, variance: float, side: int) -> Seen[float]:
    """Take in one score: known, or at an end of the scale."""
    if not side:
        log_density = -0.5 * (_LOG_TWO_PI + distance * distance / variance + math.log(variance))
        return distance / variance, 1 / variance, log_density
    sd = math.sqrt(variance)
    towards = -side * distance / sd
    log_tail = float(log_ndtr(towards))
    hazard = math.exp(-0.5 * (_LOG_TWO_PI + towards * towards) - log_tail)
    share = max(hazard * (towards + hazard), _LEAST_SHARE)
    return side * hazard / sd, share / variance, log_tail

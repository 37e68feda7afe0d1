"""Cohorts with known truth: whole services, as a curve says that they are or wrong on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app.errors import InvalidSeries
from app.trajectories.composite import JointCurve
from app.trajectories.episodes import Episodes
from app.trajectories.growth import GrowthCurve
from app.trajectories.prediction import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Occasions:
    """When the patients of a cohort answer.

    Parameters
    ----------
    doses : tuple of int
        Dose of each occasion, ascending.
    interval_weeks : float
        Weeks between two sessions.
    """

    doses: tuple[int, ...]
    interval_weeks: float = 1.0

    @property
    def weeks(self) -> tuple[float, ...]:
        """Calendar time of each occasion."""
        return tuple(dose * self.interval_weeks for dose in self.doses)


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who leaves, after which score.

    Parameters
    ----------
    always : float
        Probability of leaving after any occasion but the first.
    when_at_most : float or None
        Score, points, at or below which `then` holds in its place.
    when_risen_by : float or None
        Points above the first score from which on `then` holds in its place.
    then : float
        Probability of leaving then.
    """

    always: float = 0.0
    when_at_most: float | None = None
    when_risen_by: float | None = None
    then: float = 0.0

    def probabilities(self, scores: FloatArray) -> FloatArray:
        """Give the probability of leaving after each score, of the shape of the scores: (n, occasions)."""
        leaves = np.full(scores.shape, self.always)
        if self.when_at_most is not None:
            leaves[scores <= self.when_at_most] = self.then
        if self.when_risen_by is not None:
            leaves[scores - scores[:, :1] >= self.when_risen_by] = self.then
        leaves[:, 0] = 0.0
        return leaves


@dataclass(frozen=True, slots=True)
class Cohort:
    """Simulated episodes with their truth.

    Parameters
    ----------
    doses : ndarray of int, shape (occasions,)
        Dose of each occasion.
    weeks : ndarray, shape (occasions,)
        Its calendar time.
    scores : ndarray, shape (n, occasions)
        Whole points; NaN after a patient left.
    complete : ndarray, shape (n, occasions)
        The same with what those who left would have answered.
    shapes : ndarray of int, shape (n,)
        Place of each patient's shape among those of the curve.
    """

    doses: IntArray
    weeks: FloatArray
    scores: FloatArray
    complete: FloatArray
    shapes: IntArray

    @property
    def episodes(self) -> Episodes:
        """The cohort as episodes: what a service would know of it."""
        return Episodes.of_table(self.doses, self.weeks, self.scores)


def simulate(
    rng: np.random.Generator, curve: GrowthCurve, occasions: Occasions, count: int, leaving: Leaving | None = None
) -> Cohort:
    """Draw a cohort from a curve.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    curve : GrowthCurve
        The truth.
    occasions : Occasions
        When the patients answer.
    count : int
        How many patients, 1 or more.
    leaving : Leaving, optional
        Who leaves; nobody when None.

    Returns
    -------
    Cohort

    Raises
    ------
    InvalidSeries
        If there is no patient or no occasion.

    Examples
    --------
    >>> from app.trajectories.growth import default_curve
    >>> cohort = simulate(np.random.default_rng(1), default_curve("phq-9"), Occasions((0, 4, 8)), 1000)
    >>> cohort.scores.shape, bool((cohort.scores >= 0).all())
    ((1000, 3), True)
    """
    draws = _Draws.of(rng, curve, occasions, count)
    complete = _scores(curve, occasions, draws)
    scores = complete
    if leaving is not None:
        left = rng.random(complete.shape) < leaving.probabilities(complete)
        scores = np.where(np.cumsum(left, axis=1) - left > 0, np.nan, complete)
    doses, weeks = np.array(occasions.doses), np.array(occasions.weeks)
    return Cohort(doses, weeks, scores, complete, draws.shapes)


def simulate_pair(
    rng: np.random.Generator, joint: JointCurve, occasions: Occasions, count: int
) -> tuple[FloatArray, FloatArray]:
    """Draw a cohort that answers two measures on each occasion.

    Parameters
    ----------
    rng, occasions, count
        As for :func:`simulate`.
    joint : JointCurve
        The truth.

    Returns
    -------
    first, second : ndarray, shape (n, occasions)
        Scores of the two measures, whole points.
    """
    first, second = joint.curves
    draws = _Draws.of(rng, first, occasions, count)
    other = _Draws.of(rng, second, occasions, count)._replace(shapes=draws.shapes)
    return _scores(first, occasions, draws), _scores(second, occasions, draws.together_with(other, joint))


class _Draws(NamedTuple):
    """What chance decides: shapes, and standard normal numbers, shape (n, 1) for persons and (n, occasions)."""

    shapes: IntArray
    level: FloatArray
    slope: FloatArray
    drift: FloatArray
    noise: FloatArray

    @classmethod
    def of(cls, rng: np.random.Generator, curve: GrowthCurve, occasions: Occasions, count: int) -> _Draws:
        if count < 1 or not occasions.doses:
            raise InvalidSeries("a cohort needs at least one patient and one occasion")
        shapes = rng.choice(len(curve.shapes), size=count, p=list(curve.shares.values()))
        persons, by_occasion = (count, 1), (count, len(occasions.doses))
        return cls(shapes, *(rng.standard_normal(size) for size in (persons, persons, by_occasion, by_occasion)))

    def together_with(self, other: _Draws, joint: JointCurve) -> _Draws:
        """Make other numbers go together with these as two measures do."""
        names = ("level", "slope", "drift", "noise")
        mixed = (
            getattr(joint, name) * getattr(self, name) + np.sqrt(1 - getattr(joint, name) ** 2) * getattr(other, name)
            for name in names
        )
        return _Draws(other.shapes, *mixed)


def _scores(curve: GrowthCurve, occasions: Occasions, draws: _Draws) -> FloatArray:
    """Turn draws into scores, shape (n, occasions)."""
    doses, weeks = np.array(occasions.doses, dtype=np.float64), np.array(occasions.weeks)
    means, progress = curve.courses(doses, weeks)
    slope = curve.correlation * draws.level + np.sqrt(1 - curve.correlation**2) * draws.slope
    units = means[draws.shapes] + curve.sd_intercept * draws.level + curve.sd_slope * slope * progress[draws.shapes]
    drift = np.sqrt(curve.drift_variance) * draws.drift
    for place, share in enumerate(np.exp(np.diff(weeks) / -curve.drift_weeks), start=1):
        drift[:, place] = share * drift[:, place - 1] + np.sqrt(1 - share**2) * drift[:, place]
    units += drift + np.sqrt(curve.noise_variance) * draws.noise
    return np.asarray(curve.minimum + np.searchsorted(curve.link.edges, units), dtype=np.float64)

"""How much better people were at the end than at the start, in standard deviations, from counted pairs of scores."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from app.scales.change import Better, ChangeCriteria, improvement
from app.trajectories.prediction import FloatArray, IntArray
from app.trajectories.sampling_error import Interval, spread

DRAWS: Final = 2000
"""Of the bootstrap."""
SEED: Final = 20_051_185
"""The same persons give the same interval, whoever asks and when."""
MANY: Final = 1000
"""From so many persons on, sums are drawn from their normal distribution; see the notes of :func:`pre_post`."""
_ROUNDING: Final = 1e-12
"""A share of the mean square that may be rounding and nothing else."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """How many persons had which score at the start and at the end: each pair of scores once, in order.

    Parameters
    ----------
    baseline, end : ndarray of int, shape (cells,)
        Points.
    count : ndarray of int, shape (cells,)
        Persons, 1 or more.
    """

    baseline: IntArray
    end: IntArray
    count: IntArray

    @classmethod
    def of(cls, baseline: npt.ArrayLike, end: npt.ArrayLike, count: npt.ArrayLike) -> Pairs:
        """Put counted pairs in order: those of two scores are added up, and none are left out.

        Parameters
        ----------
        baseline, end : array_like of int, shape (cells,)
            Points.
        count : array_like of int, shape (cells,)
            Persons, 0 or more.

        Returns
        -------
        Pairs

        Raises
        ------
        AssertionError
            If the lengths differ, or there are fewer than none: a mistake of ours.

        Examples
        --------
        >>> Pairs.of([15, 9, 15], [6, 9, 6], [2, 0, 3])
        Pairs(baseline=array([15]), end=array([6]), count=array([5]))
        """
        persons = np.asarray(count, dtype=np.int64)
        assert np.shape(baseline) == np.shape(end) == persons.shape == (persons.size,), "each pair has its count"
        assert (persons >= 0).all(), "there are not fewer than no persons"
        return cls._merged(np.array([baseline, end], dtype=np.int64), persons)

    @classmethod
    def _merged(cls, scores: IntArray, count: IntArray) -> Pairs:
        (start, end), cell = np.unique(scores, axis=1, return_inverse=True)
        persons = np.bincount(cell.ravel(), count, minlength=len(start)).astype(np.int64)
        assert (persons >= 0).all(), "those who are taken away are among the others"
        some = persons > 0
        return cls(start[some], end[some], persons[some])

    @property
    def persons(self) -> int:
        """How many there are in all."""
        return int(self.count.sum())

    def cases(self, criteria: ChangeCriteria) -> Pairs:
        """Give those who were a case at the start; nobody where no cut-off is published."""
        some = np.array([criteria.is_case(score) for score in self.baseline.tolist()], dtype=np.bool_)
        return Pairs(self.baseline[some], self.end[some], self.count[some])

    def without(self, some: Pairs) -> Pairs:
        """Give the others, where `some` are among these.

        Raises
        ------
        AssertionError
            If they are not: a mistake of ours.
        """
        scores = np.array([np.append(self.baseline, some.baseline), np.append(self.end, some.end)])
        return self._merged(scores, np.append(self.count, -some.count))


@dataclass(frozen=True, slots=True)
class PrePost:
    """An uncontrolled difference between start and end; it says nothing of what brought it about.

    Parameters
    ----------
    n : int
        Persons with both scores.
    mean_before, mean_after : float
        Points.
    sd_before, sd_after : float
        Points, with n - 1; NaN of one person.
    effect : Interval
        d in standard deviations of the start, positive when better; NaN where these have none.
    """

    n: int
    mean_before: float
    mean_after: float
    sd_before: float
    sd_after: float
    effect: Interval


def pre_post(pairs: Pairs, better: Better, *, draws: int = DRAWS, seed: int = SEED) -> PrePost | None:
    """Give the effect size from start to end, with a bootstrap interval.

    Parameters
    ----------
    pairs : Pairs
        Counted pairs of scores.
    better : Better
        Which end of the scale is the good one.
    draws : int
        How often persons are drawn anew.
    seed : int
        Of the draws.

    Returns
    -------
    PrePost or None
        None of nobody.

    Notes
    -----
    d = (M1 - M2) / S1, or (M2 - M1) / S1 where higher is better, with the standard deviation of the start. The ends
    are the 2.5 and 97.5 percentiles of the figure of persons drawn with replacement, as many as there are; draws in
    which all started alike are left out. Drawing n persons is a multinomial draw of how many come from each cell, so
    that the cost does not grow with n. From 1,000 persons on, not the cells are drawn but the means over persons of
    all that the figure is made of, from the normal distribution with their covariance / n. That leaves out a shift of
    an end of about 0.5 g / sqrt(n) standard errors, with g the skewness of one person's part, while 2,000 draws move
    it by 0.06 of them.

    References
    ----------
    Becker (1988), Br J Math Stat Psychol 41:257, doi:10.1111/j.2044-8317.1988.tb00901.x (the figure).
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, section 13.3, doi:10.1201/9780429246593.

    Examples
    --------
    >>> found = pre_post(Pairs.of([20, 14, 8], [12, 10, 8], [1, 1, 1]), Better.LOWER)
    >>> found.mean_before, found.mean_after, found.sd_before, round(found.effect.estimate, 2)
    (14.0, 10.0, 6.0, 0.67)
    """
    if not pairs.persons:
        return None
    start, end = _mean(pairs.baseline, pairs.count), _mean(pairs.end, pairs.count)
    persons = _Persons.of(pairs, better, start)
    drawn = persons.drawn(np.random.default_rng(seed), draws)
    return PrePost(
        n=pairs.persons,
        mean_before=start,
        mean_after=end,
        sd_before=_sd(pairs.baseline, pairs.count),
        sd_after=_sd(pairs.end, pairs.count),
        effect=spread(float(persons.moments().effect()), drawn.effect()),
    )


def severity_adjusted(
    group: Pairs, reference: Pairs, better: Better, *, draws: int = DRAWS, seed: int = SEED
) -> Interval | None:
    """Give the effect size that a group would have had if it had started as the reference did.

    Parameters
    ----------
    group : Pairs
        Cases at the start (:meth:`Pairs.cases`): the figure is not defined for others.
    reference : Pairs
        All cases among whom the group is, itself included: those of the whole organisation.
    better : Better
        Which end of the scale is the good one.
    draws : int
        How often persons are drawn anew.
    seed : int
        Of the draws.

    Returns
    -------
    Interval or None
        In standard deviations of the reference's start, positive when better; NaN where that has none. None of nobody.

    Raises
    ------
    AssertionError
        If the group is not among the reference: a mistake of ours.

    Notes
    -----
    (M + R) / S: the mean change M of the reference, the mean R over the group of what the reference's least-squares
    line of change on start leaves of each change, and the standard deviation S of the reference's start. With slope b
    that is [d - b (x - X)] / S, where d and x are the group's mean change and start and X is the reference's mean
    start. In each draw persons are drawn anew within the group and within the others, so that the line and S move too;
    for the whole reference it is the same as :func:`pre_post`. The published method adjusts for diagnosis and for the
    session of the first measure as well; this one for the start only, and measures are never mixed.

    References
    ----------
    Center for Clinical Informatics, Severity Adjusted Effect Size,
    http://psychoutcomes.org/OutcomesMeasurement/SeverityAdjustedEffectSize.

    Examples
    --------
    All got 4 points better but for one, whose 8 are 2.67 more than the line expects.

    >>> everybody = Pairs.of([10, 12, 14, 10, 12, 14], [6, 8, 10, 6, 4, 10], [1, 1, 1, 1, 1, 1])
    >>> found = severity_adjusted(Pairs.of([12], [4], [1]), everybody, Better.LOWER)
    >>> round(found.estimate, 2)
    4.47
    """
    others = reference.without(group)
    if not group.persons:
        return None
    middle = _mean(reference.baseline, reference.count)
    ours, theirs = _Persons.of(group, better, middle), _Persons.of(others, better, middle)
    figure = ours.moments().adjusted_to(ours.moments().with_(theirs.moments()))
    rng = np.random.default_rng(seed)
    drawn = ours.drawn(rng, draws)
    return spread(float(figure), drawn.adjusted_to(drawn.with_(theirs.drawn(rng, draws))))


def _mean(scores: IntArray, count: IntArray) -> float:
    return float(scores @ count / count.sum())


def _sd(scores: IntArray, count: IntArray) -> float:
    persons = int(count.sum())
    squares = float(count @ (scores - _mean(scores, count)) ** 2)
    return math.sqrt(squares / (persons - 1)) if persons > 1 else math.nan


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """Means over n persons of start, its square, change, and start times change, on the last axis."""

    n: int
    means: FloatArray

    def with_(self, others: _Moments) -> _Moments:
        """Give the moments of both together."""
        n = self.n + others.n
        return _Moments(n, (self.n * self.means + others.n * others.means) / n)

    def variance(self) -> FloatArray:
        """Give that of the start, with n; NaN where all started alike."""
        start, squared = self.means[..., 0], self.means[..., 1]
        found = squared - start**2
        return np.where(found > _ROUNDING * squared, found, math.nan)

    def sd(self) -> FloatArray:
        """Give that of the start, with n - 1."""
        return np.sqrt(self.variance() * self.n / max(self.n - 1, 1))

    def effect(self) -> FloatArray:
        """Give the mean change in standard deviations of the start."""
        return np.asarray(self.means[..., 2] / self.sd())

    def adjusted_to(self, reference: _Moments) -> FloatArray:
        """Give the effect of these if they had started as the reference did."""
        start, _, change, product = np.moveaxis(reference.means, -1, 0)
        slope = (product - start * change) / reference.variance()
        return np.asarray((self.means[..., 2] - slope * (self.means[..., 0] - start)) / reference.sd())


@dataclass(frozen=True, slots=True, eq=False)
class _Persons:
    """What each person of a cell adds to the moments; starts are counted from some middle, against rounding."""

    rows: FloatArray
    count: IntArray

    @classmethod
    def of(cls, pairs: Pairs, better: Better, middle: float) -> _Persons:
        start = pairs.baseline - middle
        change = improvement(pairs.baseline.astype(np.float64), pairs.end.astype(np.float64), better)
        return cls(np.column_stack([start, start**2, change, start * change]), pairs.count)

    def moments(self) -> _Moments:
        n = int(self.count.sum())
        return _Moments(n, np.asarray(self.count @ self.rows / max(n, 1)))

    def drawn(self, rng: np.random.Generator, draws: int) -> _Moments:
        """Draw as many persons anew, many times."""
        found = self.moments()
        n, means = found.n, found.means
        if not n:
            return _Moments(0, np.zeros((draws, len(means))))
        if n < MANY:
            return _Moments(n, rng.multinomial(n, self.count / n, size=draws) @ self.rows / n)
        inside = self.rows - means
        sizes, directions = np.linalg.eigh((inside.T * self.count) @ inside / n**2)
        normal = rng.standard_normal((draws, len(sizes))) * np.sqrt(np.maximum(sizes, 0.0))
        return _Moments(n, means + normal @ directions.T)

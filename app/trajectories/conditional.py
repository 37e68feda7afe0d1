"""The growth model given scores: what is to be expected at points in treatment, and how far the true value moved.

Arrays have an axis of shapes first; then there may be axes of patients with equally many scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dtrtri

from app.errors import InvalidSeries
from app.trajectories.filtering import Variation, filter_scores, filter_series
from app.trajectories.prediction import HALF_A_POINT, FloatArray, Prediction, TrueChange

if TYPE_CHECKING:
    from app.trajectories.growth import GrowthCurve

_LEFT, _RIGHT = np.array([[0, 0, 1, 0, 1, 2], [0, 1, 1, 2, 2, 2]])
"""Pairs of ones, progress and deviations whose products are summed."""


class Persons(NamedTuple):
    """What is known of a patient given some of the scores: the first k, for each of some numbers k.

    Parameters
    ----------
    shares : ndarray, shape (shapes, ..., numbers)
        Probability of each shape.
    level, slope : ndarray, shape (shapes, ..., numbers)
        Expected deviation of the patient's level and slope from the mean, link units.
    var_level, var_slope, covariance : ndarray, shape (shapes, ..., numbers)
        How sure that is.
    """

    shares: FloatArray
    level: FloatArray
    slope: FloatArray
    var_level: FloatArray
    var_slope: FloatArray
    covariance: FloatArray


@dataclass(frozen=True, slots=True)
class Conditional:
    """The growth model given scores; made by :meth:`GrowthCurve.given`.

    Parameters
    ----------
    curve : GrowthCurve
        The model.
    doses, weeks : ndarray, shape (..., n)
        Where the scores lie.
    whitener : ndarray, shape (shapes or 1, ..., n, n)
        Inverse of the lower Cholesky factor of the covariance of drift and noise.
    whitened : ndarray, shape (3, shapes, ..., n)
        Ones, progress, and the scores' deviations from the mean course, multiplied by the whitener.
    places : mapping of int to int
        How many of the scores statements may use, each with its place in `persons`.
    persons : ndarray, shape (6, shapes, ..., places)
        What so many of the scores say of the patient: :class:`Persons`, in one array.

    Notes
    -----
    `known` says how many of the scores a statement uses: the first ones in order, as one number or one for each
    statement. None is all of them, 0 is none.

    Whatever there are several of lies along the first axis, so that each is one block of memory: arithmetic on small
    arrays takes several times as long where it is not.
    """

    curve: GrowthCurve
    doses: FloatArray
    weeks: FloatArray
    whitener: FloatArray
    whitened: FloatArray
    places: Mapping[int, int]
    persons: FloatArray

    def at(self, doses: npt.ArrayLike, weeks: npt.ArrayLike) -> Points:
        """Give points in treatment, as the scores see them.

        Parameters
        ----------
        doses, weeks : array_like, shape (..., m)
            Where the points lie, both 0 or more.

        Returns
        -------
        Points

        Raises
        ------
        InvalidSeries
            If the shapes differ, a number is not finite, or a dose or week is negative.
        """
        doses, weeks = points_in_treatment(doses, weeks)
        drift = _drift(self.curve.variation, weeks, self.weeks)
        return Points(self, doses, weeks, *self.curve.courses(doses, weeks), drift @ self.whitener.mT)

    def predict(self, doses: npt.ArrayLike, weeks: npt.ArrayLike, known: npt.ArrayLike | None = None) -> Prediction:
        """Predict new scores: `at` and :meth:`Points.predict` in one.

        Examples
        --------
        A PHQ-9 of 15 at the first session: what to expect at the fourth (dose 3)?

        >>> from app.trajectories.growth import default_curve
        >>> after_one = default_curve("phq-9").given([0], [0], [15])
        >>> later = after_one.predict([3], [3]).tabled()
        >>> later.expected().round(1), later.band()
        (array([10.9]), (array([5]), array([17])))
        """
        return self.at(doses, weeks).predict(known)

    def shares(self, known: npt.ArrayLike | None = None) -> FloatArray:
        """Give the probability of each shape, shape (shapes, ...) and that of `known`."""
        shares: FloatArray = self.persons[0].take(self._places(self._numbers(known)), axis=-1)
        return shares[..., 0] if known is None or np.ndim(known) == 0 else shares

    def _numbers(self, known: npt.ArrayLike | None) -> list[int]:
        """Give how many scores each statement uses."""
        return [self.whitened.shape[-1]] if known is None else np.atleast_1d(np.asarray(known)).tolist()

    def _places(self, numbers: Iterable[int]) -> list[int]:
        return [self.places[each] for each in numbers]

    def moments(self, asked: Asked, known: npt.ArrayLike | None) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Give shares, means and variances of linear quantities, each given the known scores.

        Notes
        -----
        With x the whitened ones and progress, e the whitened deviations and c the whitened covariance of the drift,
        the persons' posterior is u ~ N(m, M), and a quantity with coefficients z has

            mean = its mean + (z - sum c x)' m + sum c e
            variance = its drift variance - sum c^2 + (z - sum c x)' M (z - sum c x)

        (Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, section 2.7: explicit basis functions).
        """
        numbers = self._numbers(known)
        most = max(numbers)
        weights, whitened = asked.weights[..., :most], self.whitened[..., :most]
        if min(numbers) < most:
            weights = weights * (np.arange(most) < np.array(numbers)[:, None])
        ones, progress, deviations = np.matvec(weights, whitened)
        told = Persons(*self.persons.take(self._places(numbers), axis=-1))
        level, slope = asked.level - ones, asked.progress - progress
        mean = asked.means + deviations + level * told.level + slope * told.slope
        drift = asked.drift - np.vecdot(weights, weights)
        persons = level * (level * told.var_level + 2 * slope * told.covariance) + slope * slope * told.var_slope
        return _as_many(told.shares, mean), mean, np.maximum(drift + persons, 0.0)


class Asked(NamedTuple):
    """Linear quantities: a mean, weights of level, slope and drift, and the drift's variance and covariances."""

    means: FloatArray
    level: float
    progress: FloatArray
    drift: FloatArray | float
    weights: FloatArray


@dataclass(frozen=True, slots=True)
class Points:
    """Points in treatment, as scores see them; made by :meth:`Conditional.at`.

    Parameters
    ----------
    given : Conditional
        The model and the scores.
    doses, weeks : ndarray, shape (..., m)
        Where the points lie.
    means, progress : ndarray, shape (shapes, ..., m)
        Mean of all referrals and how far they have come, by shape.
    weights : ndarray, shape (shapes or 1, ..., m, n)
        Covariance of the drift at each point with each whitened score.
    """

    given: Conditional
    doses: FloatArray
    weeks: FloatArray
    means: FloatArray
    progress: FloatArray
    weights: FloatArray

    def __getitem__(self, which: slice) -> Points:
        """Give some of the points."""
        columns = (self.doses, self.weeks, self.means, self.progress, self.weights.mT)
        doses, weeks, means, progress, weights = (column[..., which] for column in columns)
        return Points(self.given, doses, weeks, means, progress, weights.mT)

    def predict(self, known: npt.ArrayLike | None = None) -> Prediction:
        """Predict new scores at the points.

        Parameters
        ----------
        known : int or array_like of int, shape (m,), optional
            How many of the scores may be used; all when None.

        Returns
        -------
        Prediction
        """
        curve = self.given.curve
        asked = Asked(self.means, 1.0, self.progress, curve.drift_variance, self.weights)
        shares, means, variances = self.given.moments(asked, known)
        return Prediction(curve.link, shares, means, np.sqrt(variances + curve.noise_variance))

    def fall_to(self, end: Points, known: npt.ArrayLike | None = None) -> TrueChange:
        """Estimate how far the true value fell between two points.

        Parameters
        ----------
        end : Points
            Where the changes end, given the same scores. One start may have many ends, and the other way round.
        known : int or array_like of int, shape (m,), optional
            As for :meth:`predict`.

        Returns
        -------
        TrueChange
            The true value here minus the true value at the end.

        Notes
        -----
        A true value is the observed one without its noise. Scores after the end point count as well: they tell where
        the patient was at the time (smoothing).
        """
        curve = self.given.curve
        apart = np.exp(np.abs(self.weeks - end.weeks) / -curve.drift_weeks)
        asked = Asked(
            self.means - end.means,
            0.0,
            self.progress - end.progress,
            2 * curve.drift_variance * (1 - apart),
            self.weights - end.weights,
        )
        shares, means, variances = self.given.moments(asked, known)
        return TrueChange(shares, means, np.sqrt(variances))


def condition(
    curve: GrowthCurve, doses: FloatArray, weeks: FloatArray, scores: FloatArray, numbers: Sequence[int]
) -> Conditional:
    """Condition a curve on scores that were checked, all of shape (..., n), for statements that use so many of them."""
    means, progress = curve.courses(doses, weeks)
    noise: FloatArray = np.array([curve.noise_variance])
    log_density = None
    if curve.link.bounds_any(scores.min(), scores.max()):
        log_density, deviations, noise = _filtered(curve, means, progress, weeks, scores)
    else:
        deviations = curve.link.forward(scores) - means
    whitener = _whitener(curve.variation, weeks, noise)
    whitened = np.matvec(whitener, np.array([np.ones_like(progress), progress, deviations]))
    places = {number: place for place, number in enumerate(numbers)}
    return Conditional(curve, doses, weeks, whitener, whitened, places, _persons(curve, whitened, log_density, numbers))


def _filtered(
    curve: GrowthCurve, means: FloatArray, progress: FloatArray, weeks: FloatArray, scores: FloatArray
) -> tuple[FloatArray, ...]:
    """Give the log density, the site and its noise of each score, some of which lie at an end of the scale."""
    sides = curve.link.at_ends(scores)
    deviations = curve.link.forward(scores - HALF_A_POINT * sides) - means
    if scores.size == scores.shape[-1]:
        each_shape = zip(*(each.reshape(len(means), -1).tolist() for each in (deviations, progress)), strict=True)
        where, when = sides.ravel().tolist(), weeks.ravel().tolist()
        filtered = [filter_series(row, where, come, when, curve.variation) for row, come in each_shape]
        return tuple(np.moveaxis(np.array(filtered), -1, 0).reshape(3, *deviations.shape))
    of_scores = filter_scores(
        np.moveaxis(deviations, -1, 0),
        np.moveaxis(sides, -1, 0)[:, None],
        np.moveaxis(progress, -1, 0),
        np.moveaxis(weeks, -1, 0)[:, None],
        curve.variation,
    )
    return tuple(np.moveaxis(each, 0, -1) for each in of_scores)


def points_in_treatment(doses: npt.ArrayLike, weeks: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Check doses and weeks, both finite and 0 or more and of one shape, and give them as arrays."""
    doses, weeks = np.atleast_1d(np.asarray(doses, np.float64)), np.atleast_1d(np.asarray(weeks, np.float64))
    if doses.shape != weeks.shape:
        raise InvalidSeries("doses and weeks must be two lists of the same length")
    for name, values in (("dose", doses), ("week", weeks)):
        if not (values.min(initial=0.0) >= 0 and values.max(initial=0.0) < np.inf):
            raise InvalidSeries(f"each {name} must be a finite number, 0 or more", pointer=f"/{name}")
    return doses, weeks


def _drift(variation: Variation, weeks: FloatArray, others: FloatArray) -> FloatArray:
    """Give the covariance of the drift at some weeks with that at others, shape (..., weeks, others)."""
    # In place, since this is the largest array there is.
    drift = weeks[..., :, None] - others[..., None, :]
    np.abs(drift, out=drift)
    drift /= -variation.drift_weeks
    np.exp(drift, out=drift)
    drift *= variation.drift
    return drift


def _whitener(variation: Variation, weeks: FloatArray, noise: FloatArray) -> FloatArray:
    """Give the inverse Cholesky factor of drift and noise: its leading block is that of the first scores alone.

    The noise of sites differs by shape; noise that does not stands for all shapes.
    """
    covariance = _drift(variation, weeks, weeks)[None]
    if len(noise) > 1:
        covariance = covariance.repeat(len(noise), axis=0)
    np.einsum("...ii->...i", covariance)[...] += noise
    whitener: FloatArray = np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
    # One by one, since the inversion of many at once knows nothing of triangles and takes three times as long.
    for factor in whitener.reshape(-1, *whitener.shape[-2:]):
        factor[...] = dtrtri(factor.T, overwrite_c=1)[0].T
    return whitener


def _persons(
    curve: GrowthCurve, whitened: FloatArray, log_density: FloatArray | None, numbers: Sequence[int]
) -> FloatArray:
    """Give what the first scores say of the patient, for some numbers of them.

    With S the sum of x x' and t that of x e over the first scores, the persons' covariance D becomes

        M = (I + D S)^-1 D = (D + det(D) adj(S)) / det(I + D S)

    and their mean M t. The scores' log density has -1/2 ln det(I + D S) + 1/2 t' M t beside that of drift and noise
    alone, -1/2 e'e and what is the same in all shapes.
    """
    v = curve.variation
    products = whitened.take(_LEFT, axis=0) * whitened.take(_RIGHT, axis=0)
    s_11, s_12, s_22, t_1, t_2, squares = _running(products, numbers)
    det_d, det_s = v.level * v.slope - v.both * v.both, s_11 * s_22 - s_12 * s_12
    determinant = 1 + v.level * s_11 + 2 * v.both * s_12 + v.slope * s_22 + det_d * det_s
    m_11 = (v.level + det_d * s_22) / determinant
    m_12 = (v.both - det_d * s_12) / determinant
    m_22 = (v.slope + det_d * s_11) / determinant
    level, slope = m_11 * t_1 + m_12 * t_2, m_12 * t_1 + m_22 * t_2
    if log_density is None:
        evidence = 0.5 * (t_1 * level + t_2 * slope - np.log(determinant) - squares)
    else:
        evidence = _running(log_density, numbers)
    evidence = evidence + curve.log_shares.reshape(-1, *(1,) * (evidence.ndim - 1))
    likelihood = np.exp(evidence - evidence.max(axis=0))
    return np.array([likelihood / likelihood.sum(axis=0), level, slope, m_11, m_22, m_12])


def _running(terms: FloatArray, numbers: Sequence[int]) -> FloatArray:
    """Give the sums of the first terms along the last axis, for some numbers of them."""
    sums = np.zeros((*terms.shape[:-1], terms.shape[-1] + 1))
    np.cumsum(terms, axis=-1, out=sums[..., 1:])
    return sums.take(numbers, axis=-1)


def _as_many(shares: FloatArray, means: FloatArray) -> FloatArray:
    """Give the shares as often as there are means."""
    return shares if shares.shape == means.shape else np.broadcast_to(shares, means.shape)

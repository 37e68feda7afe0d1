"""The growth model given scores: what is to be expected at points in treatment, and how far the true score moved.

All arrays may have leading axes: one row for each of many patients with equally many scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from app.errors import InvalidSeries
from app.trajectories.prediction import FloatArray, Prediction, TrueChange

if TYPE_CHECKING:
    from app.trajectories.growth import GrowthCurve


@dataclass(frozen=True, slots=True)
class Conditional:
    """The growth model given scores; made by :meth:`GrowthCurve.given`.

    Parameters
    ----------
    curve : GrowthCurve
        The model.
    doses, weeks : ndarray, shape (..., n)
        Where the scores lie.
    whitener : ndarray, shape (..., n, n)
        Inverse of the lower Cholesky factor of the covariance of the scores.
    whitened : ndarray, shape (..., n)
        The scores' deviations from their means, multiplied by that inverse.

    Notes
    -----
    `known` says how many of the scores a statement may use: the first ones in order, as one number or one for each
    statement. None is all of them, 0 is none.
    """

    curve: GrowthCurve
    doses: FloatArray
    weeks: FloatArray
    whitener: FloatArray
    whitened: FloatArray

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
        covariance = self.curve.covariance(
            self.doses[..., :, None], self.weeks[..., :, None], doses[..., None, :], weeks[..., None, :]
        )
        mean, variance = self.curve.expected(doses), self.curve.variance(doses)
        return Points(self, doses, weeks, mean, variance, self.whitener @ covariance)

    def predict(self, doses: npt.ArrayLike, weeks: npt.ArrayLike, known: npt.ArrayLike | None = None) -> Prediction:
        """Predict new scores: `at` and :meth:`Points.predict` in one.

        Examples
        --------
        A PHQ-9 of 15 at the first session: what to expect at the fourth (dose 3)?

        >>> from app.trajectories.growth import default_curve
        >>> after_one = default_curve("phq-9").given([0], [0], [15])
        >>> later = after_one.predict([3], [3])
        >>> later.mean.round(1), later.band()
        (array([10.5]), (array([5]), array([16])))
        """
        return self.at(doses, weeks).predict(known)

    def update(self, weights: FloatArray, known: npt.ArrayLike | None) -> tuple[FloatArray, FloatArray]:
        """Give what the known scores add to the mean, and take from the variance, of each of m quantities.

        `weights` has shape (..., n, m): the covariance of each whitened score with the quantities.
        """
        if known is not None:
            weights = weights * (np.arange(weights.shape[-2])[:, None] < np.asarray(known))
        return np.einsum("...n,...nm->...m", self.whitened, weights), np.einsum("...nm,...nm->...m", weights, weights)


@dataclass(frozen=True, slots=True)
class Points:
    """Points in treatment, as scores see them; made by :meth:`Conditional.at`.

    Parameters
    ----------
    given : Conditional
        The model and the scores.
    doses, weeks : ndarray, shape (..., m)
        Where the points lie.
    mean, variance : ndarray, shape (..., m)
        Of the true score at each point among all referrals, points and points squared.
    weights : ndarray, shape (..., n, m)
        Covariance of each whitened score with the true score at each point, points.
    """

    given: Conditional
    doses: FloatArray
    weeks: FloatArray
    mean: FloatArray
    variance: FloatArray
    weights: FloatArray

    def __getitem__(self, which: slice) -> Points:
        """Give some of the points."""
        columns = (self.doses, self.weeks, self.mean, self.variance, self.weights)
        return Points(self.given, *(column[..., which] for column in columns))

    def predict(self, known: npt.ArrayLike | None = None) -> Prediction:
        """Predict new scores at the points.

        Parameters
        ----------
        known : int or array_like of int, shape (m,), optional
            How many of the scores may be used; all when None.

        Returns
        -------
        Prediction

        Notes
        -----
        mean = M + C' V^-1 (y - M_y) and variance = K - C' V^-1 C, with V = L L' the covariance of the scores used,
        C their covariance with the new true score and K its own variance; a new observed score adds the noise.
        """
        curve = self.given.curve
        shift, reduction = self.given.update(self.weights, known)
        true_variance = np.maximum(self.variance - reduction, 0.0)
        return Prediction(
            mean=self.mean + shift,
            sd=np.sqrt(true_variance + curve.noise_variance),
            true_sd=np.sqrt(true_variance),
            minimum=curve.minimum,
            maximum=curve.maximum,
        )

    def fall_to(self, end: Points, known: npt.ArrayLike | None = None) -> TrueChange:
        """Estimate how far the true score fell between two points.

        Parameters
        ----------
        end : Points
            Where the changes end, given the same scores. One start may have many ends, and the other way round.
        known : int or array_like of int, shape (m,), optional
            As for :meth:`predict`.

        Returns
        -------
        TrueChange
            The true score here minus the true score at the end.

        Notes
        -----
        A true score is the observed one without its noise. Scores after the end point count as well: they tell where
        the patient was at the time (smoothing).
        """
        shift, reduction = self.given.update(self.weights - end.weights, known)
        covariance = self.given.curve.covariance(self.doses, self.weeks, end.doses, end.weeks)
        variance = self.variance + end.variance - 2 * covariance
        return TrueChange(self.mean - end.mean + shift, np.sqrt(np.maximum(variance - reduction, 0.0)))


def points_in_treatment(doses: npt.ArrayLike, weeks: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Check doses and weeks, both finite and 0 or more and of one shape, and give them as arrays."""
    doses, weeks = np.atleast_1d(np.asarray(doses, np.float64)), np.atleast_1d(np.asarray(weeks, np.float64))
    if doses.shape != weeks.shape:
        raise InvalidSeries("doses and weeks must be two lists of the same length")
    for name, values in (("dose", doses), ("week", weeks)):
        if not ((values >= 0) & (values < np.inf)).all():
            raise InvalidSeries(f"each {name} must be a finite number, 0 or more", pointer=f"/{name}")
    return doses, weeks

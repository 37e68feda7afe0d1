"""The growth model: what a patient's next scores are expected to be, given the ones so far.

One Gaussian model in closed form. A person has a level and a speed of their own, drifts slowly around that line,
and answers with some noise:

    score = intercept + total_slope * phi(dose) + u0 + u1 * phi(dose) + r(weeks) + e,      phi(d) = ln(1 + d)

with u0 and u1 normal, r an Ornstein-Uhlenbeck process in calendar time and e independent noise. Treatment works by
dose, drift goes by the calendar. Whatever a verdict needs is then a conditional normal distribution, and regression
to the mean is inside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from app.errors import InstrumentDataError, InvalidSeries
from app.trajectories.conditional import Conditional, points_in_treatment
from app.trajectories.defaults import default_parameters
from app.trajectories.prediction import FloatArray

PLATEAU_DOSE = 52
"""From this dose on the expected curve is flat: no source carries the logarithmic course further."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the figures of a curve come from.

    Parameters
    ----------
    source : str
        The source in words.
    status : str
        `derived` for figures calibrated to published margins, not estimated on the service's own patients.
    confidence : str
        A, A-, B or UNVERIFIED, by how many independent sources agree.
    """

    source: str
    status: str
    confidence: str


@dataclass(frozen=True, slots=True)
class GrowthCurve:
    """The parameters of the growth model for one instrument's total score.

    Parameters
    ----------
    key : str
        Name of the curve, as `b7b-1`.
    version : int
        Revision of its figures.
    instrument : str
        Key of the instrument.
    minimum, maximum : int
        Range of the score, points.
    intercept : float
        Mean score at dose 0, points.
    total_slope : float
        Mean change per unit of ln(1 + dose), points, natural course included; negative when scores fall.
    sd_intercept, sd_slope : float
        Spread of persons around the two, points.
    correlation : float
        Correlation of the two, -1 to 1.
    drift_variance : float
        Variance of the slow drift within a person, points squared.
    drift_weeks : float
        Time constant of the drift, weeks: the lag at which its correlation is 1/e.
    noise_variance : float
        Variance of the noise of one score, points squared; above 0.
    provenance : Provenance
        Where the figures come from.

    Raises
    ------
    InstrumentDataError
        If a figure is not finite or lies outside its range.

    Notes
    -----
    The covariance of the true scores at (d, w) and (d', w'), with s0, s1 the two spreads, c their correlation,
    q the drift variance and tau its time constant, is

        s0^2 + c s0 s1 [phi(d) + phi(d')] + s1^2 phi(d) phi(d') + q exp(-|w - w'| / tau)

    and an observed score adds the noise variance to its own variance. Above dose 52 phi stays at ln 53.

    References
    ----------
    Finch, Lambert & Schaalje (2001), Clinical Psychology and Psychotherapy 8:231 (expected response on log session).
    Diggle (1988), Biometrics 44:959, doi:10.2307/2531727 (random effects, serial correlation and noise).
    """

    key: str
    version: int
    instrument: str
    minimum: int
    maximum: int
    intercept: float
    total_slope: float
    sd_intercept: float
    sd_slope: float
    correlation: float
    drift_variance: float
    drift_weeks: float
    noise_variance: float
    provenance: Provenance

    def __post_init__(self) -> None:
        if self.minimum >= self.maximum:
            raise InstrumentDataError("the range of a score must not be empty", allowed="minimum below maximum")
        for name in ("intercept", "total_slope"):
            if not math.isfinite(getattr(self, name)):
                raise InstrumentDataError(f"{name} must be a finite number")
        for name in ("sd_intercept", "sd_slope", "drift_variance"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InstrumentDataError(f"{name} must be a finite number, 0 or more")
        for name in ("drift_weeks", "noise_variance"):
            if not 0 < getattr(self, name) < math.inf:
                raise InstrumentDataError(f"{name} must be a finite number above 0")
        if not -1 <= self.correlation <= 1:
            raise InstrumentDataError("correlation must lie between -1 and 1")

    def expected(self, doses: npt.ArrayLike) -> FloatArray:
        """Give the mean score of all referrals.

        Parameters
        ----------
        doses : array_like
            Doses, any shape.

        Returns
        -------
        ndarray
            Points, same shape. Not cut to the range of the scale.

        Examples
        --------
        >>> default_curve("phq-9").expected([0, 7]).round(2)
        array([14.3 ,  7.85])
        """
        return np.asarray(self.intercept + self.total_slope * _phi(np.asarray(doses, dtype=np.float64)))

    def covariance(
        self, doses: FloatArray, weeks: FloatArray, other_doses: FloatArray, other_weeks: FloatArray
    ) -> FloatArray:
        """Give the covariance of the true scores at pairs of points in treatment.

        Parameters
        ----------
        doses, weeks : ndarray
            The one point of each pair.
        other_doses, other_weeks : ndarray
            The other; all four are broadcast against each other.

        Returns
        -------
        ndarray
            Points squared, broadcast shape.
        """
        phi = _phi(doses)
        both = self.correlation * self.sd_intercept * self.sd_slope
        of_intercept, of_slope = self.sd_intercept**2 + both * phi, both + self.sd_slope**2 * phi
        drift = self.drift_variance * np.exp(np.abs(weeks - other_weeks) / -self.drift_weeks)
        return np.asarray(of_intercept + of_slope * _phi(other_doses) + drift)

    def variance(self, doses: FloatArray) -> FloatArray:
        """Give the variance of true scores, points squared: the covariance of each with itself, at any week."""
        phi = _phi(doses)
        both = self.correlation * self.sd_intercept * self.sd_slope
        return np.asarray(self.sd_intercept**2 + self.drift_variance + (2 * both + self.sd_slope**2 * phi) * phi)

    def given(self, doses: npt.ArrayLike, weeks: npt.ArrayLike, scores: npt.ArrayLike) -> Conditional:
        """Condition the model on a patient's scores, or on those of many patients with equally many scores.

        Parameters
        ----------
        doses, weeks, scores : array_like, shape (..., n)
            The scores in the order in which they became known, with dose and weeks, both 0 or more. n is at least 1;
            axes before it are patients.

        Returns
        -------
        Conditional
            Predictions given the first score, the first two, and so on to all of them.

        Raises
        ------
        InvalidSeries
            If there is no score, the shapes differ, a number is not finite, a dose or week is negative, or a score
            lies outside the range of the scale.

        Notes
        -----
        With L the Cholesky factor of the covariance of all scores, L^-1 whitens them, and its leading block is that
        of the first scores alone: one factorisation serves every look.
        """
        doses, weeks = points_in_treatment(doses, weeks)
        scores = np.asarray(scores, dtype=np.float64)
        if scores.shape != doses.shape or not scores.size:
            raise InvalidSeries("a conditional prediction needs one dose, one week and one score per observation")
        if not ((scores >= self.minimum) & (scores <= self.maximum)).all():
            allowed = f"{self.minimum} to {self.maximum}"
            raise InvalidSeries("a score lies outside the range of its scale", pointer="/score", allowed=allowed)
        covariance = self.covariance(doses[..., :, None], weeks[..., :, None], doses[..., None, :], weeks[..., None, :])
        noise = self.noise_variance * np.eye(scores.shape[-1])
        # Inverted as an upper triangle, which leaves nothing to pivot: no weight of a later score on an earlier one.
        whitener = np.linalg.inv(np.linalg.cholesky(covariance + noise).mT).mT
        return Conditional(self, doses, weeks, whitener, np.matvec(whitener, scores - self.expected(doses)))


@cache
def default_curve(instrument_key: str) -> GrowthCurve | None:
    """Give the published default curve of an instrument.

    Parameters
    ----------
    instrument_key : str
        Key of the instrument, as `phq-9`.

    Returns
    -------
    GrowthCurve or None
        None where no published parameters exist: none are invented.

    Examples
    --------
    >>> default_curve("gad-7").key, default_curve("sdq")
    ('b7b-1', None)
    """
    figures = default_parameters(instrument_key).get("curve")
    if figures is None:
        return None
    return GrowthCurve(**{**figures, "provenance": Provenance(**figures["provenance"])})


def _phi(doses: FloatArray) -> FloatArray:
    """Give the shape of the response: steep first, then flattening, level from the plateau on."""
    return np.log1p(np.minimum(doses, PLATEAU_DOSE))

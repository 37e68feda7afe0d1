"""The growth model: what a patient's next scores are expected to be, given the ones so far.

One Gaussian model in closed form, on the scale of a link g. A person has a level and a speed of their own, responds in
one of a few shapes, drifts slowly around that line, and answers with some noise:

    g(score) = intercept + session_slope * progress(dose) - natural(weeks) + u0 + u1 * progress(dose) + r(weeks) + e

with u0 and u1 normal, r an Ornstein-Uhlenbeck process in calendar time and e independent noise. Treatment works by
dose; drift and the natural course go by the calendar. Given the shape, whatever a verdict needs is a conditional normal
distribution, and regression to the mean is inside it; which shape it is, the scores tell by Bayes' rule. One shape, the
identity link and no drift are the plain mixed model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from app.errors import InstrumentDataError, InvalidSeries
from app.trajectories.conditional import Conditional, condition, points_in_treatment
from app.trajectories.defaults import default_parameters
from app.trajectories.filtering import Variation
from app.trajectories.link import Link, LinkKind
from app.trajectories.natural import share_of_fall
from app.trajectories.prediction import FloatArray
from app.trajectories.shapes import WORSENING_DOSE, ResponseShape, progress, progress_of_each

_SHARES_ADD_UP_WITHIN = 1e-9
_WORSENING = ResponseShape.WORSENING


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the figures of a curve come from.

    Parameters
    ----------
    source : str
        The source in words.
    status : str
        `derived` for figures calibrated to published margins, not estimated on the service's own patients; `fitted`
        for figures that were.
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
        Name of the curve, as `arcsine-1`.
    version : int
        Revision of its figures.
    instrument : str
        Key of the instrument.
    link : Link
        The scale on which scores are normal. What follows is in its units, which are points at its middle.
    intercept : float
        Mean at dose 0.
    session_slope : float
        Mean change per unit of progress, beyond the natural course; negative when scores fall.
    natural_fall : float
        What the natural course takes off in 10 weeks; 0 where it is part of the slope. Negative when scores rise.
    sd_intercept, sd_slope : float
        Spread of persons around intercept and slope.
    correlation : float
        Correlation of the two, -1 to 1.
    drift_variance : float
        Variance of the slow drift within a person.
    drift_weeks : float
        Time constant of the drift, weeks: the lag at which its correlation is 1/e.
    noise_variance : float
        Variance of the noise of one score; above 0.
    shares : mapping of ResponseShape to float
        Share of patients of each shape, above 0; they add up to 1.
    worsening : float
        What the worsening shape gains by dose 8, in the bad direction: one reliable change.
    provenance : Provenance
        Where the figures come from.

    Attributes
    ----------
    shapes : tuple of ResponseShape
        The shapes, in the order in which arrays hold them.
    log_shares : ndarray, shape (shapes,)
        Log of their shares.
    variation : Variation
        How persons differ, drift and answer.

    Raises
    ------
    InstrumentDataError
        If a figure is not finite or lies outside its range.

    Notes
    -----
    The covariance of the true values at (d, w) and (d', w') in a shape with progress p, with s0, s1 the two spreads,
    c their correlation, q the drift variance and tau its time constant, is

        s0^2 + c s0 s1 [p(d) + p(d')] + s1^2 p(d) p(d') + q exp(-|w - w'| / tau)

    and an observed value adds the noise variance to its own variance. The worsening shape has no slope and no natural
    course in its mean. Above dose 52 everything that goes by dose stays as it is there.

    References
    ----------
    Finch, Lambert & Schaalje (2001), Clinical Psychology and Psychotherapy 8:231 (expected response on log session).
    Diggle (1988), Biometrics 44:959, doi:10.2307/2531727 (random effects, serial correlation and noise).
    Verbeke & Lesaffre (1996), JASA 91:217, doi:10.1080/01621459.1996.10476679 (mixtures of growth curves).
    """

    key: str
    version: int
    instrument: str
    link: Link
    intercept: float
    session_slope: float
    sd_intercept: float
    sd_slope: float
    correlation: float
    drift_variance: float
    drift_weeks: float
    noise_variance: float
    provenance: Provenance
    natural_fall: float = 0.0
    shares: Mapping[ResponseShape, float] = field(default_factory=lambda: {ResponseShape.EARLY: 1.0})
    worsening: float = 0.0
    shapes: tuple[ResponseShape, ...] = field(init=False, repr=False, compare=False)
    variation: Variation = field(init=False, repr=False, compare=False)
    log_shares: FloatArray = field(init=False, repr=False, compare=False)
    _slopes: FloatArray = field(init=False, repr=False, compare=False)
    _falls: FloatArray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("intercept", "session_slope", "natural_fall", "worsening"):
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
        if not self.shares or not all(share > 0 for share in self.shares.values()):
            raise InstrumentDataError("shares must name at least one shape, each with a share above 0")
        if abs(sum(self.shares.values()) - 1) > _SHARES_ADD_UP_WITHIN:
            raise InstrumentDataError("shares must add up to 1")
        self._derive("shares", MappingProxyType(dict(self.shares)))
        self._derive("shapes", tuple(self.shares))
        self._derive("log_shares", np.log(list(self.shares.values())))
        worsening_slope = self.worsening / float(progress(_WORSENING, WORSENING_DOSE))
        self._derive("_slopes", self._by_shape(self.session_slope, worsening_slope))
        self._derive("_falls", self._by_shape(self.natural_fall, 0.0))
        self._derive(
            "variation",
            Variation(
                level=self.sd_intercept**2,
                slope=self.sd_slope**2,
                both=self.correlation * self.sd_intercept * self.sd_slope,
                drift=self.drift_variance,
                drift_weeks=self.drift_weeks,
                noise=self.noise_variance,
            ),
        )

    def _derive(self, name: str, value: object) -> None:
        """Set what follows from the rest: once, since every look asks for it."""
        object.__setattr__(self, name, value)

    def _by_shape(self, figure: float, worsening: float) -> FloatArray:
        """Give a figure for each shape, where worsening has one of its own."""
        return np.array([worsening if shape is _WORSENING else figure for shape in self.shapes])

    @property
    def minimum(self) -> int:
        """Lowest score, points."""
        return self.link.minimum

    @property
    def maximum(self) -> int:
        """Highest score, points."""
        return self.link.maximum

    def courses(self, doses: FloatArray, weeks: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give the mean course of each shape and how far it has come, both of shape (shapes, ...).

        Parameters
        ----------
        doses, weeks : ndarray
            Points in treatment, of one shape.

        Returns
        -------
        means : ndarray
            Of all referrals with that shape, link units.
        progress : ndarray
            The weight of a person's slope.
        """
        come = progress_of_each(self.shapes, doses)
        natural = np.multiply.outer(self._falls, share_of_fall(weeks))
        return self.intercept + self._slopes.reshape(-1, *(1,) * doses.ndim) * come - natural, come

    def given(
        self, doses: npt.ArrayLike, weeks: npt.ArrayLike, scores: npt.ArrayLike, *, known: Sequence[int] | None = None
    ) -> Conditional:
        """Condition the model on a patient's scores, or on those of many patients with equally many scores.

        Parameters
        ----------
        doses, weeks, scores : array_like, shape (..., n)
            The scores in time order, with dose and weeks, both 0 or more. n is at least 1; axes before it are
            patients.
        known : sequence of int, optional
            How many of the scores will be used, the first ones in order: all numbers that will be asked for, 0 to n.
            Any when None.

        Returns
        -------
        Conditional
            Predictions given no score, the first score, the first two, and so on to all of them.

        Raises
        ------
        InvalidSeries
            If there is no score, the shapes differ, a number is not finite, a dose or week is negative, or a score
            lies outside the range of the scale.
        """
        doses, weeks = points_in_treatment(doses, weeks)
        scores = np.asarray(scores, dtype=np.float64)
        if scores.shape != doses.shape or not scores.size:
            raise InvalidSeries("a conditional prediction needs one dose, one week and one score per observation")
        self.link.refuse_outside(scores)
        return condition(self, doses, weeks, scores, range(scores.shape[-1] + 1) if known is None else known)


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
    ('arcsine-1', None)
    """
    figures = default_parameters(instrument_key).get("curve")
    if figures is None:
        return None
    link = figures["link"]
    return GrowthCurve(
        **{
            **figures,
            "link": Link(LinkKind(link["kind"]), link["minimum"], link["maximum"], link["middle"]),
            "shares": {ResponseShape(shape): share for shape, share in figures["shares"].items()},
            "provenance": Provenance(**figures["provenance"]),
        }
    )

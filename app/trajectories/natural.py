"""Natural course: what similar people would probably have had without this treatment.

The figure comes from people on waiting lists and in usual care. It is shown beside a patient's curve as a reminder
that scores also fall by themselves, never subtracted from it and never called an effect: trial controls are recruited
at a bad moment, so that regression to the mean is part of it, as it is for a patient who has just been referred.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from app.errors import InvalidSeries
from app.scales.change import Better
from app.trajectories.defaults import default_parameters
from app.trajectories.prediction import HALF_A_POINT, FloatArray

LONGEST_WEEKS = 52.0
"""Weeks after which a natural course is held, since no data go further."""

_REFERENCE_WEEKS = 10.0
"""Weeks to which the sourced fall belongs."""


def share_of_fall(weeks: npt.ArrayLike) -> FloatArray:
    """Give the share of the natural fall of 10 weeks that has happened: ln(1 + w/2) / ln 6, held from 52 weeks on.

    Parameters
    ----------
    weeks : array_like
        Weeks, 0 or more.

    Returns
    -------
    ndarray
        Same shape.

    Examples
    --------
    >>> share_of_fall([0, 10, 52, 80]).round(3)
    array([0.   , 1.   , 1.839, 1.839])
    """
    elapsed = np.minimum(np.asarray(weeks, dtype=np.float64), LONGEST_WEEKS)
    return np.asarray(np.log1p(elapsed / 2) / math.log1p(_REFERENCE_WEEKS / 2))


@dataclass(frozen=True, slots=True)
class Spread:
    """How far similar people's scores lie around their natural course.

    Parameters
    ----------
    weeks : tuple of float
        Weeks since the first score, ascending.
    sds : tuple of float
        Standard deviations at those weeks, points, above 0. Between them it goes by straight lines, outside it is held.
    confidence, source : str
        Where the figures come from.
    """

    weeks: tuple[float, ...]
    sds: tuple[float, ...]
    confidence: str
    source: str

    def at(self, weeks: float) -> float:
        """Give the standard deviation after so many weeks, points."""
        return float(np.interp(weeks, self.weeks, self.sds))


@dataclass(frozen=True, slots=True)
class NaturalCourse:
    """A sourced function of the first score and calendar time.

    Parameters
    ----------
    fall_at_reference : float
        Points that the score falls in 10 weeks from the reference score.
    fall_per_point : float
        Points that it falls more for each point of the first score above the reference.
    reference_score : float
        Points.
    spread : Spread
        How far similar people's scores lie around it.
    status, confidence, source, wording : str
        Where the figures come from, and in what words the result may be shown.

    Notes
    -----
    NC(w, y0) = y0 - [fall_at_reference + fall_per_point (y0 - reference_score)] g(w), with g(w) as in
    :func:`share_of_fall`.
    """

    fall_at_reference: float
    fall_per_point: float
    reference_score: float
    spread: Spread
    status: str
    confidence: str
    source: str
    wording: str

    def scores(self, baseline: float, weeks: npt.ArrayLike) -> FloatArray:
        """Give the scores to be expected of the natural course.

        Parameters
        ----------
        baseline : float
            First score, points.
        weeks : array_like
            Weeks since it, 0 or more.

        Returns
        -------
        ndarray
            Points in the shape of `weeks`, not cut to the range of the scale.
        """
        fall = self.fall_at_reference + self.fall_per_point * (baseline - self.reference_score)
        return np.asarray(baseline - fall * share_of_fall(weeks))

    def as_good(self, baseline: float, score: float, weeks: float, better: Better) -> float:
        """Give the share of similar people whose score would by now be as good as this one, or better.

        Parameters
        ----------
        baseline, score : float
            First and later score, points.
        weeks : float
            Weeks between them, 0 or more.
        better : Better
            Which end of the scale is the good one.

        Returns
        -------
        float
            Probability, 0 to 1.

        Notes
        -----
        A score k stands for the cell from k - 1/2 to k + 1/2 of a normal distribution with the mean of :meth:`scores`
        and the standard deviation of the spread.
        """
        away = float(self.scores(baseline, weeks)) - score
        beyond = (-away if better is Better.LOWER else away) + HALF_A_POINT
        return float(ndtr(beyond / self.spread.at(weeks)))


@cache
def default_natural_course(instrument_key: str) -> NaturalCourse | None:
    """Give the sourced natural course of an instrument; None where there is no source."""
    figures = default_parameters(instrument_key).get("natural_course")
    if figures is None:
        return None
    spread = figures["spread"]
    known = Spread(**{**spread, "weeks": tuple(spread["weeks"]), "sds": tuple(spread["sds"])})
    return NaturalCourse(**{**figures, "spread": known})


def natural_course(instrument_key: str, baseline: float, weeks: npt.ArrayLike) -> FloatArray | None:
    """Give the scores that similar people would probably have had.

    Parameters
    ----------
    instrument_key : str
        Key of the instrument, as `phq-9`.
    baseline : float
        Baseline score, points.
    weeks : array_like
        Weeks since the baseline, 0 or more. From 52 weeks on the course is held.

    Returns
    -------
    ndarray or None
        Points in the shape of `weeks`, within the range of the scale. None means *unknown*: no natural course has
        been published for the instrument (the GAD-7 has figures at one time only), and none is invented.

    Raises
    ------
    InvalidSeries
        If the baseline lies outside the scale, or a week is negative or not a number.

    References
    ----------
    Metapsy open data on psychotherapy for depression, control arms (derivation in `defaults/phq-9.toml`).
    Whiteford et al. (2013), Psychological Medicine 43:1569, doi:10.1017/S0033291712001717 (untreated remission).

    Examples
    --------
    >>> natural_course("phq-9", 15, [0, 10, 26]).round(1)
    array([15. , 12.4, 11.2])
    >>> natural_course("gad-7", 15, [10]) is None
    True
    """
    course = default_natural_course(instrument_key)
    if course is None:
        return None
    scale = default_parameters(instrument_key)["curve"]["link"]
    if not scale["minimum"] <= baseline <= scale["maximum"]:
        allowed = f"{scale['minimum']} to {scale['maximum']}"
        raise InvalidSeries("the baseline lies outside the range of its scale", pointer="/baseline", allowed=allowed)
    if not np.all(np.asarray(weeks, dtype=np.float64) >= 0):
        raise InvalidSeries("each week must be a number, 0 or more", pointer="/weeks")
    return np.clip(course.scores(baseline, weeks), scale["minimum"], scale["maximum"])

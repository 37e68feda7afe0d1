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

from app.errors import InvalidSeries
from app.trajectories.defaults import default_parameters
from app.trajectories.prediction import FloatArray


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
    longest_weeks : float
        Weeks after which the course is held, since no data go further.
    status, confidence, source, wording : str
        Where the figures come from, and in what words the result may be shown.

    Notes
    -----
    NC(w, y0) = y0 - [fall_at_reference + fall_per_point (y0 - reference_score)] g(w), g(w) = ln(1 + w/2) / ln 6, so
    that g is 1 at 10 weeks.
    """

    fall_at_reference: float
    fall_per_point: float
    reference_score: float
    longest_weeks: float
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
        elapsed = np.minimum(np.asarray(weeks, dtype=np.float64), self.longest_weeks)
        share = np.log1p(elapsed / 2) / math.log(6)
        fall = self.fall_at_reference + self.fall_per_point * (baseline - self.reference_score)
        return np.asarray(baseline - fall * share)


@cache
def default_natural_course(instrument_key: str) -> NaturalCourse | None:
    """Give the sourced natural course of an instrument; None where there is no source."""
    figures = default_parameters(instrument_key).get("natural_course")
    return None if figures is None else NaturalCourse(**figures)


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
    scale = default_parameters(instrument_key)["curve"]
    if not scale["minimum"] <= baseline <= scale["maximum"]:
        allowed = f"{scale['minimum']} to {scale['maximum']}"
        raise InvalidSeries("the baseline lies outside the range of its scale", pointer="/baseline", allowed=allowed)
    if not np.all(np.asarray(weeks, dtype=np.float64) >= 0):
        raise InvalidSeries("each week must be a number, 0 or more", pointer="/weeks")
    return np.clip(course.scores(baseline, weeks), scale["minimum"], scale["maximum"])

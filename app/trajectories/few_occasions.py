"""Few scores and no growth curve: a new score against what it would be if nothing had truly changed.

Where no growth parameters are published, no curve is invented. What may be known is how far a score moves while the
person does not: from a published reliable change, or from a reliability and the spread of a norm group. That gives a
band around the first score and a smallest reliable change, named after what they rest on. Neither depends on the dose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from app.scales.change import Better, ChangeCategory, ChangeCriteria
from app.scales.norms import Norm
from app.scales.reliable_change import ChangeMethod, error_of_difference
from app.scales.sources import Confidence, Source
from app.scales.subscale import Reliability, ReliabilityMeasure, Subscale
from app.trajectories.link import Link, LinkKind
from app.trajectories.prediction import Prediction
from app.trajectories.series import Observation, Series

ENOUGH_FOR_ONE_PERSON: Final = 0.90
"""The reliability from which on decisions about one person may rest on a score (Nunnally & Bernstein 1994)."""

TOO_LOW_FOR_ONE_PERSON: Final = 0.80
"""The reliability below which nothing is said of one person's change: judgement, see :class:`Usability`."""


_DECIMALS = 3


class BandBasis(StrEnum):
    """What the band of an unchanged score rests on: the first of these that is known."""

    PUBLISHED_RELIABLE_CHANGE = "published_reliable_change"
    """Points that a source calls reliable. Which level it means is not always told, so that the band has none."""
    RETEST = "retest"
    """The correlation of two measures, and a norm group: regression to its mean is inside."""
    ALPHA = "alpha"
    """How well the items hang together, and a norm group: too narrow, since alpha leaves out what varies by the day."""
    NOTHING_KNOWN = "nothing_known"
    """No band, and no verdict."""


class Usability(StrEnum):
    """Whether a score is reliable enough for what it says of a change of one person.

    Notes
    -----
    Judged by the internal consistency; by the retest where only that is known, since it counts true change as error.
    Nunnally asks for .70 in research on groups, finds .80 not high enough for decisions about one person, and asks
    for .90 there. Where between .70 and .90 one had better be silent no source settles: below .80 is judgement.

    References
    ----------
    Nunnally, J. C. (1978), Psychometric Theory, 2nd ed., pp. 245-246. Nunnally, J. C., & Bernstein, I. H. (1994),
    Psychometric Theory, 3rd ed., pp. 264-265.
    """

    ADEQUATE = "adequate"
    WITH_CAUTION = "with_caution"
    TOO_UNRELIABLE = "too_unreliable"
    NOT_KNOWN = "not_known"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of how far a score moves while the person does not.

    Parameters
    ----------
    criteria : ChangeCriteria
        Range, direction, cut-off and published reliable change of the score.
    published : Source or None
        Where the reliable change was seen; None where none is published.
    alpha, retest : Reliability or None
        Internal consistency, and correlation of two measures, below 1; None where not known.
    norm : Norm or None
        Mean and spread of a group in which those coefficients hold, points; None where not known.
    """

    criteria: ChangeCriteria
    published: Source | None = None
    alpha: Reliability | None = None
    retest: Reliability | None = None
    norm: Norm | None = None

    def __post_init__(self) -> None:
        assert (self.published is None) is (self.criteria.reliable_change is None), "a published figure has a source"
        for each in (self.alpha, self.retest):
            assert each is None or each.coefficient < 1, "no score is without error"

    @property
    def basis(self) -> BandBasis:
        """What the band rests on."""
        if self.published is not None:
            return BandBasis.PUBLISHED_RELIABLE_CHANGE
        if self.norm is not None and self.retest is not None:
            return BandBasis.RETEST
        if self.norm is not None and self.alpha is not None:
            return BandBasis.ALPHA
        return BandBasis.NOTHING_KNOWN

    @property
    def reliability(self) -> Reliability | None:
        """The coefficient that the band rests on; None where it rests on none."""
        return {BandBasis.RETEST: self.retest, BandBasis.ALPHA: self.alpha}.get(self.basis)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where the figures were seen that the band rests on."""
        if self.published is not None:
            return (self.published,)
        if self.norm is None or self.reliability is None:
            return ()
        return self.reliability.source, self.norm.source

    @property
    def confidence(self) -> Confidence | None:
        """How well the weakest of those figures is supported; None where there are none."""
        return max((each.confidence for each in self.sources), key=list(Confidence).index, default=None)

    @property
    def judged_by(self) -> Reliability | None:
        """The coefficient that tells whether the score is reliable enough; None where none is known."""
        return self.alpha or self.retest

    @property
    def usability(self) -> Usability:
        """Whether the score is reliable enough for what it says of a change of one person."""
        if self.judged_by is None:
            return Usability.NOT_KNOWN
        if self.judged_by.coefficient < TOO_LOW_FOR_ONE_PERSON:
            return Usability.TOO_UNRELIABLE
        enough = self.judged_by.coefficient >= ENOUGH_FOR_ONE_PERSON
        return Usability.ADEQUATE if enough else Usability.WITH_CAUTION

    @property
    def tells_change(self) -> bool:
        """Whether a change of one person can be told at all."""
        return self.reliable_change is not None and self.usability is not Usability.TOO_UNRELIABLE

    @property
    def reliable_change(self) -> int | None:
        """Smallest reliable change, whole points; None where none is known, or none fits into the scale.

        The published one, else the first whole number of points at which Jacobson & Truax's index reaches 1.96.
        """
        if self.norm is None or self.reliability is None:
            return self.criteria.reliable_change
        error = error_of_difference(float(self.norm.sd), self.reliability.coefficient)
        points = math.ceil(ChangeMethod.JACOBSON_TRUAX.critical * error)
        return points if points <= self.criteria.maximum - self.criteria.minimum else None

    def expected(self, first: float) -> float:
        """Give the expected new score of somebody who has not truly changed, points.

        Parameters
        ----------
        first : float
            First score, points.

        Returns
        -------
        float
            The first score, moved towards the mean of the norm group where a retest is known: M + r (y - M).
        """
        if self.basis is not BandBasis.RETEST or self.norm is None or self.retest is None:
            return first
        mean = float(self.norm.mean)
        return mean + self.retest.coefficient * (first - mean)

    def spread(self) -> float:
        """Give the standard deviation of such a score around its expectation, points.

        Returns
        -------
        float
            By retest s sqrt(1 - r^2), by alpha s sqrt(2 (1 - alpha)), which is that of a difference.
        """
        assert self.norm is not None, "a spread is known where a norm group is"
        assert self.reliability is not None, "and a coefficient"
        sd, coefficient = float(self.norm.sd), self.reliability.coefficient
        by_retest = self.basis is BandBasis.RETEST
        return sd * math.sqrt(1 - coefficient**2) if by_retest else error_of_difference(sd, coefficient)


def known_of(subscale: Subscale, norm: Norm | None = None) -> Known | None:
    """Gather what the instrument's file knows of a score.

    Parameters
    ----------
    subscale : Subscale
        The score.
    norm : Norm, optional
        Mean and spread of the person's own group at the first score, where the norms go by sex and grade.

    Returns
    -------
    Known or None
        With the first coefficient of each measure; None for a score that is not followed over time.

    Examples
    --------
    >>> from app.scales.catalogue import instrument
    >>> parent = instrument("sdq").form("parent-4-17")
    >>> [str(known_of(parent.subscale(key)).usability) for key in ("total_difficulties", "conduct")]
    ['with_caution', 'too_unreliable']
    """
    if subscale.criteria is None:
        return None
    first: dict[ReliabilityMeasure, Reliability] = {}
    for each in subscale.reliability:
        if each.coefficient < 1:
            first.setdefault(each.measure, each)
    return Known(
        subscale.criteria,
        subscale.sources.get("reliable_change"),
        first.get(ReliabilityMeasure.ALPHA),
        first.get(ReliabilityMeasure.RETEST),
        norm or subscale.norm,
    )


class Limits(NamedTuple):
    """What to expect of a new score if nothing has truly changed, and from where on something has.

    Parameters
    ----------
    expected : float
        Points.
    lower, upper : int
        Ends of the closed band, points.
    better_at, worse_at : int or None
        First whole score that is reliably better, and reliably worse; None where it lies outside the scale.
    """

    expected: float
    lower: int
    upper: int
    better_at: int | None
    worse_at: int | None


class LaterScore(NamedTuple):
    """A score after the first one, and what is to be said of it.

    Parameters
    ----------
    score : float
        Points.
    improvement : float
        Points since the first score, positive when better.
    within_band : bool or None
        Whether it lies in the band; None where a change of one person can't be told.
    change : ChangeCategory or None
        Reliably better, reliably worse, or neither; None likewise.
    """

    score: float
    improvement: float
    within_band: bool | None
    change: ChangeCategory | None


def limits_of(known: Known, first: float, level: float) -> Limits | None:
    """Give the band around a first score, and from where on a new one is reliably better or worse.

    Parameters
    ----------
    known : Known
        What is known of the score.
    first : float
        First score, points, within the scale.
    level : float
        Central probability of the band, above 0 and below 1. By a published reliable change the band holds the whole
        scores that differ less, and has no level.

    Returns
    -------
    Limits or None
        None where a change of one person can't be told.

    Notes
    -----
    With y the first score, M and s of the norm group, r the retest and a the alpha, a new score of somebody who has
    not changed is normal, N(M + r (y - M), s^2 (1 - r^2)) or N(y, 2 s^2 (1 - a)), and stands for whole points within
    the scale as the predictions of a growth curve do. A change is reliable if Jacobson & Truax's index reaches 1.96
    **and** the score has moved beyond that band: the index knows nothing of regression to the mean, and what that
    brings is no improvement.

    References
    ----------
    Jacobson & Truax 1991, J Consult Clin Psychol 59:12, doi:10.1037/0022-006X.59.1.12. Regression to the mean: Speer
    1992, doi:10.1037/0022-006X.60.3.402. That both have to hold is judgement.

    Examples
    --------
    SDQ of a parent, first 20 points: alpha .82, retest .72, mean 8.4 and standard deviation 5.8 of British children.

    >>> from app.scales.catalogue import instrument
    >>> limits_of(known_of(instrument("sdq").form("parent-4-17").subscale("total_difficulties")), 20, level=0.8)
    Limits(expected=16.752, lower=12, upper=22, better_at=11, worse_at=29)
    """
    points = known.reliable_change
    if points is None or not known.tells_change:
        return None
    lower, upper = _band(known, first, points, level)
    down, up = min(math.floor(first - points), lower - 1), max(math.ceil(first + points), upper + 1)
    criteria = known.criteria
    reached = (down if down >= criteria.minimum else None, up if up <= criteria.maximum else None)
    better_at, worse_at = reached if criteria.better is Better.LOWER else reached[::-1]
    return Limits(round(known.expected(first), _DECIMALS), lower, upper, better_at, worse_at)


def _band(known: Known, first: float, points: int, level: float) -> tuple[int, int]:
    criteria = known.criteria
    if known.published is not None:
        lower, upper = math.floor(first - points) + 1, math.ceil(first + points) - 1
        return max(lower, criteria.minimum), min(upper, criteria.maximum)
    middle = (criteria.minimum + criteria.maximum) / 2
    link = Link(LinkKind.IDENTITY, criteria.minimum, criteria.maximum, middle)
    one = np.ones((1, 1))
    ends = Prediction(link, one, one * known.expected(first), one * known.spread()).tabled().band(level)
    lower, upper = (int(end.item()) for end in ends)
    return lower, upper


def against_first(known: Known, first: float, score: float, level: float) -> LaterScore:
    """Hold a score against the first one.

    Parameters
    ----------
    known : Known
        What is known of the score.
    first, score : float
        Points, within the scale.
    level : float
        Central probability of the band.

    Returns
    -------
    LaterScore
        See :func:`limits_of` for what makes a change reliable.
    """
    improvement = known.criteria.improvement(first, score)
    limits = limits_of(known, first, level)
    if limits is None:
        return LaterScore(score, improvement, None, None)
    change = _change(known, first, score, limits)
    if known.published is None:
        return LaterScore(score, improvement, limits.lower <= score <= limits.upper, change)
    # Here the band is what is no reliable change, also between whole points.
    return LaterScore(score, improvement, change is ChangeCategory.NO_RELIABLE_CHANGE, change)


def _change(known: Known, first: float, score: float, limits: Limits) -> ChangeCategory:
    beyond = score > limits.upper if score > first else score < limits.lower
    if known.published is None and not beyond:
        return ChangeCategory.NO_RELIABLE_CHANGE
    return replace(known.criteria, reliable_change=known.reliable_change).category(first, score)


def later_scores(series: Series, known: Known, level: float) -> tuple[tuple[Observation, LaterScore], ...]:
    """Hold every score after the baseline against it, whatever phase it belongs to.

    Parameters
    ----------
    series : Series
        The scores of one informant.
    known : Known
        What is known of the score.
    level : float
        Central probability of the band.

    Returns
    -------
    tuple of (Observation, LaterScore)
        In time order; empty without a baseline.
    """
    if series.baseline_index is None:
        return ()
    baseline, *later = series.observations[series.baseline_index :]
    return tuple((each, against_first(known, baseline.score, each.score, level)) for each in later)

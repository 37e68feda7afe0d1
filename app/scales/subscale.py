"""What one score is: what it is made of, its range, bands, cut-offs and missing-item rule, each figure with its source.

Everything is frozen and checks itself when it is made. Points are integers; only scores that are prorated without
rounding, or given as a mean, have fractions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from math import floor
from types import MappingProxyType

from app.scales.bands import Band, Cutoff, band_of, require_bands
from app.scales.change import Better, ChangeCriteria
from app.scales.missing import MissingMethod, MissingRule
from app.scales.norms import Norm, Sex
from app.scales.sources import Source, require, require_key, require_unique


class ReliabilityMeasure(StrEnum):
    """Which kind of reliability a coefficient is."""

    ALPHA = "alpha"
    RETEST = "retest"


class TimeUnit(StrEnum):
    """In what a time between two measures is told."""

    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


@dataclass(frozen=True, slots=True)
class Interval:
    """How much time lay between the two measures of a retest, as its source tells it.

    Parameters
    ----------
    first, last : int
        Shortest and longest, 1 or more; the same where the source names one.
    unit : TimeUnit
        What they count.
    """

    first: int
    last: int
    unit: TimeUnit

    def __post_init__(self) -> None:
        require(1 <= self.first <= self.last, "an interval begins at 1 or more, and does not end before that")


@dataclass(frozen=True, slots=True)
class Reliability:
    """A published reliability coefficient of a score.

    Parameters
    ----------
    measure : ReliabilityMeasure
        Which kind it is.
    coefficient : float
        From 0 to 1.
    source : Source
        The sample and where it was seen.
    interval : Interval or None
        Time between the measures of a retest, for which alone the coefficient holds; None where it was not seen.
    """

    measure: ReliabilityMeasure
    coefficient: float
    source: Source
    interval: Interval | None = None

    def __post_init__(self) -> None:
        require(0 < self.coefficient <= 1, "a reliability coefficient must be above 0 and at most 1")
        retest = self.measure is ReliabilityMeasure.RETEST
        require(self.interval is None or retest, "only a retest has an interval")


@dataclass(frozen=True, slots=True)
class Gate:
    """A question that settles a score by itself: with this answer the score is 0, whatever else was answered.

    Parameters
    ----------
    item : str
        Number of the item.
    code : int
        The answer, as coded.
    source : Source
        Where the rule was seen.
    """

    item: str
    code: int
    source: Source


@dataclass(frozen=True, slots=True)
class Subscale:
    """One score of a form: what it is made of, and how it is read.

    Parameters
    ----------
    key : str
        Name of the score, e.g. ``total``.
    minimum, maximum : int
        Range of the score, points.
    missing : MissingRule
        What happens when items are not answered; for a sum of other scores, what happens is theirs.
    sources : mapping of str to Source
        Where each figure was seen, by the figure's name: ``range`` always, ``cutoff``, ``reliable_change`` and
        ``important_difference`` where the criteria have them, ``loinc`` where there is a code.
    items : tuple of str
        Numbers of the items that are summed; empty for a sum of other scores.
    parts : tuple of str
        Keys of the scores that are summed, as they are, rounded or not; empty for a sum of items. Without one of
        them there is no sum.
    times_mean : int or None
        The score is so many times the mean of the answered items, and not their sum; None for a sum.
    per_point : int
        How many codes of its items make one point: 10 where they are marked in tenths.
    gate : Gate or None
        The question that settles the score by itself; None as a rule.
    bands : tuple of Band
        In rising order, covering the range without gap or overlap; empty where none are published.
    further_bands : mapping of str to tuple of Band
        Other published ways of dividing the range, by name.
    criteria : ChangeCriteria or None
        Direction, caseness and change; None for a score that is not followed over time.
    further_cutoffs : tuple of Cutoff
        Published cut-offs beside the criteria's.
    reliability : tuple of Reliability
        Published coefficients; of each measure the first is the one that is used, and belongs to the norm.
    norm : Norm or None
        Mean and spread among people in general; None where none is published, or where the instrument has norms by sex
        and grade.
    loinc : str or None
        LOINC code of the score; None where there is none.
    not_found : mapping of str to Source
        What was looked for and not found, e.g. ``bands``, with where it was looked for.

    Raises
    ------
    InstrumentDataError
        If a rule above is broken, or a figure has no source.
    """

    key: str
    minimum: int
    maximum: int
    missing: MissingRule
    sources: Mapping[str, Source] = field(hash=False)
    items: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    times_mean: int | None = None
    per_point: int = 1
    gate: Gate | None = None
    bands: tuple[Band, ...] = ()
    further_bands: Mapping[str, tuple[Band, ...]] = field(default_factory=dict, hash=False)
    criteria: ChangeCriteria | None = None
    further_cutoffs: tuple[Cutoff, ...] = ()
    reliability: tuple[Reliability, ...] = ()
    norm: Norm | None = None
    loinc: str | None = None
    not_found: Mapping[str, Source] = field(default_factory=dict, hash=False)
    unit: Fraction = field(init=False, repr=False, compare=False)
    is_whole: bool = field(init=False, repr=False, compare=False)
    band_by_score: tuple[str | None, ...] = field(init=False, repr=False, compare=False)
    case_by_score: tuple[bool | None, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_key(self.key)
        require(
            bool(self.items) is not bool(self.parts),
            "a subscale needs at least one item, or other subscales, and not both",
        )
        require_unique(self.items, "item of a subscale")
        require_unique(self.parts, "part of a subscale")
        require(self.minimum < self.maximum, "the range of a score must not be empty")
        self._check_method()
        self._check_limits()
        self._check_sources()
        for name in ("sources", "further_bands", "not_found"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        codes_of_a_point = (len(self.items) if self.times_mean else 1) * self.per_point
        object.__setattr__(self, "unit", Fraction(self.times_mean or 1, codes_of_a_point))
        exactly = self.times_mean is not None or self.missing.method is MissingMethod.PRORATE_EXACTLY
        object.__setattr__(self, "is_whole", self.unit == 1 and not exactly)
        scores = range(self.minimum, self.maximum + 1)
        object.__setattr__(self, "band_by_score", tuple(band_of(self.bands, score) for score in scores))
        object.__setattr__(self, "case_by_score", tuple(self._is_case(score) for score in scores))

    def is_case(self, score: float) -> bool | None:
        """Tell whether a score lies on the clinical side of the cut-off; None where none is published.

        Cut-offs are whole points, so that a score between two of them lies where the lower one does.
        """
        return self.case_by_score[floor(score) - self.minimum]

    def band(self, score: float) -> str | None:
        """Give the code of the band that a score lies in, as with cut-offs; None where no bands are published."""
        return self.band_by_score[floor(score) - self.minimum]

    def further_band_codes(self, score: float) -> dict[str, str | None]:
        """Give the codes of the bands that a score lies in, in the other ways of dividing the range."""
        return {name: band_of(bands, score) for name, bands in self.further_bands.items()}

    def cutoffs_reached(self, score: float, sex: Sex | None) -> dict[str, bool | None]:
        """Tell of each published cut-off whether a score lies on its clinical side.

        Parameters
        ----------
        score : float
            Points.
        sex : Sex or None
            The patient's; None where it is not known.

        Returns
        -------
        dict of str to bool or None
            ``caseness`` for the criteria's own. Cut-offs of one name hold for different people: None where it is not
            known which of them holds.
        """
        reached: dict[str, bool | None] = {}
        if self.criteria is not None and self.criteria.cutoff is not None:
            reached["caseness"] = self.criteria.is_case(score)
        higher_is_better = self.criteria is not None and self.criteria.better is Better.HIGHER
        for cutoff in self.further_cutoffs:
            if cutoff.sex is None or cutoff.sex is sex:
                reached[cutoff.key] = (score >= cutoff.score) is not higher_is_better
            elif sex is None:
                reached[cutoff.key] = None
        return reached

    def _is_case(self, score: float) -> bool | None:
        if self.criteria is None or self.criteria.cutoff is None:
            return None
        return self.criteria.is_case(score)

    def _check_method(self) -> None:
        if self.parts:
            settled = self.times_mean is None and self.gate is None and self.missing.method is MissingMethod.NONE
            require(settled, "a sum of other subscales takes them as they are: no mean, no gate, no missing items")
            return
        require(self.missing.max_missing < len(self.items), "max_missing must leave at least one item answered")
        require(self.times_mean is None or self.times_mean >= 1, "times_mean must be 1 or more")
        require(self.per_point >= 1, "a point must be at least one code")
        require(
            self.per_point == 1 or self.missing.method is not MissingMethod.PRORATE,
            "a score in parts of a point is not rounded to whole ones",
        )
        require(
            self.times_mean is None or self.missing.method in (MissingMethod.PRORATE_EXACTLY, MissingMethod.NONE),
            "a mean of the answered items is not rounded",
        )
        require(
            self.gate is None or (self.minimum <= 0 and self.gate.item not in self.items),
            "a gate is a question beside the items, and the score 0 must lie within the range",
        )

    def _check_limits(self) -> None:
        for bands in (self.bands, *self.further_bands.values()):
            if bands:
                require_bands(bands, self.minimum, self.maximum)
        require("bands" not in self.not_found or not self.bands, "bands that are given were found")
        require_unique(((cutoff.key, cutoff.sex) for cutoff in self.further_cutoffs), "further cut-off of a subscale")
        people: dict[str, set[Sex | None]] = {}
        for cutoff in self.further_cutoffs:
            people.setdefault(cutoff.key, set()).add(cutoff.sex)
        require(
            all(sexes in ({None}, set(Sex)) for sexes in people.values()),
            "a cut-off holds for everybody, or there is one for each sex",
        )
        for cutoff in self.further_cutoffs:
            require(self.minimum <= cutoff.score <= self.maximum, "a cut-off must lie within the range of the score")
        if self.criteria is not None:
            require(
                (self.criteria.minimum, self.criteria.maximum) == (self.minimum, self.maximum),
                "the change criteria must have the range of the score",
            )

    def _check_sources(self) -> None:
        figures = {"range"}
        if self.loinc is not None:
            figures.add("loinc")
        if self.criteria is not None:
            named = ("cutoff", "reliable_change", "important_difference")
            figures.update(name for name in named if getattr(self.criteria, name) is not None)
        require(set(self.sources) == figures, f"the sources must be those of: {', '.join(sorted(figures))}")

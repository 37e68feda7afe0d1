"""What one score is: its items, range, bands, cut-offs and missing-item rule, each figure with its source.

Everything is frozen and checks itself when it is made. Scores are integers throughout, so that scoring is exact.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from app.errors import InstrumentDataError, MalformedBody
from app.scales.change import ChangeCriteria

_KEY = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")


def require(condition: bool, rule: str) -> None:
    """Raise the rule that an instrument breaks, if it does."""
    if not condition:
        raise InstrumentDataError(rule)


def require_key(key: str) -> None:
    """Require that a key is written as keys are."""
    require(_KEY.fullmatch(key) is not None, "a key is written in lower case letters, digits and single . _ or -")


def require_unique(keys: Iterable[str], what: str) -> None:
    """Require that no key occurs twice."""
    listed = list(keys)
    require(len(listed) == len(set(listed)), f"each {what} may occur only once")


class Confidence(StrEnum):
    """How well a fact was found to be supported when it was looked up."""

    A = "A"
    """Two or more independent sources, agreeing."""
    A_MINUS = "A-"
    """One source, agreeing with background knowledge."""
    B = "B"
    """One source."""
    UNVERIFIED = "UNVERIFIED"
    """Background knowledge or common practice only; to be confirmed before anything important rests on it."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure comes from, and how well it is supported.

    Parameters
    ----------
    text : str
        Author, year and place, or the pages and programs that were seen.
    confidence : Confidence
        How well the figure is supported by them.
    """

    text: str
    confidence: Confidence

    def __post_init__(self) -> None:
        require(bool(self.text.strip()), "a source needs a text")


class MissingMethod(StrEnum):
    """What is done about items that were not answered."""

    PRORATE = "prorate"
    """The sum of the answered items, scaled up to all items and rounded half up."""
    NONE = "none"
    """Nothing: the score needs every item."""


class ReliabilityMeasure(StrEnum):
    """Which kind of reliability a coefficient is."""

    ALPHA = "alpha"
    RETEST = "retest"


@dataclass(frozen=True, slots=True)
class Band:
    """A range of scores with a name of its own.

    Parameters
    ----------
    code : str
        Code of the name; texts turn it into words.
    low, high : int
        First and last score of the band, points, both included.
    source : Source
        Where the limits were seen.

    Raises
    ------
    InstrumentDataError
        If the band is empty.
    """

    code: str
    low: int
    high: int
    source: Source

    def __post_init__(self) -> None:
        require_key(self.code)
        require(self.low <= self.high, "a band must not end before it begins")


@dataclass(frozen=True, slots=True)
class Cutoff:
    """A published cut-off beside the one that caseness is judged by.

    Parameters
    ----------
    key : str
        What it is for, e.g. ``screening``.
    score : int
        The first score on the clinical side, points.
    source : Source
        Where it was seen.
    """

    key: str
    score: int
    source: Source

    def __post_init__(self) -> None:
        require_key(self.key)


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
    """

    measure: ReliabilityMeasure
    coefficient: float
    source: Source

    def __post_init__(self) -> None:
        require(0 < self.coefficient <= 1, "a reliability coefficient must be above 0 and at most 1")


@dataclass(frozen=True, slots=True)
class MissingRule:
    """How many unanswered items a score stands, and what is done about them.

    Parameters
    ----------
    max_missing : int
        The largest number of unanswered items with which there is still a score.
    method : MissingMethod
        What is done about them.
    source : Source
        Where the rule was seen.
    configurable : bool
        True if a service may choose a stricter limit: no official rule binds it.

    Raises
    ------
    InstrumentDataError
        If the limit is negative, or missing items are allowed without a method for them.
    """

    max_missing: int
    method: MissingMethod
    source: Source
    configurable: bool = False

    def __post_init__(self) -> None:
        require(self.max_missing >= 0, "max_missing must not be negative")
        require(
            self.method is MissingMethod.PRORATE or self.max_missing == 0,
            "without a method for missing items, max_missing must be 0",
        )

    def limit(self, chosen: int | None) -> int:
        """Give the limit that holds when a service has chosen its own, which may only be stricter.

        Parameters
        ----------
        chosen : int or None
            The service's limit, items; None for the rule's own.

        Returns
        -------
        int
            The largest number of unanswered items with which there is a score.

        Raises
        ------
        MalformedBody
            If the chosen limit is negative or laxer than the rule, or the rule leaves no choice.
        """
        if chosen is None or chosen == self.max_missing:
            return self.max_missing
        if not self.configurable:
            raise MalformedBody("the missing-item rule of this score is fixed", allowed=str(self.max_missing))
        if not 0 <= chosen <= self.max_missing:
            raise MalformedBody(
                "max_missing must not be negative or laxer than the rule of this score",
                allowed=f"0 to {self.max_missing}",
            )
        return chosen


@dataclass(frozen=True, slots=True)
class Subscale:
    """One score of a form: what it is made of, and how it is read.

    Parameters
    ----------
    key : str
        Name of the score, e.g. ``total``.
    items : tuple of str
        Numbers of the items that are summed.
    minimum, maximum : int
        Range of the score, points.
    missing : MissingRule
        What happens when items are not answered.
    sources : mapping of str to Source
        Where each figure was seen, by the figure's name: ``range`` always, ``cutoff``, ``reliable_change`` and
        ``important_difference`` where the criteria have them, ``loinc`` where there is a code.
    bands : tuple of Band
        In rising order, covering the range without gap or overlap; empty where none are published.
    criteria : ChangeCriteria or None
        Direction, caseness and change; None for a score that is not followed over time.
    further_cutoffs : tuple of Cutoff
        Published cut-offs beside the criteria's.
    reliability : tuple of Reliability
        Published coefficients.
    loinc : str or None
        LOINC code of the score; None where there is none.

    Raises
    ------
    InstrumentDataError
        If a rule above is broken, or a figure has no source.
    """

    key: str
    items: tuple[str, ...]
    minimum: int
    maximum: int
    missing: MissingRule
    sources: Mapping[str, Source] = field(hash=False)
    bands: tuple[Band, ...] = ()
    criteria: ChangeCriteria | None = None
    further_cutoffs: tuple[Cutoff, ...] = ()
    reliability: tuple[Reliability, ...] = ()
    loinc: str | None = None
    band_by_score: tuple[str | None, ...] = field(init=False, repr=False, compare=False)
    case_by_score: tuple[bool | None, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_key(self.key)
        require(bool(self.items), "a subscale needs at least one item")
        require_unique(self.items, "item of a subscale")
        require(self.minimum < self.maximum, "the range of a score must not be empty")
        require(self.missing.max_missing < len(self.items), "max_missing must leave at least one item answered")
        self._check_limits()
        self._check_sources()
        object.__setattr__(self, "sources", MappingProxyType(dict(self.sources)))
        scores = range(self.minimum, self.maximum + 1)
        object.__setattr__(self, "band_by_score", tuple(self._band_of(score) for score in scores))
        object.__setattr__(self, "case_by_score", tuple(self._is_case(score) for score in scores))

    def _check_limits(self) -> None:
        if self.bands:
            require_unique((band.code for band in self.bands), "band of a subscale")
            starts = [band.low for band in self.bands]
            ends = [band.high for band in self.bands]
            require(
                [*starts, self.maximum + 1] == [self.minimum, *(end + 1 for end in ends)],
                "the bands must rise and cover the range of the score without gap or overlap",
            )
        require_unique((cutoff.key for cutoff in self.further_cutoffs), "further cut-off of a subscale")
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

    def _band_of(self, score: int) -> str | None:
        return next((band.code for band in self.bands if band.low <= score <= band.high), None)

    def _is_case(self, score: int) -> bool | None:
        if self.criteria is None or self.criteria.cutoff is None:
            return None
        return self.criteria.is_case(score)

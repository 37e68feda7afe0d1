"""Results held against what was to be expected: the expected curve, natural courses, published results.

None of these differences is an effect of the help. An expected curve says what similar patients in treatment had, a
natural course what similar people without it probably would have had.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np

from app.reports.cohort import Lasting, Unpaired
from app.scales.change import Better, ChangeCriteria, improvement
from app.trajectories.growth import GrowthCurve
from app.trajectories.natural import NaturalCourse, default_natural_course
from app.trajectories.prediction import FloatArray
from app.trajectories.sampling_error import Interval

_NORMAL_95: Final = 1.959963984540054
_DAYS_IN_WEEK: Final = 7
_OF_CASES: Final = ("recovery", "reliable_recovery")
"""Outcomes of which the reports tell the share among the cases at the start."""

Expectation = Callable[[float, FloatArray, FloatArray], FloatArray]
"""Gives the scores to be expected after a first score, at doses and weeks."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more, or less, people improved than was to be expected of them.

    Parameters
    ----------
    persons : int
        With both scores.
    observed, expected : float
        Mean improvement, points, positive when better.
    difference : Interval
        Their difference, points, with a normal 95 % interval of the mean; NaN ends of one person.
    """

    persons: int
    observed: float
    expected: float
    difference: Interval


def difference(pairs: Sequence[Lasting], criteria: ChangeCriteria, expectation: Expectation) -> Difference | None:
    """Hold the last scores against those to be expected of the same first scores at the same time.

    Parameters
    ----------
    pairs : sequence of Lasting
        Pairs of scores, by dose and week of the last one.
    criteria : ChangeCriteria
        Of the score.
    expectation : Expectation
        What was to be expected.

    Returns
    -------
    Difference or None
        None of nobody.

    Notes
    -----
    The mean over persons of (improvement - expected improvement), with s / sqrt(n), where s is the standard deviation
    of these differences with n - 1. How sure the expectation itself is, is not part of the interval.
    """
    if not pairs:
        return None
    figures = np.array([pair[2:] for pair in pairs], dtype=np.float64)  # without year and value
    by_start = figures[np.argsort(figures[:, 0], kind="stable")]
    start, doses, weeks, persons, total, squares = np.ascontiguousarray(by_start.T)
    scores, firsts = np.unique(start, return_index=True)
    expected = [
        expectation(float(score), doses[first:end], weeks[first:end])
        for score, first, end in zip(scores, firsts, [*firsts[1:], len(start)], strict=True)
    ]
    last = total / persons
    gained, hoped = (improvement(start, each, criteria.better) for each in (last, np.concatenate(expected)))
    spread = np.maximum(squares - persons * last**2, 0.0)
    n = int(persons.sum())
    mean_gained, mean_hoped = (float(each @ persons) / n for each in (gained, hoped))
    middle = mean_gained - mean_hoped
    # Squared differences from the middle: those within each group of last scores, and those of its mean.
    squared = float(spread.sum() + (gained - hoped - middle) ** 2 @ persons)
    error = math.sqrt(squared / (n - 1) / n) if n > 1 else math.nan
    reach = _NORMAL_95 * error
    return Difference(n, mean_gained, mean_hoped, Interval(middle, error, middle - reach, middle + reach))


def by_curve(curve: GrowthCurve) -> Expectation:
    """Expect what a growth curve says of somebody with that first score."""

    def expected(baseline: float, doses: FloatArray, weeks: FloatArray) -> FloatArray:
        given = curve.given([0.0], [0.0], [baseline])
        return given.predict(doses, np.maximum(weeks, 0.0), 1).tabled().expected()

    return expected


def by_nature(course: NaturalCourse, criteria: ChangeCriteria) -> Expectation:
    """Expect what a natural course says: calendar time alone, within the range of the scale."""

    def expected(baseline: float, _: FloatArray, weeks: FloatArray) -> FloatArray:
        return np.clip(course.scores(baseline, np.maximum(weeks, 0.0)), criteria.minimum, criteria.maximum)

    return expected


@dataclass(frozen=True, slots=True)
class Comparator:
    """A natural course with a name: one of the presets, or the service's own figure with its source."""

    key: str
    course: NaturalCourse
    source: str


def natural_comparators(instrument: str, own_fall: float | None = None, own_source: str = "") -> list[Comparator]:
    """Give the natural courses of an instrument: the sourced presets, and the service's own figure where it has one.

    Parameters
    ----------
    instrument : str
        Key of the instrument, as `phq-9`.
    own_fall : float or None
        Points that the score falls by itself in 10 weeks from a first score of 15, by the service's own source.
    own_source : str
        Where that comes from.

    Returns
    -------
    list of Comparator
        Empty where no natural course of the instrument has been published: none is invented.
    """
    sourced = default_natural_course(instrument)
    if sourced is None:
        return []
    found = [
        Comparator(key, replace(sourced, fall_at_reference=each["fall"], source=each["source"]), each["source"])
        for key, each in _comparators()["natural"].items()
        if each["instrument"] == instrument
    ]
    if own_fall is not None:
        found.append(Comparator("own", replace(sourced, fall_at_reference=own_fall, source=own_source), own_source))
    return found


class Missing(StrEnum):
    """What was done about people without an end score."""

    LAST_RECORDED = "last_recorded"
    CARRIED_FORWARD = "carried_forward"
    IMPUTED = "imputed"


@dataclass(frozen=True, slots=True)
class Published:
    """A published result, with all that a comparison must have in common with it."""

    key: str
    outcome: str
    measure: str
    share: float
    time: str
    population: str
    missing: Missing
    status: str
    source: str
    of: int | None = None

    def refused_for(self, measure: str, missing: Missing) -> str | None:
        """Tell what makes a service's share at the end of treatment another thing; None where it is the same."""
        if self.measure != measure:
            return "other_definition"
        if self.population != ("cases" if self.outcome in _OF_CASES else "all"):
            return "other_population"
        if self.time != "end":
            return "other_time_point"
        return None if self.missing is missing else "other_missing_data_rule"


@cache
def published_results() -> tuple[Published, ...]:
    """Give all published results that are known."""
    return tuple(Published(**{**each, "missing": Missing(each["missing"])}) for each in _comparators()["published"])


@cache
def _comparators() -> Mapping[str, Any]:
    return tomllib.loads(files("app.reports").joinpath("comparators.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Modelled:
    """Of those without a later score: how many would be expected to show an outcome by the model.

    Parameters
    ----------
    improved, deteriorated, recovered, reliably_recovered : float
        Sums of probabilities over persons.
    """

    improved: float
    deteriorated: float
    recovered: float
    reliably_recovered: float


def modelled(cells: Sequence[Unpaired], criteria: ChangeCriteria, curve: GrowthCurve) -> Modelled:
    """Tell from their first scores what would be expected of those without a later score, when their treatment ended.

    Parameters
    ----------
    cells : sequence of Unpaired
        Counted first scores, with sessions and days between them.
    criteria : ChangeCriteria
        Of the score; with a reliable change.
    curve : GrowthCurve
        What is expected.

    Returns
    -------
    Modelled
        Sums over persons.

    Notes
    -----
    The probability that a new score at the last dose shows the outcome, given the first score alone; people without a
    later score are taken to be like those with the same first score, which they may not be.
    """
    assert criteria.reliable_change is not None, "without a reliable change there is no such outcome"
    sums = np.zeros(4)
    for baseline, some in _by_baseline(cells).items():
        doses = np.array([float(cell.dose) for cell in some])
        weeks = doses * [1.0 if cell.interval_days is None else cell.interval_days / _DAYS_IN_WEEK for cell in some]
        scores = curve.given([0.0], [0.0], [baseline]).predict(doses, weeks, 1)
        lower = criteria.better is Better.LOWER
        fallen = scores.at_most(baseline - criteria.reliable_change)
        risen = scores.at_least(baseline + criteria.reliable_change)
        better, worse = (fallen, risen) if lower else (risen, fallen)
        well = np.zeros_like(better)
        if criteria.cutoff is not None and criteria.is_case(baseline):
            well = scores.at_most(criteria.cutoff - 1) if lower else scores.at_least(criteria.cutoff)
        persons = np.array([cell.episodes for cell in some])
        # Both are tails on the same side of one distribution.
        sums += np.array([better, worse, well, np.minimum(well, better)]) @ persons
    return Modelled(*sums.tolist())


def _by_baseline(cells: Sequence[Unpaired]) -> dict[float, list[Unpaired]]:
    grouped: dict[float, list[Unpaired]] = {}
    for cell in sorted(cells, key=lambda each: each.baseline):
        grouped.setdefault(cell.baseline, []).append(cell)
    return grouped

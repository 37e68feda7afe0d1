"""Counted cells put on the axes over which they can be asked for: service, year, value of a dimension, category."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.reports.cohort import Measured, Period, Started
from app.trajectories.prediction import IntArray

ValueOf = Callable[[Started | Measured], str | None]
"""Gives the value of the report's dimension that an episode has."""

Mask = NDArray[np.bool_]


class Stage(StrEnum):
    """How far an episode came, exclusively: what the flow of denominators is made of."""

    NOT_STARTED = "not_started"
    ONE_SESSION = "one_session"
    UNMEASURED = "unmeasured"
    """Two sessions or more, and no score of the measure."""
    FIRST_BELOW = "first_below"
    """A first score without a later one, and no case by it (or no cut-off is published)."""
    FIRST_CASE = "first_case"
    PAIRED_BELOW = "paired_below"
    """Both scores, and no case at the start (or no cut-off is published)."""
    PAIRED_CASE = "paired_case"


class Change(StrEnum):
    """What became of a pair of scores; where no reliable change is published, nothing can be said."""

    IMPROVED = "improved"
    UNCHANGED = "unchanged"
    DETERIORATED = "deteriorated"


class Recovery(StrEnum):
    """What became of a case: below the cut-off at the end or not, reliably better or not."""

    RELIABLE = "reliable"
    """Below the cut-off, and reliably better."""
    BELOW_ONLY = "below_only"
    """Below the cut-off, by less than a reliable change."""
    NOT = "not"


class Part(NamedTuple):
    """One part of the episodes, without overlap: how far it came, and of pairs what became of them."""

    stage: Stage
    change: Change | None = None
    recovery: Recovery | None = None

    @property
    def name(self) -> str:
        """What it is called in a table."""
        return "/".join(str(each) for each in self if each is not None)


_CHANGES: Final = (*Change, None)

PARTS: Final = (
    *(Part(stage) for stage in list(Stage)[:5]),
    *(Part(Stage.PAIRED_BELOW, change) for change in _CHANGES),
    *(Part(Stage.PAIRED_CASE, change, recovery) for recovery in Recovery for change in _CHANGES),
)
"""All of them. Some can't be, as a reliable recovery without a reliable change; they have nobody."""


@dataclass(frozen=True, slots=True)
class Axes:
    """What can be asked for: the services, the years, the values of the dimension.

    Parameters
    ----------
    services : tuple of str
        Ids of all services with closed episodes.
    years : tuple of int
        All years in a row from the first to the last with closed episodes.
    values : tuple of str or None
        All values of the dimension; a single None where the report has no dimension.
    """

    services: tuple[str, ...]
    years: tuple[int, ...]
    values: tuple[str | None, ...]

    @classmethod
    def of(
        cls,
        started: Iterable[Started],
        measured: Iterable[Measured],
        period: Period,
        services: Iterable[str],
        value_of: ValueOf,
    ) -> Axes:
        """Find the axes of counted cells, all services among them.

        The years are those of the record, so that the same is hidden whatever period is asked for, and one far away
        makes no larger table; the period's last year where nothing is closed.
        """
        cells: list[Started | Measured] = [*started, *measured]
        years = [cell.year for cell in cells] or [period.last_year]
        return cls(
            tuple(sorted({cell.service for cell in cells} | set(services))),
            tuple(range(min(years), max(years) + 1)),
            tuple(sorted({value_of(cell) for cell in cells}, key=lambda value: (value is None, value))) or (None,),
        )

    def filled(self, categories: Sequence[object], lines: Sequence[tuple[int, int, int, int, int]]) -> IntArray:
        """Give a table over these axes and some categories: each line has a place on each, and how many are there."""
        sides = (self.services, self.years, self.values, categories)
        found = np.zeros([len(each) for each in sides], dtype=np.int64)
        *places, episodes = np.array(lines, dtype=np.int64).reshape(-1, found.ndim + 1).T
        np.add.at(found, tuple(places), episodes)
        return found


@cache
def part_of(paired: bool, sign: int | None, case_at_start: bool | None, case_at_end: bool | None) -> Part:
    """Tell to which part those belong who have a first score and two sessions or more."""
    if not paired:
        return Part(Stage.FIRST_CASE if case_at_start else Stage.FIRST_BELOW)
    change = None if sign is None else list(Change)[1 - sign]
    if not case_at_start:
        return Part(Stage.PAIRED_BELOW, change)
    recovery = Recovery.RELIABLE if change is Change.IMPROVED else Recovery.BELOW_ONLY
    return Part(Stage.PAIRED_CASE, change, Recovery.NOT if case_at_end else recovery)


def parts(axes: Axes, started: Iterable[Started], measured: Iterable[Measured], value_of: ValueOf) -> IntArray:
    """Count the parts of the episodes.

    Parameters
    ----------
    axes : Axes
        Services, years and values.
    started : iterable of Started
        All closed episodes. Where only measured ones have the dimension, they have the value None.
    measured : iterable of Measured
        Those of them with a score.
    value_of : callable
        Gives the value of a cell.

    Returns
    -------
    ndarray, shape (services, years, values, parts)
        In the order of :data:`PARTS`. Who has two sessions and no score of the measure is what is left.
    """
    services, values = ({each: place for place, each in enumerate(axis)} for axis in (axes.services, axes.values))
    first_year, unmeasured = axes.years[0], _BY_SESSIONS[2]
    lines = []
    for each in started:
        part = _BY_SESSIONS[each.sessions]
        lines.append((services[each.service], each.year - first_year, values[value_of(each)], part, each.episodes))
    two_sessions = [cell for cell in measured if cell.sessions > 1]
    without = {value: values[value_of(Started(0, "", value, 2, 0))] for value in {cell.value for cell in two_sessions}}
    for cell in two_sessions:
        service, year = services[cell.service], cell.year - first_year
        part = _place_of(cell.paired, cell.change, cell.case_at_start, cell.case_at_end)
        lines.append((service, year, values[value_of(cell)], part, cell.episodes))
        lines.append((service, year, without[cell.value], unmeasured, -cell.episodes))
    return axes.filled(PARTS, lines)


_BY_SESSIONS: Final = tuple(map(PARTS.index, map(Part, (Stage.NOT_STARTED, Stage.ONE_SESSION, Stage.UNMEASURED))))


@cache
def _place_of(paired: bool, sign: int | None, case_at_start: bool | None, case_at_end: bool | None) -> int:
    return PARTS.index(part_of(paired, sign, case_at_start, case_at_end))

"""Counted cells put on the axes over which they can be asked for: service, year, value of a dimension, category."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

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
        """Find the axes of counted cells; the years of the period and all services are among them in any case."""
        cells: list[Started | Measured] = [*started, *measured]
        years = [cell.year for cell in cells] + [period.first_year, period.last_year]
        return cls(
            tuple(sorted({cell.service for cell in cells} | set(services))),
            tuple(range(min(years), max(years) + 1)),
            tuple(sorted({value_of(cell) for cell in cells}, key=lambda value: (value is None, value))) or (None,),
        )

    def shape(self, categories: Sequence[object]) -> tuple[int, int, int, int]:
        """Give the shape of a table over these axes and some categories."""
        return len(self.services), len(self.years), len(self.values), len(categories)


def stage_of(cell: Measured) -> Stage:
    """Tell how far an episode with a first score and two sessions came."""
    if not cell.paired:
        return Stage.FIRST_CASE if cell.case_at_start else Stage.FIRST_BELOW
    return Stage.PAIRED_CASE if cell.case_at_start else Stage.PAIRED_BELOW


def stages(
    axes: Axes,
    started: Iterable[Started],
    measured: Iterable[Measured],
    value_of: ValueOf,
) -> IntArray:
    """Count how far episodes came.

    Returns
    -------
    ndarray, shape (services, years, values, stages)
        In the order of :class:`Stage`. Where the dimension is one that only measured episodes have, there are no
        episodes of the first three stages.
    """
    found, order = _empty(axes, Stage), list(Stage)
    begun = list(started)
    for each in begun:
        stage = (Stage.NOT_STARTED, Stage.ONE_SESSION, Stage.UNMEASURED)[each.sessions]
        found[_place(axes, each, value_of(each), order.index(stage))] += each.episodes
    unmeasured = order.index(Stage.UNMEASURED)
    for cell in measured:
        if cell.sessions > 1:
            found[_place(axes, cell, value_of(cell), order.index(stage_of(cell)))] += cell.episodes
            if begun:
                found[_place(axes, cell, value_of(cell), unmeasured)] -= cell.episodes
    return found


def changes(axes: Axes, measured: Iterable[Measured], value_of: ValueOf) -> IntArray:
    """Count what became of the pairs, shape (services, years, values, 3), in the order of :class:`Change`."""
    found = _empty(axes, Change)
    for cell in measured:
        if cell.sessions > 1 and cell.paired and cell.change is not None:
            found[_place(axes, cell, value_of(cell), 1 - cell.change)] += cell.episodes
    return found


def recoveries(axes: Axes, measured: Iterable[Measured], value_of: ValueOf) -> IntArray:
    """Count what became of the cases, shape (services, years, values, 3), in the order of :class:`Recovery`."""
    found = _empty(axes, Recovery)
    for cell in measured:
        if cell.sessions > 1 and cell.paired and cell.case_at_start:
            place = 2 if cell.case_at_end else 0 if cell.change == 1 else 1
            found[_place(axes, cell, value_of(cell), place)] += cell.episodes
    return found


def _empty(axes: Axes, categories: type[StrEnum]) -> IntArray:
    return np.zeros(axes.shape(list(categories)), dtype=np.int64)


def _place(axes: Axes, cell: Started | Measured, value: str | None, category: int) -> tuple[int, int, int, int]:
    return axes.services.index(cell.service), cell.year - axes.years[0], axes.values.index(value), category


def windows(axes: Axes, years: int) -> list[tuple[int, ...]]:
    """Give the places of the years that make each window of so many years in a row."""
    return [tuple(range(first, first + years)) for first in range(len(axes.years) - years + 1)]

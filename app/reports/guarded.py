"""Counts that may be told: a table over all that can be asked for, after disclosure control, and its cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.reports.cohort import WINDOW_YEARS, Period
from app.reports.disclosure import Axis, extended, protect
from app.reports.document import Cell, Withheld
from app.reports.proportions import wilson
from app.reports.tabulation import Axes, Mask, windows
from app.trajectories.prediction import IntArray

HIDDEN: Final = Cell(withheld=Withheld.SMALL_NUMBER)


@dataclass(frozen=True, slots=True)
class Where:
    """Which episodes are meant: of a service or of all, closed in a period, with a value of the dimension or any."""

    period: Period
    service: str | None = None
    value: str | None = None
    any_value: bool = True


@dataclass(frozen=True, slots=True)
class Guarded:
    """One partition of episodes, counted wherever it can be asked for, with what may be told of it.

    Parameters
    ----------
    axes : Axes
        Services, years and values.
    names : tuple of str
        The categories, then the unions of some of them that are told too.
    counts : ndarray, shape (services + 1, years + windows, values + 1, names)
        Episodes; the last service and the last value stand for all.
    visible : ndarray of bool, same shape
        Which may be told.
    """

    axes: Axes
    names: tuple[str, ...]
    counts: IntArray
    visible: Mask

    @classmethod
    def of(
        cls,
        axes: Axes,
        counts: IntArray,
        categories: Sequence[str],
        unions: Mapping[str, Sequence[str]],
        *,
        threshold: int,
        given: Mask | None = None,
        untold: Mapping[str, Mask] | None = None,
    ) -> Guarded:
        """Find out what may be told of a partition.

        Parameters
        ----------
        axes : Axes
            Services, years and values.
        counts : ndarray of int, shape (services, years, values, categories)
            Episodes.
        categories : sequence of str
            Names of the categories.
        unions : mapping of str to sequence of str
            What else is told: categories put together, by name.
        threshold : int
            The smallest count that may be told.
        given : ndarray of bool, shape (services + 1, years + windows, values + 1), optional
            Where the whole of the categories may be told by a table that this one divides further.
        untold : mapping of str to ndarray of bool, optional
            Of some names, by name, where they may not be told, since another table would give something away with
            them; same shape as `given`.

        Returns
        -------
        Guarded
        """
        categories = [str(each) for each in categories]
        told = along(axes, categories, unions)
        names, every = (*categories, *unions), extended(counts, told)
        hidden = np.zeros(every.shape, dtype=np.bool_)
        if given is not None:
            hidden |= ~given[..., None]
        for name, where in (untold or {}).items():
            hidden[..., names.index(name)] |= where
        return cls(axes, names, every, protect(counts, told, threshold, hidden))

    def count(self, where: Where, name: str) -> int | None:
        """Tell how many episodes there are of a category or union; None where it may not be told."""
        place = (*self._place(where), self.names.index(name))
        return int(self.counts[place]) if self.visible[place] else None

    def everywhere(self, name: str) -> IntArray:
        """Give all counts of a category or union, told or not, in the shape of :meth:`may_be_told`."""
        return self.counts[..., self.names.index(name)]

    def may_be_told(self, name: str) -> Mask:
        """Give where a category or union may be told, shape (services + 1, years + windows, values + 1)."""
        told: Mask = self.visible[..., self.names.index(name)]
        return told

    def _place(self, where: Where) -> tuple[int, int, int]:
        axes = self.axes
        service = len(axes.services) if where.service is None else axes.services.index(where.service)
        value = len(axes.values) if where.any_value else axes.values.index(where.value)
        year = where.period.first_year - axes.years[0]
        return service, year if where.period.years == 1 else len(axes.years) + year, value

    def share(self, where: Where, name: str, of: str) -> Cell:
        """Give a share with its Wilson interval, or say that it may not be told."""
        return share(self.count(where, name), self.count(where, of))


def along(axes: Axes, categories: Sequence[str], unions: Mapping[str, Sequence[str]]) -> list[Axis]:
    """Give what can be asked for: each and all services, years and windows, values, categories and their unions."""
    places = {str(each): place for place, each in enumerate(categories)}
    return [
        Axis(len(axes.services), (tuple(range(len(axes.services))),)),
        Axis(len(axes.years), tuple(windows(axes, WINDOW_YEARS))),
        Axis(len(axes.values), (tuple(range(len(axes.values))),)),
        Axis(len(categories), tuple(tuple(places[each] for each in union) for union in unions.values())),
    ]


def counted(count: int | None) -> Cell:
    """Give a count, or say that it may not be told."""
    return HIDDEN if count is None else Cell(count)


def share(count: int | None, of: int | None) -> Cell:
    """Give a share with its Wilson interval; hidden where either number is, unknown of nobody."""
    if count is None or of is None:
        return HIDDEN
    interval = wilson(count, of)
    if interval is None:
        return Cell(withheld=Withheld.UNKNOWN)
    return Cell(count / of, interval.lower, interval.upper, of)

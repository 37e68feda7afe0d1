"""Counts that may be told: a table over all that can be asked for, after disclosure control, and its cells."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from threading import Lock
from types import MappingProxyType
from typing import Final

import numpy as np

from app.reports.axes import Axis, extended, with_total, with_windows
from app.reports.cohort import WINDOW_YEARS, Period
from app.reports.disclosure import Protected, Stages, protect
from app.reports.document import Cell, Withheld
from app.reports.proportions import wilson
from app.reports.tabulation import Axes
from app.trajectories.prediction import IntArray

HIDDEN: Final = Cell(withheld=Withheld.SMALL_NUMBER)
ROUNDED_TO: Final = 5


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
    entries : mapping of str to int or None
        Where each name stands on the axis of categories: a category, or several together; None where it has nobody.
    protected : Protected
        The table.
    to : int
        To what its counts are rounded before they are told; 1, for not at all, where everything may be told.
    """

    axes: Axes
    entries: Mapping[str, int | None]
    protected: Protected
    to: int = 1

    @classmethod
    def of(
        cls,
        axes: Axes,
        counts: IntArray,
        categories: Sequence[str],
        unions: Mapping[str, Sequence[str]],
        *,
        threshold: int,
        stages: Stages | None = None,
        worth: Mapping[str, float] = MappingProxyType({}),
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
        stages : Stages, optional
            To which stage of the flow, shared with other tables, each category belongs.

        worth : mapping of str to float
            How much a name would be missed if it were hidden; 1 if nothing is said.

        Returns
        -------
        Guarded
        """
        names = [str(each) for each in categories]
        held = np.asarray(counts.any(axis=(0, 1, 2)))
        # Disclosure control needs a place for somebody in each stage, also where nobody is.
        of_stage = np.array((0,) * len(names) if stages is None else stages.of)
        for stage in set(of_stage.tolist()):
            alike = of_stage == stage
            held[alike.argmax()] |= not held[alike].any()
        present = np.flatnonzero(held)
        kept = [names[place] for place in present]
        groups: dict[tuple[int, ...], int] = {(place,): place for place in range(len(kept))}
        entries: dict[str, int | None] = {}
        for name, parts in {**{name: (name,) for name in names}, **unions}.items():
            atoms = tuple(sorted(kept.index(part) for part in map(str, parts) if part in kept))
            entries[name] = groups.setdefault(atoms, len(groups)) if atoms else None
        missed = [1.0] * len(groups)
        for name, place in entries.items():
            if place is not None:
                missed[place] = max(missed[place], worth.get(name, 1.0))
        named = tuple(atoms for atoms, place in groups.items() if place >= len(kept))
        category = Axis(len(kept), named, tuple(missed))
        shared = None if stages is None else replace(stages, of=tuple(stages.of[place] for place in present))
        along = (
            with_total(len(axes.services)),
            with_windows(len(axes.years), WINDOW_YEARS),
            with_total(len(axes.values)),
            category,
        )
        to = ROUNDED_TO if threshold > 1 else 1
        return cls(axes, entries, _protected(counts[..., present], along, shared, threshold, to), to)

    def count(self, where: Where, name: str) -> int | None:
        """Tell how many episodes there are of a name; None where it may not be told."""
        entry, place = self.entries[name], self._place(where)
        if entry is None or place is None:
            return 0
        count = self.protected.shown(*place, entry)
        return None if count is None else self.to * ((count + self.to // 2) // self.to)

    def _place(self, where: Where) -> tuple[int, int, int] | None:
        """Find the entries; None where nothing was closed in a year of the period."""
        axes, (services, years, values, _) = self.axes, self.protected.axes
        closed = [place for place, year in enumerate(axes.years) if where.period.holds(year)]
        if not closed:
            return None
        return (
            services.at(range(len(axes.services)) if where.service is None else [axes.services.index(where.service)]),
            years.at(closed),
            values.at(range(len(axes.values)) if where.any_value else [axes.values.index(where.value)]),
        )

    def share(self, where: Where, name: str, of: str) -> Cell:
        """Give a share with its Wilson interval, or say that it may not be told."""
        return share(self.count(where, name), self.count(where, of))


@dataclass(frozen=True, slots=True)
class Named:
    """Some names of a partition, under shorter ones."""

    guarded: Guarded
    prefix: str

    def count(self, where: Where, name: str) -> int | None:
        """Tell how many episodes there are of a name; None where it may not be told."""
        return self.guarded.count(where, f"{self.prefix}{name}")


_KEPT: OrderedDict[bytes, Protected] = OrderedDict()
_ROOM: Final = 8_000_000
"""Cells of all tables that are kept, of 9 B: a report of 400 therapists in 20 services has two million."""
_AT_LEAST: Final = 1_000
"""What even the smallest table takes, in cells."""
_LOCK: Final = Lock()


def _protected(
    counts: IntArray, along: tuple[Axis, Axis, Axis, Axis], stages: Stages | None, threshold: int, to: int
) -> Protected:
    """Protect a table, or give what was found for the same numbers before: it follows from them alone."""
    asked = (counts.shape, tuple((axis.groups, axis.worth) for axis in along), _key(stages), threshold, to)
    key = sha256(repr(asked).encode() + counts.tobytes()).digest()
    with _LOCK:
        if key in _KEPT:
            _KEPT.move_to_end(key)
            return _KEPT[key]
    found = protect(counts, along, stages, threshold, to) if threshold > 1 else _told_whole(counts, along)
    found = replace(found, witnesses=())  # thousands of them, which nobody asks for again
    with _LOCK:
        _KEPT[key] = found
        while len(_KEPT) > 1 and sum(_AT_LEAST + each.cells.size for each in _KEPT.values()) > _ROOM:
            _KEPT.popitem(last=False)
    return found


def _told_whole(counts: IntArray, along: tuple[Axis, Axis, Axis, Axis]) -> Protected:
    """Give a table of which everything may be told."""
    cells = extended(counts, along)
    return Protected(along, cells, np.ones(cells.shape, dtype=np.bool_), (), 0)


def _key(stages: Stages | None) -> Hashable:
    return None if stages is None else (stages.axis, stages.of)


def counted(count: int | None) -> Cell:
    """Give a count, or say that it may not be told."""
    return HIDDEN if count is None else Cell(count)


def share(count: int | None, of: int | None) -> Cell:
    """Give a share with its Wilson interval; hidden where either number is, unknown of nobody."""
    if count is None or of is None:
        return HIDDEN
    interval = wilson(min(count, of), of)
    if interval is None:
        return Cell(withheld=Withheld.UNKNOWN)
    return Cell(min(count, of) / of, interval.lower, interval.upper, of)

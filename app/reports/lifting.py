"""Make of a move in a coarse table one in a finer table that adds up to it."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from app.reports.witnesses import Move

_VALUE, _CATEGORY = 2, 3

_Block = tuple[int, int, int]
"""A service, a year and a part: what is filled at once."""


def lifted(
    by_value: Move | None, by_category: Move | None, counts: NDArray[np.int64], parts: NDArray[np.int64]
) -> Move:
    """Find a move whose sums over categories, and over values, are the moves given.

    Parameters
    ----------
    by_value : mapping of (service, year, value, part) to int, or None
        Move in the table of parts; None if that is not to change.
    by_category : mapping of (service, year, 0, category) to int, or None
        Move in the table of all values together; None if that is not to change.
    counts : ndarray of int, shape (services, years, values, categories)
        The finer table; each move given leaves its sums at 0 or above.
    parts : ndarray of int, shape (categories,)
        To which part each category belongs.

    Returns
    -------
    mapping of (service, year, value, category) to int
        Leaves no atom below 0. Where one of the moves given is None and the other does not cancel within a service,
        year and part (as in a table of one value, or of one category for each part), the sums follow that other.
    """
    lift = _Lift(counts, parts)
    rows, columns = lift.grouped(by_value or {}, _VALUE), lift.grouped(by_category or {}, _CATEGORY)
    for block in sorted({*rows, *columns}):
        lift.fill(block, rows.get(block, _Units()), columns.get(block, _Units()))
    return {atom: much for atom, much in lift.change.items() if much}


class _Units:
    """Single episodes put into, and taken out of, entries of one axis."""

    def __init__(self) -> None:
        self.put: list[int] = []
        self.taken: list[int] = []


class _Lift:
    """A finer move in the making; a block is one service, year and part."""

    def __init__(self, counts: NDArray[np.int64], parts: NDArray[np.int64]) -> None:
        self.counts = counts
        self.parts = parts
        self.change: dict[tuple[int, ...], int] = {}
        # One order for all blocks of a move: what cancelled over services or years then cancels in the finer table.
        self.values: list[int] = list(range(counts.shape[_VALUE]))
        self.categories: dict[int, list[int]] = {
            int(part): np.flatnonzero(parts == part).tolist() for part in np.unique(parts)
        }

    def grouped(self, move: Move, axis: int) -> dict[_Block, _Units]:
        blocks: dict[_Block, _Units] = {}
        for atom, much in sorted(move.items()):
            part = atom[_CATEGORY] if axis == _VALUE else int(self.parts[atom[_CATEGORY]])
            units = blocks.setdefault((atom[0], atom[1], part), _Units())
            (units.put if much > 0 else units.taken).extend([atom[axis]] * abs(much))
        self._prefer(move, axis)
        return blocks

    def _prefer(self, move: Move, axis: int) -> None:
        """Order the entries of the other axis by the fewest that they have where the move takes."""
        needed: dict[int, list[NDArray[np.int64]]] = {}
        for (service, year, value, at), much in sorted(move.items()):
            if much < 0:
                line = self.counts[service, year, :, at] if axis == _CATEGORY else self.counts[service, year, value]
                needed.setdefault(0 if axis == _CATEGORY else at, []).append(line)
        for part, lines in needed.items():
            order = np.argsort(-np.min(lines, axis=0), kind="stable").tolist()
            if axis == _CATEGORY:
                self.values = order
            else:
                self.categories[part] = [at for at in order if self.parts[at] == part]

    def fill(self, block: _Block, rows: _Units, columns: _Units) -> None:
        both = min(len(rows.put), len(columns.put)), min(len(rows.taken), len(columns.taken))
        for value, category in zip(rows.put, columns.put, strict=False):
            self._add(block, value, category, 1)
        for value, category in zip(rows.taken, columns.taken, strict=False):
            self._take(block, value, category)
        # What is left belongs to one axis only, and cancels where the other axis is to be kept.
        for value, put in zip_longest(rows.taken[both[1] :], rows.put[both[0] :]):
            category = self._category_for(block, value)
            self._move(block, None if value is None else (value, category), None if put is None else (put, category))
        for category, put in zip_longest(columns.taken[both[1] :], columns.put[both[0] :]):
            value = self._value_for(block, category)
            self._move(block, None if category is None else (value, category), None if put is None else (value, put))

    def _move(self, block: _Block, taken: tuple[int, int] | None, put: tuple[int, int] | None) -> None:
        if taken is not None:
            self._add(block, *taken, -1)
        if put is not None:
            self._add(block, *put, 1)

    def _take(self, block: _Block, value: int, category: int) -> None:
        """Take one from a row and a column: where they meet, or else around a corner."""
        if self._has(block, value, category):
            self._add(block, value, category, -1)
            return
        other_category, other_value = self._category_for(block, value), self._value_for(block, category)
        self._add(block, value, other_category, -1)
        self._add(block, other_value, category, -1)
        self._add(block, other_value, other_category, 1)

    def _category_for(self, block: _Block, value: int | None) -> int:
        """Where a row has an episode left to take; the best place to put one if none is taken."""
        return next(at for at in self.categories[block[2]] if value is None or self._has(block, value, at))

    def _value_for(self, block: _Block, category: int | None) -> int:
        """Where a column has an episode left to take; the best place to put one if none is taken."""
        return next(at for at in self.values if category is None or self._has(block, at, category))

    def _has(self, block: _Block, value: int, category: int) -> bool:
        atom = (block[0], block[1], value, category)
        return int(self.counts[atom]) + self.change.get(atom, 0) > 0

    def _add(self, block: _Block, value: int, category: int, much: int) -> None:
        atom = (block[0], block[1], value, category)
        self.change[atom] = self.change.get(atom, 0) + much

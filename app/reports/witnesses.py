"""Other tables that a reader of what is shown can't tell from the true one: the means by which counts are hidden.

A *move* takes single episodes out of some atoms of a table and puts them into others, so that no atom falls below 0. A
cell is hidden if a move changes it; so the table after the move agrees with the true one in all that is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from app.reports.axes import Axis, extended, mesh

Move = Mapping[tuple[int, ...], int]
"""What is added to which atom; the others stay."""

_IMPOSSIBLE = 9
_WAYS = np.arange(2)
"""Up, and down."""
_FEW = 6
_FEWER = -1
"""What is told of small counts."""
_APART = 1e9


@dataclass
class Table:
    """A table of counts, and what of it is hidden by the moves so far.

    Parameters
    ----------
    counts : ndarray of int, one dimension for each axis
        Of the atoms.
    axes : sequence of Axis
        What can be asked for.
    threshold : int
        The smallest count that may be told.
    to : int
        To what counts are rounded before they are told, 1 for not at all. What is rounded alike can't be told apart.
    """

    counts: NDArray[np.int64]
    axes: Sequence[Axis]
    threshold: int
    to: int = 1
    cells: NDArray[np.int64] = field(init=False)
    hidden: NDArray[np.bool_] = field(init=False)
    moves: list[Move] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.cells = extended(self.counts, self.axes)
        self.hidden = np.zeros(self.cells.shape, dtype=bool)
        # Totals are dearer than single cells: a cell weighs as much as it would be missed.
        self._left = reduce(np.multiply.outer, [axis.weights for axis in self.axes])
        k = self.threshold
        told = self.told(self.cells)
        self._left *= (self.told(self.cells + 1) != told) | (self.told(self.cells - 1) != told)
        # 1: an atom would turn from none to some, from few to enough or back: one who knows which are few would notice.
        up = np.isin(self.counts, [0, k - 1])
        self._down = np.where(self.counts == 0, _IMPOSSIBLE, np.isin(self.counts, [1, k])).astype(np.int8)
        self._ways = np.stack([up.astype(np.int8), self._down])

    def told(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give what is told of counts: rounded ones, 0 for nobody, and that those below the threshold are few."""
        rounded = cells if self.to == 1 else self.to * ((cells + self.to // 2) // self.to)
        return np.where((cells > 0) & (cells < self.threshold), _FEWER, rounded)

    def make(self, move: Move) -> None:
        """Hide whatever is told otherwise after a move.

        Parameters
        ----------
        move : mapping of tuple of int to int
            Leaves no atom below 0.
        """
        self.moves.append(move)
        atoms = [sorted({atom[at] for atom in move}) for at in range(len(self.axes))]
        change = np.zeros([len(some) for some in atoms], dtype=np.int64)
        for atom, much in move.items():
            change[tuple(some.index(one) for some, one in zip(atoms, atom, strict=True))] += much
        touched = []
        for axis, some in zip(self.axes, atoms, strict=True):
            part = axis.entries[:, some]
            rows = np.nonzero(part.any(axis=1))[0]
            touched.append(rows)
            # Each turn sums along the first axis and puts the entries last: after all turns the order is the old one.
            change = change.reshape(len(some), -1).T @ part[rows].T
        where = mesh(touched)
        cells = self.cells[where]
        moved = cells + change.reshape(cells.shape)
        told = self.told(cells)
        which = (self.told(moved) != told) | ((moved != cells) & (told == _FEWER))
        self.hidden[where] |= which
        self._left[where] *= ~which

    def move_for(self, rows: Sequence[NDArray[np.bool_]], keep: Mapping[int, NDArray[np.int64]]) -> Move | None:
        """Find the move that changes a sum of atoms, keeps some totals and hides least besides.

        Parameters
        ----------
        rows : sequence of ndarray of bool, one for each axis
            Which atoms the sum has there.
        keep : mapping of int to ndarray of int, shape (atoms of that axis,)
            Axes along which what the move takes and gives must cancel within each part; the part of each atom.

        Returns
        -------
        Move or None
            A product over the axes of "here" and "here, and not there", with all signs turned or not; None if there
            is none. First those by which no touched atom turns from none to some, or from few to enough, or back.
        """
        sides = [_movable(row, keep.get(at)) for at, row in enumerate(rows)]
        block = self.counts[mesh(sides)]
        # A sum of few episodes has few atoms that hold any: the fullest first.
        for flat in np.argsort(-block, axis=None, kind="stable")[: self.threshold]:
            at_side = np.unravel_index(int(flat), block.shape)
            here = tuple(int(side[at]) for side, at in zip(sides, at_side, strict=True))
            every = [_others(row, one, keep.get(at)) for at, (row, one) in enumerate(zip(rows, here, strict=True))]
            if not self.counts[here]:
                every = [self._giving(at, here, some) for at, some in enumerate(every)]
                if not all(map(len, every)):
                    continue
            for there in ([self._likely(at, here, some) for at, some in enumerate(every)], every):
                tiers = self._tiers(here, there)
                if tiers.min() < _IMPOSSIBLE:
                    return self._cheapest(tiers, here, there)
        return None

    def _giving(self, at: int, here: tuple[int, ...], some: NDArray[np.int64]) -> NDArray[np.int64]:
        """Leave out the other ends with nobody, in the line through here: who is put here is taken from them."""
        there_are = self.counts[_line(at, here)] > 0
        there_are[here[at]] = True
        return some[there_are[some]]

    def _likely(self, at: int, here: tuple[int, ...], some: NDArray[np.int64]) -> NDArray[np.int64]:
        """Keep the other ends that are hidden already and can give, in the line through here."""
        if len(some) <= _FEW:
            return some
        line = _line(at, here)
        worth = 2 * self.hidden[line][some] - self._down[line][some]
        worth[some == here[at]] = _IMPOSSIBLE
        return some[np.sort(np.argsort(-worth, kind="stable")[:_FEW])]

    def _cheapest(self, tiers: NDArray[np.int8], here: tuple[int, ...], there: list[NDArray[np.int64]]) -> Move:
        score = tiers * _APART + self._cost(here, there)
        sign, *chosen = np.unravel_index(int(score.argmin()), score.shape)
        ends = [(one, int(some[at])) for one, some, at in zip(here, there, chosen, strict=True)]
        return _corners(ends, -1 if sign else 1)

    def _tiers(self, here: tuple[int, ...], there: list[NDArray[np.int64]]) -> NDArray[np.int8]:
        """Of each sign and choice of other ends: 0 unnoticed, 1 possible, 9 not possible."""
        ends = [np.concatenate([[one], some]) for one, some in zip(here, there, strict=True)]
        tiers = self._ways[mesh([_WAYS, *ends])]
        for at, (one, some) in enumerate(zip(here, there, strict=True), start=1):
            # A move that stays where it is on an axis has no far corner there.
            np.moveaxis(tiers, at, 0)[1 + np.flatnonzero(some == one)] = 0
        for at in range(1, tiers.ndim):
            near, far = (tiers[(*[slice(None)] * at, side)] for side in (slice(1), slice(1, None)))
            # What is put at one corner is taken at the next one.
            tiers = np.maximum(near, far[::-1])
        return tiers

    def _cost(self, here: tuple[int, ...], there: list[NDArray[np.int64]]) -> NDArray[np.float64]:
        """Weight of what each choice of other ends would hide anew."""
        changes, touched = [], []
        for axis, one, some in zip(self.axes, here, there, strict=True):
            columns = axis.entries.T
            changed = np.where((some == one)[:, None], columns[one], columns[one] != columns[some])
            touched.append(np.nonzero(changed.any(axis=0))[0])
            changes.append(changed[:, touched[-1]])
        # Of hundreds of values a choice touches a few: the others weigh nothing.
        cost = self._left[mesh(touched)]
        for changed in changes:
            cost = cost.reshape(changed.shape[1], -1).T @ changed.T.astype(float)
        return cost.reshape([len(some) for some in there])


def _line(at: int, here: tuple[int, ...]) -> tuple[int | slice, ...]:
    """Give the line through a place along an axis."""
    return (*here[:at], slice(None), *here[at + 1 :])


def _movable(row: NDArray[np.bool_], parts: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Atoms of a sum that have another end outside it."""
    return np.flatnonzero(
        row if parts is None else row & (np.bincount(parts[~row], minlength=int(parts.max()) + 1)[parts] > 0)
    )


def _others(row: NDArray[np.bool_], one: int, parts: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Other ends on an axis: outside the sum; staying is one of them unless a total must be kept."""
    outside = ~row
    if parts is None:
        return np.concatenate([[one], np.flatnonzero(outside)])
    return np.flatnonzero(outside & (parts == parts[one]))


def _corners(ends: Iterable[tuple[int, int]], sign: int) -> Move:
    """Write a product out: one end counts 1, the other -1."""
    sides = [((one, 1),) if one == other else ((one, 1), (other, -1)) for one, other in ends]
    return {tuple(at for at, _ in corner): sign * prod(factor for _, factor in corner) for corner in product(*sides)}

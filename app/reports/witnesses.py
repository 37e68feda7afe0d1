"""Other tables that a reader of what is shown can't tell from the true one: the means by which counts are hidden.

A *move* takes single episodes out of some atoms of a table and puts them into others, so that no atom falls below 0. A
cell is hidden if a move changes it; so the table after the move agrees with the true one in all that is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import product

import numpy as np
from numpy.typing import NDArray

from app.reports.axes import Axis, extended

Move = Mapping[tuple[int, ...], int]
"""What is added to which atom; the others stay."""

_IMPOSSIBLE = 9
_SHIFT = 4  # the way down in the lower bits, the way up above them: read at once
_FEW = 6
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
        self._up = np.isin(self.counts, [0, k - 1]).astype(np.int8)
        self._down = np.where(self.counts == 0, _IMPOSSIBLE, np.isin(self.counts, [1, k])).astype(np.int8)
        self._both = self._up << _SHIFT | self._down

    def told(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give what is told of counts: rounded ones, 0 for nobody, and that those below the threshold are few."""
        rounded = self.to * ((cells + self.to // 2) // self.to)
        return np.where((cells > 0) & (cells < self.threshold), -1, rounded)

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
            rows = np.flatnonzero(part.any(axis=1))
            touched.append(rows)
            # Each turn sums along the first axis and puts the entries last: after all turns the order is the old one.
            change = change.reshape(len(some), -1).T @ part[rows].T
        cells = self.cells[np.ix_(*touched)]
        moved = cells + change.reshape([len(rows) for rows in touched])
        self._hide(touched, (self.told(moved) != self.told(cells)) | ((moved != cells) & (self.told(cells) == -1)))

    def _hide(self, touched: list[NDArray[np.int64]], which: NDArray[np.bool_]) -> None:
        where = np.ix_(*touched)
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
        block = self.counts[np.ix_(*sides)]
        # A sum of few episodes has few atoms that hold any: the fullest first.
        for flat in np.argsort(-block, axis=None, kind="stable")[: self.threshold]:
            at_side = np.unravel_index(int(flat), block.shape)
            here = tuple(int(side[at]) for side, at in zip(sides, at_side, strict=True))
            every = [_others(row, one, keep.get(at)) for at, (row, one) in enumerate(zip(rows, here, strict=True))]
            for there in ([self._likely(at, here, some) for at, some in enumerate(every)], every):
                tiers = self._tiers(here, there)
                if tiers.min() < _IMPOSSIBLE:
                    return self._cheapest(tiers, here, there)
        return None

    def _likely(self, at: int, here: tuple[int, ...], some: NDArray[np.int64]) -> NDArray[np.int64]:
        """Keep the other ends that are hidden already and can give, in the line through here."""
        if len(some) <= _FEW:
            return some
        line: tuple[int | slice, ...] = (*here[:at], slice(None), *here[at + 1 :])
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
        many = [len(some) for some in there]
        ends = [np.concatenate([np.full_like(some, one), some]) for one, some in zip(here, there, strict=True)]
        where = np.ix_(*ends)
        sides = [side for much in many for side in (2, much)]
        axes = len(many)
        order = [2 * at for at in range(axes)] + [2 * at + 1 for at in range(axes)]
        both = self._both[where].reshape(sides).transpose(order)
        for at, (one, some) in enumerate(zip(here, there, strict=True)):
            # A move that stays where it is on an axis has no far corner there.
            stays = np.flatnonzero(some == one)
            both[(*[slice(None)] * at, 1, *[slice(None)] * (axes - 1), stays)] = 0
        both = both.reshape(-1, *many)
        up, down = both >> _SHIFT, both & (1 << _SHIFT) - 1
        odd = np.array([corner.bit_count() % 2 == 1 for corner in range(2**axes)])
        plus, minus = (np.maximum(up[~turned].max(axis=0), down[turned].max(axis=0)) for turned in (odd, ~odd))
        return np.stack([plus, minus])

    def _cost(self, here: tuple[int, ...], there: list[NDArray[np.int64]]) -> NDArray[np.float64]:
        """Weight of what each choice of other ends would hide anew."""
        cost = self._left
        for axis, one, some in zip(self.axes, here, there, strict=True):
            columns = axis.entries.T
            changed = np.where((some == one)[:, None], columns[one], columns[one] != columns[some])
            cost = cost.reshape(len(columns.T), -1).T @ changed.T.astype(float)
        return cost.reshape([len(some) for some in there])


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
    return {
        tuple(at for at, _ in corner): sign * int(np.prod([factor for _, factor in corner]))
        for corner in product(*sides)
    }

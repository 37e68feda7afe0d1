"""Disclosure control: what may be told of a table of counts, whoever asks, in whatever order.

A table has axes (service, year, value, category). What can be asked for are its cells, and the sums of cells along each
axis that have a name (all services, three years, a union of categories). A count below the threshold is not told, nor
is a count from which, with all the others that are told, such a count would follow. What may be told depends on the
data alone and not on who has asked what before, so that neither many questions nor several people together learn more.

The method: small counts are hidden; then, along each axis, every equation between named sums and their parts must leave
at least two hidden counts that are not 0, and these must come to the threshold or more together, or none at all. Where
one is left alone, the smallest other count of its equation is hidden too, until nothing changes.

What it does not guard against: what somebody knows of a patient beside the report; several organisations that show each
other theirs; and that a whole group had the same outcome, which a count of 0 beside it shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve

from app.trajectories.prediction import IntArray

Mask = NDArray[np.bool_]

_NEVER: Final = np.iinfo(np.int64).max
_SEED: Final = 1
_DIRECTIONS: Final = 2
_SOFT: Final = 1e-8
_STILL: Final = 1e-4
"""A count that moves by less in a random direction does not move at all: where it is wrong, too much is hidden."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a table: so many entries, and the sums of some of them that can be asked for too.

    Parameters
    ----------
    entries : int
        How many there are.
    sums : tuple of tuple of int
        The entries of each sum.
    """

    entries: int
    sums: tuple[tuple[int, ...], ...] = ()

    def equations(self) -> Iterator[tuple[list[int], list[int]]]:
        """Give the equations between sums and entries: those on the one side come to the same as those on the other.

        A sum is as large as its entries, and two sums differ by the entries that only one of them has.
        """
        places = [self.entries + number for number in range(len(self.sums))]
        for place, entries in zip(places, self.sums, strict=True):
            yield list(entries), [place]
        for (one, first), (other, second) in combinations(zip(places, self.sums, strict=True), 2):
            more, less = sorted(set(first) - set(second)), sorted(set(second) - set(first))
            if set(first) & set(second):
                yield [*more, other], [*less, one]


def extended(counts: IntArray, axes: Sequence[Axis]) -> IntArray:
    """Append the sums along each axis.

    Parameters
    ----------
    counts : ndarray of int
        One axis for each of `axes`.
    axes : sequence of Axis
        What can be asked for.

    Returns
    -------
    ndarray of int
        Along each axis the entries, then the sums.

    Examples
    --------
    >>> extended(np.array([3, 4]), [Axis(2, ((0, 1),))])
    array([3, 4, 7])
    """
    for number, axis in enumerate(axes):
        sums = [counts.take(entries, number).sum(number, keepdims=True) for entries in axis.sums]
        counts = np.concatenate([counts, *sums], number)
    return counts


def protect(counts: IntArray, axes: Sequence[Axis], threshold: int, hidden: Mask | None = None) -> Mask:
    """Tell what may be told of a table.

    Parameters
    ----------
    counts : ndarray of int
        Persons, one axis for each of `axes`.
    axes : sequence of Axis
        What can be asked for.
    threshold : int
        The smallest count that may be told, above 1.
    hidden : ndarray of bool, optional
        What is hidden already, in the shape that is returned.

    Returns
    -------
    ndarray of bool
        In the shape of :func:`extended`. A count of 0 is told, unless it is hidden already.

    Notes
    -----
    The smallest fitting count is hidden first, entries before sums, the first of equal ones.

    Examples
    --------
    >>> protect(np.array([3, 20, 30]), [Axis(3, ((0, 1, 2),))], 8)
    array([False, False,  True,  True])
    """
    told = extended(counts, axes)
    visible: Mask = (told == 0) | (told >= threshold)
    if hidden is not None:
        visible &= ~hidden
    cost = told + _weight(told.shape, axes, int(told.max(initial=0)) + 1)
    while True:
        changed = True
        while changed:
            changed = False
            for number, sides in _equations(axes):
                changed |= _close(told, visible, cost, number, sides, threshold)
        beside = _telling(told, visible, cost, axes, threshold)
        if not beside:
            return visible
        for place in beside:
            visible[place] = False


def _equations(axes: Sequence[Axis]) -> Iterator[tuple[int, tuple[list[int], list[int]]]]:
    for number, axis in enumerate(axes):
        for sides in axis.equations():
            yield number, sides


def _telling(
    told: IntArray, visible: Mask, cost: IntArray, axes: Sequence[Axis], threshold: int
) -> set[tuple[int, ...]]:
    """Find, for small counts that follow from several equations together, the cheapest count that they follow from.

    What is told are sums of unknown entries. A hidden count follows from them if it is the same for all entries that
    agree with them: if it stays where it is along a direction in which none of the sums moves. Two random ones show it.
    It is then a combination of sums, and without one of these it is not.
    """
    small = np.nonzero((~visible & (told > 0) & (told < threshold)).ravel())[0]
    unknown = np.nonzero(~visible[tuple(slice(axis.entries) for axis in axes)].ravel())[0]
    shown = np.nonzero((visible & (told > 0)).ravel())[0]
    sums = reduce(_crossed, [_summing(axis) for axis in axes])[:, unknown]
    known, asked = sums[np.nonzero(visible.ravel())[0]], sums[small]
    # What is left of a direction where each move of a sum costs very much.
    factor = cho_factor((known.T @ known).toarray() + _SOFT * np.eye(len(unknown)), check_finite=False)
    directions = np.random.default_rng(_SEED).standard_normal((len(unknown), _DIRECTIONS))
    still = np.abs(asked @ (_SOFT * cho_solve(factor, directions))).max(axis=1, initial=0.0) < _STILL
    found = set()
    for place in np.nonzero(still)[0]:
        parts = np.abs(sums[shown] @ cho_solve(factor, asked[[place]].toarray()[0])) > _STILL
        cheapest = shown[parts][cost.ravel()[shown[parts]].argmin()]
        found.add(tuple(int(each) for each in np.unravel_index(cheapest, told.shape)))
    return found


def _crossed(one: sparse.csr_array, other: sparse.csr_array) -> sparse.csr_array:
    return sparse.csr_array(sparse.kron(one, other, format="csr"))


def _summing(axis: Axis) -> sparse.csr_array:
    """Give the matrix that makes entries and sums of entries."""
    rows = [*((entry,) for entry in range(axis.entries)), *axis.sums]
    matrix = np.zeros((len(rows), axis.entries))
    for place, entries in enumerate(rows):
        matrix[place, list(entries)] = 1.0
    return sparse.csr_array(matrix)


def _weight(shape: tuple[int, ...], axes: Sequence[Axis], more: int) -> IntArray:
    """Make sums dearer than entries: by one step for each axis along which something is a sum."""
    weight = np.zeros(shape, dtype=np.int64)
    for number, axis in enumerate(axes):
        along = np.zeros(shape[number], dtype=np.int64)
        along[axis.entries :] = more
        weight += along.reshape([-1 if each == number else 1 for each in range(len(shape))])
    return weight


def _close(
    told: IntArray, visible: Mask, cost: IntArray, number: int, sides: tuple[list[int], list[int]], threshold: int
) -> bool:
    """Hide one more count of each line along an axis whose equation would give a hidden one away."""
    terms = [*sides[0], *sides[1]]
    of_line, shown = told.take(terms, number), visible.take(terms, number)
    unknown = ~shown & (of_line > 0)
    alone = unknown.sum(number) == 1
    for some in (slice(0, len(sides[0])), slice(len(sides[0]), None)):
        other = slice(len(sides[0]), None) if some.start == 0 else slice(0, len(sides[0]))
        here = _along(unknown, number, some)
        there = _along(unknown, number, other)
        together = np.where(here, _along(of_line, number, some), 0).sum(number)
        few = (together < threshold) | (together == here.sum(number))
        alone |= here.any(number) & ~there.any(number) & few
    candidates = np.where(shown & (of_line > 0), cost.take(terms, number), _NEVER)
    chosen = candidates.argmin(number)
    possible = alone & (candidates.min(number) < _NEVER)
    if not possible.any():
        return False
    place = list(np.nonzero(possible))
    place.insert(number, np.array(terms)[chosen[possible]])
    visible[tuple(place)] = False
    return True


def _along(values: NDArray[np.generic], number: int, some: slice) -> NDArray[np.generic]:
    return values[(slice(None),) * number + (some,)]

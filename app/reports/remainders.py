"""Sums that nobody asks for, but that are left when the shown parts of a shown total are taken from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from app.reports.axes import Axis
from app.reports.witnesses import Table

_PARTS = 2


def widen(table: Table, skip: Mapping[int, NDArray[np.bool_]], keep: Mapping[int, NDArray[np.int64]]) -> int:
    """Hide more until what is left of each shown total, along each axis, is nothing or enough.

    Parameters
    ----------
    table : Table
        Gets further moves.
    skip : mapping of int to ndarray of bool, shape (entries of that axis,)
        Lines at these entries of another axis belong to a coarser table.
    keep : mapping of int to ndarray of int
        As for `Table.move_for`.

    Returns
    -------
    int
        How many moves did not keep what was to be kept.

    Notes
    -----
    Each move hides another atom of the line, or its total: so it ends.
    """
    loose = 0
    at_work = True
    while at_work:
        at_work = False
        for at, axis in enumerate(table.axes):
            for span in _spans(axis):
                for cell in np.argwhere(_few_left(table, at, span, skip)).tolist():
                    left = _left(table, at, span, cell)
                    if left is None:
                        continue
                    rows = [one.entries[entry] == 1 for one, entry in zip(table.axes, cell, strict=True)]
                    rows[at] = left
                    move = table.move_for(rows, keep)
                    if move is None:
                        move, loose = table.move_for(rows, {}), loose + 1
                    assert move is not None, "where nothing is to be kept there is a move"
                    table.make(move)
                    at_work = True
    return loose


@dataclass(frozen=True)
class _Span:
    """A total without some of its parts that are totals themselves; and its atoms."""

    entries: tuple[int, ...]
    atoms: NDArray[np.bool_]


@cache
def _spans(axis: Axis) -> tuple[_Span, ...]:
    """Each group of an axis, alone and without one or two groups inside it that do not overlap."""
    rows = axis.entries == 1
    spans = []
    for total in range(axis.size, len(rows)):
        inside = [
            at
            for at in range(axis.size, len(rows))
            if (rows[at] <= rows[total]).all() and (rows[at] < rows[total]).any()
        ]
        for many in range(_PARTS + 1):
            for parts in combinations(inside, many):
                taken = rows[list(parts)].sum(axis=0)
                if (taken < 2).all():
                    spans.append(_Span((total, *parts), rows[total] & (taken == 0)))
    return tuple(spans)


def _few_left(table: Table, at: int, span: _Span, skip: Mapping[int, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Lines whose shown totals leave a small number for the hidden atoms; one entry long on the axis itself."""
    atoms = np.flatnonzero(span.atoms)
    shown = ~table.hidden.take(span.entries, axis=at).any(axis=at, keepdims=True)
    left = (table.cells.take(atoms, axis=at) * table.hidden.take(atoms, axis=at)).sum(axis=at, keepdims=True)
    few = shown & (left > 0) & (left < table.threshold)
    for other, entries in skip.items():
        if other != at:
            few &= ~entries.reshape([-1 if one == other else 1 for one in range(few.ndim)])
    return np.asarray(few)


def _left(table: Table, at: int, span: _Span, cell: list[int]) -> NDArray[np.bool_] | None:
    """Hidden atoms of a line, if its totals are still shown and leave a small number for them."""
    line: tuple[int | slice, ...] = (*cell[:at], slice(None), *cell[at + 1 :])
    hidden, size = table.hidden[line], table.axes[at].size
    left = np.asarray(hidden[:size] & span.atoms)
    small = 0 < table.cells[line][:size][left].sum() < table.threshold
    return left if small and not hidden[list(span.entries)].any() else None

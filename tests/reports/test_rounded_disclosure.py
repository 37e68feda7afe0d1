"""Disclosure control of rounded counts: each small count has another table that agrees with everything told."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.reports.axes import Axis, extended, with_total, with_windows
from app.reports.disclosure import Protected, protect, sensitive
from app.reports.witnesses import Table

THRESHOLD, TO = 8, 5
FEW = st.sampled_from([0, 0, 1, 2, 3, 5, 7, 8, 9, 12, 13, 30, 61])


@st.composite
def tables(draw: st.DrawFn) -> tuple[NDArray[np.int64], tuple[Axis, Axis, Axis, Axis]]:
    shape = tuple(draw(st.integers(1, most)) for most in (3, 4, 3, 3))
    size = int(np.prod(shape))
    counts = np.array(draw(st.lists(FEW, min_size=size, max_size=size)), dtype=np.int64).reshape(shape)
    return counts, (with_total(shape[0]), with_windows(shape[1]), with_total(shape[2]), with_total(shape[3]))


def told(cells: NDArray[np.int64], visible: NDArray[np.bool_]) -> list[str]:
    """Write down what a reader sees: rounded by the schoolbook, a dash for what is hidden."""
    pairs = zip(cells.ravel().tolist(), visible.ravel().tolist(), strict=True)
    return [str(5 * int(count / 5 + 0.5)) if shown else "-" for count, shown in pairs]


def open_cells(found: Protected, counts: NDArray[np.int64]) -> set[tuple[int, ...]]:
    """Give the small counts that none of the other possible tables has otherwise, each of which is looked at."""
    few = {tuple(place) for place in np.argwhere((found.cells > 0) & (found.cells < THRESHOLD)).tolist()}
    for move in found.witnesses:
        other = counts.copy()
        for atom, much in move.items():
            other[atom] += much
        assert (other >= 0).all()
        cells = extended(other, found.axes)
        assert told(cells, found.visible) == told(found.cells, found.visible)
        shown = cells[found.visible]
        assert not ((shown > 0) & (shown < THRESHOLD)).any(), "a reader knows that small counts are hidden"
        assert ((shown == 0) == (found.cells[found.visible] == 0)).all()
        few -= {tuple(place) for place in np.argwhere(cells != found.cells).tolist()}
    return few


@given(tables())
def test_each_small_count_might_be_another(given: tuple[NDArray[np.int64], tuple[Axis, Axis, Axis, Axis]]) -> None:
    counts, axes = given
    found = protect(counts, axes, None, THRESHOLD, TO)
    assert not found.visible[(found.cells > 0) & (found.cells < THRESHOLD)].any()
    assert open_cells(found, counts) == set()


def test_rounding_shows_far_more() -> None:
    rng = np.random.default_rng(7)
    counts = rng.poisson(rng.choice([2, 12, 40], size=(6, 4, 2, 9)))
    axes = (with_total(6), with_windows(4), with_total(2), Axis(9, (tuple(range(9)), (3, 4, 5), (6, 7, 8))))
    enough = Table(counts, axes, THRESHOLD).cells >= THRESHOLD
    exact, rounded = (protect(counts, axes, None, THRESHOLD, to).visible[enough].mean() for to in (1, TO))
    assert rounded > 0.8
    assert exact < rounded
    assert sensitive(Table(counts, axes, THRESHOLD)).any()

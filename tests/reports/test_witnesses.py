"""The search for witnesses finds what a plain one finds that tries every move and looks at each cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod

import numpy as np
import pytest
from numpy.typing import NDArray

from app.reports.axes import Axis, crossed, extended, mesh, with_total, with_windows
from app.reports.disclosure import Protected, Stages, protect
from app.reports.witnesses import Move, Table

Counts = NDArray[np.int64]
Keep = Mapping[int, NDArray[np.int64]]

LIKELY = 6


def plain_move_for(table: Table, rows: Sequence[NDArray[np.bool_]], keep: Keep) -> Move | None:
    """Try the atoms of a sum from the fullest on: with the six likeliest other ends of each axis, then with all."""
    sides = [
        [one for one in range(len(row)) if row[one] and (at not in keep or others_of(row, one, keep[at]))]
        for at, row in enumerate(rows)
    ]
    for here in sorted(product(*sides), key=lambda atom: -table.counts[atom])[: table.threshold]:
        every = [others_of(row, one, keep.get(at)) for at, (row, one) in enumerate(zip(rows, here, strict=True))]
        for there in ([likely(table, at, here, some) for at, some in enumerate(every)], every):
            found = [
                (how_bad, move)
                for sign, ends in product((1, -1), product(*there))
                if (how_bad := badness(table, move := corners(here, ends, sign), here, ends)) is not None
            ]
            if found:
                return min(found, key=lambda each: each[0])[1]
    return None


def others_of(row: NDArray[np.bool_], one: int, parts: NDArray[np.int64] | None) -> list[int]:
    outside = [other for other in range(len(row)) if not row[other]]
    return [one, *outside] if parts is None else [other for other in outside if parts[other] == parts[one]]


def likely(table: Table, at: int, here: tuple[int, ...], some: list[int]) -> list[int]:
    if len(some) <= LIKELY:
        return some

    def worth(other: int) -> int:
        if other == here[at]:
            return 9
        atom = (*here[:at], other, *here[at + 1 :])
        return 2 * int(table.hidden[atom]) - noticed(table, atom, -1)

    return sorted(sorted(some, key=lambda other: -worth(other))[:LIKELY], key=some.index)


def corners(here: tuple[int, ...], ends: tuple[int, ...], sign: int) -> Move:
    sides = [[(one, 1)] if one == other else [(one, 1), (other, -1)] for one, other in zip(here, ends, strict=True)]
    return {tuple(at for at, _ in each): sign * prod(factor for _, factor in each) for each in product(*sides)}


def noticed(table: Table, atom: tuple[int, ...], much: int) -> int:
    """Tell whether a reader would notice an atom that has one more or less; 9 where there is nobody to take."""
    count, enough = int(table.counts[atom]), table.threshold
    if much > 0:
        return int(count in (0, enough - 1))
    return 9 if count == 0 else int(count in (1, enough))


def badness(table: Table, move: Move, here: tuple[int, ...], ends: tuple[int, ...]) -> tuple[int, float] | None:
    """Tell how much a move would be noticed, and what it hides anew; None where it can't be."""
    worst = max(noticed(table, atom, much) for atom, much in move.items())
    if worst == 9:
        return None
    told = table.told(table.cells)
    near_a_step = (table.told(table.cells + 1) != told) | (table.told(table.cells - 1) != told)
    changed = [
        axis.entries[:, one] - (axis.entries[:, other] if one != other else 0)
        for axis, one, other in zip(table.axes, here, ends, strict=True)
    ]
    weights = crossed([axis.weights.astype(np.int64) for axis in table.axes])
    return worst, float(weights[(crossed(changed) != 0) & near_a_step & ~table.hidden].sum())


def both(
    monkeypatch: pytest.MonkeyPatch, counts: Counts, axes: tuple[Axis, ...], stages: Stages | None, to: int
) -> tuple[Protected, Protected]:
    service, year, value, category = axes
    fast = protect(counts, (service, year, value, category), stages, 8, to)
    monkeypatch.setattr(Table, "move_for", plain_move_for)
    return fast, protect(counts, (service, year, value, category), stages, 8, to)


@pytest.mark.parametrize("to", [1, 5])
@pytest.mark.parametrize("seed", range(12))
def test_the_search_finds_what_the_plain_one_finds(monkeypatch: pytest.MonkeyPatch, seed: int, to: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 4)), int(rng.integers(1, 5)), int(rng.integers(1, 11)), 4)
    counts = rng.poisson(rng.choice([0, 0, 0, 2, 9, 40], size=shape))
    category = Axis(4, ((0, 1, 2, 3), (1, 2, 3), (2, 3)), worth=(1.0, 1.0, 5.0, 1.0, 200.0, 10.0, 50.0))
    stages = Stages(Axis(3, ((0, 1, 2), (1, 2))), (0, 1, 2, 2)) if seed % 2 else None
    axes = (with_total(shape[0]), with_windows(shape[1]), with_total(shape[2]), category)
    fast, plain = both(monkeypatch, counts, axes, stages, to)
    assert fast.witnesses == plain.witnesses
    assert (fast.visible == plain.visible).all()
    assert fast.loose == plain.loose


def test_therapists_who_are_each_in_one_service_are_guarded_as_by_the_plain_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    counts = np.zeros((3, 2, 12, 3), dtype=np.int64)
    for value in range(12):
        counts[value % 3, :, value] = rng.poisson(4, size=(2, 3))
    axes = (with_total(3), with_windows(2), with_total(12), Axis(3, ((0, 1, 2), (1, 2))))
    fast, plain = both(monkeypatch, counts, axes, None, 5)
    assert fast.witnesses == plain.witnesses
    assert (fast.visible == plain.visible).all()
    assert not fast.visible.all()


def test_cells_are_the_sums_of_their_atoms() -> None:
    rng = np.random.default_rng(5)
    counts = rng.integers(0, 50, size=(3, 5, 2))
    axes = (with_total(3), with_windows(5), Axis(2))
    found = extended(counts, axes)
    for cell in np.ndindex(found.shape):
        atoms = [axis.entries[entry].nonzero()[0] for axis, entry in zip(axes, cell, strict=True)]
        assert found[cell] == counts[mesh(atoms)].sum()

"""Somebody who has asked for everything that is shown, and works out what the single counts can have been.

Knows nothing of how counts are hidden: only sums, and that counts are whole and not negative.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp


def in_span(shown: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which wanted sums are linear combinations of the shown ones."""
    if not len(shown):
        return np.zeros(len(wanted), dtype=bool)
    _, sizes, directions = np.linalg.svd(shown.astype(float), full_matrices=False)
    basis = directions[sizes > 1e-9 * max(sizes.max(), 1)]
    rest = wanted - wanted @ basis.T @ basis
    return np.asarray(np.abs(rest).max(axis=1) < 1e-7)


def learnt(shown: NDArray[np.int64], atoms: NDArray[np.int64], wanted: NDArray[np.int64], seed: int = 0) -> list[int]:
    """Which wanted sums have only one possible value, given the shown sums.

    Parameters
    ----------
    shown : ndarray of int, shape (sums, atoms)
        Which atoms each shown sum has.
    atoms : ndarray of int, shape (atoms,)
        The true counts: used for what the shown sums are, and as one possible table.
    wanted : ndarray of int, shape (sums, atoms)
        Sums that should not be learnt.
    """
    rng = np.random.default_rng(seed)
    told = shown @ atoms
    truth = wanted @ atoms
    open_ = np.ones(len(wanted), dtype=bool)  # not yet seen to have another value
    for _ in range(12):
        if not open_.any():
            return []
        weights = rng.normal(size=int(open_.sum())) @ wanted[open_]
        open_ &= wanted @ _best(shown, told, weights) == truth
    found = []
    for at in np.flatnonzero(open_):
        values = {int(wanted[at] @ _best(shown, told, sign * wanted[at])) for sign in (1, -1)}
        if len(values) == 1:
            found.append(int(at))
    return found


def _best(shown: NDArray[np.int64], told: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """One table in whole numbers that agrees with everything shown, with the least weighted sum."""
    many = len(weights)
    limits = [LinearConstraint(shown, told, told)] if len(shown) else []
    bounds = Bounds(0, int(told.max(initial=0)) + 50)  # where nothing is said, the problem stays finite
    answer = milp(weights, constraints=limits, integrality=np.ones(many, dtype=np.int64), bounds=bounds)
    assert answer.x is not None, answer.message
    table = np.rint(answer.x).astype(np.int64)
    assert not len(shown) or (shown @ table == told).all()
    return table


def span_of(
    shown: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[int, int]:
    """Give the least and the most that a wanted sum can be, where the shown sums are only known to lie between two."""
    limits = [LinearConstraint(shown, low, high)] if len(shown) else []
    many, found = len(wanted), []
    for sign in (1, -1):
        bounds = Bounds(0, int(high.max(initial=0)) + 50)
        answer = milp(sign * wanted, constraints=limits, integrality=np.ones(many, dtype=np.int64), bounds=bounds)
        assert answer.x is not None, answer.message
        found.append(int(wanted @ np.rint(answer.x).astype(np.int64)))
    return found[0], found[1]


def sums_of(axes: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Write every product of entries out over the atoms: array (cells, atoms), both in C order."""
    matrix = np.ones((1, 1), dtype=np.int64)
    for entries in axes:
        matrix = np.kron(matrix, entries)
    return matrix

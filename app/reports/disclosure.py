"""What may be shown of counts of persons: nobody who asks for everything learns a count from 1 to the threshold - 1.

**The table.** Episodes are counted by service, year, value of one dimension, and category; the categories part them
without overlap. Whatever a report can be asked for is a cell of that table with its totals: on each axis one entry
(`app.reports.axes`). `protect` says for each cell whether it may be shown. It looks at the whole organisation's table
and at nothing else: not at who asks, nor at what was asked before. So asking again, in another order or together with
others gains nothing.

**The method.** For each count that must not be learnt there is a *witness*: another table of whole, not negative
counts in which it is another number. All cells in which a witness differs from the true table are hidden. So the
witness agrees with everything that is shown, and nobody can tell it from the truth by adding and subtracting, however
cleverly: the proof does not rest on which lines were looked at. (Suppression that is checked line by line leaks in
tables of three and more axes.) Witnesses are looked for in a fixed order, those first that hide least, weighed by
how many atoms a cell adds up; then those in which no touched atom turns from none to some or from few to enough.

What is left when the shown parts of a line are taken from its shown total is a count as well: on each axis, the hidden
atoms within a shown total hold nobody, or the threshold or more together (`app.reports.remainders`).

**Rounding.** Where counts are told rounded, a witness needs to agree with the rounded ones only, so that far less is
hidden: of a municipality's figures some nine of ten instead of one of three. What is left of a total is then not known.

**More than one report.** One who asks for a report by sex, one by age and one of another measure sees the same totals
three times. So the witnesses for the flow as a whole (`Stages`, no dimension, no measure) are found first, from
numbers that are the same in all those reports; then those by value and those by category; each is carried over into
the finer tables, and a finer table's own witnesses change none of the totals that it shares with other tables. One
table of persons can then be written down that agrees with what all reports show: within a service, a year and a stage
any tables by single dimensions with equal totals can be had from the same persons. This needs the same episodes,
services, years and stages in all of them: a dimension has a value for "unknown".

**Zeros** are shown: that nobody got worse is what a service must be able to say. But inside a group of 1 to the
threshold - 1 persons they are hidden like all else there, since they would tell what the few are not. That all of a
group of the threshold or more are of one category is shown.

**What is not promised.**

- A hidden count is not a single known number; but it may be known to lie between narrow bounds.
- Sums along one axis are looked after, and every single cell. The sum of some hidden cells that differ on two axes or
  more, which no report names, may be learnt though it is small.
- Zeros inside a small group are hidden, not always proven: where a whole service has none, the small group has none.
- One who knows some of the persons, or this program, may learn more: what is hidden is mostly small. Witnesses that
  keep small counts small are taken first for that reason, not always found.
- Reports of different days: where an episode was closed or a record corrected in between, the difference tells of it.
  A year that is not over should be counted up to a fixed day for all.
- Means, effect sizes, p-values and curves are not sums of counts. They are shown where what they rest on is shown
  and has the threshold or more (`app.reports.small_numbers`).
- Where no witness keeps a total that other reports share (`Protected.loose`), the one that is taken protects within
  this table only. None was met in tables of services as they are.

Sources: Fischetti & Salazar 2001, cells hidden so that other tables remain possible, doi:10.1287/mnsc.47.7.1008.9805
(the number unverified); NHS Digital, disclosure control for Hospital Episode Statistics, from
September 2018: 1 to 7 hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.reports.axes import Axis, crossed
from app.reports.lifting import lifted
from app.reports.remainders import widen
from app.reports.witnesses import Move, Table

DEFAULT_THRESHOLD = 8

_VALUE, _CATEGORY = 2, 3
_ONE = Axis(1)

Axes = tuple[Axis, Axis, Axis, Axis]
"""Service, year, value of the dimension (one atom if there is no dimension), category."""


@dataclass(frozen=True)
class Stages:
    """Parts of the flow that are the same whatever the measure, and to which of them each category belongs.

    Parameters
    ----------
    axis : Axis
        The stages and the groups of them that can be asked for; the same in all reports of an organisation.
    of : tuple of int
        The stage of each category of the table at hand.
    """

    axis: Axis
    of: tuple[int, ...]


@dataclass(frozen=True)
class Protected:
    """All cells that can be asked for, and which of them may be shown.

    Parameters
    ----------
    axes : tuple of Axis
        Service, year, value, category.
    cells : ndarray of int, shape (entries of each axis)
        The true counts, with totals. Never shown without a look at `visible`.
    visible : ndarray of bool, same shape
        What may be shown.
    witnesses : tuple of mapping of tuple of int to int
        What each of the other possible tables has more or less, by atom: why a hidden cell can't be learnt.
    loose : int
        For how many cells only this table proves that they can't be learnt, not the other reports beside it.
    """

    axes: Axes
    cells: NDArray[np.int64]
    visible: NDArray[np.bool_]
    witnesses: tuple[Move, ...]
    loose: int

    def shown(self, *entries: int) -> int | None:
        """Give the count of a cell, or None where it is hidden.

        Parameters
        ----------
        *entries : int
            Entry of service, year, value and category: see `Axis.at`.

        Returns
        -------
        int or None
        """
        return int(self.cells[entries]) if self.visible[entries] else None


def protect(
    counts: NDArray[np.int64],
    axes: Axes,
    stages: Stages | None = None,
    threshold: int = DEFAULT_THRESHOLD,
    to: int = 1,
) -> Protected:
    """Find out what of a table may be shown.

    Parameters
    ----------
    counts : ndarray of int, shape (services, years, values, categories)
        Episodes of the whole organisation, 0 or more.
    axes : tuple of four Axis
        What can be asked for along each.
    stages : Stages or None
        What the table shares with those of other measures; None if it is nothing but the stages themselves.
    threshold : int
        The smallest count that may be told, 2 or more.
    to : int
        To what counts are rounded before they are told, 1 for not at all.

    Returns
    -------
    Protected

    Raises
    ------
    ValueError
        If a count is negative, the shape is not that of the axes, the threshold is under 2, or a category entry is made
        of whole stages that the stages' own axis does not offer.

    Examples
    --------
    >>> from app.reports.axes import with_total, with_windows
    >>> axes = (with_total(1), with_windows(1), with_total(2), with_total(2))
    >>> protect(np.array([[[[30, 12], [20, 3]]]]), axes).visible[0, 0].astype(int).tolist()  # women, men, all
    [[0, 0, 1], [0, 0, 1], [1, 1, 1]]
    """
    counts = np.asarray(counts, dtype=np.int64)
    service, year, value, category = axes
    if counts.shape != tuple(axis.size for axis in axes) or (counts < 0).any() or threshold < 2:
        raise ValueError("counts are not negative, one for each atom of the axes; the threshold is 2 or more")
    stages = stages or Stages(category, tuple(range(category.size)))
    parts, everybody = np.array(stages.of), np.zeros(value.size, dtype=np.int64)
    whole, shared = _made_of(value, everybody), _made_of(category, parts)
    for row in category.entries[shared]:
        stages.axis.at(np.unique(parts[row == 1]).tolist())
    belongs = np.eye(stages.axis.size, dtype=np.int64)[parts]
    together = counts.sum(axis=_VALUE, keepdims=True)
    flow = Table(together @ belongs, (service, year, _ONE, stages.axis), threshold, to)
    flow_by_value = Table(counts @ belongs, (service, year, value, stages.axis), threshold, to)
    outcome = Table(together, (service, year, _ONE, category), threshold, to)
    full = Table(counts, axes, threshold, to)

    _find_witnesses(flow, {}, {})
    for move in flow.moves:
        by_value = lifted(None, move, flow_by_value.counts, np.arange(stages.axis.size))
        by_category = lifted(move, None, together, parts)
        flow_by_value.make(by_value)
        outcome.make(by_category)
        full.make(lifted(by_value, by_category, counts, parts))
    carried = len(flow.moves)
    loose = _find_witnesses(flow_by_value, {_VALUE: whole}, {_VALUE: everybody})
    for move in flow_by_value.moves[carried:]:
        full.make(lifted(move, None, counts, parts))
    loose += _find_witnesses(outcome, {_CATEGORY: shared}, {_CATEGORY: parts})
    for move in outcome.moves[carried:]:
        full.make(lifted(None, move, counts, parts))
    loose += _find_witnesses(full, {_VALUE: whole, _CATEGORY: shared}, {_VALUE: everybody, _CATEGORY: parts})
    visible = ~(full.hidden | sensitive(full))
    return Protected(axes, full.cells, visible, tuple(full.moves), loose)


def sensitive(table: Table) -> NDArray[np.bool_]:
    """Say which cells must not be learnt: small counts, and the zeros inside small groups of categories.

    Parameters
    ----------
    table : Table
        Categories are its last axis.

    Returns
    -------
    ndarray of bool, one for each cell
    """
    few = (table.cells > 0) & (table.cells < table.threshold)
    rows = table.axes[-1].entries
    within = (rows[:, None, :] >= rows[None, :, :]).all(axis=2)
    return np.asarray(few | ((few.astype(np.int64) @ within > 0) & (table.cells == 0)))


def _made_of(axis: Axis, parts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which entries are made of whole parts: they belong to the coarser table."""
    return np.array([not np.isin(parts[row == 1], parts[row == 0]).any() for row in axis.entries])


def _find_witnesses(
    table: Table, coarser: Mapping[int, NDArray[np.bool_]], keep: Mapping[int, NDArray[np.int64]]
) -> int:
    """Make a move for each cell that none has changed yet, totals first, zeros last; say how many were loose."""
    loose = 0
    mine = sensitive(table)
    for at, entries in coarser.items():
        mine &= ~entries.reshape([-1 if one == at else 1 for one in range(mine.ndim)])
    size = crossed([axis.entries.sum(axis=1) for axis in table.axes])[mine]
    order = np.lexsort((-size, table.cells[mine] == 0))
    for cell in map(tuple, np.argwhere(mine)[order].tolist()):
        if table.hidden[cell]:
            continue
        rows = [axis.entries[entry] == 1 for axis, entry in zip(table.axes, cell, strict=True)]
        move = table.move_for(rows, keep)
        if move is None and table.cells[cell]:
            move, loose = table.move_for(rows, {}), loose + 1
        if move is not None:
            table.make(move)
    # What is left of rounded totals is not known to one.
    return loose if table.to > 1 else loose + widen(table, coarser, keep)

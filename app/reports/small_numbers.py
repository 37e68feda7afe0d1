"""Write figures so that no small number shows: rounded counts, shares, steps over time, means."""

from __future__ import annotations

from collections.abc import Sequence

from app.reports.disclosure import DEFAULT_THRESHOLD
from app.reports.document import Cell, Withheld

HIDDEN = Cell(withheld=Withheld.SMALL_NUMBER)


def count_cell(value: float | None, visible: bool = True) -> Cell:
    """Put a count in a cell.

    Parameters
    ----------
    value : float or None
        None, as `Protected.shown` gives it, is hidden.
    visible : bool
        False hides it.

    Returns
    -------
    Cell

    Examples
    --------
    >>> count_cell(12).value, count_cell(12, False).withheld
    (12, <Withheld.SMALL_NUMBER: 'small_number'>)
    """
    return HIDDEN if value is None or not visible else Cell(value)


def share_cell(share: float, low: float, high: float, count: int | None, of: int | None) -> Cell:
    """Put a share with its interval in a cell, if both of its counts may be shown.

    Parameters
    ----------
    share, low, high : float
        0 to 1. From rounded counts where the file leaves the house.
    count, of : int or None
        Its counts; None where hidden, and then the share and its interval are, since each gives the other.

    Returns
    -------
    Cell

    Examples
    --------
    >>> share_cell(0.4, 0.3, 0.5, None, 100).withheld
    <Withheld.SMALL_NUMBER: 'small_number'>
    """
    return HIDDEN if count is None or of is None else Cell(share, low, high, of)


def mean_cell(value: float, low: float | None, high: float | None, of: int | None, threshold: int) -> Cell:
    """Put a mean or an effect size in a cell, if it rests on enough persons whose number may be shown.

    Parameters
    ----------
    value : float
        In points or standard deviations.
    low, high : float or None
        95 % interval, same unit.
    of : int or None
        How many persons; None if that is hidden.
    threshold : int
        The fewest.

    Returns
    -------
    Cell

    Notes
    -----
    The mean of the rest can be had from two means by one who knows both numbers: so a mean is shown only where its
    number is, and the numbers have been protected against just that subtraction.

    Examples
    --------
    >>> mean_cell(4.5, 3.0, 6.0, 8, 8).of, mean_cell(4.5, 3.0, 6.0, 7, 8).withheld
    (8, <Withheld.SMALL_NUMBER: 'small_number'>)
    """
    return HIDDEN if of is None or of < threshold else Cell(value, low, high, of)


def rounded(count: int, threshold: int = DEFAULT_THRESHOLD) -> int:
    """Round a count that leaves the house to the nearest 5.

    Parameters
    ----------
    count : int
        0, or the threshold or more: a smaller one is hidden, not rounded.
    threshold : int
        The smallest count that may be told.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If the count is one that must be hidden.

    Notes
    -----
    NHS Digital, disclosure control for Hospital Episode Statistics, from September 2018. Totals are rounded
    themselves, not added up from rounded parts.

    Examples
    --------
    >>> rounded(0), rounded(12), rounded(13)
    (0, 10, 15)
    """
    if count < 0 or 0 < count < threshold:
        raise ValueError("a count under the threshold is hidden, not rounded")
    return 5 * ((count + 2) // 5)


def rounded_share(count: int, of: int, threshold: int = DEFAULT_THRESHOLD) -> float:
    """Give a share that leaves the house, from the rounded counts.

    Parameters
    ----------
    count, of : int
        How many of how many; both may be shown; `of` is not 0.
    threshold : int
        The smallest count that may be told.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    ValueError
        If a count is one that must be hidden, or there is nobody.

    Examples
    --------
    >>> rounded_share(12, 41)  # 10 of 40
    0.25
    """
    if not 0 <= count <= of or of == 0:
        raise ValueError("a share is of some, and of no more than there are")
    return rounded(count, threshold) / rounded(of, threshold)


def merged_steps(steps: Sequence[int], rest: int, threshold: int = DEFAULT_THRESHOLD) -> tuple[tuple[int, int], ...]:
    """Merge bins of a curve forward until each step, and what remains after the last, is 0 or enough.

    Parameters
    ----------
    steps : sequence of int
        New ones in each bin, as with a first reliable improvement by session.
    rest : int
        How many never came to it.
    threshold : int
        The smallest count that may be told.

    Returns
    -------
    tuple of (int, int)
        First bin and end (one past the last) of each bin of the merged curve, in order and without gaps; empty if even
        one step would leave a small one: then there is no curve to show.

    Examples
    --------
    >>> merged_steps([0, 3, 6, 12, 2], 40)  # 0 | 3 + 6 | 12 + 2
    ((0, 1), (1, 3), (3, 5))
    """
    if 0 < rest < threshold:
        return ()
    bins: list[tuple[int, int]] = []
    start, held = 0, 0
    for at, step in enumerate(steps):
        held += step
        if held == 0 or held >= threshold:
            bins.append((start, at + 1))
            start, held = at + 1, 0
    if held == 0:
        return tuple(bins)
    # Too few are left at the end: they join the last bin that has enough.
    while bins and sum(steps[bins[-1][0] : bins[-1][1]]) == 0:
        start = bins.pop()[0]
    return (*bins[:-1], (bins[-1][0], len(steps))) if bins else ()


def nested(categories: Sequence[int | None], sums: Sequence[int | None] | None = None) -> tuple[int | None, ...]:
    """Give counts of those who came at least so far: from each stage on.

    Parameters
    ----------
    categories : sequence of int or None
        How many stopped in each stage, in order; None where hidden.
    sums : sequence of int or None, or None
        What is shown of the groups "this stage and all later"; None where hidden, or if there are none.

    Returns
    -------
    tuple of int or None
        For each stage how many came to it or beyond it: as shown, or added up where all parts are shown.

    Examples
    --------
    >>> nested([30, None, None, 40], [100, 70, None, None])
    (100, 70, None, 40)
    """
    given = sums or [None] * len(categories)
    counts: list[int | None] = []
    for at, known in enumerate(given):
        parts = [part for part in categories[at:] if part is not None]
        counts.append(known if known is not None else sum(parts) if len(parts) == len(categories) - at else None)
    return tuple(counts)

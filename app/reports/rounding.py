"""Figures as they are told: counts to the nearest 5, shares of rounded counts, means to one decimal.

A share or a mean with all its digits would give away of how many it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.reports.document import Cell, Column, Kind, Note, Report, Row
from app.reports.proportions import wilson

TO: Final = 5
_DECIMALS: Final = {Kind.POINTS: 1, Kind.EFFECT: 2, Kind.NUMBER: 1, Kind.DAYS: 0, Kind.SESSIONS: 1}

_OF_COUNTS: Final = 1e-6
"""So near a whole number is a count, but for rounding."""


def rounded(count: int) -> int:
    """Give the nearest multiple of 5.

    Examples
    --------
    >>> [rounded(count) for count in (8, 12, 13, 100)]
    [10, 10, 15, 100]
    """
    return TO * ((count + TO // 2) // TO)


def rounded_report(report: Report) -> Report:
    """Round every figure of a report, and say so on its first page.

    Parameters
    ----------
    report : Report
        After disclosure control.

    Returns
    -------
    Report
        Shares are those of the rounded counts, so that the counts don't come back from them.
    """
    told = report.with_tables(lambda _, table: table.with_cells(_cell))
    return replace(told, notes=(*report.notes, Note("rounded", {"step": TO})))


def _cell(_: Row, column: Column, cell: Cell) -> Cell:
    if not isinstance(cell.value, int | float):
        return cell
    if column.kind is Kind.COUNT:
        return Cell(rounded(int(cell.value)))
    if column.kind is Kind.SHARE:
        return _share(cell, cell.value)
    digits = _DECIMALS.get(column.kind)
    of = None if cell.of is None else rounded(cell.of)
    if digits is None:
        return replace(cell, of=of)
    low, high = _ends(cell, digits)
    return Cell(round(cell.value, digits), low, high, of)


def _share(cell: Cell, share: float) -> Cell:
    """Give the share of rounded counts; one of which no count is told is rounded to whole per cent."""
    if cell.of is None:
        return Cell(round(share, 2), *_ends(cell, 2))
    of, exact = rounded(cell.of), share * cell.of
    if not _is_of_counts(cell, exact):
        return Cell(round(share, 2), *_ends(cell, 2), of)
    count = min(rounded(round(exact)), of)
    interval = wilson(count, of) if cell.low is not None else None
    if interval is None:
        return Cell(count / of if of else 0.0, of=of)
    return Cell(count / of, interval.lower, interval.upper, of)


def _is_of_counts(cell: Cell, exact: float) -> bool:
    """Tell a share of counts from a mean of probabilities, or a curve: by its interval, or by its being whole."""
    assert cell.of is not None, "it has a denominator"
    if abs(exact - round(exact)) > _OF_COUNTS:
        return False
    interval = wilson(round(exact), cell.of)
    return cell.low is None or (interval is not None and abs(interval.lower - cell.low) < _OF_COUNTS)


def _ends(cell: Cell, digits: int) -> tuple[float | None, float | None]:
    """Round both ends of an interval, where there is one."""
    if cell.low is None or cell.high is None:
        return None, None
    return round(cell.low, digits), round(cell.high, digits)

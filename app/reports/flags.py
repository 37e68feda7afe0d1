"""What the flags found: those shown before the end of care, against how it ended.

A flag that works destroys its own figures: who was asked, and helped differently, ends better than the flag said. So
flags that were acted upon are told apart from those that were not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

ACTED_WITHIN_DAYS: Final = 14
"""A review recorded so many days after the flag, or fewer, counts as acting upon it (methods, D8)."""


class FlagCell(NamedTuple):
    """So many episodes with the same flags before the last score, and the same end.

    Parameters
    ----------
    year : int
        Year of closing.
    is_case : bool
        Whether the baseline lies on the clinical side of the cut-off; true where none is published.
    flagged, red : bool
        Whether there was a yellow or red signal before the last score, and whether there was a red one.
    improved, deteriorated : bool
        Whether the last score is reliably better, or worse, than the baseline.
    days : int or None
        Whole days from the first flag to the first review after it; None where there was none, or no flag.
    episodes : int
        How many, 1 or more.
    """

    year: int
    is_case: bool
    flagged: bool
    red: bool
    improved: bool
    deteriorated: bool
    days: int | None
    episodes: int


@dataclass(frozen=True, slots=True)
class Crossed:
    """Flags against what happened, in numbers of episodes.

    Parameters
    ----------
    flagged_with, flagged_without, unflagged_with, unflagged_without : int
        Flagged or not, with or without what the flag is for.
    """

    flagged_with: int
    flagged_without: int
    unflagged_with: int
    unflagged_without: int

    @property
    def cells(self) -> tuple[int, int, int, int]:
        """All four."""
        return self.flagged_with, self.flagged_without, self.unflagged_with, self.unflagged_without

    @property
    def count(self) -> int:
        """All episodes."""
        return sum(self.cells)

    @property
    def flagged(self) -> int:
        """Those that were flagged."""
        return self.flagged_with + self.flagged_without

    @property
    def sensitivity(self) -> tuple[int, int]:
        """How many of those with it were flagged."""
        return self.flagged_with, self.flagged_with + self.unflagged_with

    @property
    def specificity(self) -> tuple[int, int]:
        """How many of those without it were not flagged."""
        return self.unflagged_without, self.flagged_without + self.unflagged_without

    @property
    def positive_predictive_value(self) -> tuple[int, int]:
        """How many of the flagged had it."""
        return self.flagged_with, self.flagged

    @property
    def negative_predictive_value(self) -> tuple[int, int]:
        """How many of those not flagged were without it."""
        return self.unflagged_without, self.unflagged_with + self.unflagged_without


@dataclass(frozen=True, slots=True)
class FlagFigures:
    """What flags found, and what became of them.

    Parameters
    ----------
    flag : Crossed
        The first yellow or red before the last score, against no reliable improvement at it; cases at the start.
    red : Crossed
        A red before the last score, against reliable deterioration at it; everybody.
    acted, not_acted : Crossed
        As `flag`, of the flags that a review followed within 14 days, and of the others; none are unflagged.
    all_flags, acted_in_time : int
        Flags of everybody, and how many of them were acted upon in time.
    median_days : int or None
        Days in which half of them were; None where less than half ever were, or there are none.
    """

    flag: Crossed
    red: Crossed
    acted: Crossed
    not_acted: Crossed
    all_flags: int
    acted_in_time: int
    median_days: int | None


def judge_flags(cells: Sequence[FlagCell]) -> FlagFigures:
    """Hold flags against how care ended.

    Parameters
    ----------
    cells : sequence of FlagCell
        Counted episodes that could have been flagged: with a verdict between the baseline and the last score.

    Returns
    -------
    FlagFigures

    Examples
    --------
    >>> found = judge_flags([
    ...     FlagCell(2025, True, True, False, False, False, 3, 10),
    ...     FlagCell(2025, True, True, False, True, False, None, 5),
    ...     FlagCell(2025, True, False, False, True, False, None, 20),
    ... ])
    >>> found.flag.sensitivity, found.flag.positive_predictive_value, found.median_days
    ((10, 10), (10, 15), 3)
    """
    cases = [cell for cell in cells if cell.is_case]
    flags = [cell for cell in cells if cell.flagged]
    return FlagFigures(
        flag=_crossed((cell.flagged, not cell.improved, cell.episodes) for cell in cases),
        red=_crossed((cell.red, cell.deteriorated, cell.episodes) for cell in cells),
        acted=_crossed((True, not cell.improved, cell.episodes) for cell in cases if cell.flagged and _in_time(cell)),
        not_acted=_crossed(
            (True, not cell.improved, cell.episodes) for cell in cases if cell.flagged and not _in_time(cell)
        ),
        all_flags=sum(cell.episodes for cell in flags),
        acted_in_time=sum(cell.episodes for cell in flags if _in_time(cell)),
        median_days=_median(flags),
    )


def _in_time(cell: FlagCell) -> bool:
    return cell.days is not None and cell.days <= ACTED_WITHIN_DAYS


def _crossed(rows: Iterable[tuple[bool, bool, int]]) -> Crossed:
    counted = dict.fromkeys([(True, True), (True, False), (False, True), (False, False)], 0)
    for flagged, happened, count in rows:
        counted[flagged, happened] += count
    return Crossed(*counted.values())


def _median(flags: Sequence[FlagCell]) -> int | None:
    """Give the first day by which half of the flags were acted upon; those that never were wait for ever."""
    half, acted = sum(cell.episodes for cell in flags) / 2, 0
    waits = sorted((cell.days, cell.episodes) for cell in flags if cell.days is not None)
    for days, count in waits:
        acted += count
        if acted >= half:
            return days
    return None

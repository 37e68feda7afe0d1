"""Flags against the end, by hand."""

from __future__ import annotations

import pytest

from app.reports.flags import Crossed, FlagCell, judge_flags


def episodes(count: int, flag: str = "", end: str = "", *, days: int | None = None, is_case: bool = True) -> FlagCell:
    improved, deteriorated = end == "improved", end == "deteriorated"
    return FlagCell(2025, is_case, bool(flag), flag == "red", improved, deteriorated, days, count)


YEAR = [
    episodes(20, "yellow", days=3),
    episodes(15, "yellow", "improved", days=10),
    episodes(5, "yellow", "improved", days=15),
    episodes(10, "yellow"),
    episodes(9, "red", "deteriorated", days=0),
    episodes(4, "red", "improved"),
    episodes(60, "", "improved"),
    episodes(25),
    episodes(2, "", "deteriorated"),
    episodes(11, "red", "deteriorated", days=2, is_case=False),
    episodes(30, is_case=False),
]


def test_yellow_and_red_of_cases() -> None:
    """Flagged 20 + 15 + 5 + 10 + 9 + 4 = 63, of whom 20 + 10 + 9 = 39 did not improve; unflagged 87, of whom 27."""
    found = judge_flags(YEAR).flag
    assert found == Crossed(39, 24, 27, 60)
    assert found.cells == (39, 24, 27, 60)
    assert (found.count, found.flagged) == (150, 63)
    assert (found.sensitivity, found.specificity) == ((39, 66), (60, 84))
    assert (found.positive_predictive_value, found.negative_predictive_value) == ((39, 63), (60, 87))


def test_red_of_everybody() -> None:
    """Red 9 + 4 + 11 = 24, of whom 20 deteriorated; of the other 167 two did."""
    assert judge_flags(YEAR).red == Crossed(20, 4, 2, 165)


def test_acted_upon_within_fourteen_days() -> None:
    """Day 15 is too late. Acted: 20 + 15 + 9, of whom 29 did not improve; not acted: 5 + 10 + 4, of whom 10."""
    found = judge_flags(YEAR)
    assert (found.acted, found.not_acted) == (Crossed(29, 15, 0, 0), Crossed(10, 9, 0, 0))
    assert (found.all_flags, found.acted_in_time) == (74, 55)


def test_the_median_counts_those_who_wait_for_ever() -> None:
    """74 flags: 9 on day 0, 11 on day 2, 20 on day 3 make 40, which is more than 37."""
    assert judge_flags(YEAR).median_days == 3


@pytest.mark.parametrize(("never", "median"), [(9, 4), (10, 4), (11, None)])
def test_no_median_where_less_than_half_were_acted_upon(never: int, median: int | None) -> None:
    assert judge_flags([episodes(10, "yellow", days=4), episodes(never, "yellow")]).median_days == median


def test_nobody() -> None:
    found = judge_flags([])
    assert (found.flag, found.all_flags, found.median_days) == (Crossed(0, 0, 0, 0), 0, None)

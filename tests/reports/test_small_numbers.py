"""Writing figures without small numbers. Expected: by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reports.document import Cell
from app.reports.small_numbers import (
    HIDDEN,
    count_cell,
    mean_cell,
    merged_steps,
    nested,
    rounded,
    rounded_share,
    share_cell,
)


def test_a_hidden_count_leaves_nothing_in_its_cell() -> None:
    assert count_cell(12) == Cell(12)
    assert count_cell(12, visible=False) == count_cell(None) == HIDDEN


def test_a_share_is_hidden_with_either_of_its_counts() -> None:
    assert share_cell(0.5, 0.3, 0.7, 10, 20) == Cell(0.5, 0.3, 0.7, 20)
    assert share_cell(0.5, 0.3, 0.7, None, 20) == share_cell(0.5, 0.3, 0.7, 10, None) == HIDDEN


@pytest.mark.parametrize(("of", "shown"), [(8, True), (7, False), (None, False)])
def test_a_mean_rests_on_the_threshold_or_more(of: int | None, shown: bool) -> None:
    assert mean_cell(1.5, 1.0, 2.0, of, 8) == (Cell(1.5, 1.0, 2.0, of) if shown else HIDDEN)


@pytest.mark.parametrize(("count", "written"), [(0, 0), (8, 10), (12, 10), (13, 15), (17, 15), (100, 100)])
def test_counts_are_rounded_to_the_nearest_5(count: int, written: int) -> None:
    assert rounded(count) == written


@pytest.mark.parametrize("count", [-1, 1, 7])
def test_a_count_that_must_be_hidden_is_not_rounded(count: int) -> None:
    with pytest.raises(ValueError, match="hidden"):
        rounded(count)
    assert rounded(7, threshold=5) == 5


def test_a_share_that_leaves_the_house_is_of_rounded_counts() -> None:
    assert rounded_share(12, 41) == 10 / 40
    assert rounded_share(0, 9) == 0
    for count, of in ((9, 8), (-1, 8), (0, 0)):
        with pytest.raises(ValueError, match="of some"):
            rounded_share(count, of)


@pytest.mark.parametrize(
    ("steps", "rest", "merged"),
    [
        ([8, 9, 10], 20, ((0, 1), (1, 2), (2, 3))),
        ([0, 3, 6, 12], 20, ((0, 1), (1, 3), (3, 4))),
        ([0, 3, 6, 12, 2], 20, ((0, 1), (1, 3), (3, 5))),
        ([9, 0, 0, 2], 20, ((0, 4),)),  # the two join the nine, over the empty bins between
        ([9, 8, 0, 2, 1], 0, ((0, 1), (1, 5))),
        ([0, 3], 20, ()),
        ([9, 8], 7, ()),
        ([], 20, ()),
    ],
)
def test_steps_are_merged_until_each_is_none_or_enough(
    steps: list[int], rest: int, merged: tuple[tuple[int, int], ...]
) -> None:
    assert merged_steps(steps, rest) == merged


@given(st.lists(st.integers(0, 12), max_size=12), st.integers(0, 12))
def test_merged_steps_leave_nothing_out_and_no_small_step(steps: list[int], rest: int) -> None:
    bins = merged_steps(steps, rest)
    if bins:
        assert [start for start, _ in bins] == [0, *(end for _, end in bins[:-1])]
        assert bins[-1][1] == len(steps)
        assert not any(0 < sum(steps[start:end]) < 8 for start, end in bins)
        assert not 0 < rest < 8


def test_those_who_came_at_least_so_far_are_shown_or_added_up_from_what_is_shown() -> None:
    assert nested([30, 20, 10]) == (60, 30, 10)
    assert nested([30, None, 10]) == (None, None, 10)
    assert nested([30, None, 10], [60, None, None]) == (60, None, 10)

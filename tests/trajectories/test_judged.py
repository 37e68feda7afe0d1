"""Thirds of patients by their first score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.trajectories.judged import THIRDS, thirds


class TestThirds:
    @pytest.mark.parametrize(
        ("first", "third"),
        [
            # Among nine the marks are the scores two thirds of a place from the third and one third from the sixth.
            ([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 1, 2, 2, 2, 3, 3, 3]),
            ([27, 4, 15], [3, 1, 2]),
            # Both marks are 12: who has just that is in the lowest third, and nobody in the middle one.
            ([12, 12, 12, 12, 20], [1, 1, 1, 1, 3]),
            ([5, 12, 12, 12, 12], [1, 1, 1, 1, 1]),
            ([9], [1]),
        ],
    )
    def test_by_hand(self, first: list[float], third: list[int]) -> None:
        assert thirds(np.array(first, dtype=float)).tolist() == third

    @given(st.lists(st.integers(0, 27), min_size=1, max_size=30))
    def test_equal_scores_lie_together_and_higher_ones_not_lower(self, first: list[int]) -> None:
        third = thirds(np.array(first, dtype=float)).tolist()
        assert set(third) <= set(THIRDS)
        assert third[first.index(min(first))] == 1
        for score, of in zip(first, third, strict=True):
            for other, of_other in zip(first, third, strict=True):
                assert of <= of_other if score <= other else of >= of_other

    @given(st.integers(1, 20))
    def test_different_scores_are_divided_evenly(self, each: int) -> None:
        first = np.random.default_rng(each).permutation(3 * each).astype(np.float64)
        assert np.bincount(thirds(first)).tolist() == [0, each, each, each]

"""Response shapes: what makes them comparable, and where they are flat."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.trajectories.shapes import ResponseShape, progress, progress_of_each, worsening_share
from tests.trajectories.oracles import slow_progress

EARLY, LINEAR, LATE, WORSENING = ResponseShape

shapes = st.sampled_from(list(ResponseShape))
doses = st.floats(0, 200)


@given(shapes, doses)
def test_progress_is_the_written_formula(shape: ResponseShape, dose: float) -> None:
    assert progress(shape, dose) == pytest.approx(slow_progress(shape, dose), abs=1e-12)


def test_by_hand() -> None:
    """ln 4 = 1.3863; 6 ln 13 / 12 = 1.2825; the late factor is ln 13 / ln 8 = 2.5649 / 2.0794 = 1.2335."""
    assert progress(EARLY, 3) == pytest.approx(1.3863, abs=1e-4)
    assert progress(LINEAR, 6) == pytest.approx(1.2825, abs=1e-4)
    assert progress(LATE, 7) == pytest.approx(1.2335 * log(3), abs=1e-4)
    assert progress(LATE, 12) == pytest.approx(1.2335 * log(8), abs=3e-4)


@pytest.mark.parametrize("shape", ResponseShape)
def test_all_start_at_nothing_and_have_come_equally_far_at_dose_12(shape: ResponseShape) -> None:
    assert progress(shape, [0, 12]) == pytest.approx([0, log(13)])


@pytest.mark.parametrize(("shape", "last"), [(EARLY, 52), (LINEAR, 20), (LATE, 52), (WORSENING, 52)])
def test_each_is_flat_in_the_end(shape: ResponseShape, last: int) -> None:
    before, there, after, long_after = progress(shape, [last - 1, last, last + 1, 500])
    assert before < there == after == long_after


def test_the_late_shape_is_exactly_flat_up_to_dose_5() -> None:
    assert progress(LATE, [0, 1, 3, 4.5, 5]).tolist() == [0, 0, 0, 0, 0]
    assert progress(LATE, 5.5) > 0


@given(shapes, doses, doses)
def test_none_ever_turns_back(shape: ResponseShape, one: float, other: float) -> None:
    low, high = progress(shape, sorted((one, other)))
    assert 0 <= low <= high


@given(st.lists(shapes, min_size=1, unique=True), st.lists(doses, min_size=1, max_size=3))
def test_several_at_once_are_each_one_in_their_order(several: list[ResponseShape], some: list[float]) -> None:
    found = progress_of_each(several, np.array([some]))
    assert found.tolist() == [[progress(shape, some).tolist()] for shape in several]


def test_worsening_has_lost_its_points_at_dose_8() -> None:
    """ln(1 + d) / ln 9: half of them at dose 2, since 3 is the square root of 9; held from dose 52 on."""
    assert worsening_share([0, 2, 8, 52, 80]) == pytest.approx([0, 0.5, 1, log(53) / log(9), log(53) / log(9)])


def test_tables_keep_their_shape() -> None:
    assert progress(LATE, np.zeros((2, 3))).shape == worsening_share(np.zeros((2, 3))).shape == (2, 3)

"""Shares with their score intervals: R's prop.test, and what must hold of all."""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reports.proportions import wilson, wilson_each
from tests.reports.oracle_tables import TEN_DIGITS, table

parts = st.integers(1, 2_000_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


def test_the_ends_are_those_of_r() -> None:
    r = table("proportions")
    found = wilson_each(r["count"].astype(int), r["of"].astype(int))
    assert found.share == pytest.approx(r["count"] / r["of"], rel=TEN_DIGITS)
    assert found.low == pytest.approx(r["low"], rel=TEN_DIGITS)
    assert found.high == pytest.approx(r["high"], rel=TEN_DIGITS)


def test_the_examples_of_the_written_formula() -> None:
    # p = 0.575, n = 40, z = 1.96: (0.575 + 0.04802) / 1.09604 = 0.56843; 1.96 sqrt(0.0061094 + 0.0006003) / 1.09604
    # = 0.14648: 0.42195 to 0.71491, 42 to 71 per cent; 58 of 100 are 48 to 67 per cent.
    fewer, more = wilson(23, 40), wilson(58, 100)
    assert fewer is not None
    assert more is not None
    assert (fewer.estimate, fewer.lower, fewer.upper) == pytest.approx((0.575, 0.42195, 0.71491), abs=2e-5)
    assert (more.estimate, more.lower, more.upper) == pytest.approx((0.58, 0.482, 0.672), abs=1e-4)
    assert more.standard_error == pytest.approx(sqrt(0.58 * 0.42 / 100))


def test_of_none_there_is_no_share() -> None:
    assert wilson(0, 0) is None
    found = wilson_each([0, 1], [0, 1])
    assert [isnan(each) for each in (found.share[0], found.low[0], found.high[0])] == [True] * 3
    assert found.share[1] == found.high[1] == 1


def test_shapes_that_go_together() -> None:
    assert wilson_each([[1, 2], [3, 4]], 5).low.shape == (2, 2)


@pytest.mark.parametrize(("count", "of"), [(3, 2), (-1, 2), (1, 0)])
def test_a_part_is_never_more_than_the_whole(count: int, of: int) -> None:
    with pytest.raises(AssertionError, match="a part is neither"):
        wilson(count, of)


@given(parts)
def test_the_interval_holds_the_share_and_its_ends_are_where_the_share_is_two_errors_off(part: tuple[int, int]) -> None:
    count, of = part
    found = wilson(count, of)
    assert found is not None
    assert 0 <= found.lower <= found.estimate <= found.upper <= 1
    assert found.lower < found.upper
    for end in {found.lower, found.upper} - {0.0, 1.0}:  # the score test that is inverted
        assert (found.estimate - end) ** 2 * of == pytest.approx(1.959964**2 * end * (1 - end), rel=1e-5)


@given(parts)
def test_those_who_did_mirror_those_who_did_not(part: tuple[int, int]) -> None:
    count, of = part
    did, did_not = wilson_each(count, of), wilson_each(of - count, of)
    assert float(did.low) == pytest.approx(1 - float(did_not.high), abs=1e-12)


@given(st.lists(parts, min_size=1, max_size=9))
def test_several_at_once_are_the_same_as_one_at_a_time(some: list[tuple[int, int]]) -> None:
    found = wilson_each(*np.array(some).T)
    one_by_one = [wilson(count, of) for count, of in some]
    assert found.low.tolist() == [each and each.lower for each in one_by_one]
    assert found.high.tolist() == [each and each.upper for each in one_by_one]

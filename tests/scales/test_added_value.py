"""SDQ added value: hand arithmetic by the published formula, and the refusal to speak of one child."""

from __future__ import annotations

import numpy as np
import pytest

from app.errors import MalformedBody
from app.scales.added_value import SOURCE, added_value


def column(*figures: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(figures, dtype=float)


def test_a_group_by_hand() -> None:
    # 2.3 + .8 x 20 + .2 x 4 - .3 x 5 - 12 = 5.6 and 2.3 + .8 x 17 + .2 x 2 - .3 x 3 - 16 = -0.6: mean 2.5
    found = added_value(column(20, 17), column(4, 2), column(5, 3), column(12, 16))
    assert found.mean == pytest.approx(2.5)
    assert found.effect_size == pytest.approx(0.5)  # divided by 5
    # 1.96 x 5 / sqrt 2 = 6.93
    assert (found.low, found.high) == pytest.approx((2.5 - 6.93, 2.5 + 6.93), abs=0.005)


def test_a_mean_of_a_hundred_is_known_to_about_one_point() -> None:
    hundred = np.full(100, 20.0)
    found = added_value(hundred, hundred * 0, hundred * 0, hundred)
    assert found.children == 100
    assert found.high - found.mean == pytest.approx(1, abs=0.05)  # sdqinfo e10: +-1


def test_children_without_both_measures_are_left_out() -> None:
    nan = float("nan")
    found = added_value(column(20, 17, 30, 12), column(4, 2, nan, 1), column(5, 3, 5, 2), column(12, 16, 10, nan))
    assert found.children == 2
    assert found.mean == pytest.approx(2.5)


@pytest.mark.parametrize("children", [0, 1])
def test_one_child_is_refused_with_the_reason(children: int) -> None:
    figures = np.full(children, 15.0)
    with pytest.raises(MalformedBody, match="varies by 10 points either way"):
        added_value(figures, figures, figures, figures)


def test_it_names_its_source() -> None:
    assert "604 children" in SOURCE.text

"""What is asked: who improved reliably, and what is no question. The risks are tried with the rivals."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest

from app.errors import InvalidSeries
from app.scales.change import Better, ChangeCriteria
from app.trajectories.question import Question
from tests.trajectories.factories import PHQ_9

DOWNWARDS = Question(PHQ_9, look_dose=4, end_dose=8)
UPWARDS = Question(ChangeCriteria(0, 40, Better.HIGHER, reliable_change=5), look_dose=4, end_dose=8)


class TestQuestion:
    @pytest.mark.parametrize(("look", "end"), [(4, 4), (5, 4), (-1, 4), (nan, 4), (4, nan), (4, inf)])
    def test_the_end_comes_after_the_look(self, look: float, end: float) -> None:
        with pytest.raises(InvalidSeries, match="after the look") as refusal:
            Question(PHQ_9, look, end)
        assert refusal.value.pointer == "/end_dose"

    def test_it_takes_a_reliable_change(self) -> None:
        with pytest.raises(InvalidSeries, match="reliable change"):
            Question(ChangeCriteria(0, 27), 4, 8)

    def test_who_improved_reliably(self) -> None:
        """Six points on the PHQ-9; five upwards on the other."""
        first, end = np.array([15.0, 15, 15]), np.array([10.0, 9, 20])
        assert DOWNWARDS.unimproved(first, end).tolist() == [True, False, True]
        assert UPWARDS.unimproved(first, end).tolist() == [True, True, False]
        assert UPWARDS.unimproved(first, end - 1).tolist() == [True, True, True]

"""What is asked: who improved reliably, who is asked about, how likely it is, and what is no question."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidSeries
from app.scales.change import Better, ChangeCriteria
from app.trajectories.link import Link, LinkKind
from app.trajectories.prediction import Prediction
from app.trajectories.question import Question
from tests.trajectories.factories import GAD_7, PHQ_9

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


class TestRisk:
    @pytest.mark.parametrize(
        ("question", "first", "risk"),
        [
            # Six points from 17 are 11, which ends at 11.5: P(Z > .75) = .2266. From 5 there is no way.
            (DOWNWARDS, [17.0, 5.0], [0.2266, 1.0]),
            # From 6 on down is 0, whose cell has all that lies below .5: P(Z > -4.75).
            (DOWNWARDS, [6.0], [0.999999]),
            # Five points up from 8 are 13, which begins at 12.5: P(Z < 1.25) = .8944. From 36 there is no way.
            (UPWARDS, [8.0, 36.0], [0.8944, 1.0]),
        ],
    )
    def test_by_hand(self, question: Question, first: list[float], risk: list[float]) -> None:
        """A score around 10 with sd 2 is expected of all."""
        criteria = question.criteria
        one = np.ones((1, len(first)))
        at_end = Prediction(Link(LinkKind.IDENTITY, criteria.minimum, criteria.maximum, 10), one, 10 * one, 2 * one)
        assert question.risk(np.array(first), at_end) == pytest.approx(risk, abs=5e-5)


class TestWhoIsAskedAbout:
    @pytest.mark.parametrize(
        ("criteria", "first", "asked"),
        [
            # Published cut-offs leave room: cases from 10 on with 6 points to lose, from 8 on with 4.
            (PHQ_9, [0, 9, 10, 27], [False, False, True, True]),
            (GAD_7, [7, 8, 21], [False, True, True]),
            # Without a cut-off whoever can lose 6 points, or gain 5 of 40.
            (ChangeCriteria(0, 27, reliable_change=6), [0, 5, 6, 27], [False, False, True, True]),
            (ChangeCriteria(0, 40, Better.HIGHER, reliable_change=5), [0, 35, 36, 40], [True, True, False, False]),
            # A scale from 10 on: 15 has 5 points to lose, 16 has 6.
            (ChangeCriteria(10, 40, reliable_change=6), [15, 16], [False, True]),
            # A cut-off below one reliable change: both hold.
            (ChangeCriteria(0, 27, cutoff=4, reliable_change=6), [3, 4, 5, 6], [False, False, False, True]),
            # Upwards a case lies below the cut-off, and here the room ends before it.
            (
                ChangeCriteria(0, 40, Better.HIGHER, cutoff=38, reliable_change=5),
                [35, 36, 37, 38],
                [True, False, False, False],
            ),
            (
                ChangeCriteria(0, 40, Better.HIGHER, cutoff=25, reliable_change=5),
                [0, 24, 25, 26],
                [True, True, False, False],
            ),
        ],
    )
    def test_by_hand(self, criteria: ChangeCriteria, first: list[float], asked: list[bool]) -> None:
        assert Question(criteria, 4, 8).is_about(np.array(first, dtype=float)).tolist() == asked

    def test_nobody(self) -> None:
        assert DOWNWARDS.is_about(np.array([])).tolist() == []

    @given(st.integers(0, 40), st.sampled_from([None, 3, 20, 38]), st.integers(1, 40))
    def test_a_scale_and_its_mirror_image_ask_about_the_same(
        self, first: int, cutoff: int | None, reliable_change: int
    ) -> None:
        """A case at c or more is one below 40 - c + 1 seen from the other end."""
        down = ChangeCriteria(0, 40, cutoff=cutoff, reliable_change=reliable_change)
        up = ChangeCriteria(0, 40, Better.HIGHER, None if cutoff is None else 41 - cutoff, reliable_change)
        one, other = (
            Question(criteria, 4, 8).is_about(np.array([float(score)]))
            for criteria, score in ((down, first), (up, 40 - first))
        )
        assert one.tolist() == other.tolist()

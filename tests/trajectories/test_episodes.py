"""Episodes in columns: what belongs to whom, and what cannot be."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidSeries
from app.trajectories.episodes import Episodes

Rows = list[tuple[float, float, float]]

THREE = Episodes.of(
    ["a", "a", "a", "b", "c", "c"],
    doses=[0, 1, 2, 0, 0, 3],
    weeks=[0, 1, 2, 0, 0, 6],
    scores=[15, 12, 9, 20, 8, 10],
)


def rows_of(episodes: Episodes) -> list[Rows]:
    """Give the rows of each episode, one by one."""
    columns = list(zip(episodes.doses.tolist(), episodes.weeks.tolist(), episodes.scores.tolist(), strict=True))
    starts = episodes.starts.tolist()
    return [columns[start:end] for start, end in pairwise(starts)]


def made(many: list[Rows]) -> Episodes:
    ids = [number for number, rows in enumerate(many) for _ in rows]
    return Episodes.of(ids, *zip(*(row for rows in many for row in rows), strict=True))


@st.composite
def some_rows(draw: st.DrawFn) -> Rows:
    weeks = sorted(draw(st.lists(st.integers(0, 30), min_size=1, max_size=5)))
    return [(float(draw(st.integers(0, 12))), float(week), float(draw(st.integers(0, 27)))) for week in weeks]


many_rows = st.lists(some_rows(), min_size=1, max_size=6)


class TestColumns:
    def test_by_hand(self) -> None:
        assert THREE.count == 3
        assert THREE.starts.tolist() == [0, 3, 4, 6]
        assert THREE.lengths.tolist() == [3, 1, 2]
        assert THREE.episode.tolist() == [0, 0, 0, 1, 2, 2]
        assert THREE.position.tolist() == [0, 1, 2, 0, 0, 1]
        assert THREE.first.tolist() == [15, 20, 8]
        assert THREE.last.tolist() == [9, 20, 10]

    def test_the_same_name_later_is_another_episode(self) -> None:
        assert Episodes.of([1, 2, 1], [0, 0, 0], [0, 0, 0], [5, 6, 7]).count == 3

    def test_names_may_be_an_array(self) -> None:
        assert Episodes.of(np.array([4, 4, 9]), [0, 1, 0], [0, 1, 0], [5, 6, 7]).lengths.tolist() == [2, 1]

    @given(many_rows)
    def test_every_row_belongs_to_its_episode(self, many: list[Rows]) -> None:
        episodes = made(many)
        assert rows_of(episodes) == many
        assert [many[place][row][2] for place, row in zip(episodes.episode, episodes.position, strict=True)] == (
            episodes.scores.tolist()
        )


class TestTables:
    def test_a_table_becomes_episodes_without_its_gaps(self) -> None:
        """Also in the middle; who has no score at all is left out."""
        scores = [[15, nan, 9], [nan, nan, nan], [20, 18, nan]]
        episodes = Episodes.of_table([0, 1, 2], [0, 2, 4], scores)
        assert rows_of(episodes) == [[(0, 0, 15), (2, 4, 9)], [(0, 0, 20), (1, 2, 18)]]

    def test_occasion_by_occasion(self) -> None:
        assert THREE.by_occasion(THREE.scores, absent=-1).tolist() == [[15, 20, 8], [12, -1, 10], [9, -1, -1]]
        assert np.isnan(THREE.by_occasion(THREE.scores)).tolist() == [
            [False, False, False],
            [False, True, False],
            [False, True, True],
        ]

    @given(many_rows)
    def test_there_and_back(self, many: list[Rows]) -> None:
        episodes = made(many)
        doses, weeks = (episodes.by_occasion(column, absent=0).T for column in (episodes.doses, episodes.weeks))
        scores = episodes.by_occasion(episodes.scores).T
        assert rows_of(Episodes.of_table(doses, weeks, scores)) == many


class TestSome:
    @given(many_rows, st.data())
    def test_chosen_by_place_or_mask(self, many: list[Rows], data: st.DataObject) -> None:
        places = data.draw(st.lists(st.integers(0, len(many) - 1), min_size=1, max_size=8))
        assert rows_of(made(many).chosen(np.array(places))) == [many[place] for place in places]
        mask = np.array([place in places for place in range(len(many))])
        assert rows_of(made(many).chosen(mask)) == [many[place] for place in sorted(set(places))]

    @given(many_rows, st.integers(0, 12))
    def test_what_is_known_at_a_dose_and_what_comes_later(self, many: list[Rows], dose: int) -> None:
        split = [([row for row in rows if row[0] <= dose], [row for row in rows if row[0] > dose]) for rows in many]
        both = [(known, later) for known, later in split if known and later]
        if both:
            known, later = made(many).split_at(dose)
            assert list(zip(rows_of(known), rows_of(later), strict=True)) == both
        else:
            with pytest.raises(InvalidSeries, match="needs at least one score"):
                made(many).split_at(dose)

    @given(many_rows)
    def test_first_scores_and_those_after_them(self, many: list[Rows]) -> None:
        """First is first in time, whatever its dose; who has one score only is left out."""
        several = [rows for rows in many if len(rows) > 1]
        if several:
            first, later = made(many).split_after_first()
            assert rows_of(first) == [rows[:1] for rows in several]
            assert rows_of(later) == [rows[1:] for rows in several]
        else:
            with pytest.raises(InvalidSeries, match="needs at least one score"):
                made(many).split_after_first()

    @given(st.lists(many_rows, min_size=1, max_size=4))
    def test_joined_part_by_part(self, parts: list[list[Rows]]) -> None:
        """Also where one part ends later than the next one starts."""
        assert rows_of(Episodes.joined([made(many) for many in parts])) == [rows for many in parts for rows in many]

    @given(many_rows, st.data())
    def test_what_was_divided_can_be_joined(self, many: list[Rows], data: st.DataObject) -> None:
        episodes = made(many)
        ours = np.array(data.draw(st.lists(st.booleans(), min_size=len(many), max_size=len(many))))
        parts = [episodes.chosen(which) for which in (ours, ~ours) if which.any()]
        back = np.argsort(np.concatenate([np.flatnonzero(ours), np.flatnonzero(~ours)]))
        assert rows_of(Episodes.joined(parts).chosen(back)) == many


class TestRefusals:
    @pytest.mark.parametrize(
        ("make", "sentence"),
        [
            (lambda: Episodes.of([1], [0, 1], [0], [5]), "columns of the same length"),
            (lambda: Episodes.of([1], [0], [0, 1], [5]), "columns of the same length"),
            (lambda: Episodes.of([1, 1], [0], [0], [5]), "columns of the same length"),
            (lambda: Episodes(np.array([1, 2]), *np.zeros((3, 2))), "columns of the same length"),
            (lambda: Episodes(np.array([0, 1, 1]), *np.zeros((3, 1))), "needs at least one score"),
            (lambda: Episodes.of([], [], [], []), "needs at least one score"),
            (lambda: Episodes.of_table([0], [0], [[nan]]), "needs at least one score"),
            (lambda: THREE.chosen(np.zeros(3, dtype=np.bool_)), "needs at least one score"),
            (lambda: Episodes.of([1], [-1], [0], [5]), "each dose must be"),
            (lambda: Episodes.of([1], [nan], [0], [5]), "each dose must be"),
            (lambda: Episodes.of([1], [0], [inf], [5]), "each week must be"),
            (lambda: Episodes.of([1], [0], [0], [nan]), "each score must be"),
            (lambda: Episodes.of([1], [0], [0], [inf]), "each score must be"),
            (lambda: Episodes.of([1, 1, 2, 2], [0, 1, 0, 1], [0, 1, 3, 2], [5, 5, 5, 5]), "must not fall"),
        ],
    )
    def test_columns_that_can_not_be(self, make: Callable[[], Episodes], sentence: str) -> None:
        with pytest.raises(InvalidSeries, match=sentence):
            make()

    def test_weeks_start_anew_with_every_episode_and_may_stand_still(self) -> None:
        assert Episodes.of([1, 1, 2, 2], [0, 1, 0, 1], [4, 4, 0, 0], [5, 5, 5, 5]).count == 2

"""Waits, endings, drop-out, measuring and phases, by hand."""

from __future__ import annotations

from dataclasses import replace
from math import isnan, sqrt
from statistics import mean, stdev

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.reports.cohort import Attended, Change, ChangeIn, Ended, FollowedUp, Held
from app.reports.document import Cell, Table, Withheld
from app.reports.flow import (
    attendance,
    changes_told,
    drop_out,
    endings,
    follow_up,
    guarded_changes,
    guarded_endings,
    guarded_follow_up,
    measuring,
    phases,
    quantiles,
    waits,
)
from app.reports.guarded import HIDDEN, Guarded
from app.reports.tabulation import Axes
from tests.reports.made_up import ALL, YEAR, cells, row, values

AXES = Axes(("a",), (YEAR,), (None,))


def ended(reason: str | None, sessions: int, episodes: int, *, missed: bool = False, gone: bool = False) -> Ended:
    return Ended(YEAR, "a", reason, sessions, missed, gone, episodes, 30, 15, 5, 40, 30, 6, 2)


# 30 completed (20 of them with four sessions or more), 10 recorded as dropped out, of whom 6 missed the last session;
# 3 moved, without contact for long.
ENDED = [
    ended("completed", 4, 20),
    ended("completed", 3, 10),
    ended("dropped_out", 1, 6, missed=True),
    ended("dropped_out", 4, 4),
    ended("moved", 4, 3, gone=True),
]


def test_endings_and_drop_out_by_each_definition() -> None:
    guarded = guarded_endings(AXES, ENDED, 1)
    table = endings(guarded["endings"], ALL)
    assert {each.key: values(table, each.key)["count"] for each in table.rows} == {
        "completed": 30,
        "dropped_out": 10,
        "moved": 3,
    }
    assert cells(table, "moved")["share"].of == 43
    by_rule = drop_out(guarded, ALL)
    counts = {each.key: values(by_rule, each.key)["count"] for each in by_rule.rows}
    assert counts == {"as_recorded": 10, "few_sessions": 16, "missed_last": 6, "no_contact": 3}
    assert values(by_rule, "few_sessions")["share"] == 16 / 43


def test_what_endings_hide_drop_out_does_not_tell() -> None:
    # Three moved: what is told of the ten who dropped out is the same in both tables.
    guarded = guarded_endings(AXES, ENDED, 8)
    by_reason, by_rule = endings(guarded["endings"], ALL), drop_out(guarded, ALL)
    assert values(by_reason, "moved")["count"] is None
    assert row(by_rule, "as_recorded").cells == row(by_reason, "dropped_out").cells
    told = [cell.value for each in by_reason.rows for cell in each.cells[:1] if cell.value is not None]
    assert not any(int(each) % 5 for each in told), "rounded, so that nothing exact is left"


def test_of_nobody_there_are_no_endings() -> None:
    table = endings(guarded_endings(AXES, [], 8)["endings"], ALL)
    assert cells(table, "dropped_out")["count"].value == 0
    assert cells(table, "dropped_out")["share"].withheld is Withheld.UNKNOWN
    assert values(endings(guarded_endings(AXES, [ended(None, 1, 2)], 1)["endings"], ALL), "None")["count"] == 2


WAITED = [
    Attended(YEAR, 5, 7, 6, 4),
    Attended(YEAR, 12, 14, 3, 3),
    Attended(YEAR, 40, None, 1, 2),
    Attended(YEAR, None, None, 0, 3),
]


def test_waits_by_hand() -> None:
    table = waits(WAITED, 9, 7, 1)
    # 5 5 5 5 12 12 12 40 40: the third, fifth and seventh; 7 7 7 7 14 14 14; sessions 1 1 3 3 3 6 6 6 6.
    assert list(values(table, "to_first_session").values()) == [9, 5, 12, 12]
    assert list(values(table, "between_sessions").values()) == [7, 7, 7, 14]
    assert list(values(table, "sessions").values()) == [9, 3, 3, 6]


def test_waits_of_hidden_or_few_or_nobody() -> None:
    table = waits(WAITED, None, 20, 8)
    assert row(table, "to_first_session").cells == (HIDDEN,) * 4
    assert row(table, "between_sessions").cells[1:] == (HIDDEN,) * 3, "of twenty the interval of seven is known"
    assert {cell.withheld for cell in row(waits([], 0, 0, 8), "sessions").cells[1:]} == {Withheld.UNKNOWN}


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), max_size=20), st.floats(0.01, 1.0))
def test_quantiles_are_those_of_persons_in_a_row(values_of: list[tuple[int, int]], level: float) -> None:
    [found] = quantiles([(float(value), count) for value, count in values_of], [level])
    persons = sorted(value for value, count in values_of for _ in range(count))
    if not persons:
        assert isnan(found)
        return
    assert found in persons
    assert sum(each <= found for each in persons) >= level * len(persons) * (1 - 1e-12)
    below = [each for each in persons if each < found]
    assert len(below) < level * len(persons) * (1 + 1e-12)


def shares(table: Table) -> dict[str, float | int | str | None]:
    return {each.key: each.cells[0].value for each in table.rows}


def test_sessions_attended_cancelled_and_missed() -> None:
    # Each cell has 30, 15 and 5 of 50 planned.
    assert shares(attendance(ENDED, 8)) == {"attended": 0.6, "cancelled": 0.3, "no_shows": 0.1}
    assert {cell for each in attendance(ENDED[-1:], 8).rows for cell in each.cells} == {HIDDEN}
    assert {each.cells[0].withheld for each in attendance([], 0).rows} == {Withheld.UNKNOWN}


def test_measuring() -> None:
    held = [Held(YEAR, 20, 100, 70), Held(YEAR, 5, 50, 35)]
    expected = {"sessions_with_measure": 0.7, "forms_completed": 0.75, "forms_declined": 0.15, "forms_unable": 0.05}
    assert shares(measuring(held, ENDED, 8)) == expected
    assert set(shares(measuring(held[1:], ENDED[-1:], 8)).values()) == {None}
    without_forms = [each._replace(forms_offered=0) for each in ENDED[:1]]
    few = measuring(held, [*without_forms, ENDED[-1]], 8)
    assert few.rows[1].cells == (HIDDEN,), "only three were asked to fill in anything"
    assert {each.cells[0].withheld for each in measuring([], [], 0).rows} == {Withheld.UNKNOWN}


def split(yes: int, no: int, service: str = "a") -> list[FollowedUp]:
    return [FollowedUp(YEAR, service, followed_up=which, episodes=n) for which, n in ((True, yes), (False, no))]


def test_follow_up_by_hand() -> None:
    def told(yes: int, no: int, paired: int | None) -> tuple[Cell, ...]:
        guarded = guarded_follow_up(AXES, split(yes, no), 8)
        return row(follow_up(guarded, ALL, paired), "followed_up").cells

    count, of_paired = told(20, 30, 50)
    assert (count.value, of_paired.value, of_paired.of) == (20, 0.4, 50)
    assert told(3, 47, 50) == (HIDDEN, HIDDEN)
    assert told(47, 3, 50)[0] != Cell(47), "nor are those without, who would be left"
    assert told(0, 0, 0)[0].value == 0
    assert told(20, 30, None)[1] == HIDDEN, "where the pairs may not be told, no share is"


FEW = st.sampled_from([0, 0, 2, 4, 7, 8, 13, 18, 22, 23])


@given(st.tuples(FEW, FEW), st.tuples(FEW, FEW))
@example((0, 2), (18, 2))
def test_who_knows_the_pairs_learns_no_more_of_those_without(a: tuple[int, int], b: tuple[int, int]) -> None:
    """The denominators tell the pairs: hidden here, they would prove nothing."""
    axes = Axes(("a", "b"), (YEAR,), (None,))
    guarded = guarded_follow_up(axes, [*split(*a), *split(*b, "b")], 8)
    pairs = np.array([[[[sum(a)]]], [[[sum(b)]]]])
    alone = Guarded.of(axes, pairs, ("pairs",), {}, threshold=8)
    for where in (ALL, replace(ALL, service="a"), replace(ALL, service="b")):
        assert guarded.count(where, "ended") == alone.count(where, "pairs")


def changes(points: list[float], weeks: int | None = 6) -> list[Change]:
    return [Change(YEAR, each, weeks, 1) for each in points]


def test_phases_by_hand() -> None:
    points = [3.0, 5.0, 0.0, 8.0, 4.0, 4.0, 6.0, 2.0]
    table = phases(changes(points), [], [Change(YEAR, 2.0, None, 3), Change(YEAR, 4.0, None, 3)], 1)
    found = cells(table, "waiting")["change"]
    reach = 1.96 * stdev(points) / sqrt(8)
    assert found.value == 4.0
    assert found.low == pytest.approx(mean(points) - reach, abs=1e-4)
    assert found.high == pytest.approx(mean(points) + reach, abs=1e-4)
    assert values(table, "waiting")["weeks"] == 6
    assert row(table, "treatment").cells == (HIDDEN, HIDDEN)
    assert values(table, "follow_up") == {"change": 3.0, "weeks": None}
    alone = cells(phases(changes([3.0]), [], [], 1), "waiting")["change"]
    assert (alone.value, alone.low) == (3.0, None)


def test_phases_do_not_tell_how_many_they_are() -> None:
    # 47 of 11 is 4.2727: the digits would tell the 11.
    table = phases([Change(YEAR, 4.0, 6, 8), Change(YEAR, 5.0, None, 3)], [], [], 8)
    found = cells(table, "waiting")["change"]
    assert (found.value, found.low, found.high) == (4.3, 4.0, 4.5)
    assert row(phases(changes([3.0] * 7), [], [], 8), "waiting").cells == (HIDDEN, HIDDEN)
    few_weeks = phases([Change(YEAR, 4.0, 6, 3), Change(YEAR, 5.0, None, 8)], [], [], 8)
    assert row(few_weeks, "waiting").cells[1] == HIDDEN


def test_figures_are_plain_numbers() -> None:
    for table in (waits(WAITED, 9, 7, 1), phases(changes([1.0, 2.0]), [], [], 1)):
        assert not any(isinstance(cell.value, np.generic) for each in table.rows for cell in each.cells)


def test_changes_are_those_of_the_period_and_service_where_their_number_may_be_told() -> None:
    axes = Axes(("a", "b"), (YEAR - 1, YEAR), (None,))
    cells_of = [
        ChangeIn(year=YEAR, service="a", points=2.0, weeks=5, episodes=9),
        ChangeIn(year=YEAR - 1, service="a", points=3.0, weeks=5, episodes=20),
        ChangeIn(year=YEAR, service="b", points=4.0, weeks=None, episodes=3),
    ]
    exact, guarded = guarded_changes(axes, cells_of, 1), guarded_changes(axes, cells_of, 8)
    own = replace(ALL, service="a")
    assert changes_told(exact, own, cells_of) == [Change(YEAR, 2.0, 5, 9)]
    assert [each.episodes for each in changes_told(exact, ALL, cells_of)] == [9, 3]
    assert changes_told(guarded, replace(ALL, service="b"), cells_of) == []

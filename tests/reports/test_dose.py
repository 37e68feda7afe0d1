"""By which session: a group of forty followed by hand, and a slow loop over sessions."""

from __future__ import annotations

import numpy as np
import pytest

from app.reports.cohort import STEPS, Event, First, Period, Reached, Step
from app.reports.document import Withheld
from app.reports.dose import MARKS, dose, dose_by, good_enough, guarded_levels, guarded_steps, responders
from app.reports.guarded import HIDDEN, Guarded, Where
from app.reports.proportions import wilson
from app.reports.tabulation import Axes
from tests.reports.made_up import ALL, IN_YEAR, YEAR, cells, row, values

AXES = Axes(("a",), (YEAR,), (None,))

# Forty: 10 improve at session 2, 5 leave after session 3, 6 improve at 5, 5 at 6, 4 at 7, 8 end at 10 as agreed,
# 2 improve at 60.
COURSES = [
    (2, Event.IMPROVED, 10),
    (3, Event.DROPPED_OUT, 5),
    (5, Event.IMPROVED, 6),
    (6, Event.IMPROVED, 5),
    (7, Event.IMPROVED, 4),
    (10, Event.ENDED, 8),
    (60, Event.IMPROVED, 2),
]
FIRSTS = [First(YEAR, None, sessions, event, episodes) for sessions, event, episodes in COURSES]


def step_of(sessions: int) -> int:
    return next((place for place, end in enumerate(STEPS) if sessions <= end), len(STEPS))


def steps(firsts: list[First], service: str = "a") -> list[Step]:
    return [Step(each.year, service, each.value, step_of(each.sessions), each.event, each.episodes) for each in firsts]


def guarded(firsts: list[First], threshold: int = 1, axes: Axes = AXES) -> Guarded:
    return guarded_steps(axes, steps(firsts), threshold)


def test_the_marks_are_told_and_late_response_begins_at_session_seven() -> None:
    assert set(MARKS) <= set(STEPS)
    assert 6 in STEPS, "sessions 4 to 6 are neither early nor late"


def test_the_curve_by_hand() -> None:
    table = dose(guarded(FIRSTS), ALL, FIRSTS)
    # Nobody ends without an event before session 10: until then they are plain shares of the 40.
    assert values(table, "3") == {
        "at_risk": 25,
        "improved": pytest.approx(10 / 40),
        "dropped_out": pytest.approx(5 / 40),
    }
    assert values(table, "6") == {
        "at_risk": 14,
        "improved": pytest.approx(21 / 40),
        "dropped_out": pytest.approx(5 / 40),
    }
    assert values(table, "7")["improved"] == pytest.approx(25 / 40)
    # Eight of the ten left end at 10: S = 10/40, and of the two still followed all improve at 60, after the last mark.
    assert values(table, "52") == {
        "at_risk": 10,
        "improved": pytest.approx(25 / 40),
        "dropped_out": pytest.approx(1 / 8),
    }
    improved = cells(table, "7")["improved"]
    assert improved.of == 40
    assert improved.low is not None
    assert improved.high is not None
    assert improved.low < 25 / 40 < improved.high


def test_the_curve_is_that_of_a_loop_over_sessions() -> None:
    random = np.random.default_rng(5)
    firsts = [
        First(YEAR, None, int(s), int(e), 1)
        for s, e in zip(random.integers(1, 70, 200), random.integers(0, 3, 200), strict=True)
    ]
    table = dose(guarded(firsts), ALL, firsts)
    free, improved, dropped = 1.0, 0.0, 0.0
    for session in range(1, 53):
        at_risk = sum(each.sessions >= session for each in firsts)
        here = [each.event for each in firsts if each.sessions == session]
        improved += free * here.count(Event.IMPROVED) / at_risk
        dropped += free * here.count(Event.DROPPED_OUT) / at_risk
        free -= free * (len(here) - here.count(Event.ENDED)) / at_risk
        if session in STEPS:
            found = values(table, str(session))
            assert found["improved"] == pytest.approx(improved)
            assert found["dropped_out"] == pytest.approx(dropped)
            gone = sum(each.sessions <= session and each.event != Event.ENDED for each in firsts)
            assert found["at_risk"] == 200 - gone


def test_later_than_anybody_was_followed_nothing_is_known_but_the_counts() -> None:
    firsts = [First(YEAR, None, 4, Event.IMPROVED, 3), First(YEAR, None, 8, Event.ENDED, 2)]
    found = cells(dose(guarded(firsts), ALL, firsts), "20")
    assert found["at_risk"].value == 2
    assert found["improved"].withheld is Withheld.UNKNOWN
    nobody = dose(guarded([]), ALL, [])
    assert {cell.withheld for each in nobody.rows for cell in each.cells} == {Withheld.UNKNOWN}


def test_a_share_of_none_or_all_has_no_interval() -> None:
    firsts = [First(YEAR, None, 2, Event.IMPROVED, 9)]
    found = cells(dose(guarded(firsts), ALL, firsts), "3")["improved"]
    # At session 3 nobody is followed any more.
    assert found.withheld is Withheld.UNKNOWN
    at_three = [First(YEAR, None, 3, Event.IMPROVED, 9)]
    found = cells(dose(guarded(at_three), ALL, at_three), "3")["improved"]
    assert (found.value, found.low) == (1.0, None)


def test_small_counts_have_no_curve() -> None:
    few = [First(YEAR, None, 4, Event.IMPROVED, 5)]
    assert {cell for each in dose(guarded(few, 8), ALL, few).rows for cell in each.cells} == {HIDDEN}
    # Thirty improve by session 3 and nine leave at 5; three improve at 15: those are not told.
    some = [
        First(YEAR, None, 3, Event.IMPROVED, 30),
        First(YEAR, None, 5, Event.DROPPED_OUT, 9),
        First(YEAR, None, 15, Event.IMPROVED, 3),
    ]
    table = dose(guarded(some, 8), ALL, some)
    for each in table.rows:
        assert each.cells[0].value not in range(1, 8), "three are left from session 5 on"


def test_guarded_curves_are_told_of_rounded_counts_alone() -> None:
    firsts = [First(YEAR, None, 2, Event.IMPROVED, 21), First(YEAR, None, 9, Event.ENDED, 41)]
    found = cells(dose(guarded(firsts, 8), ALL, firsts), "3")
    # 21 of 62 is told as 20 of 60. Nobody was followed for less, so that its error is that of 62 persons, told as 60.
    improved, interval = found["improved"], wilson(20, 60)
    assert interval is not None
    assert (improved.value, improved.of, found["at_risk"].value) == (20 / 60, 60, 40)
    assert (improved.low, improved.high) == pytest.approx((interval.lower, interval.upper))


def test_a_guarded_interval_is_of_as_many_as_the_curve_is_worth() -> None:
    """20 of 61 improve at session 1, 20 are followed no longer than to 2, and of the 21 left 10 improve at 3.

    By session 3: 20/61 + 41/61 * 10/21 = .64793, and .64793 * 61 = 39.5 is told as 40 of 60. Greenwood's variance is
    (41/61 * 11/21)^2 * (20 / (61 * 41) + 10 / (21 * 11)) = .0063571, that of .64793 * .35207 / .0063571 = 35.9 persons:
    the interval is Wilson's of 2/3 of 35, (2/3 + z^2 / 70 -+ z sqrt(2/9 / 35 + z^2 / 4900)) / (1 + z^2 / 35).
    """
    firsts = [
        First(YEAR, None, 1, Event.IMPROVED, 20),
        First(YEAR, None, 2, Event.ENDED, 20),
        First(YEAR, None, 3, Event.IMPROVED, 10),
        First(YEAR, None, 9, Event.ENDED, 11),
    ]
    improved = cells(dose(guarded(firsts, 8), ALL, firsts), "3")["improved"]
    assert (improved.value, improved.of) == (40 / 60, 60)
    assert (improved.low, improved.high) == pytest.approx((0.50102, 0.79935), abs=1e-5)


def test_responders_by_hand() -> None:
    table = responders(guarded(FIRSTS), ALL)
    # Sessions 1 to 3: 10; 4 to 6: 6 + 5; from 7 on: 4 + 2; without: 5 + 8.
    counts = {each.key: values(table, each.key)["count"] for each in table.rows}
    assert counts == {"early": 10, "linear": 11, "late": 6, "none": 13}
    assert values(table, "late")["share"] == 6 / 40
    hidden = responders(guarded([First(YEAR, None, 4, Event.IMPROVED, 5)], 8), ALL)
    assert {cell for each in hidden.rows for cell in each.cells} <= {HIDDEN} | {
        each.cells[0] for each in hidden.rows if each.cells[0].value == 0
    }


@pytest.mark.parametrize("seed", range(12))
def test_rounded_responders_are_never_less_than_nobody(seed: int) -> None:
    random = np.random.default_rng(seed)
    firsts = [First(YEAR, None, int(s), int(e), int(n)) for s, e, n in random.integers((1, 0, 8), (60, 3, 14), (6, 3))]
    for each in responders(guarded(firsts, 8), ALL).rows:
        assert each.cells[0].value is None or each.cells[0].value >= 0  # type: ignore[operator]


def test_strata_are_told_at_the_marks() -> None:
    axes = Axes(("a",), (YEAR,), ("1", "2"))
    firsts = {"1": [First(YEAR, "1", 2, Event.IMPROVED, 4), First(YEAR, "1", 60, Event.ENDED, 4)]}
    where = {each: Where(IN_YEAR, None, each, any_value=False) for each in axes.values if each}
    table = dose_by("dose_by_third", guarded(firsts["1"], axes=axes), where, firsts)
    assert [each.key for each in table.rows] == [f"{stratum}:{mark}" for stratum in "12" for mark in MARKS]
    assert values(table, "1:3") == {"at_risk": 4, "improved": 0.5, "dropped_out": 0.0}
    assert {cell.withheld for cell in row(table, "2:3").cells} == {Withheld.UNKNOWN}


def test_good_enough_by_sessions_attended() -> None:
    axes = Axes(("a",), (YEAR,), ("0", "1", "5", str(len(STEPS))))
    reached = [
        Reached(YEAR, "a", 0, True, 12),
        Reached(YEAR, "a", 0, False, 8),
        Reached(YEAR, "a", 5, True, 5),
        Reached(YEAR, "a", len(STEPS), False, 3),
    ]
    table = good_enough(guarded_levels(axes, reached, 1), IN_YEAR, None)
    assert [each.key for each in table.rows] == ["1-3", "15-20", "53+"], "nobody had 4 to 6, and no row says so"
    assert values(table, "1-3") == {"count": 20, "good_enough": 0.6}
    assert values(table, "15-20") == {"count": 5, "good_enough": 1.0}
    assert values(table, "53+") == {"count": 3, "good_enough": 0.0}
    hidden = good_enough(guarded_levels(axes, reached, 8), Period(YEAR), "a")
    assert row(hidden, "53+").cells == (HIDDEN, HIDDEN)

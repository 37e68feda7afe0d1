"""For whom: thirds, dimensions, funnels and therapists of small organisations."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reports.casemix import by_dimension, funnel, single_values, therapists, third, thirds
from app.reports.cohort import Dimension, OfTherapist, Started
from app.reports.document import Withheld
from app.reports.guarded import HIDDEN, Where
from app.scales.change import Better
from tests.reports.made_up import (
    ALL,
    IMPROVED_CASE,
    IN_YEAR,
    RECOVERED,
    UNCHANGED_CASE,
    WORSE_CASE,
    YEAR,
    cells,
    measured,
    row,
    started,
    tabulated,
    values,
)

counts_of_scores = st.dictionaries(st.one_of(st.none(), st.integers(0, 27).map(float)), st.integers(1, 40), max_size=28)


def test_thirds_of_whole_scores() -> None:
    # 4 of 12 have 3 or less; 8 have 9 or less.
    cuts = thirds({3.0: 4, 6.0: 1, 9.0: 3, 20.0: 4, None: 100})
    assert cuts == (3.0, 9.0)
    assert [third(score, cuts) for score in (0.0, 3.0, 3.5, 9.0, 20.0, None)] == [1, 1, 2, 2, 3, 1]
    # All alike are all in the first; of two scores with two thirds at the lower one there is no middle.
    assert thirds({5.0: 30}) == (5.0, 5.0)
    assert thirds({5.0: 20, 8.0: 10}) == (5.0, 5.0)
    assert thirds({None: 3}) == thirds({}) == (0.0, 0.0)


@given(counts_of_scores)
def test_the_lower_thirds_are_the_smallest_that_hold_enough(counts: dict[float | None, int]) -> None:
    persons = sorted(score for score, count in counts.items() if score is not None for _ in range(count))
    cuts = thirds(counts)
    for number, cut in enumerate(cuts, start=1):
        if persons:
            assert sum(each <= cut for each in persons) * 3 >= len(persons) * number
            assert sum(each < cut for each in persons) * 3 < len(persons) * number


COURSES = [
    measured(RECOVERED, 6, value="f"),
    measured(WORSE_CASE, 4, value="f"),
    measured(UNCHANGED_CASE, 5, value="m"),
]
BEGUN = [Started(YEAR, "a", "f", 2, 12), Started(YEAR, "a", "m", 1, 3), Started(YEAR, "a", "m", 2, 5)]


def test_outcomes_by_a_dimension() -> None:
    found = tabulated(BEGUN, [*COURSES, measured(UNCHANGED_CASE, 1, value=None)])
    where = single_values(("f", "m", None), IN_YEAR, "a")
    assert list(where) == ["f", "m", "unknown"]
    table = by_dimension(Dimension.SEX, found, where, {"f": "women"})
    assert (table.key, table.rows[0].label, table.rows[1].label) == ("by_sex", "women", None)
    assert values(table, "f") == {
        "ended": 12,
        "paired": 10,
        "reliable_improvement": 0.6,
        "recovery": 0.6,
        "reliable_recovery": 0.6,
        "reliable_deterioration": 0.4,
    }
    assert (values(table, "m")["ended"], values(table, "m")["paired"]) == (8, 5)


def test_small_values_are_hidden() -> None:
    found = tabulated(BEGUN, COURSES, 8)
    table = by_dimension(Dimension.SEX, found, single_values(("f", "m"), IN_YEAR, None), {})
    assert set(row(table, "m").cells[1:]) == {HIDDEN}, "five pairs"


# Two services of one stratum: 20 of 40 and 30 of 60 improved; a third of few.
SERVICES = {"a": "Bygda", "b": "Byen", "c": "Øya"}
OF_SERVICES = [
    measured(RECOVERED, 20),
    measured(UNCHANGED_CASE, 20),
    measured(IMPROVED_CASE, 24, service="b"),
    measured(UNCHANGED_CASE, 36, service="b"),
]
BEGUN_THERE = [started(2, 40), started(2, 60, service="b")]


def test_the_funnel_by_hand() -> None:
    found = tabulated(BEGUN_THERE, OF_SERVICES, services=list(SERVICES))
    table = funnel(found, IN_YEAR, OF_SERVICES, SERVICES)
    assert [each.label for each in table.rows] == list(SERVICES.values())
    # All together 44 of 100; around it 1.96 sqrt(.44 x .56 / n).
    for service, n, improved in (("a", 40, 20), ("b", 60, 24)):
        figures = values(table, service)
        assert (figures["count"], figures["share"]) == (n, improved / n)
        assert figures["expected"] == pytest.approx(0.44)
        assert figures["upper_95"] == pytest.approx(0.44 + 1.96 * sqrt(0.44 * 0.56 / n))
    assert [note.code for note in table.notes] == ["case_mix"]
    assert cells(table, "c")["count"].value == 0
    assert {cell.withheld for cell in row(table, "c").cells[1:]} == {Withheld.UNKNOWN}


def test_case_mix_is_taken_into_account() -> None:
    # The light cases improve in 30 of 40, the severe in 10 of 40; a has more light ones, b more severe ones.
    cohort = [
        *(measured(RECOVERED, n, service=s, baseline=12.0) for s, n in (("a", 24), ("b", 6))),
        *(measured(UNCHANGED_CASE, n, service=s, baseline=12.0) for s, n in (("a", 6), ("b", 4))),
        *(measured(RECOVERED, n, service=s, baseline=22.0) for s, n in (("a", 2), ("b", 8))),
        *(measured(UNCHANGED_CASE, n, service=s, baseline=22.0) for s, n in (("a", 8), ("b", 22))),
    ]
    found = tabulated([started(2, 40), started(2, 40, service="b")], cohort)
    table = funnel(found, IN_YEAR, cohort, {"a": "A", "b": "B"})
    # Expected of a: (30 x .75 + 10 x .25) / 40 = .625; of b: (10 x .75 + 30 x .25) / 40 = .375.
    assert [values(table, each)["expected"] for each in "ab"] == pytest.approx([0.625, 0.375])


def test_more_dispersion_than_chance_is_noted() -> None:
    cohort = [
        measured(kind, n, service=service)
        for service, better in zip("abcdefghij", (5, 95, 20, 80, 10, 90, 30, 70, 5, 95), strict=True)
        for kind, n in ((RECOVERED, better), (UNCHANGED_CASE, 100 - better))
    ]
    names = {each: each for each in "abcdefghij"}
    table = funnel(tabulated([started(2, 100, service=each) for each in names], cohort), IN_YEAR, cohort, names)
    assert [note.code for note in table.notes] == ["case_mix", "over_dispersion"]
    assert table.notes[1].evidence["phi"] > 1  # type: ignore[operator]


def test_the_funnel_does_not_tell_the_share_of_all_where_it_is_hidden() -> None:
    # 43 of 48 improved, so that five did not, of which nothing may follow: hidden for all, it is expected of none.
    cohort = [measured(RECOVERED, 43), measured(UNCHANGED_CASE, 5)]
    found = tabulated([started(2, 48)], cohort, 8, services=["a", "b"])
    whole, _ = found.outcome(ALL, "reliable_improvement")
    assert whole is None
    table = funnel(found, IN_YEAR, cohort, {"a": "A", "b": "B"})
    assert {cell.value for cell in row(table, "a").cells[2:]} == {None}


def test_the_funnel_of_nobody_and_of_no_criterion() -> None:
    nobody = funnel(tabulated([], [], services=["a"]), IN_YEAR, [], {"a": "A"})
    assert {cell.withheld for cell in nobody.rows[0].cells[1:]} == {Withheld.UNKNOWN}
    unknown = [measured((True, None, None, None), 30)]
    table = funnel(tabulated([started(2, 30)], unknown), IN_YEAR, unknown, {"a": "A"})
    assert {cell.withheld for cell in table.rows[0].cells} == {Withheld.UNKNOWN}


def sums(therapist: str, pairs: list[tuple[float, float]], year: int = YEAR) -> OfTherapist:
    first, last = ([each[place] for each in pairs] for place in (0, 1))
    return OfTherapist(
        year,
        therapist,
        len(pairs),
        sum(first),
        sum(last),
        sum(each**2 for each in first),
        sum(each**2 for each in last),
        sum(x * y for x, y in pairs),
    )


LIGHT = [(12.0, 6.0), (16.0, 8.0), (20.0, 12.0), (18.0, 7.0)] * 10
HEAVY = [(12.0, 11.0), (16.0, 14.0), (20.0, 19.0), (18.0, 14.0)] * 10
MIDDLE = [(12.0, 8.0), (16.0, 12.0), (20.0, 14.0), (18.0, 11.0)] * 10


def of_therapists(paired: dict[str, int], threshold: int = 1, *, kind: tuple[bool, int | None, bool, bool] = RECOVERED):  # type: ignore[no-untyped-def]
    begun = [Started(YEAR, "a", name, 2, n) for name, n in paired.items()]
    return tabulated(begun, [measured(kind, n, value=name) for name, n in paired.items()], threshold)


def test_therapists_stand_in_the_order_of_their_names_with_intervals() -> None:
    found = of_therapists({"t1": 40, "t2": 40, "t3": 40})
    two_years = [sums("t1", LIGHT[:20], YEAR - 1), sums("t1", LIGHT[20:]), sums("t2", HEAVY), sums("t3", MIDDLE)]
    names = {"t1": "Åse", "t2": "Bo", "t3": "Ada"}
    table = therapists(found, IN_YEAR, two_years, Better.LOWER, names)
    assert [each.label for each in table.rows] == ["Ada", "Bo", "Åse"]
    estimates = {each.key: each.cells[1] for each in table.rows}
    assert estimates["t1"].value > 0 > estimates["t2"].value  # type: ignore[operator]
    for cell in estimates.values():
        assert cell.of == 40
        assert cell.low < cell.value < cell.high  # type: ignore[operator]
    assert table.notes[0].code == "no_ranking"
    assert therapists(found, IN_YEAR, [sums("t1", LIGHT), *two_years[2:]], Better.LOWER, names).rows == table.rows
    turned = therapists(found, IN_YEAR, two_years, Better.HIGHER, names)
    assert turned.rows[2].cells[1].value == pytest.approx(-estimates["t1"].value)  # type: ignore[operator]


def test_therapists_between_whom_there_is_no_difference_have_no_estimates() -> None:
    found = of_therapists({"t1": 40, "t2": 40})
    table = therapists(found, IN_YEAR, [sums("t1", MIDDLE), sums("t2", MIDDLE)], Better.LOWER, {"t1": "A", "t2": "B"})
    assert {each.cells[1].withheld for each in table.rows} == {Withheld.UNRELIABLE}
    assert table.notes[0].code == "no_difference_found"


def test_few_are_hidden_and_without_scores_nothing_is_known() -> None:
    found = of_therapists({"t1": 40, "t2": 3}, 8)
    table = therapists(found, IN_YEAR, [sums("t1", LIGHT), sums("t2", HEAVY[:3])], Better.LOWER, {"t1": "A", "t2": "B"})
    assert row(table, "t2").cells == (HIDDEN, HIDDEN)
    none = therapists(of_therapists({"t1": 40}), IN_YEAR, [], Better.LOWER, {"t1": "A"})
    assert none.rows[0].cells[1].withheld is Withheld.UNKNOWN


def test_therapists_need_no_reliable_change() -> None:
    found = of_therapists({"t1": 40, "t2": 40, "t3": 40}, kind=(True, None, True, False))
    cohort = [sums("t1", LIGHT), sums("t2", HEAVY), sums("t3", MIDDLE)]
    table = therapists(found, IN_YEAR, cohort, Better.LOWER, {"t1": "A"})
    assert table.rows[0].cells[0].value == 40
    assert table.rows[0].cells[1].value is not None


def test_a_year_of_a_service_is_not_another() -> None:
    found = tabulated(BEGUN_THERE, OF_SERVICES)
    assert found.outcome(Where(IN_YEAR, "a"), "reliable_improvement") == (20, 40)
    assert found.outcome(replace(ALL, service="b"), "reliable_improvement") == (24, 60)

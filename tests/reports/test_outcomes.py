"""Outcomes of a small service, counted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import mean, stdev

import numpy as np
import pytest

from app.errors import MalformedBody
from app.reports.cohort import Measured, Period, Started
from app.reports.comparison import Modelled
from app.reports.document import Cell, Column, Kind, Row, Table, Withheld
from app.reports.guarded import HIDDEN, Where, share
from app.reports.outcomes import OUTCOMES, Tabulated, denominators, effects, outcomes, section
from app.reports.tabulation import PARTS, Axes, Part, Stage, parts
from app.scales.change import Better, ChangeCriteria
from tests.reports.made_up import (
    ALL,
    BELOW_ONLY,
    FIRST_BELOW,
    FIRST_CASE,
    IMPROVED_BELOW,
    IMPROVED_CASE,
    RECOVERED,
    UNCHANGED_BELOW,
    UNCHANGED_CASE,
    WORSE_BELOW,
    WORSE_CASE,
    YEAR,
    Course,
    cells,
    measured,
    pair,
    started,
    tabulated,
    value_of,
    values,
)

PHQ_9 = ChangeCriteria(0, 27, cutoff=10, reliable_change=6)

# 60 referred: 5 never came, 9 came once, 46 came twice or more. Of these 6 were never measured, 10 once (7 as cases),
# 30 twice: 22 cases, of whom 8 recovered reliably, 2 only came below the cut-off, 5 improved, 5 did not, 2 got worse;
# and 8 who were none, of whom 3 improved, 4 did not, 1 got worse.
BEGUN = [started(0, 5), started(1, 9), started(2, 46)]
COURSES = [
    measured(FIRST_CASE, 7),
    measured(FIRST_BELOW, 3),
    measured(RECOVERED, 8),
    measured(BELOW_ONLY, 2),
    measured(IMPROVED_CASE, 5),
    measured(UNCHANGED_CASE, 5),
    measured(WORSE_CASE, 2),
    measured(IMPROVED_BELOW, 3),
    measured(UNCHANGED_BELOW, 4),
    measured(WORSE_BELOW, 1),
    measured(RECOVERED, 4, sessions=1),  # one session: no course of help, and in none of the figures
]
SERVICE = tabulated(BEGUN, COURSES)


def test_the_flow_of_denominators() -> None:
    table = denominators(SERVICE, ALL)
    assert {each.key: values(table, each.key) for each in table.rows} == {
        "referred": {"count": 60, "share_of_previous": None},
        "started": {"count": 55, "share_of_previous": 55 / 60},
        "two_sessions": {"count": 46, "share_of_previous": 46 / 55},
        "paired": {"count": 30, "share_of_previous": 30 / 46},
        "cases": {"count": 22, "share_of_previous": 22 / 30},
        "single_session": {"count": 9, "share_of_previous": 9 / 55},
    }


# Carried forward: of the 40 with a first score (29 cases) those without a later one have not changed.
# Lowest and highest: none or all of the 16 without a pair (46 - 30); of the cases 7 (29 - 22).
BY_HAND = {
    "reliable_improvement": (16, 16 / 30, 16 / 40, (16 + 2) / 40, 16 / 46, 32 / 46),
    "recovery": (10, 10 / 22, 10 / 29, (10 + 1.5) / 29, 10 / 29, 17 / 29),
    "reliable_recovery": (8, 8 / 22, 8 / 29, (8 + 1) / 29, 8 / 29, 15 / 29),
    "no_reliable_change": (11, 11 / 30, 21 / 40, (11 + 10 - 2 - 0.5) / 40, 11 / 46, 27 / 46),
    "reliable_deterioration": (3, 3 / 30, 3 / 40, (3 + 0.5) / 40, 3 / 46, 19 / 46),
}
COLUMNS = ("count", "share", "carried_forward", "modelled", "lowest", "highest")


def test_outcomes_and_what_other_rules_make_of_them() -> None:
    table = outcomes(SERVICE, ALL, Modelled(improved=2, deteriorated=0.5, recovered=1.5, reliably_recovered=1))
    for name, figures in BY_HAND.items():
        assert list(values(table, name)) == list(COLUMNS)
        assert list(values(table, name).values()) == pytest.approx(figures), name
    assert sum(values(table, name)["modelled"] for name in BY_HAND if "recovery" not in name) == pytest.approx(1)  # type: ignore[misc]


def test_each_share_says_of_how_many() -> None:
    table = outcomes(SERVICE, ALL, None)
    of = {name: tuple(cell.of for cell in cells(table, name).values()) for name, _ in OUTCOMES}
    assert of["reliable_improvement"] == (None, 30, 40, None, 46, 46)
    assert of["recovery"] == (None, 22, 29, None, 29, 29)
    assert cells(table, "recovery")["modelled"].withheld is Withheld.UNKNOWN, "there is no model"


def test_parts_are_those_of_a_slow_count() -> None:
    # One row for each person, each with a stage of its own; what is left of those with two sessions is unmeasured.
    axes = Axes.of(BEGUN, COURSES, Period(YEAR, 3), ["b"], value_of)
    assert (axes.services, axes.years, axes.values) == (("a", "b"), (2025,), (None,)), "whatever is asked for"
    table = parts(axes, BEGUN, COURSES, value_of)
    assert table.shape == (2, 1, 1, len(PARTS))
    assert table.sum() == 60
    found = dict(zip(PARTS, table[0, 0, 0].tolist(), strict=True))
    assert [found[Part(stage)] for stage in list(Stage)[:5]] == [5, 9, 6, 3, 7]
    assert not table[1].any()


def test_years_without_a_closed_episode_are_nobody_and_add_nothing() -> None:
    axes = Axes.of(BEGUN, COURSES, Period(YEAR), ["a"], value_of)
    found = Tabulated.of(axes, BEGUN, COURSES, value_of, 1)
    counts = {
        (last, years): found.stages.count(Where(Period(last, years)), "referred")
        for last, years in ((YEAR, 1), (YEAR, 3), (YEAR + 2, 3), (YEAR + 3, 3), (YEAR - 1, 1), (2199, 1))
    }
    assert list(counts.values()) == [60, 60, 60, 0, 0, 0]


def test_nobody_has_no_outcomes_and_no_axis_is_empty() -> None:
    nobody = tabulated([], [], services=["a"])
    assert Axes.of([], [], Period(YEAR), [], value_of) == Axes((), (YEAR,), (None,))
    assert values(denominators(nobody, ALL), "referred")["count"] == 0
    table = outcomes(nobody, ALL, Modelled(0, 0, 0, 0))
    for name, _ in OUTCOMES:
        count, *shares = cells(table, name).values()
        assert count.value == 0
        assert all(each.withheld is Withheld.UNKNOWN for each in shares)


def test_one_person_alone() -> None:
    one = tabulated([started(2, 1)], [measured(RECOVERED, 1)])
    assert values(outcomes(one, ALL, None), "reliable_recovery") == dict(
        zip(COLUMNS, (1, 1.0, 1.0, None, 1.0, 1.0), strict=True)
    )
    hidden = tabulated([started(2, 1)], [measured(RECOVERED, 1)], 8)
    assert all(cell == HIDDEN for cell in cells(outcomes(hidden, ALL, Modelled(0, 0, 0, 0)), "recovery").values())
    assert cells(denominators(hidden, ALL), "started") == {"count": HIDDEN, "share_of_previous": HIDDEN}


def test_without_a_cutoff_cases_are_unknown_and_not_none() -> None:
    found = tabulated([started(2, 20)], [measured((True, 1, None, None), 20)])
    assert cells(denominators(found, ALL), "cases")["count"].withheld is Withheld.UNKNOWN
    table = outcomes(found, ALL, None)
    assert values(table, "reliable_improvement")["count"] == 20
    for name in ("recovery", "reliable_recovery"):
        assert {cell.withheld for cell in cells(table, name).values()} == {Withheld.UNKNOWN}


def test_without_a_reliable_change_recovery_is_known_alone() -> None:
    found = tabulated(
        [started(2, 20)], [measured((True, None, True, False), 12), measured((True, None, True, True), 8)]
    )
    table = outcomes(found, ALL, None)
    assert values(table, "recovery")["share"] == 0.6
    for name in ("reliable_improvement", "reliable_recovery", "no_reliable_change", "reliable_deterioration"):
        assert {cell.withheld for cell in cells(table, name).values()} == {Withheld.UNKNOWN}


def test_years_services_and_values_are_told_apart() -> None:
    begun = [started(2, 10), started(2, 20, service="b"), started(2, 30, year=YEAR - 1)]
    found = tabulated(begun, [], period=Period(YEAR, 3))
    counts = {
        (service, years): found.stages.count(Where(Period(YEAR, years), service), "two_sessions")
        for service in ("a", "b", None)
        for years in (1, 3)
    }
    assert counts == {("a", 1): 10, ("a", 3): 40, ("b", 1): 20, ("b", 3): 20, (None, 1): 30, (None, 3): 60}
    by_value = [Started(YEAR, "a", value, 2, n) for value, n in (("f", 3), ("m", 4), (None, 5))]
    axes = Axes.of(by_value, [], Period(YEAR), [], value_of)
    assert axes.values == ("f", "m", None), "those of whom it is not known come last"
    told = Tabulated.of(axes, by_value, [], value_of, 1).stages
    assert [told.count(replace(ALL, value=v, any_value=False), "referred") for v in axes.values] == [3, 4, 5]
    assert told.count(ALL, "referred") == 12


@pytest.mark.parametrize("wrong", [{"last_year": 2025, "years": 2}, {"last_year": 1999}, {"last_year": 10000}])
def test_there_are_no_other_periods(wrong: dict[str, int]) -> None:
    with pytest.raises(MalformedBody):
        Period(**wrong)


def test_a_period_holds_its_years() -> None:
    assert [year for year in range(2020, 2030) if Period(2025, 3).holds(year)] == [2023, 2024, 2025]


def test_a_share_of_hidden_numbers_is_hidden() -> None:
    assert share(None, 20) == share(12, None) == HIDDEN


def both(scores: Sequence[tuple[float, float]], criteria: ChangeCriteria, kind: Course) -> Table:
    found = tabulated([started(2, len(scores))], [measured(kind, len(scores))])
    pairs = [pair(*each) for each in scores]
    return effects(found, ALL, pairs, pairs, criteria)


SCORES = [(20, 12), (16, 14), (12, 4), (18, 12)]


def test_the_size_of_the_change_by_hand() -> None:
    # Before 20 16 12 18: mean 66/4 = 16.5, squares 12.25 + .25 + 20.25 + 2.25 = 35, sd sqrt(35/3) = 3.4157.
    # After 12 14 4 12: mean 42/4 = 10.5. The effect is 6 / 3.4157 = 1.7566.
    table = both(SCORES, PHQ_9, RECOVERED)
    found = cells(table, "pre_post")
    assert [found[each].value for each in ("count", "mean_before", "mean_after")] == [4, 16.5, 10.5]
    assert found["sd_before"].value == pytest.approx(3.4157, abs=1e-4)
    assert found["effect"].value == pytest.approx(1.7566, abs=1e-4)
    assert found["effect"].low is not None
    assert found["effect"].low < 1.7566 < found["effect"].high  # type: ignore[operator]
    # All are cases, and all the cases there are: the residuals come to 0, and it is 6 / sd.
    adjusted = cells(table, "severity_adjusted")
    assert adjusted["count"].value == 4
    assert adjusted["effect"].value == pytest.approx(1.7566, abs=1e-4)
    plain = [adjusted[each].withheld for each in ("mean_before", "mean_after", "sd_before")]
    assert plain == [Withheld.DOES_NOT_APPLY] * 3


def test_the_effect_is_positive_when_better_where_higher_is_better() -> None:
    ors = ChangeCriteria(0, 40, Better.HIGHER, cutoff=25, reliable_change=5)
    turned = [(after, before) for before, after in SCORES]  # 12 14 4 12 to 20 16 12 18
    found = cells(both(turned, ors, IMPROVED_CASE), "pre_post")
    sd = stdev([12, 14, 4, 12])
    assert found["effect"].value == pytest.approx((mean([20, 16, 12, 18]) - 10.5) / sd)


def test_of_one_person_there_is_no_spread_and_of_nobody_nothing() -> None:
    found = cells(both([(20, 12)], PHQ_9, RECOVERED), "pre_post")
    assert (found["count"].value, found["mean_before"].value) == (1, 20)
    assert found["sd_before"].withheld is found["effect"].withheld is Withheld.UNKNOWN
    nobody = effects(tabulated([], [], services=["a"]), ALL, [], [], PHQ_9)
    assert cells(nobody, "pre_post")["count"].value == 0
    assert cells(nobody, "severity_adjusted")["effect"].withheld is Withheld.UNKNOWN


def test_hidden_counts_have_no_means() -> None:
    few = tabulated([started(2, 3)], [measured(RECOVERED, 3)], 8)
    table = effects(few, ALL, [pair(20, 12, 3)], [pair(20, 12, 3)], PHQ_9)
    for each in table.rows:
        assert not any(cell.value for cell in each.cells)
        assert each.cells[0] == each.cells[-1] == HIDDEN


def test_effects_need_no_reliable_change() -> None:
    found = tabulated([started(2, 4)], [measured((True, None, True, False), 4)])
    pairs = [pair(*each) for each in SCORES]
    assert (
        cells(effects(found, ALL, pairs, pairs, replace(PHQ_9, reliable_change=None)), "pre_post")["count"].value == 4
    )


def test_tables_are_put_together() -> None:
    table = denominators(SERVICE, ALL)
    assert section([table]).tables == (table,)


def test_a_cell_holds_a_value_or_says_why_not() -> None:
    for wrong in (
        {},
        {"value": 1, "withheld": Withheld.UNKNOWN},
        {"withheld": Withheld.UNKNOWN, "of": 3},
        {"value": 0.5, "low": 0.1},
    ):
        with pytest.raises(AssertionError):
            Cell(**wrong)
    with pytest.raises(AssertionError):
        Table("x", (Column("a", Kind.COUNT),), (Row("b", ()),))


def test_a_random_service_is_as_a_loop_over_persons_counts_it() -> None:
    random = np.random.default_rng(7)
    kinds = (RECOVERED, BELOW_ONLY, IMPROVED_CASE, UNCHANGED_CASE, WORSE_CASE, IMPROVED_BELOW, FIRST_CASE, FIRST_BELOW)
    persons: list[Measured] = [
        measured(
            kinds[random.integers(len(kinds))], 1, service="abc"[random.integers(3)], sessions=int(random.integers(3))
        )
        for _ in range(300)
    ]
    begun = [started(int(each.sessions), 1, service=each.service) for each in persons]
    found = tabulated(begun, persons)
    for service in ("a", "b", "c", None):
        own = [each for each in persons if service in (None, each.service) and each.sessions == 2 and each.paired]
        cases = [each for each in own if each.case_at_start]
        where = replace(ALL, service=service)
        assert found.outcome(where, "reliable_improvement") == (sum(e.change == 1 for e in own), len(own))
        assert found.outcome(where, "recovery") == (sum(not e.case_at_end for e in cases), len(cases))
        both_of_them = sum(e.change == 1 and not e.case_at_end for e in cases)
        assert found.outcome(where, "reliable_recovery") == (both_of_them, len(cases))


def test_small_organisations_can_be_guarded_at_all() -> None:
    # All of one kind, so that one stage of the flow has nobody; each must have its place in the table all the same.
    for kind in (RECOVERED, FIRST_CASE):
        assert tabulated([started(2, 3)], [measured(kind, 3)], 8).stages.count(ALL, "referred") is None
        assert tabulated([started(2, 30)], [measured(kind, 30)], 8).stages.count(ALL, "referred") == 30


def test_what_was_guarded_before_is_kept_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.reports.guarded._ROOM", 1)
    for episodes in (20, 30, 20):
        found = tabulated([started(2, episodes)], [measured(RECOVERED, episodes)], 8)
        assert found.stages.count(ALL, "paired") == episodes

"""Differences by hand for four persons, model-based ends in a slow loop, and where published results may stand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from app.reports.cohort import Unpaired
from app.reports.compared import compared, published
from app.reports.comparison import (
    Difference,
    Missing,
    by_curve,
    by_nature,
    difference,
    modelled,
    natural_comparators,
    published_results,
)
from app.reports.document import Withheld
from app.reports.guarded import HIDDEN
from app.reports.summary import COMPOSITE
from app.scales.change import Better, ChangeCriteria
from app.trajectories.growth import GrowthCurve, default_curve
from app.trajectories.prediction import FloatArray
from tests.reports.made_up import (
    ALL,
    FIRST_BELOW,
    FIRST_CASE,
    IMPROVED_CASE,
    RECOVERED,
    YEAR,
    cells,
    lasting,
    measured,
    row,
    started,
    tabulated,
    values,
)

PHQ_9 = ChangeCriteria(0, 27, cutoff=10, reliable_change=6)
ORS = ChangeCriteria(0, 40, Better.HIGHER, cutoff=25, reliable_change=5)


def curve() -> GrowthCurve:
    found = default_curve("phq-9")
    assert found is not None
    return found


def three_less(baseline: float, doses: FloatArray, weeks: FloatArray) -> FloatArray:
    return np.full(doses.shape, baseline - 3.0)


FOUR = [lasting(20, 12), lasting(16, 14), lasting(12, 4), lasting(18, 12)]


def found_of(one: Difference | None) -> Difference:
    assert one is not None
    return one


def test_four_persons_by_hand() -> None:
    # They fell by 8, 2, 8, 6: mean 6. Expected are 3: the differences are 5, -1, 5, 3 of mean 3, with squares
    # 4 + 16 + 4 + 0 = 24; s = sqrt(24 / 3) = 2.8284, s / sqrt(4) = 1.4142, and 1.96 of them are 2.7718.
    found = found_of(difference(FOUR, PHQ_9, three_less))
    assert (found.persons, found.observed, found.expected) == (4, 6.0, 3.0)
    assert found.difference.estimate == 3.0
    assert found.difference.standard_error == pytest.approx(math.sqrt(2))
    assert found.difference.lower == pytest.approx(3 - 2.7718, abs=1e-4)
    assert found.difference.upper == pytest.approx(3 + 2.7718, abs=1e-4)


def test_counted_cells_are_persons() -> None:
    alike = [lasting(20, 12, 3), lasting(16, 14, 2)]
    apart = [lasting(20, 12)] * 3 + [lasting(16, 14)] * 2
    one, other = found_of(difference(alike, PHQ_9, three_less)), found_of(difference(apart, PHQ_9, three_less))
    assert one.persons == other.persons == 5
    assert one.difference.lower == pytest.approx(other.difference.lower)


def test_improvement_is_upwards_where_higher_is_better() -> None:
    found = found_of(difference([lasting(20, 28), lasting(20, 24)], ORS, three_less))
    assert (found.observed, found.expected, found.difference.estimate) == (6.0, -3.0, 9.0)


def test_nobody_and_one_person() -> None:
    assert difference([], PHQ_9, three_less) is None
    alone = found_of(difference(FOUR[:1], PHQ_9, three_less))
    assert (alone.persons, alone.difference.estimate) == (1, 5.0)
    assert math.isnan(alone.difference.lower)


def test_the_expected_curve_is_asked_for_each_person() -> None:
    at = [(20.0, 6, 6), (20.0, 12, 20), (9.0, 3, 5)]
    for baseline, dose, weeks in at:
        alone = curve().given([0.0], [0.0], [baseline]).predict([float(dose)], [float(weeks)], 1)
        table = sum(score * (alone.at_most(score) - alone.at_most(score - 1))[0] for score in range(28))
        expected = by_curve(curve())(baseline, np.array([float(dose)]), np.array([float(weeks)]))
        assert expected[0] == pytest.approx(table, abs=1e-6)


def test_the_natural_course_by_hand_and_within_the_scale() -> None:
    [metapsy, *_] = natural_comparators("phq-9")
    expectation = by_nature(metapsy.course, PHQ_9)
    # 15 falls by 2.55 in ten weeks; ln(1 + w / 2) / ln 6 is 1 then. 20 falls by 2.55 + .21 x 5 = 3.60.
    weeks = np.array([10.0, -1.0])
    assert expectation(15.0, weeks, weeks).tolist() == pytest.approx([15 - 2.55, 15.0])
    assert expectation(20.0, weeks, weeks)[0] == pytest.approx(20 - 3.60)
    steep = by_nature(replace(metapsy.course, fall_at_reference=30.0), PHQ_9)
    assert steep(15.0, weeks, weeks)[0] == 0.0


def test_the_two_derived_falls() -> None:
    # From the mean change of the arms at their median week: on ln(1 + w/2) / ln 6, and moved to a first score of 15.
    falls = {each.key: each.course.fall_at_reference for each in natural_comparators("phq-9")}
    assert falls == {"metapsy": 2.55, "wait_list": 2.39, "usual_care": 2.91}
    assert round(1.79 / (math.log(1 + 8 / 2) / math.log(6)) + 0.21 * (15 - 13.1), 2) == falls["wait_list"]
    assert round(3.00 / (math.log(1 + 12 / 2) / math.log(6)) + 0.21 * (15 - 14.3), 2) == falls["usual_care"]


def test_no_natural_course_is_invented() -> None:
    assert natural_comparators("gad-7") == []
    own = natural_comparators("phq-9", 1.5, "our waiting list 2024")[-1]
    assert (own.key, own.course.fall_at_reference, own.source) == ("own", 1.5, "our waiting list 2024")


CELLS = [
    Unpaired(YEAR, 18.0, 4, 7, 3),
    Unpaired(YEAR, 18.0, 9, 14, 2),
    Unpaired(YEAR, 12.0, 2, None, 4),
    Unpaired(YEAR, 7.0, 3, 0, 5),
]


@pytest.mark.parametrize("better", list(Better))
def test_modelled_ends_are_those_of_a_loop_over_persons(better: Better) -> None:
    criteria = replace(PHQ_9, better=better)
    sums = dict.fromkeys(("improved", "deteriorated", "recovered", "reliably_recovered"), 0.0)
    for cell in CELLS:
        for _ in range(cell.episodes):
            days = 7 if cell.interval_days is None else cell.interval_days
            scores = curve().given([0.0], [0.0], [cell.baseline]).predict([cell.dose], [cell.dose * days / 7], 1)
            for score in range(28):
                chance = (scores.at_most(score) - scores.at_most(score - 1))[0]
                change = criteria.improvement(cell.baseline, score)
                well = criteria.is_case(cell.baseline) and not criteria.is_case(score)
                sums["improved"] += chance * (change >= 6)
                sums["deteriorated"] += chance * (change <= -6)
                sums["recovered"] += chance * well
                sums["reliably_recovered"] += chance * (well and change >= 6)
    found = modelled(CELLS, criteria, curve())
    for name, expected in sums.items():
        assert getattr(found, name) == pytest.approx(expected, abs=1e-6), name
    assert 0 < found.improved < 14


def test_without_a_cutoff_nobody_is_modelled_as_recovered() -> None:
    found = modelled(CELLS, replace(PHQ_9, cutoff=None), curve())
    assert (found.recovered, found.reliably_recovered) == (0.0, 0.0)
    assert found.improved > 0
    assert modelled([], PHQ_9, curve()).improved == 0.0


def test_comparisons_are_told_with_what_they_rest_on() -> None:
    cohort = tabulated([started(2, 4)], [measured(RECOVERED, 4)])
    table = compared(cohort, ALL, FOUR, PHQ_9, curve(), natural_comparators("phq-9"))
    assert [each.key for each in table.rows] == [
        "expected",
        "natural_metapsy",
        "natural_wait_list",
        "natural_usual_care",
    ]
    for each in table.rows:
        figures = values(table, each.key)
        assert (figures["count"], figures["observed"]) == (4, 6.0)
        assert figures["difference"] == pytest.approx(6.0 - float(figures["compared"]))  # type: ignore[arg-type]
    assert [note.code for note in table.notes] == ["similar_people", *["natural_source"] * 3]


def test_where_nothing_is_expected_it_is_unknown() -> None:
    cohort = tabulated([started(2, 1)], [measured(RECOVERED, 1)])
    table = compared(cohort, ALL, [lasting(20, 12)], PHQ_9, None, natural_comparators("phq-9"))
    assert {cell.withheld for cell in row(table, "expected").cells} == {Withheld.UNKNOWN}
    assert cells(table, "natural_metapsy")["difference"].low is None, "of one person there is no interval"
    none = compared(cohort, ALL, [], PHQ_9, curve(), [])
    assert {cell.withheld for cell in row(none, "expected").cells} == {Withheld.UNKNOWN}
    assert none.notes[-1].code == "natural_unknown"
    few = tabulated([started(2, 4)], [measured(RECOVERED, 4)], 8)
    hidden = compared(few, ALL, FOUR, PHQ_9, curve(), [])
    assert row(hidden, "expected").cells == (HIDDEN,) * 4


# 40 pairs, of whom 30 cases: 12 recovered reliably and 18 improved only; 10 cases and 8 others without an end.
COURSES = [
    measured(RECOVERED, 12),
    measured(IMPROVED_CASE, 18),
    measured((True, 0, False, False), 10),
    measured(FIRST_CASE, 10),
    measured(FIRST_BELOW, 8),
]


def test_own_shares_stand_beside_published_ones_of_the_same_kind_alone() -> None:
    table = published(tabulated([started(2, 58)], COURSES), ALL, COMPOSITE)
    own = {each.key.removeprefix("published_"): (each.cells[1].value, each.cells[2].value) for each in table.rows}
    assert own == {
        "nhs_2025_04": (12 / 30, "comparable"),
        "nhs_2017_18_recovery": (12 / 30, "comparable"),
        "nhs_2017_18_improvement": (30 / 40, "comparable"),
        "rask_cohort_carried": (12 / 40, "comparable"),
        "rask_cohort_imputed": (None, "other_missing_data_rule"),
        "rask_trial": (None, "other_time_point"),
        "rask_trial_usual_care": (None, "other_time_point"),
    }
    assert pytest.approx(cells(table, "published_nhs_2025_04")["published"].value, abs=5e-4) == 26457 / 54672
    assert all(each.cells[1].withheld is Withheld.NOT_COMPARABLE for each in table.rows[4:])
    other = published(tabulated([started(2, 58)], COURSES), ALL, "phq-9")
    assert {each.cells[2].value for each in other.rows} == {"other_definition"}


def test_another_population_is_refused() -> None:
    [improvement] = [each for each in published_results() if each.key == "nhs_2017_18_improvement"]
    assert improvement.refused_for(COMPOSITE, Missing.LAST_RECORDED) is None
    of_cases = replace(improvement, population="cases")
    assert of_cases.refused_for(COMPOSITE, Missing.LAST_RECORDED) == "other_population"


def test_improvement_carried_forward_is_of_all_with_a_first_score(monkeypatch: pytest.MonkeyPatch) -> None:
    [improvement] = [each for each in published_results() if each.key == "nhs_2017_18_improvement"]
    carried = replace(improvement, missing=Missing.CARRIED_FORWARD)
    monkeypatch.setattr("app.reports.compared.published_results", lambda: (carried,))
    table = published(tabulated([started(2, 58)], COURSES), ALL, COMPOSITE)
    assert table.rows[0].cells[1].value == 30 / 58

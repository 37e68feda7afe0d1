"""The section: every figure in its cell, and no small number in any."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.reports.calibration import BandFigure
from app.reports.document import Cell, Table, Withheld
from app.reports.flags import Crossed, FlagFigures
from app.reports.panel import Panel, is_small, nothing_to_judge, shown, tool_section
from app.reports.predictions import PredictedFigure, PredictedGroup
from app.trajectories.sampling_error import Interval
from tests.reports.panels import a_band, full_panel, predictions

SMALL = Cell(withheld=Withheld.SMALL_NUMBER)
UNKNOWN = Cell(withheld=Withheld.UNKNOWN)


def table(panel: Panel, key: str) -> Table:
    return next(each for each in tool_section(panel).tables if each.key == key)


def row(panel: Panel, key: str, row_key: str) -> dict[str, Cell]:
    found = table(panel, key)
    [cells] = [each.cells for each in found.rows if each.key == row_key]
    return {column.key: cell for column, cell in zip(found.columns, cells, strict=True)}


def test_the_tables_in_their_order() -> None:
    section = tool_section(full_panel())
    keys = ["coverage", "predicted", "calibrated", "flags", "actions", "drift"]
    assert (section.key, [each.key for each in section.tables]) == ("tool", keys)
    assert nothing_to_judge("nothing_predicted").tables == ()


def test_what_is_small() -> None:
    assert [count for count in range(10) if is_small(count)] == [1, 2, 3, 4, 5, 6, 7]
    assert is_small(0, 8, 7)
    assert not is_small()
    assert (shown(0).value, shown(1), shown(7), shown(8).value) == (0, SMALL, SMALL, 8)
    assert shown(0, 0) == UNKNOWN
    assert [shown(*pair) for pair in ((7, 30), (23, 30), (0, 7), (7, 7))] == [SMALL] * 4
    assert (shown(0, 8).value, shown(8, 8).value) == (0.0, 1.0)


def test_a_share_has_its_wilson_interval() -> None:
    """Methods, D1: 23 of 40 is 42 to 72 %, by its formula .4220 to .7149."""
    found = shown(23, 40)
    assert (found.value, found.of) == (0.575, 40)
    assert [found.low, found.high] == pytest.approx([0.4220, 0.7149], abs=5e-5)


def test_coverage() -> None:
    found = row(full_panel(), "coverage", "doses_0_3")
    assert (found["count"].value, found["within"].value, found["expected_within"].value) == (300, 0.85, 0.86)
    fractional = found["fractional"]
    assert (fractional.value, fractional.of) == (0.8, 300)
    assert [fractional.low, fractional.high] == pytest.approx([0.76, 0.84])
    assert len(table(full_panel(), "coverage").rows) == 20


def test_an_unknown_curve_is_said() -> None:
    panel = full_panel()
    assert "curve_unknown" in [note.code for note in table(panel, "coverage").notes]
    known = replace(panel, bands={(0, None): a_band()})
    assert "curve_unknown" not in [note.code for note in table(known, "coverage").notes]
    unknown = replace(panel, bands={(0, None): replace(a_band(known=0), fractional=NOTHING, above=NOTHING)})
    found = row(unknown, "coverage", "doses_0_3")
    assert (found["within"].value, found["fractional"], found["expected_within"]) == (0.85, UNKNOWN, UNKNOWN)


NOTHING = Interval(*[float("nan")] * 4)


def test_an_interval_of_shares_stays_within_0_and_1_and_may_be_missing() -> None:
    wide = replace(a_band(), fractional=Interval(0.95, 0.1, 0.75, 1.15), above=Interval(0.05, 0.1, -0.15, 0.25))
    found = row(replace(full_panel(), bands={(0, None): wide}), "coverage", "doses_0_3")
    assert (found["fractional"].high, found["above"].low) == (1.0, 0.0)
    alone = replace(a_band(), above=Interval(0.5, float("nan"), float("nan"), float("nan")))
    assert row(replace(full_panel(), bands={(0, None): alone}), "coverage", "doses_0_3")["above"] == Cell(0.5, of=300)


def by_third(*thirds: BandFigure) -> Panel:
    whole = a_band(sum(each.count for each in thirds), sum(each.within for each in thirds))
    return replace(full_panel(), bands={(0, None): whole, **{(0, n): each for n, each in enumerate(thirds, 1)}})


def test_a_small_third_withholds_the_others() -> None:
    """100 in all and 50 and 45 in two thirds would tell of 5 in the last."""
    panel = by_third(a_band(50, 40), a_band(45, 35), a_band(5, 5))
    assert row(panel, "coverage", "doses_0_3")["count"].value == 100
    for ending in ("low", "middle", "high"):
        assert set(row(panel, "coverage", f"doses_0_3_{ending}").values()) == {SMALL}


def test_a_third_with_few_outside_withholds_the_shares_of_all() -> None:
    panel = by_third(a_band(50, 40), a_band(45, 35), a_band(30, 25))
    for ending in ("low", "middle", "high"):
        found = row(panel, "coverage", f"doses_0_3_{ending}")
        assert found["within"] == SMALL
        assert found["count"].value
        assert found["fractional"].value == 0.8


def of_groups(*groups: tuple[int, int, float]) -> PredictedFigure:
    return replace(predictions(4), groups=tuple(PredictedGroup(*each) for each in groups))


def test_small_groups_go_with_their_neighbours() -> None:
    """5 of 25 goes with 10 of 25; 20 of 25 tells of 5 and goes back to 12 of 25."""
    panel = replace(full_panel(), predicted={4: of_groups((25, 5, 0.2), (25, 10, 0.4), (25, 12, 0.5), (25, 20, 0.8))})
    rows = [each.cells for each in table(panel, "predicted").rows]
    assert [(cells[1].value, cells[3].value) for cells in rows] == [(50, 15 / 50), (50, 32 / 50)]
    assert [cells[2].value for cells in rows] == [pytest.approx(0.3), pytest.approx(0.65)]
    assert [each.key for each in table(panel, "predicted").rows] == ["4:1", "4:2"]


def test_what_is_small_altogether_is_withheld() -> None:
    panel = replace(full_panel(), predicted={4: of_groups((25, 1, 0.2), (25, 3, 0.4))})
    [(_, count, predicted, observed)] = [each.cells for each in table(panel, "predicted").rows]
    assert (count.value, observed) == (50, SMALL)
    assert predicted.value == pytest.approx(0.3)
    few = replace(full_panel(), predicted={4: of_groups((6, 1, 0.2))})
    [cells] = [each.cells for each in table(few, "predicted").rows]
    assert cells[1:] == (SMALL, SMALL, SMALL)


def test_the_line_of_a_look() -> None:
    found = row(full_panel(), "calibrated", "look_4")
    assert (found["count"].value, found["not_judged"].value, found["carried_forward"].value) == (400, 20, 0.15)
    assert (found["brier"].value, found["slope"].value) == (0.197, 0.88)
    assert found["slope"].low == pytest.approx(0.7)
    assert row(full_panel(), "calibrated", "look_4_at_end")["count"].value == 340


def test_a_look_with_few_who_reached_the_goal_tells_nothing_of_them() -> None:
    few = replace(predictions(4), happened=395)
    found = row(replace(full_panel(), predicted={4: few}, at_end={}), "calibrated", "look_4")
    assert {found[name] for name in ("observed", "brier", "intercept", "slope")} == {SMALL}
    assert found["count"].value == 400
    hardly = replace(predictions(4), count=6, happened=6)
    assert set(row(replace(full_panel(), predicted={4: hardly}), "calibrated", "look_4").values()) == {SMALL}


def test_those_at_the_end_are_withheld_where_few_others_are_left() -> None:
    """400 less 396 would tell of 4 who were carried forward."""
    nearly = replace(predictions(4), count=396, happened=predictions(4).happened)
    found = row(replace(full_panel(), at_end={4: nearly}), "calibrated", "look_4_at_end")
    assert set(found.values()) == {SMALL}


def flags(flag: Crossed, acted: Crossed, not_acted: Crossed, **more: int | None) -> Panel:
    others = {"all_flags": flag.flagged, "acted_in_time": acted.count, "median_days": 9} | more
    return replace(full_panel(), flags=FlagFigures(flag, Crossed(12, 10, 20, 300), acted, not_acted, **others))  # type: ignore[arg-type]


def test_flags() -> None:
    """60 of 100 without improvement were flagged, and 180 of 200 with it were not; 60 of 80 flags were right."""
    found = row(full_panel(), "flags", "flag")
    assert {name: cell.value for name, cell in found.items()} == {
        "count": 300,
        "flagged": 80 / 300,
        "happened": 100 / 300,
        "sensitivity": 0.6,
        "specificity": 0.9,
        "positive_predictive_value": 0.75,
        "negative_predictive_value": 180 / 220,
    }
    acted = row(full_panel(), "flags", "flag_acted")
    assert (acted["count"].value, acted["positive_predictive_value"].value) == (45, 30 / 45)
    assert acted["specificity"] == UNKNOWN
    actions = row(full_panel(), "actions", "flag")
    assert (actions["count"].value, actions["acted_in_time"].value, actions["median_days"].value) == (95, 50 / 95, 9)


def test_one_small_number_of_four_withholds_all_rates() -> None:
    """Three of the four and their sum would tell the last one."""
    panel = flags(Crossed(60, 5, 40, 195), Crossed(30, 0, 0, 0), Crossed(30, 5, 0, 0))
    found = row(panel, "flags", "flag")
    rates = ("sensitivity", "specificity", "positive_predictive_value", "negative_predictive_value")
    assert {found[name] for name in rates} == {SMALL}
    assert (found["count"].value, found["flagged"].value) == (300, 65 / 300)
    split = [row(panel, "flags", key)["positive_predictive_value"] for key in ("flag_acted", "flag_not_acted")]
    assert split == [SMALL, SMALL]


def test_few_who_were_acted_upon_withhold_how_many_were_not() -> None:
    panel = flags(Crossed(60, 20, 40, 180), Crossed(3, 0, 0, 0), Crossed(57, 20, 0, 0))
    assert [row(panel, "flags", key)["count"] for key in ("flag_acted", "flag_not_acted")] == [SMALL, SMALL]
    nobody = flags(Crossed(60, 20, 40, 180), Crossed(0, 0, 0, 0), Crossed(60, 20, 0, 0))
    assert row(nobody, "flags", "flag_acted")["positive_predictive_value"] == UNKNOWN


def test_no_flags_at_all() -> None:
    none = Crossed(0, 0, 0, 0)
    panel = flags(Crossed(0, 0, 40, 60), none, none, median_days=None)
    assert row(panel, "flags", "flag")["positive_predictive_value"] == UNKNOWN
    actions = row(panel, "actions", "flag")
    assert (actions["count"].value, actions["acted_in_time"], actions["median_days"]) == (0, UNKNOWN, UNKNOWN)


def test_actions_on_few_flags_or_few_more_than_those_of_cases() -> None:
    few = flags(Crossed(5, 0, 40, 60), Crossed(5, 0, 0, 0), Crossed(0, 0, 0, 0))
    assert set(row(few, "actions", "flag").values()) == {SMALL}
    more = flags(Crossed(60, 20, 40, 180), Crossed(30, 15, 0, 0), Crossed(30, 5, 0, 0), all_flags=83)
    assert [*row(more, "actions", "flag").values()] == [SMALL, SMALL, Cell(9)]


def test_drift() -> None:
    rows = table(full_panel(), "drift").rows
    assert [each.label for each in rows[:2]] == ["1\N{EN DASH}3/2023", "4\N{EN DASH}6/2023"]
    count, predicted, observed, standardised, high, low, alarm = rows[-1].cells
    assert (count.value, predicted.value, observed.value) == (40, 0.5, 18 / 40)
    assert (standardised.value, high.value, low.value, alarm.value) == (-2.2, 0, -4.3, "drift_less")

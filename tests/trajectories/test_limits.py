"""The targets judge figures that are made by hand, on both sides of each limit."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import pytest

from app.trajectories.composite_check import CompositeRates
from app.trajectories.limits import (
    AHEAD_OF,
    auc_targets,
    band_targets,
    composite_targets,
    flag_target,
    late_targets,
    scenario_targets,
    slope_target,
    state_target,
)
from app.trajectories.scenarios import Scenario
from app.trajectories.trial import Belief
from tests.trajectories.held_out import about
from tests.trajectories.judged_by_hand import a_band, a_risk, a_scenario, some_flags, some_risks, some_states

KNOWN, LEARNT = Belief


class TestBands:
    @pytest.mark.parametrize(
        ("coverage", "above", "met"),
        [
            (0.78, 0.08, (True, True)),
            (0.82, 0.12, (True, True)),
            (0.7799, 0.1201, (False, False)),
            (0.8201, 0.1, (False, True)),
            (nan, nan, (False, False)),
        ],
    )
    def test_one_cell_decides(self, coverage: float, above: float, met: tuple[bool, bool]) -> None:
        found = band_targets(KNOWN, [a_band(), a_band(coverage, above=above), a_band()])
        assert tuple(each.met for each in found) == met

    def test_figures_over_all_doses_are_no_cells(self) -> None:
        covered, _ = band_targets(LEARNT, [a_band(), a_band(0.5, dose=None)])
        assert covered.met
        assert "0.800 to 0.800 in 1 cells" in covered.found

    def test_the_worst_cell_is_named(self) -> None:
        cells = [a_band(0.81), a_band(0.785, look=None, dose=19, third=3), a_band(0.79, above=0.115, look=2, dose=9)]
        covered, above = band_targets(KNOWN, cells)
        assert covered.name == "1 coverage of the 80 % band, parameters known"
        assert covered.asked.startswith("0.78 to 0.82 at each later dose")
        told = "0.785 to 0.810 in 3 cells; worst 0.785 (0.765 to 0.805) one step ahead to dose 19, the highest third"
        assert covered.found == told
        assert above.found == "0.100 to 0.115 in 3 cells; worst 0.115 (0.095 to 0.135) from look 2 to dose 9, everybody"


class TestSlopes:
    @pytest.mark.parametrize(("slope", "met"), [(0.9, True), (1.1, True), (0.899, False), (1.101, False), (nan, False)])
    def test_every_look_decides(self, slope: float, met: bool) -> None:
        found = slope_target(LEARNT, [a_risk(look=3), a_risk(look=4), a_risk(look=7, slope=slope)])
        assert found.met == met
        assert found.asked == "0.90 to 1.10 at looks 3, 4, 7, cases"

    def test_of_the_growth_model_and_everybody(self) -> None:
        others = [a_risk("updated_mixed_model", slope=0.7), a_risk(third=2, slope=2.0)]
        found = slope_target(KNOWN, [a_risk(slope=1.04), *others])
        assert (found.met, found.found) == (True, "look 4: 1.04 (1.02 to 1.06)")


class TestFlags:
    def test_just_enough_of_everything(self) -> None:
        assert flag_target(KNOWN, some_risks()).met

    @pytest.mark.parametrize("name", AHEAD_OF)
    def test_a_rival_that_is_closer(self, name: str) -> None:
        assert not flag_target(KNOWN, some_risks(**{name: AHEAD_OF[name] - 0.001})).met

    def test_a_rival_that_can_not_be_compared(self) -> None:
        """Nothing but the rivals' figures is left out."""
        ours, rival, *others = some_risks()
        assert not flag_target(KNOWN, [ours, replace(rival, flags_behind=None), *others]).met

    def test_too_few_true_ones_or_too_few_cases(self) -> None:
        _, *rivals = some_risks()
        assert not flag_target(KNOWN, [a_risk(ppv=0.739), *rivals]).met
        assert not flag_target(KNOWN, [a_risk(patients=19_999), *rivals]).met
        assert flag_target(KNOWN, [a_risk(ppv=0.74, patients=20_000), *rivals]).met

    def test_only_look_4_counts_and_all_is_told(self) -> None:
        found = flag_target(LEARNT, [a_risk(look=3, ppv=0.1), *some_risks(updated_mixed_model=0.004)])
        assert found.met
        assert found.found.startswith("PPV 0.780 (0.760 to 0.800) of 30,000 cases, base rate 0.350, sensitivity 0.440")
        assert found.found.endswith("0.004 (-0.016 to 0.024) (updated mixed model)")


class TestLateResponders:
    def test_limits(self) -> None:
        assert [each.met for each in late_targets(some_flags())] == [True, True]
        assert [each.met for each in late_targets(some_flags(ranked=0.851))] == [False, True]
        assert [each.met for each in late_targets(some_flags(pending=0.251))] == [True, False]
        assert [each.met for each in late_targets(some_flags(worsening=0.449))] == [True, False]

    def test_the_share_of_all_stands_beside(self) -> None:
        for target in late_targets(some_flags()):
            assert target.found.endswith("of all cases 0.300 and 0.300")

    def test_telling_them_apart(self) -> None:
        found = auc_targets({3: about(0.1), 7: about(0.70), 12: about(0.799)})
        assert [(each.met, each.asked) for each in found] == [(True, "AUC at least 0.70"), (False, "AUC at least 0.80")]

    def test_states(self) -> None:
        assert state_target(some_states()).met
        assert not state_target(some_states(always_open=0.949)).met
        assert not state_target(some_states(none=0.0001)).met
        assert "by verdict 0.960; ever called early 0.050 (0.030 to 0.070)" in state_target(some_states()).found


class TestScenarios:
    def test_each_belief_by_itself_and_the_well_specified_one_aside(self) -> None:
        checks = [
            a_scenario(Scenario.WELL_SPECIFIED, KNOWN, 3, 3, 3),
            a_scenario(Scenario.WHITE_NOISE, KNOWN, 0.84, 0.85, 1.2),
            a_scenario(Scenario.FLOOR, KNOWN, 1, 1, 1.1),
            a_scenario(Scenario.FLOOR, LEARNT, 0.85, 1, 1.2),
        ]
        published, learnt = scenario_targets(checks)
        assert (published.met, learnt.met) == (False, True)
        assert published.name.endswith("published curve")
        assert published.found == (
            "5 of 6 within; lowest 0.84 (0.82 to 0.86), white noise at look 3;"
            " highest 1.20 (1.18 to 1.22), white noise at look 7"
        )


@pytest.mark.parametrize(
    ("together", "alone", "met"),
    [(0.05, 0.02, [True, True]), (0.08, 0.04, [True, True]), (0.0499, 0.0401, [False, False])],
)
def test_composite(together: float, alone: float, met: list[bool]) -> None:
    half = about(0.5)
    found = composite_targets(CompositeRates(900, half, about(together), half, about(0.07), about(alone)))
    assert [each.met for each in found] == met
    assert "of 900 cases; of all 0.070" in found[0].found

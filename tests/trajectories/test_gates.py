"""The gates of a learnt curve: at each limit, beside it, and where a figure can't be told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidSeries
from app.trajectories.gates import Gate, GateName, HeldOut, all_passed, judge
from app.trajectories.sampling_error import Interval
from tests.trajectories.held_out import DOES_WELL, about

IN_ORDER = ["enough_episodes", "out_of_time", "coverage", "calibration", "log_score"]


def shut(held_out: HeldOut) -> list[str]:
    return [str(gate.name) for gate in judge(held_out) if not gate.passed]


def test_a_curve_that_does_well_passes_every_gate() -> None:
    gates = judge(DOES_WELL)
    assert [str(gate.name) for gate in gates] == IN_ORDER
    assert shut(DOES_WELL) == []
    assert all_passed(gates)


# Methods, G2: at least 100 episodes with 3 scores; later episodes; coverage .75 to .85; slope .8 to 1.2; log score not
# worse, which engine.md, section 7, reads as a paired difference with its standard error.
@pytest.mark.parametrize(
    ("found", "passes"),
    [
        ({"episodes_learnt_with_three_scores": 0}, False),
        ({"episodes_learnt_with_three_scores": 99}, False),
        ({"episodes_learnt_with_three_scores": 100}, True),
        ({"episodes_judged": 0}, False),
        ({"episodes_judged": 1}, True),
        ({"coverage": about(0.7499)}, False),
        ({"coverage": about(0.75)}, True),
        ({"coverage": about(0.85)}, True),
        ({"coverage": about(0.8501)}, False),
        ({"calibration_slope": about(0.7999)}, False),
        ({"calibration_slope": about(0.8)}, True),
        ({"calibration_slope": about(1.2)}, True),
        ({"calibration_slope": about(1.2001)}, False),
        # Worse by .010 with a standard error of .006: the interval ends at +.002, and says nothing for sure.
        ({"log_score_difference": Interval(-0.010, 0.006, -0.022, 0.002)}, True),
        # Worse by .010 with a standard error of .004: the whole interval lies below 0.
        ({"log_score_difference": Interval(-0.010, 0.004, -0.018, -0.002)}, False),
        ({"log_score_difference": Interval(-0.010, 0.005, -0.020, 0.0)}, True),
        ({"log_score_difference": Interval(0.030, 0.005, 0.020, 0.040)}, True),
    ],
)
def test_each_gate_at_and_beside_its_limit(found: Mapping[str, Any], passes: bool) -> None:
    held_out = replace(DOES_WELL, **found)
    [changed] = found
    gate = {
        "episodes_learnt_with_three_scores": "enough_episodes",
        "episodes_judged": "out_of_time",
        "coverage": "coverage",
        "calibration_slope": "calibration",
        "log_score_difference": "log_score",
    }[changed]
    assert shut(held_out) == ([] if passes else [gate])
    assert all_passed(judge(held_out)) is passes


@pytest.mark.parametrize("name", ["coverage", "calibration_slope", "log_score_difference"])
@pytest.mark.parametrize("part", ["estimate", "standard_error", "lower", "upper"])
@pytest.mark.parametrize("figure", [math.nan, math.inf, -math.inf])
def test_what_can_t_be_told_passes_no_gate(name: str, part: str, figure: float) -> None:
    """An infinite standard error would otherwise make any difference of log scores insignificant."""
    spoilt = replace(getattr(DOES_WELL, name), **{part: figure})
    assert len(shut(replace(DOES_WELL, **{name: spoilt}))) == 1


def test_a_gate_says_what_was_found_and_what_is_asked() -> None:
    gates = judge(replace(DOES_WELL, log_score_difference=Interval(-0.01, 0.006, -0.022, 0.002)))
    assert gates == (
        Gate(GateName.ENOUGH_EPISODES, 120, at_least=100),
        Gate(GateName.OUT_OF_TIME, 45, at_least=1),
        Gate(GateName.COVERAGE, 0.8, at_least=0.75, at_most=0.85),
        Gate(GateName.CALIBRATION, 1.0, at_least=0.8, at_most=1.2),
        Gate(GateName.LOG_SCORE, 0.002, at_least=0.0),
    )


@pytest.mark.parametrize("missing", GateName, ids=str)
def test_no_gate_can_be_left_out(missing: GateName) -> None:
    assert not all_passed(gate for gate in judge(DOES_WELL) if gate.name is not missing)
    assert not all_passed(())


@pytest.mark.parametrize("name", ["episodes_learnt_with_three_scores", "episodes_judged"])
def test_fewer_than_no_episodes_are_refused(name: str) -> None:
    found: dict[str, Any] = {name: -1}
    with pytest.raises(InvalidSeries) as refused:
        replace(DOES_WELL, **found)
    assert refused.value.pointer == f"/{name}"


figures = st.floats(allow_nan=True, allow_infinity=True)
intervals = st.builds(Interval, figures, figures, figures, figures)


@given(st.builds(HeldOut, st.integers(0, 300), st.integers(0, 3), intervals, intervals, intervals))
def test_the_gates_are_the_sentences_of_the_method(held_out: HeldOut) -> None:
    """Written out once more, as a person would check them."""

    def told(interval: Interval) -> bool:
        said = (interval.estimate, interval.standard_error, interval.lower, interval.upper)
        return all(abs(each) < math.inf for each in said)

    expected = {
        "enough_episodes": held_out.episodes_learnt_with_three_scores > 99,
        "out_of_time": held_out.episodes_judged > 0,
        "coverage": told(held_out.coverage) and 0.75 <= held_out.coverage.estimate <= 0.85,
        "calibration": told(held_out.calibration_slope) and 0.8 <= held_out.calibration_slope.estimate <= 1.2,
        "log_score": told(held_out.log_score_difference) and held_out.log_score_difference.upper >= 0,
    }
    assert {str(gate.name): gate.passed for gate in judge(held_out)} == expected
    assert all_passed(judge(held_out)) is all(expected.values())

"""`spor thresholds`: a policy that flags as many simulated episodes as was asked."""

from __future__ import annotations

import pytest

from tests.cli.commands import answer, refusal


def test_the_shares_are_those_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--instrument", "phq-9", "--planned-dose", 12, "--patients", 600)
    told = answer(capsys, "thresholds", *options, "--budget", 0.25)
    for name in ("deterioration", "goal"):
        assert told[name]["share"] == pytest.approx(0.25, abs=0.01)
        assert 0 < told[name]["probability"] < 1
    assert told["ever"]["share"] >= told["goal"]["share"]
    assert told["policy"]["deterioration_probability"] == told["deterioration"]["probability"]
    assert told["policy"]["clear_probability"] <= told["policy"]["goal_probability"]
    fewer = answer(capsys, "thresholds", *options, "--budget", 0.1)
    assert fewer["deterioration"]["probability"] > told["deterioration"]["probability"]
    assert fewer["goal"]["probability"] < told["goal"]["probability"]


def test_the_same_seed_gives_the_same_thresholds(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--instrument", "gad-7", "--patients", 200, "--seed", 3)
    assert answer(capsys, "thresholds", *options) == answer(capsys, "thresholds", *options)


def test_a_scale_without_a_curve(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no curve is published for it" in refusal(capsys, "thresholds", "--instrument", "core-10")

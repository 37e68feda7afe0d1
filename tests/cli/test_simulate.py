"""`spor simulate`: cohorts with known truth, the same for the same seed."""

from __future__ import annotations

import csv
import io
from collections import Counter

import pytest

from app.trajectories.scenarios import Scenario
from tests.cli.commands import answer, refusal, run


def drawn(capsys: pytest.CaptureFixture[str], *options: object) -> list[dict[str, str]]:
    code, out, err = run(capsys, "simulate", "--instrument", "phq-9", *options)
    assert (code, err) == (0, "")
    return list(csv.DictReader(io.StringIO(out)))


def test_a_row_for_each_score_with_the_patient_s_shape(capsys: pytest.CaptureFixture[str]) -> None:
    rows = drawn(capsys, "--patients", 200, "--sessions", 4)
    assert len(rows) == 800
    assert [row["dose"] for row in rows[:4]] == ["0", "1", "2", "3"]
    assert all(0 <= int(row["score"]) <= 27 for row in rows)
    shapes = Counter(row["shape"] for row in rows if row["dose"] == "0")
    assert shapes["early"] == pytest.approx(200 * 0.686, abs=25)  # sd 6.6


def test_the_seed_decides(capsys: pytest.CaptureFixture[str]) -> None:
    first, again, other = (drawn(capsys, "--patients", 5, "--sessions", 3, "--seed", seed) for seed in (7, 7, 8))
    assert first == again != other


def test_fortnightly(capsys: pytest.CaptureFixture[str]) -> None:
    rows = drawn(capsys, "--patients", 1, "--sessions", 3, "--scenario", "fortnightly")
    assert [row["weeks"] for row in rows] == ["0", "2", "4"]


def test_who_left_has_no_more_scores(capsys: pytest.CaptureFixture[str]) -> None:
    rows = drawn(capsys, "--patients", 100, "--sessions", 8, "--scenario", "leaving_when_well")
    lengths = Counter(row["id"] for row in rows)
    assert min(lengths.values()) < 8
    last = {row["id"]: int(row["score"]) for row in rows}
    assert all(last[name] < 10 for name, length in lengths.items() if length < 8)


@pytest.mark.parametrize("scenario", list(Scenario))
def test_every_scenario(capsys: pytest.CaptureFixture[str], scenario: Scenario) -> None:
    assert drawn(capsys, "--patients", 2, "--sessions", 2, "--scenario", scenario)


def test_the_targets_with_their_figures(capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(capsys, "simulate", "--instrument", "phq-9", "--patients", 500, "--targets")
    assert (told["patients"], told["seed"]) == (500, 1)
    assert [each["name"][0] for each in told["targets"]][:2] == ["1", "1"]
    assert all(each["found"] and isinstance(each["met"], bool) for each in told["targets"])


def test_targets_of_a_service_that_is_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--instrument", "phq-9", "--scenario", "floor", "--targets")
    assert refusal(capsys, "simulate", *options) == "--targets are those of a service that is as the curve says"


def test_a_scale_without_a_curve(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no curve is published for it" in refusal(capsys, "simulate", "--instrument", "core-10")

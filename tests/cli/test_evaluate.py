"""`spor evaluate`: the figures of a curve and its rivals from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.commands import REFERENCE, answer, refusal, run, simulated

PHQ_9 = ("--instrument", "phq-9", "--repeats", 4)
RIVALS = {
    "twenty_five_percent_rule",
    "reliable_change_rule",
    "classical_expected_response",
    "updated_mixed_model",
    "nearest_neighbours",
}


@pytest.fixture
def scores(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Path:
    return simulated(capsys, tmp_path, "--patients", 400, "--sessions", 9)


def test_the_published_curve_on_a_service_as_it_believes(capsys: pytest.CaptureFixture[str], scores: Path) -> None:
    told = answer(capsys, "evaluate", scores, *PHQ_9)
    assert (told["curve"], told["learnt"], told["episodes"], told["scores"]) == ("arcsine-1", "given", 400, 3600)
    whole = [each for each in told["bands"] if each["dose"] is None and each["third"] is None]
    assert [each["look_dose"] for each in whole] == [0, 3, 4, 7, None]
    for each in whole:
        assert each["coverage"]["lower"] < 0.8 < each["coverage"]["upper"]
    at_four = [each for each in told["risks"] if each["look_dose"] == 4 and each["third"] is None]
    assert {each["predictor"] for each in at_four} == RIVALS | {"growth_model"}
    ours = next(each for each in at_four if each["predictor"] == "growth_model")
    assert ours["flags"]["budget"] == 0.2
    assert ours["flags_behind"] is None
    assert ours["calibration"]["slope"]["lower"] < 1 < ours["calibration"]["slope"]["upper"]
    assert [each["look_dose"] for each in told["log_scores"]] == [0, 3, 4, 7]


def test_the_same_seed_gives_the_same_figures(capsys: pytest.CaptureFixture[str], scores: Path) -> None:
    first, again, other = (answer(capsys, "evaluate", scores, *PHQ_9, "--seed", seed) for seed in (1, 1, 2))
    assert first == again
    assert first["risks"] != other["risks"]


def test_scores_to_learn_from_in_another_file(capsys: pytest.CaptureFixture[str], scores: Path, tmp_path: Path) -> None:
    training = simulated(capsys, tmp_path, "--patients", 300, "--sessions", 9, "--seed", 5, name="training.csv")
    options = (*PHQ_9, "--train", training, "--learnt", "refitted", "--looks", 4)
    told = answer(capsys, "evaluate", scores, *options)
    assert (told["curve"], told["learnt"]) == ("fitted", "refitted")
    assert {each["look_dose"] for each in told["risks"]} == {4}


def test_another_scale_refitted_in_turn(capsys: pytest.CaptureFixture[str]) -> None:
    """BtheB, the BDI at months 0 to 8: reliable change of 9 points as engine.md, section 6 has it."""
    named = ("--id", "subject", "--time", "month", "--score", "bdi")
    scale = ("--min", 0, "--max", 63, "--reliable-change", 9, "--learnt", "refitted", "--folds", 2, "--repeats", 2)
    code, _, err = run(capsys, "evaluate", REFERENCE / "btheb.csv", *named, *scale, "--looks", 2, "--end-dose", 8)
    assert (code, err) == (
        2,
        "spor: there must be as many earlier patients with a score at the look and one at the end\n",
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--looks", "9"), "each of --looks must lie before --end-dose"),
        (("--looks", "x"), "--looks must be doses, with commas"),
        (("--end-dose", "30"), "there is no case with a score by the look and one at the end"),
        (("--folds", "401"), "there must be at least as many episodes as folds"),
        (("--curve", "nowhere.json"), "can't read nowhere.json: No such file or directory"),
    ],
)
def test_what_is_wrong_is_one_line(
    capsys: pytest.CaptureFixture[str], scores: Path, options: tuple[str, ...], says: str
) -> None:
    assert refusal(capsys, "evaluate", scores, *PHQ_9, *options) == says


def test_a_scale_without_a_curve_has_nothing_to_judge(capsys: pytest.CaptureFixture[str], scores: Path) -> None:
    assert "no curve is published" in refusal(capsys, "evaluate", scores, "--min", 0, "--max", 27)

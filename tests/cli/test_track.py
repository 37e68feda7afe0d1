"""`spor track`: verdicts from a file are those of the record, from the scores up to each, one line a score."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from app.trajectories.curve_files import curve_to_document
from tests.cli.commands import refusal, run
from tests.trajectories.factories import a_curve, verdicts

HEADER = "id,dose,weeks,score\n"


def file_of(folder: Path, text: str, name: str = "scores.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def weekly(name: str, scores: Sequence[int]) -> str:
    return "".join(f"{name},{dose},{dose},{score}\n" for dose, score in enumerate(scores))


def tracked(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict[str, Any]]:
    code, out, err = run(capsys, "track", *arguments)
    assert (code, err) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def test_each_score_has_the_verdict_of_the_record(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    scores = (16, 17, 15, 15, 16, 22, 23, 15, 12)
    told = tracked(capsys, file_of(tmp_path, HEADER + weekly("a", scores)), "--instrument", "phq-9")
    expected = verdicts(scores)
    assert [(each["dose"], each["signal_reason"], each["responder_state"]) for each in told] == [
        (each.dose, each.signal_reason, each.responder_state) for each in expected
    ]
    for row, verdict in zip(told, expected, strict=True):
        assert row["expected"] == verdict.expected
        assert row["band"] == (None if verdict.band is None else list(verdict.band))
        assert row["probabilities"]["goal_by_end"] == verdict.probabilities.goal_by_end
        assert row["probabilities"]["deterioration_by_end"] == verdict.probabilities.deterioration_by_end
        assert [reason["code"] for reason in row["reasons"]] == [str(reason.code) for reason in verdict.reasons]


def test_only_the_rows_up_to_a_score_count(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    short = tracked(capsys, file_of(tmp_path, HEADER + weekly("a", (16, 15, 12))), "--instrument", "phq-9")
    longer = tracked(capsys, file_of(tmp_path, HEADER + weekly("a", (16, 15, 12, 25, 27))), "--instrument", "phq-9")
    assert longer[:3] == short


def test_probabilities_apart(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    newest = tracked(capsys, file_of(tmp_path, HEADER + weekly("a", (16, 15, 12, 12))), "--instrument", "phq-9")[-1]
    chances = newest["probabilities"]
    assert 0 < chances["below_cutoff_by_end"] < chances["reliable_improvement_by_end"] < 1
    assert chances["reliable_improvement_by_end"] == chances["goal_by_end"]  # 16 - 6 lies above the cut-off's 9
    assert 0 < chances["natural_share"] < 1
    assert [gain["sessions"] for gain in newest["further_gain"]] == [5, 10]


def test_rows_in_any_order_and_episodes_side_by_side(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = [*weekly("b", (20, 18, 19)).splitlines(), *weekly("a", (12, 9, 8)).splitlines()]
    mixed = HEADER + "\n".join(rows[::2] + rows[1::2]) + "\n"
    told = tracked(capsys, file_of(tmp_path, mixed), "--instrument", "phq-9")
    assert [(each["id"], each["dose"], each["score"]) for each in told] == [
        *(("b", dose, score) for dose, score in enumerate((20, 18, 19))),
        *(("a", dose, score) for dose, score in enumerate((12, 9, 8))),
    ]


def test_weeks_count_from_the_first_score(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = file_of(tmp_path, HEADER + "a,0,3,16\na,1,5,15\n")
    assert [each["weeks"] for each in tracked(capsys, file, "--instrument", "phq-9")] == [0, 2]


def test_a_late_baseline_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = file_of(tmp_path, HEADER + "a,4,4,16\na,5,5,15\n")
    newest = tracked(capsys, file, "--instrument", "phq-9")[-1]
    assert "late_baseline" in [reason["code"] for reason in newest["reasons"]]


def test_policy_and_plan(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = file_of(tmp_path, HEADER + weekly("a", (16, 16, 17, 16, 17)))
    pending = tracked(capsys, file, "--instrument", "phq-9")[-1]
    early = tracked(capsys, file, "--instrument", "phq-9", "--policy", "early", "--planned-dose", 10)[-1]
    assert pending["signal"] == "grey"
    assert (early["signal"], early["end_dose"]) == ("yellow", 10)


def test_another_scale_with_a_curve_of_its_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = "".join(weekly(str(i), (40 - i, 36 - i % 4, 30 + i % 3, 28 - i % 2)) for i in range(12))
    file = file_of(tmp_path, HEADER + rows)
    scale = ("--min", 0, "--max", 63, "--reliable-change", 9)
    _, out, _ = run(capsys, "fit", file, *scale, "--link", "arcsine")
    curve = file_of(tmp_path, out, "curve.json")
    told = tracked(capsys, file, *scale, "--cutoff", 20, "--curve", curve)
    assert len(told) == 48
    assert told[3]["change"] == "reliable_improvement"
    assert told[3]["probabilities"]["natural_share"] is None  # none is known for it


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "--instrument must be given, or --min and --max of another scale"),
        (("--instrument", "core-10"), "no curve is published for it: give --curve, as spor fit prints one"),
        (("--instrument", "phq-9", "--curve", "{folder}/none.json"), "can't read {folder}/none.json: No such file"),
        (("--instrument", "phq-9", "--curve", "{file}"), "{file} is not JSON"),
        (("--instrument", "phq-9", "--curve", "{list}"), "{list} must be a JSON object"),
        (("--instrument", "phq-9", "--curve", "{other}"), "{other}: provenance is missing"),
        (("--min", "0", "--max", "27"), "no curve is published for it"),
    ],
)
def test_what_is_missing_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    file = file_of(tmp_path, HEADER + weekly("a", (16, 12)))
    places = {
        "file": file,
        "folder": tmp_path,
        "list": file_of(tmp_path, "[1]", "list.json"),
        "other": file_of(tmp_path, '{"curve": {"version": 1}}', "other.json"),
    }
    told = refusal(capsys, "track", file, *(option.format(**places) for option in options))
    assert says.format(**places) in told


def test_a_curve_of_another_scale(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = file_of(tmp_path, HEADER + weekly("a", (16, 12, 9, 8)) + weekly("b", (14, 12, 11, 8)))
    curve = file_of(tmp_path, json.dumps(curve_to_document(a_curve("gad-7"))), "curve.json")
    assert "the curve must be of the scale, 0 to 27" in refusal(
        capsys, "track", file, "--instrument", "phq-9", "--curve", curve
    )


def test_half_a_session(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = file_of(tmp_path, HEADER + "a,0,0,16\na,0.5,1,15\n")
    assert refusal(capsys, "track", file, "--instrument", "phq-9") == "each dose must be a whole number of sessions"

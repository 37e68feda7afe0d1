"""`spor change`: pairs of scores, classified by published points or by a formula; one clear line for what is wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from app.cli import main

DAS = Path(__file__).parents[1] / "reference" / "change.das.csv"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int | str | None, str, str]:
    with pytest.raises(SystemExit) as left:
        main(["change", *map(str, arguments)])
    told = capsys.readouterr()
    return left.value.code, told.out, told.err


def changed(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (0, "")
    told: dict[str, Any] = json.loads(out)
    return told


def file_of(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "pairs.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_with_an_instrument_its_published_points_and_cutoff_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """NHS Talking Therapies: 6 points, a case at 10 or more."""
    file = file_of(tmp_path, "id,pre,post\na,16,9\nb,20,14\nc,10,16\nd,15,10\ne,12,\n")
    told = changed(capsys, file, "--instrument", "phq-9")
    assert {row["id"]: (row["improvement"], row["category"]) for row in told["rows"]} == {
        "a": (7, "reliable_recovery"),
        "b": (6, "reliable_improvement"),
        "c": (-6, "reliable_deterioration"),
        "d": (5, "no_reliable_change"),
        "e": (None, None),
    }
    parameters = told["parameters"]
    assert (parameters["reliable_change"], parameters["cutoff"], parameters["confidence"]) == (6, 10, "A")
    assert parameters["better"] == "lower"
    # 1.96 x 7 / 6
    assert told["rows"][0]["index"] == pytest.approx(2.286667, abs=1e-6)
    assert (parameters["mean_pre"], parameters["mean_post"]) == (15.25, 12.25)  # of the four complete pairs


def test_one_pair_is_enough_for_published_points(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = changed(capsys, file_of(tmp_path, "id,pre,post\na,12,8\n"), "--instrument", "gad-7")
    assert told["rows"][0]["category"] == "reliable_improvement"
    assert told["parameters"]["sd_pre"] is None
    higher = changed(capsys, file_of(tmp_path, "id,pre,post\na,20,25\n"), "--instrument", "ors", "--form", "adult")
    assert (higher["rows"][0]["improvement"], higher["rows"][0]["category"]) == (5, "reliable_recovery")
    assert higher["parameters"]["confidence"] == "UNVERIFIED"


@pytest.mark.parametrize("method", ["jt", "gln", "hll", "en", "nk", "ha"])
def test_the_couples_of_jacobson_and_truax_by_every_method(capsys: pytest.CaptureFixture[str], method: str) -> None:
    """The indices of R (see tests/scales/test_reliable_change.py), with the file's own means and spreads."""
    more = ("--reliability-post", "0.80") if method == "nk" else ()
    told = changed(capsys, DAS, "--reliability", "0.88", "--better", "higher", "--method", method, *more)
    with DAS.open(encoding="utf-8", newline="") as lines:
        expected = [float(row[method]) for row in csv.DictReader(lines)]
    assert [row["index"] for row in told["rows"]] == pytest.approx(expected, abs=1e-6)
    critical = 1.65 if method == "ha" else 1.96
    for row in told["rows"]:
        reliable = abs(row["index"]) >= critical
        better = "reliable_improvement" if row["index"] > 0 else "reliable_deterioration"
        assert row["category"] == (better if reliable else "no_reliable_change")
    assert told["parameters"]["critical"] == critical
    assert ("correlation" in told["parameters"]) is (method == "ha")


def test_a_cutoff_by_its_kind(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--reliability", "0.80", "--better", "higher", "--mean-pre", 40, "--sd-pre", 7.5)
    spread = ("--mean-post", 50, "--sd-post", 7.5, "--functional-mean", 60, "--functional-sd", 7.5)
    limits = {
        kind: changed(capsys, DAS, *given, *spread, "--cutoff", kind)["parameters"]["cutoff"]
        for kind in ("a", "b", "c", "97.5")
    }
    # Jacobson & Truax 1991: 55, 45 and 50 (see tests/scales/test_reliable_change.py).
    assert limits == {"a": 55, "b": 45, "c": 50, "97.5": 97.5}
    told = changed(capsys, DAS, "--reliability", "0.88", "--better", "higher", "--cutoff", "97.5")
    by_id = {row["id"]: row["category"] for row in told["rows"]}
    assert (by_id["2"], by_id["4"], by_id["11"]) == (
        "clinically_significant_change",  # 74 to 124
        "reliable_improvement",  # 73.5 to 88
        "no_reliable_change",  # 98 to 105
    )


@pytest.mark.parametrize(
    ("text", "arguments", "told"),
    [
        ("id,pre\na,1\n", ("--instrument", "phq-9"), "{file}, line 1: the columns must be id,pre,post"),
        ("id,pre,post\na,x,2\n", ("--instrument", "phq-9"), "{file}, line 2, column pre: must be a number, or blank"),
        (
            "id,pre,post\na,1,inf\n",
            ("--instrument", "phq-9"),
            "{file}, line 2, column post: must be a number",
        ),
        ("id,pre,post\na,1\n", ("--instrument", "phq-9"), "{file}, line 2: there must be a cell for each column"),
        ('id,pre,post\na,"1"2,3\n', ("--instrument", "phq-9"), "{file}, line 2: the line is no CSV"),
        ("id,pre,post\na,1,2\n", ("--instrument", "phq-8"), "there is no such instrument"),
        ("id,pre,post\na,1,2\n", ("--instrument", "srs"), "Session Rating Scale (SRS) is not followed over time"),
        ("id,pre,post\na,1,2\n", ("--instrument", "dudit"), "no reliable change is published for it"),
        ("id,pre,post\na,1,2\n", (), "--better must be lower or higher"),
        ("id,pre,post\na,1,2\n", ("--better", "lower"), "--reliability must be given"),
        ("id,pre,post\na,1,2\n", ("--instrument", "phq-9", "--method", "gln"), "--reliability must be given"),
        (
            "id,pre,post\na,1,2\n",
            ("--better", "lower", "--reliability", "0.8"),
            "means and standard deviations",
        ),
        (
            "id,pre,post\na,1,2\nb,1,2\n",
            ("--better", "lower", "--reliability", "0.8"),
            "means and standard deviations",
        ),
        (
            "id,pre,post\na,1,2\nb,2,4\n",
            ("--better", "lower", "--reliability", "1.8"),
            "a reliability is out of its range",
        ),
        ("id,pre,post\na,1,2\n", ("--instrument", "phq-9", "--cutoff", "a"), "means and standard deviations"),
        ("id,pre,post\na,1,2\nb,2,4\n", ("--instrument", "phq-9", "--cutoff", "c"), "cut-off c needs the mean"),
        ("id,pre,post\na,1,2\n", ("--instrument", "phq-9", "--cutoff", "x"), "--cutoff must be a, b, c or a number"),
        (
            "id,pre,post\na,1,2\n",
            ("--instrument", "phq-9", "--functional-mean", "5"),
            "--functional-mean and --functional-sd go together",
        ),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, arguments: tuple[str, ...], told: str
) -> None:
    file = file_of(tmp_path, text)
    code, out, err = run(capsys, file, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"spor: {told.format(file=file)}")
    assert err.count("\n") == 1


def test_an_empty_file_has_no_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert changed(capsys, file_of(tmp_path, "id,pre,post\n"), "--instrument", "phq-9")["rows"] == []

"""`spor chart`: a picture from a file, and one clear line for a file that can't be drawn."""

from __future__ import annotations

import io
import json
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias
from xml.etree import ElementTree

import pytest

from app.charts.charted import judged_afresh
from app.charts.trajectory import trajectory_chart
from app.cli import main
from app.scales.catalogue import instrument
from app.trajectories.policy import Plan, Policy
from tests.trajectories.factories import a_curve, a_series

WEEKLY = "id,dose,weeks,score\n" + "".join(f"a,{week},{week},{score}\n" for week, score in enumerate((18, 13, 9, 8)))

Said: TypeAlias = tuple[object, str, str]
Spor: TypeAlias = Callable[..., Said]


@pytest.fixture
def spor(capsys: pytest.CaptureFixture[str]) -> Iterator[Spor]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: object) -> Said:
        with pytest.raises(SystemExit) as ended:
            main(["chart", *map(str, arguments)])
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "scores.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def points(spec: str) -> list[dict[str, object]]:
    [rows] = [each["data"]["values"] for each in json.loads(spec)["layer"] if "tooltip" in each["encoding"]]
    return list(rows)


def test_the_specification_is_that_of_the_core(spor: Spor, file: Callable[[str], Path]) -> None:
    code, out, err = spor(file(WEEKLY), "--instrument", "phq-9", "--planned-dose", 12, "--language", "en")
    assert (code, err) == (0, "")
    shown = judged_afresh(instrument("phq-9"), a_series([18, 13, 9, 8]), a_curve(), Policy(), Plan(planned_dose=12))
    assert json.loads(out) == trajectory_chart(shown, "en")


@pytest.mark.parametrize("suffix", ["svg", "png", "json", "html"])
def test_the_ending_of_the_file_says_what_is_written(
    spor: Spor, file: Callable[[str], Path], tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"chart.{suffix}"
    assert spor(file(WEEKLY), "--instrument", "phq-9", "--out", out) == (0, "", "")
    content = out.read_bytes()
    if suffix == "png":
        assert content.startswith(b"\x89PNG")
    elif suffix == "svg":
        assert next(iter(ElementTree.fromstring(content))).text == "Skårer på PHQ-9"
    elif suffix == "json":
        assert len(points(content.decode())) == 4
    else:
        assert content.decode().startswith('<!DOCTYPE html>\n<html lang="nb">')


def test_a_file_can_come_through_the_standard_input(spor: Spor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(WEEKLY.encode())))
    _, out, _ = spor("-", "--instrument", "phq-9")
    assert [row["score"] for row in points(out)] == [18, 13, 9, 8]


def test_one_of_several_is_drawn_by_its_id(spor: Spor, file: Callable[[str], Path]) -> None:
    path = file(f"{WEEKLY}b,0,0,20\nb,1,1,21\n")
    _, out, _ = spor(path, "--instrument", "phq-9", "--id", "b")
    assert [row["score"] for row in points(out)] == [20, 21]


def test_columns_are_found_by_their_names_and_others_are_passed_over(spor: Spor, file: Callable[[str], Path]) -> None:
    path = file("\ufeffscore,sex,weeks,dose,id\r\n15,f,0,0,a\r\n14,f,1.5,1,a\r\n")
    _, out, _ = spor(path, "--instrument", "phq-9")
    assert [(row["weeks"], row["score"]) for row in points(out)] == [(0, 15), (1.5, 14)]


def test_weeks_before_the_baseline_are_waiting_time_and_a_late_baseline_is_late(
    spor: Spor, file: Callable[[str], Path]
) -> None:
    _, out, _ = spor(file("id,dose,weeks,score\na,0,-3,19\na,0,0,17\na,1,1,16\n"), "--instrument", "phq-9")
    assert [row["phase"] for row in points(out)] == ["Ventetid", "Behandling", "Behandling"]
    _, out, _ = spor(file("id,dose,weeks,score\na,5,0,17\na,6,1,16\n"), "--instrument", "phq-9")
    assert "Tidlig vindu" not in out


HEAD = "id,dose,weeks,score\n"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", "line 1: the columns must be id,dose,weeks,score"),
        ("id,dose,score\na,0,5\n", "line 1: the columns must be id,dose,weeks,score"),
        (HEAD, "has no rows"),
        (HEAD + "a,0,0,15\na,1,1,28\n", "line 3, column score: must be a whole number from 0 to 27"),
        (HEAD + "a,0,0,-1\n", "line 2, column score: must be a whole number from 0 to 27"),
        (HEAD + "a,0,0,15.5\n", "line 2, column score: must be a whole number from 0 to 27"),
        (HEAD + "a,0,0,\n", "line 2, column score: must be a whole number from 0 to 27"),
        (HEAD + "a,0,0,nan\n", "line 2, column score: must be a whole number from 0 to 27"),
        (HEAD + "a,0,0,15\na,one,1,14\n", "line 3, column dose: must be a whole number from 0 to 1000"),
        (HEAD + "a,0,0,15\na,1.5,1,14\n", "line 3, column dose: must be a whole number from 0 to 1000"),
        (HEAD + "a,0,0,15\na,1,soon,14\n", "line 3, column weeks: must be a number from -2000 to 2000"),
        (HEAD + "a,0,0,15\na,1,inf,14\n", "line 3, column weeks: must be a number from -2000 to 2000"),
        (HEAD + "a,0,0,15\na,1,2,14\na,2,1,13\n", "line 4, column weeks: must not be before the row above"),
        (HEAD + "a,2,-3,15\na,3,0,14\n", "line 2, column dose: must be 0 in the waiting time, before week 0"),
        (HEAD + "a,0,0.5,15\n", "one row must be the baseline, of week 0"),
        (HEAD + "a,0,-2,15\n", "one row must be the baseline, of week 0"),
        (HEAD + "a,0,0\n", "line 2: there must be a cell for each column"),
        (HEAD + "a,0,0,15,9\n", "line 2: there must be a cell for each column"),
        (HEAD + 'a,0,0,"15"x\n', "line 2: the line is no CSV"),
        (HEAD + "a,0,0,15\nb,0,0,14\n", "has 2 ids: name one with --id"),
        (b"id,dose,weeks,score\na,0,0,\xff\n", "is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_drawn_gets_one_line_that_names_the_place(
    spor: Spor, file: Callable[[str | bytes], Path], content: str | bytes, line: str
) -> None:
    path = file(content)
    code, out, err = spor(path, "--instrument", "phq-9")
    assert (code, out) == (2, "")
    assert err in (f"spor: {path}, {line}\n", f"spor: {path} {line}\n", f"spor: {path}: {line}\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--instrument", "phq-8"), "--instrument must be one of"),
        (("--instrument", "phq-9", "--language", "da"), "--language must be one of nb, nn, en"),
        (("--instrument", "phq-9", "--out", "chart.pdf"), "--out must end in one of .svg, .png, .json, .html"),
        (("--instrument", "phq-9", "--planned-dose", "0"), "planned_dose must be 1 or more"),
        (("--instrument", "phq-9", "--id", "nobody"), "has no rows with that --id"),
        (
            ("--instrument", "phq-9", "--out", "no/such/folder/chart.svg"),
            "can't write no/such/folder/chart.svg: No such file",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    spor: Spor, file: Callable[[str], Path], options: tuple[str, ...], said: str
) -> None:
    code, out, err = spor(file(WEEKLY), *options)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert said in err


def test_a_file_that_is_not_there_is_said_so(spor: Spor, tmp_path: Path) -> None:
    code, _, err = spor(tmp_path / "nothing.csv", "--instrument", "phq-9")
    assert (code, err) == (2, f"spor: can't read {tmp_path / 'nothing.csv'}: No such file or directory\n")


def test_no_line_repeats_what_stood_in_the_file(spor: Spor, file: Callable[[str], Path]) -> None:
    _, _, err = spor(file(HEAD + "P-1234,0,0,73910042\n"), "--instrument", "phq-9")
    assert not re.search("73910042|P-1234", err)


HALF_A_YEAR = HEAD + "a,0,0,20\na,8,26,10\n"


def test_a_form_of_several_is_named_and_drawn_against_its_first_score(spor: Spor, file: Callable[[str], Path]) -> None:
    path = file(HALF_A_YEAR)
    code, out, _ = spor(path, "--instrument", "sdq", "--form", "parent-4-17", "--language", "en")
    assert code == 0
    assert "If nothing had changed: about 80% of new scores" in out
    assert [row["signal"] for row in points(out)] == ["Grey", "Green"]


def test_norms_by_sex_and_grade_ask_for_both(spor: Spor, file: Callable[[str], Path]) -> None:
    path, asked = file(HALF_A_YEAR), ("--instrument", "rcads-47", "--form", "child")
    assert "If nothing had changed" not in spor(path, *asked, "--language", "en")[1]
    _, out, _ = spor(path, *asked, "--language", "en", "--sex", "female", "--grade", 7)
    assert "If nothing had changed" in out


@pytest.mark.parametrize("asked", [(), ("--form", "mother")])
def test_a_form_has_to_be_one_of_the_instrument(
    spor: Spor, file: Callable[[str], Path], asked: tuple[str, ...]
) -> None:
    code, out, err = spor(file(HALF_A_YEAR), "--instrument", "sdq", *asked)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1

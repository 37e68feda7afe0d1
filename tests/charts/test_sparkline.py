"""The small chart of a caseload's row."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
import vl_convert

from app.charts import palette
from app.charts.charted import ChartedSeries
from app.charts.sparkline import sparkline
from app.trajectories.progress import Signal
from tests.charts.cases import CASES, in_record_mode

every_case = pytest.mark.parametrize("name", CASES)


def signs(shown: ChartedSeries) -> list[tuple[str, str, float]]:
    """Give shape, filling and score of the signs."""
    marks: list[dict[str, Any]] = sparkline(shown, "nb")["layer"]
    drawn = [each for each in marks if "shape" in each["mark"]]
    return [(each["mark"]["shape"], each["mark"]["fill"], each["data"]["values"][0]["score"]) for each in drawn]


@every_case
def test_it_is_drawn_in_160_by_40_pixels_without_a_warning(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    spec = sparkline(CASES[name], "nb")
    svg = vl_convert.vegalite_to_svg(spec, vl_version="6.4", show_warnings=True, allowed_base_urls=[])
    picture = ElementTree.fromstring(svg)
    assert (picture.attrib["width"], picture.attrib["height"]) == ("160", "40")
    assert "NaN" not in svg
    assert capfd.readouterr().err == ""


@every_case
def test_everything_is_inside(name: str) -> None:
    spec = sparkline(CASES[name], "nb")
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec
    assert json.dumps(spec).count("://") == 1


@pytest.mark.parametrize(
    ("name", "signal", "score"),
    [
        ("deterioration, confirmed", Signal.RED, 22),
        ("time for review", Signal.YELLOW, 17),
        ("early responder", Signal.GREEN, 5),
        ("crisis", Signal.GREY, 26),
    ],
)
def test_the_newest_score_has_its_signal_s_shape_and_colour(name: str, signal: Signal, score: int) -> None:
    point = palette.POINTS[signal]
    assert signs(CASES[name]) == [(point.shape, point.fill, score)]


def test_after_the_treatment_the_last_signal_stays_beside_the_newest_score() -> None:
    green = palette.POINTS[Signal.GREEN]
    assert signs(CASES["follow-up"]) == [(green.shape, green.fill, 7), ("circle", palette.PAPER, 9)]


def test_record_mode_has_neither_band_nor_signal() -> None:
    shown = CASES["record mode"]
    assert signs(shown) == [("circle", palette.PAPER, 7)]
    [band] = [each for each in sparkline(shown, "nb")["layer"] if each["mark"]["type"] == "area"]
    assert band["data"]["values"] == []


def test_the_band_ends_with_the_scores() -> None:
    [band] = [each for each in sparkline(CASES["early responder"], "nb")["layer"] if each["mark"]["type"] == "area"]
    assert [row["weeks"] for row in band["data"]["values"]] == list(range(8))


def test_without_a_cut_off_there_is_no_line() -> None:
    shown = in_record_mode(CASES["early responder"])
    sources = {name: shown.scale.sources[name] for name in ("range", "loinc")}
    bare = replace(shown, scale=replace(shown.scale, criteria=None, sources=sources))
    lines = [
        [each for each in sparkline(one, "nb")["layer"] if each["mark"]["type"] == "rule"] for one in (shown, bare)
    ]
    assert [len(each) for each in lines] == [1, 0]
    assert lines[0][0]["data"]["values"][0]["score"] == 9.5


def test_it_is_described_in_words() -> None:
    assert sparkline(CASES["time for review"], "en")["description"].startswith("Scores on the PHQ-9. Yellow: time for")

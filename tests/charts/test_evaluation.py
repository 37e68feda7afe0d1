"""The charts of the evaluation: every figure is where it belongs, and two rows of signs can be told apart in grey."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest
import vl_convert

from app.charts import palette
from app.charts.evaluation import coverage_by_dose, reliability_diagram
from app.trajectories.calibration import Group
from app.trajectories.trial import Belief
from tests.charts.scenes import texts_of
from tests.charts.test_palette import contrast
from tests.trajectories.held_out import about
from tests.trajectories.judged_by_hand import a_band, measured_by_hand

NAMES = {"growth_model": "growth model", "updated_mixed_model": "plain mixed model"}
LOOKS: dict[float | None, str] = {0: "From the first score", 4: "From the scores to dose 4", None: "One step ahead"}


def reliability(groups: Any = None) -> dict[str, Any]:
    groups = groups or measured_by_hand().groups
    return reliability_diagram(groups, names=NAMES, title="What was predicted", subtitle=["Of 100 cases."])


def coverage(bands: Any = None) -> dict[str, Any]:
    found = bands or {"known": measured_by_hand().bands[Belief.PUBLISHED], "learnt": [a_band(0.7)]}
    return coverage_by_dose(found, LOOKS, level=0.8, aimed=(0.78, 0.82), title="Bands", subtitle=["Of 100 patients."])


CHARTS = {"reliability": reliability(), "coverage": coverage()}
every_chart = pytest.mark.parametrize("spec", CHARTS.values(), ids=CHARTS)


def panels(spec: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = spec["vconcat"][0]["hconcat"]
    return found


def rows(panel: dict[str, Any], name: str) -> list[dict[str, float]]:
    """Give the rows of a row of signs, as its bars have them."""
    bars = (each for each in panel["layer"] if each["mark"]["type"] == "rule" and "y2" in each["encoding"])
    return [row for each in bars for row in each["data"]["values"] if row["name"] == name]


@every_chart
def test_it_is_drawn_without_a_warning(spec: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    svg = vl_convert.vegalite_to_svg(spec, vl_version="6.4", show_warnings=True, allowed_base_urls=[])
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert "NaN" not in svg
    assert capfd.readouterr().err == ""


@every_chart
def test_everything_is_inside(spec: dict[str, Any]) -> None:
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec
    assert json.dumps(spec).count("://") == 1


@every_chart
def test_no_text_covers_another(spec: dict[str, Any]) -> None:
    texts = texts_of(spec)
    assert {"Of 100 cases.", "Of 100 patients."} & {each.words for each in texts}
    covered = [(one, other) for place, one in enumerate(texts) for other in texts[:place] if one.covers(other)]
    assert covered == []


@every_chart
def test_the_two_rows_differ_in_sign_filling_and_dash(spec: dict[str, Any]) -> None:
    marks = [each["mark"] for each in panels(spec)[0]["layer"]]
    signs = [each for each in marks if each["type"] == "point"]
    lines = [each for each in marks if each["type"] == "line"][-2:]
    assert len({each["shape"] for each in signs}) == len({tuple(each["strokeDash"]) for each in lines}) == 2
    assert contrast(*(each["fill"] for each in signs)) >= 3
    for each in signs:
        assert min(contrast(each["stroke"], ground) for ground in (palette.PAPER, palette.BAND)) >= 3


class TestReliability:
    def test_a_panel_for_each_look_with_both_predictors(self) -> None:
        one, other = [Group(0.25, about(0.3, 0.02), 50)], [Group(0.75, about(0.6, 0.01), 40)]
        spec = reliability({3: {"growth_model": one, "updated_mixed_model": other}, 7: dict.fromkeys(NAMES, one)})
        assert [each["title"]["text"] for each in panels(spec)] == ["Look at dose 3", "Look at dose 7"]
        first, second = panels(spec)
        expected = {"x": 0.25, "y": 0.3, "low": 0.26, "high": 0.34, "name": "growth model"}
        assert rows(first, "growth model") == [expected]
        expected = {"x": 0.75, "y": 0.6, "low": 0.58, "high": 0.62, "name": "plain mixed model"}
        assert rows(first, "plain mixed model") == [expected]
        assert rows(second, "plain mixed model")[0]["x"] == 0.25

    def test_predictors_that_are_not_named_are_left_out(self) -> None:
        groups = {3: {key: [Group(0.5, about(0.5), 9)] for key in [*NAMES, "others"]}}
        names = {name for panel in panels(reliability(groups)) for name in json.dumps(panel).split('"')}
        assert "others" not in names

    def test_both_axes_are_whole(self) -> None:
        for panel in panels(CHARTS["reliability"]):
            assert [panel["encoding"][each]["scale"]["domain"] for each in "xy"] == [[0.0, 1.0]] * 2


class TestCoverage:
    def test_everybody_with_the_lowest_and_the_highest_third(self) -> None:
        """By hand, per cent; signs stand beside each other by a third of a dose and more."""
        cells = [a_band(share, third=third, dose=5) for third, share in ((None, 0.79), (1, 0.785), (2, 0.8), (3, 0.79))]
        learnt = [a_band(0.81, dose=5), a_band(0.83, dose=None), a_band(0.82, look=4, dose=9)]
        first, second, third = panels(coverage({"known": cells, "learnt": learnt}))
        (known,), (other,) = rows(first, "known"), rows(first, "learnt")
        assert (known["y"], known["low"], known["high"]) == (79.0, 78.5, 80.0)
        assert (other["y"], other["low"], other["high"]) == (81.0, 81.0, 81.0)
        assert other["x"] - known["x"] >= 1 / 3
        assert [row["y"] for row in rows(second, "learnt")] == [82.0]
        assert rows(third, "known") == rows(third, "learnt") == []

    def test_what_is_far_off_is_inside(self) -> None:
        """The axis reaches from two per cent below what is aimed at to two above, and to whatever lies further."""
        (low, high), *others = (panel["encoding"]["y"]["scale"]["domain"] for panel in panels(CHARTS["coverage"]))
        assert (low, high) == (70.0, 84.0)
        assert others == [[low, high]] * 2

    def test_what_is_aimed_at(self) -> None:
        for panel in panels(CHARTS["coverage"]):
            band, right = (each["data"]["values"][0] for each in panel["layer"][:2])
            assert (band["y"], band["y2"], right["y"]) == (78.0, 82.0, 80.0)

"""The charts of the calibration panel: drawn from its tables, in each language, with what is withheld left out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
import vl_convert

from app.charts.calibration_panel import drift_chart, reliability
from app.reports.document import Cell, Table, Withheld
from app.reports.panel import tool_section
from app.texts.catalogue import LANGUAGES
from tests.charts.scenes import texts_of
from tests.reports.panels import full_panel

TABLES = {each.key: each for each in tool_section(full_panel()).tables}
MAKERS = {"predicted": reliability, "drift": drift_chart}


def chart(key: str, language: str, table: Table | None = None) -> dict[str, Any]:
    found = MAKERS[key](table or TABLES[key], language)
    assert found is not None
    return found


def values(spec: dict[str, Any], mark: str) -> list[list[dict[str, Any]]]:
    panels = spec["vconcat"][0]["hconcat"]
    return [each["data"]["values"] for panel in panels for each in panel["layer"] if each["mark"]["type"] == mark]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", MAKERS)
def test_it_is_drawn_without_a_warning(key: str, language: str, capfd: pytest.CaptureFixture[str]) -> None:
    spec = chart(key, language)
    svg = vl_convert.vegalite_to_svg(spec, vl_version="6.4", show_warnings=True, allowed_base_urls=[])
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert "NaN" not in svg
    assert capfd.readouterr().err == ""
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", MAKERS)
def test_no_text_covers_another(key: str, language: str) -> None:
    texts = texts_of(chart(key, language))
    covered = [(one, other) for place, one in enumerate(texts) for other in texts[:place] if one.covers(other)]
    assert covered == []


def test_every_group_is_where_the_table_has_it() -> None:
    points = values(chart("predicted", "en"), "point")
    drawn = [(each["x"], each["y"]) for panel in points for each in panel]
    cells = [row.cells for row in TABLES["predicted"].rows]
    assert drawn == [(round(float(x.value or 0), 3), round(float(y.value or 0), 3)) for _, _, x, y in cells]


def test_what_is_withheld_is_not_drawn() -> None:
    table = TABLES["predicted"]
    hidden = Cell(withheld=Withheld.SMALL_NUMBER)
    first, *others = table.rows
    one_less = replace(table, rows=(replace(first, cells=(*first.cells[:3], hidden)), *others))
    assert sum(map(len, values(chart("predicted", "nb", one_less), "point"))) == len(others)
    nothing = replace(table, rows=tuple(replace(row, cells=(*row.cells[:3], hidden)) for row in table.rows))
    assert reliability(nothing, "nb") is None
    assert drift_chart(replace(TABLES["drift"], rows=()), "nb") is None


def test_the_sums_and_the_limits_are_drawn() -> None:
    spec = chart("drift", "nn")
    low, high = ([each["y"] for each in rows] for rows in values(spec, "point"))
    assert high == [0, 0, 0, 0.4, 0, 0]
    assert low == [0, -0.7, -2.6, -1.2, -2.6, -4.3]
    assert [[each["y"] for each in rows] for rows in values(spec, "rule")][:2] == [[0], [-4, 4]]


def test_per_cent_is_written_as_the_language_does() -> None:
    axes = [chart("predicted", language)["vconcat"][0]["hconcat"][0]["encoding"]["x"]["axis"] for language in LANGUAGES]
    assert [each["labelExpr"].partition(" + ")[2] for each in axes] == ["'\N{NO-BREAK SPACE}%'"] * 2 + ["'%'"]

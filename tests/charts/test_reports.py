"""The charts of a report: what its tables say and nothing else, legible in grey, with words for what is hidden."""

from __future__ import annotations

import json
from dataclasses import replace
from html import escape
from typing import Any
from xml.etree import ElementTree

import pytest
import vl_convert

from app.charts import palette
from app.charts.report_dose import MARKED
from app.charts.report_funnel import funnel_chart
from app.charts.report_parts import CARRIED, FIGURE, MAIN, MODELLED, SECOND, shortened, within, wrapped
from app.charts.reports import chart_page, charted_tables, report_chart, table_twin
from app.reports.document import Cell, Column, Kind, Row, Table, Withheld
from app.texts.catalogue import LANGUAGES
from app.texts.figures import withheld_word
from app.texts.reports import note_text, reading, row_name, table_title
from tests.charts.scenes import texts_of
from tests.charts.test_palette import contrast
from tests.reports.scenes import SMALL, everything, funnel, share

TABLES = {table.key: table for section in everything().sections for table in section.tables} | {
    "funnel of unlike services": funnel((0.5, 0.6, 0.62))
}
CHARTED = {name: table for name, table in TABLES.items() if report_chart(table, "nb") is not None}
EVERYWHERE = [(name, language) for name in CHARTED for language in LANGUAGES]
every_chart = pytest.mark.parametrize(("name", "language"), EVERYWHERE)


def drawn(name: str, language: str) -> dict[str, Any]:
    spec = report_chart(CHARTED[name], language)
    assert spec is not None
    return spec


def values(spec: Any) -> list[dict[str, Any]]:
    """Give all rows of data, wherever they are."""
    if isinstance(spec, list):
        return [row for each in spec for row in values(each)]
    if not isinstance(spec, dict):
        return []
    own = spec.get("data", {}).get("values", [])
    return [*own, *(row for name, each in spec.items() if name != "data" for row in values(each))]


def signs(spec: Any, mark: str) -> list[dict[str, Any]]:
    """Give the rows of the layers that have a kind of mark."""
    if isinstance(spec, list):
        return [row for each in spec for row in signs(each, mark)]
    if not isinstance(spec, dict):
        return []
    if isinstance(spec.get("mark"), dict):
        found: list[dict[str, Any]] = spec["data"]["values"] if spec["mark"]["type"] == mark else []
        return found
    return [row for each in spec.values() for row in signs(each, mark)]


def field(spec: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = spec["vconcat"][0]
    return found


def test_these_tables_have_charts() -> None:
    without = set(TABLES) - set(CHARTED)
    assert without == {"effect", "published", "waits", "follow_up", "phases"}
    assert [table.key for table in charted_tables(everything())] == [key for key in CHARTED if " " not in key]


def test_a_table_without_rows_or_without_the_columns_has_none() -> None:
    table = TABLES["outcomes"]
    assert report_chart(replace(table, rows=()), "nb") is None
    assert report_chart(Table("outcomes", (), (Row("recovery", ()),)), "nb") is None
    assert report_chart(Table("by_sex", (Column("ended", Kind.COUNT),), (Row("female", (Cell(9),)),)), "nb") is None


@every_chart
def test_it_is_drawn_without_a_warning(name: str, language: str, capfd: pytest.CaptureFixture[str]) -> None:
    svg = vl_convert.vegalite_to_svg(drawn(name, language), vl_version="6.4", show_warnings=True, allowed_base_urls=[])
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert "NaN" not in svg
    assert capfd.readouterr().err == ""


@every_chart
def test_everything_is_inside_and_said_in_words(name: str, language: str) -> None:
    spec, table = drawn(name, language), CHARTED[name]
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec
    assert json.dumps(spec).count("://") == 1
    assert spec["title"]["text"] == table_title(table, language)
    assert " ".join(spec["title"]["subtitle"]) == reading(table, language)
    assert spec["description"].startswith(f"{table_title(table, language)}. {reading(table, language)}")


@pytest.mark.parametrize("name", CHARTED)
def test_no_text_covers_another(name: str) -> None:
    for language in LANGUAGES:
        texts = [each for each in texts_of(drawn(name, language)) if each.words.strip()]
        covered = [
            (one.words, other.words) for place, one in enumerate(texts) for other in texts[:place] if one.covers(other)
        ]
        assert covered == []


@every_chart
def test_what_is_hidden_is_a_gap_with_words(name: str, language: str) -> None:
    table = CHARTED[name]
    drawn_places = [
        place
        for place, column in enumerate(table.columns)
        if not name.startswith("by_") or column.key in ("reliable_improvement", "reliable_recovery")
    ]
    cells = [row.cells[place] for row in table.rows for place in drawn_places]
    hidden = {cell.withheld for cell in cells if cell.withheld is not None}
    told = json.dumps(drawn(name, language), ensure_ascii=False)
    assert all(withheld_word(reason, language) in told for reason in hidden)


@pytest.mark.parametrize("name", ["outcomes", "good_enough", "compared", "therapists", "responders", "endings"])
def test_there_are_as_many_signs_as_figures_and_their_places_are_those(name: str) -> None:
    table = CHARTED[name]
    keys = ("share", "good_enough", "difference", "estimate")
    place = next(place for place, column in enumerate(table.columns) if column.key in keys)
    factor = 100 if table.columns[place].kind is Kind.SHARE else 1
    shown = [factor * cell.value for row in table.rows if (cell := row.cells[place]).withheld is None]  # type: ignore[operator]
    layers = [each for each in field(drawn(name, "en"))["layer"] if each["mark"].get("fill") == FIGURE.fill]
    places = sorted(row["x"] for each in layers for row in each["data"]["values"])
    assert places == pytest.approx(sorted(shown), abs=1e-3)


def test_signs_and_lines_differ_in_shape_filling_and_dash() -> None:
    assert len({each.shape for each in (FIGURE, CARRIED, MODELLED)}) == 3
    assert contrast(FIGURE.fill, CARRIED.fill) >= 3
    for each in (FIGURE.outline, CARRIED.outline, MODELLED.outline, MAIN.colour, SECOND.colour):
        assert min(contrast(each, ground) for ground in (palette.PAPER, palette.BAND)) >= 3
    assert MAIN.dash != SECOND.dash
    assert contrast(palette.QUIET, palette.WINDOW) >= 4.5


class TestOutcomes:
    def test_the_other_rules_are_drawn_only_where_the_table_has_them(self) -> None:
        columns = (Column("count", Kind.COUNT), Column("share", Kind.SHARE))
        table = Table("outcomes", columns, (Row("recovery", (Cell(40), share(40, 80))),))
        told = json.dumps(report_chart(table, "en"))
        assert "carried" not in told
        assert "Lowest" not in told
        assert "Last score carried forward" in json.dumps(report_chart(TABLES["outcomes"], "en"))

    def test_the_bounds_reach_from_lowest_to_highest(self) -> None:
        bars = signs(field(report_chart(TABLES["outcomes"], "en") or {}), "rect")
        assert next((row["x"], row["x2"]) for row in bars) == pytest.approx((49.8, 61.2))

    def test_bounds_with_one_end_hidden_are_not_drawn(self) -> None:
        columns = tuple(Column(key, Kind.SHARE) for key in ("share", "lowest", "highest"))
        table = Table("outcomes", columns, (Row("recovery", (share(40, 80), Cell(0.4), SMALL)),))
        assert signs(field(report_chart(table, "en") or {}), "rect") == []


class TestDenominators:
    def test_bars_are_as_long_as_the_counts(self) -> None:
        bars = signs(field(report_chart(TABLES["denominators"], "en") or {}), "rect")
        assert [row["x2"] for row in bars] == [412, 356, 301, 268, 231]

    def test_a_share_beside_it_is_left_out_where_it_is_hidden_or_not_there(self) -> None:
        columns = (Column("count", Kind.COUNT), Column("share_of_previous", Kind.SHARE))
        rows = (Row("referred", (Cell(40), Cell(1.0))), Row("started", (Cell(30), SMALL)), Row("cases", (SMALL, SMALL)))
        texts = {row.get("text") for row in values(report_chart(Table("denominators", columns, rows), "en"))}
        assert {"40 (100%)", "30", "Hidden: few people"} <= texts
        alone = Table("denominators", columns[:1], (Row("referred", (Cell(40),)),))
        assert "40" in {row.get("text") for row in values(report_chart(alone, "en"))}


class TestFunnel:
    def test_the_limits_go_through_what_the_services_have(self) -> None:
        table = funnel()
        points = {(round(row["x"]), round(row["y"], 2)) for row in signs(funnel_chart(table, "en"), "line")}
        for row in table.rows:
            count, _, _, *limits = (cell.value for cell in row.cells)
            if count is not None:
                assert {(count, round(100 * float(limit), 2)) for limit in limits if limit is not None} <= points

    def test_long_names_are_shortened(self) -> None:
        table = funnel()
        spec = funnel_chart(replace(table, rows=(replace(table.rows[0], label="Tjenesten for alle " * 9),)), "en")
        assert any(f"{row.get('text')}".endswith("…") for row in values(field(spec)))

    def test_its_lines_are_told_apart_in_grey(self) -> None:
        lines = [each["mark"] for each in field(drawn("funnel", "en"))["layer"] if each["mark"]["type"] == "line"]
        assert len({tuple(each["strokeDash"]) for each in lines}) == 3
        assert all(contrast(each["color"], palette.PAPER) >= 3 for each in lines)

    def test_unlike_services_have_limits_of_their_own(self) -> None:
        spec = drawn("funnel of unlike services", "en")
        assert signs(field(spec), "line") == []
        assert len([row for row in signs(field(spec), "rule") if "y2" in row]) == 2 * 7

    def test_hidden_services_are_named_below_and_drawn_nowhere(self) -> None:
        spec = drawn("funnel", "en")
        assert len(signs(field(spec), "point")) == 7
        assert [row["text"] for row in values(spec["vconcat"][2])] == ["Hidden: few people (Familieteamet)"]

    def test_one_service_alone_and_none_at_all_can_be_drawn(self) -> None:
        table = funnel()
        for rows in (table.rows[:1], (table.rows[2],)):
            spec = funnel_chart(replace(table, rows=rows), "en")
            assert vl_convert.vegalite_to_svg(spec, vl_version="6.4", allowed_base_urls=[])
        assert "No figures can be shown" in json.dumps(spec)


class TestTherapists:
    def test_the_order_is_that_of_the_names_whatever_the_figures(self) -> None:
        table = CHARTED["therapists"]
        names = sorted(row_name(table, row, "nb") for row in table.rows)
        by_figure = sorted(table.rows, key=lambda row: -(float(row.cells[1].value or 0)))
        for rows in (table.rows, tuple(by_figure), tuple(reversed(by_figure))):
            spec = report_chart(replace(table, rows=rows), "nb")
            texts = [row for row in values(spec) if row.get("text") in names]
            assert [row["text"] for row in sorted(texts, key=lambda row: row["y"])] == names

    def test_the_field_reaches_as_far_to_both_sides(self) -> None:
        low, high = field(drawn("therapists", "en"))["encoding"]["x"]["scale"]["domain"]
        assert low == -high


class TestDose:
    def test_the_sessions_of_reviews_are_marked(self) -> None:
        panel = field(drawn("dose", "en"))["hconcat"][0]
        assert [row["x"] for row in panel["layer"][1]["data"]["values"]] == list(MARKED)
        assert panel["encoding"]["x"]["axis"]["values"] == [3, 7, 20, 52]

    def test_a_short_course_has_its_own_last_session(self) -> None:
        table = replace(CHARTED["dose"], rows=CHARTED["dose"].rows[:12])
        panel = field(report_chart(table, "en") or {})["hconcat"][0]
        assert panel["encoding"]["x"]["axis"]["values"] == [3, 7, 12]

    def test_lines_break_off_where_figures_are_hidden_and_go_on_after(self) -> None:
        rows = tuple(
            Row(f"{session}", (SMALL, SMALL) if session in (4, 5) else (share(session, 40), Cell(0.01 * session)))
            for session in range(1, 9)
        )
        columns = (Column("improved", Kind.SHARE), Column("dropped_out", Kind.SHARE))
        panel = field(report_chart(Table("dose", columns, rows), "en") or {})["hconcat"][0]
        lines = [each["data"]["values"] for each in panel["layer"] if each["mark"]["type"] == "line"]
        assert [[row["x"] for row in line] for line in lines] == [[0, 1, 2, 3], [6, 7, 8]] * 2
        tinted = [(row["x"], row["x2"]) for row in signs(panel, "rect")]
        assert tinted == [(3.0, 4.0), (4.0, 5.0)]

    def test_a_figure_between_hidden_ones_is_a_dot_with_its_interval_and_no_line(self) -> None:
        """And what leads up to a hidden step is tinted from the step before; the field ends at the mark of the last."""
        kinds = (Column("improved", Kind.SHARE), Column("dropped_out", Kind.SHARE))
        rows = tuple(
            Row(str(step), (Cell(0.4, 0.3, 0.5) if step == 6 else SMALL, SMALL)) for step in (3, 6, 7, 10, 20, 52)
        )
        panel = field(report_chart(Table("dose", kinds, rows), "en") or {})["hconcat"][0]
        assert not [each for each in panel["layer"] if each["mark"]["type"] == "line"]
        shown = [row for each in panel["layer"] for row in each["data"]["values"] if row["x"] == 6 and "x2" not in row]
        assert shown == [{"x": 6, "y": 30.0, "y2": 50.0}, {"x": 6, "y": 40.0}]
        assert [(row["x"], row["x2"]) for row in signs(panel, "rect")] == [(0, 3), (6, 7)]
        assert panel["encoding"]["x"]["scale"]["domain"] == [0, 7]

    def test_a_table_without_drop_out_has_one_line(self) -> None:
        rows = tuple(Row(f"{session}", (share(session, 40),)) for session in range(1, 9))
        spec = report_chart(Table("dose", (Column("improved", Kind.SHARE),), rows), "en") or {}
        assert "Left before" not in json.dumps(spec)

    def test_a_panel_for_each_group(self) -> None:
        panels = field(drawn("dose_by_interval", "en"))["hconcat"]
        assert [each["title"]["text"] for each in panels] == ["Weekly", "Fortnightly", "Less often"]

    def test_its_words_say_the_figures_at_the_marks(self) -> None:
        assert (
            "After session 7: Reliably better so far 40% (34\u201346%) of 231, Left before improving 15%."
            in drawn("dose", "en")["description"]
        )


def test_long_names_are_broken_and_then_cut() -> None:
    assert wrapped("", 50) == [""]
    assert shortened("Tjenesten for alle som bor ved sjøen og litt til og mer", 90, 2)[-1].endswith("…")
    assert shortened("Donaudampfschifffahrtsgesellschaft", 60, 2)[0].endswith("…")
    assert shortened("Kort", 90, 2) == ["Kort"]


def test_a_table_that_tells_no_figure_has_no_chart() -> None:
    for key, columns in (("responders", ("count", "share")), ("funnel", ("count", "share", "expected"))):
        kinds = tuple(Column(each, Kind.SHARE) for each in columns)
        assert report_chart(Table(key, kinds, (Row("a", (Cell(20), *(SMALL,) * (len(kinds) - 1))),)), "en") is None


def test_shares_without_intervals_have_no_legend_of_intervals() -> None:
    column = (Column("share", Kind.SHARE),)
    for cell, is_named in ((Cell(0.9), False), (Cell(0.9, 0.8, 0.95, 100), True)):
        told = json.dumps(report_chart(Table("attendance", column, (Row("attended", (cell,)),)), "en"))
        assert ("Share with 95% interval" in told) is is_named


def test_limits_have_room() -> None:
    assert within([], room=0.5) == (-0.5, 0.5)
    assert within([], around=0.0, room=0.0) == (-1.0, 1.0)
    assert within([2.0, 4.0], room=0.5) == (1.0, 5.0)


def test_differences_between_shares_are_in_percentage_points() -> None:
    table = Table("compared", (Column("difference", Kind.SHARE),), (Row("expected", (Cell(0.031, 0.01, 0.05),)),))
    told = json.dumps(report_chart(table, "en"), ensure_ascii=False)
    assert "+3 percentage points" in told
    assert "Difference, percentage points" in told


class TestPage:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_the_picture_stands_with_its_words_its_warning_and_its_table(self, language: str) -> None:
        table = CHARTED["good_enough"]
        svg = vl_convert.vegalite_to_svg(drawn("good_enough", language), vl_version="6.4", allowed_base_urls=[])
        page = chart_page(svg, table, language)
        for said in (table_title(table, language), reading(table, language), note_text(table.notes[0], language)):
            assert escape(said) in page
        assert f'<html lang="{language}">' in page
        assert page.count("<tr>") == 1 + len(table.rows)
        assert withheld_word(Withheld.SMALL_NUMBER, language) in page.partition("<table>")[2]
        assert '<desc id="chart-description">' in page
        assert page.count("://") == svg.count("://")

    def test_names_are_no_markup(self) -> None:
        row = Row("a", (share(30, 60),), label="<script>alert(1)</script>")
        table = Table("responders", (Column("share", Kind.SHARE),), (row,))
        spec = report_chart(table, "nb") or {}
        svg = vl_convert.vegalite_to_svg(spec, vl_version="6.4", allowed_base_urls=[])
        assert "<script" not in chart_page(svg, table, "nb")

    def test_the_table_says_every_cell(self) -> None:
        twin = table_twin(CHARTED["compared"], "en")
        assert twin.columns == ("Compared with", "Number", "Here", "Similar people, probably", "Difference")
        assert twin.rows[0] == ("Expected course here", "231", "6.4", "6.1", "+0.3 (\N{MINUS SIGN}0.4 to 1.0) of 231")
        assert twin.rows[5][-1] == "Unknown"

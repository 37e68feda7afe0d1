"""A report on paper: every figure that is told stands there, with its interval, its warnings and its chart."""

from __future__ import annotations

from datetime import date
from functools import cache

import pytest

from app.reports.document import Cell, Column, Kind, Report, Row, Section, Table
from app.services.report_pdf import report_pdf
from app.texts.catalogue import LANGUAGES, say
from app.texts.figures import written_interval, written_value
from app.texts.reports import is_difference, note_text, reading, row_name, section_title, table_title
from tests.pdf_text import pages_of, text_of
from tests.reports.scenes import everything, responders

DAY = date(2027, 1, 5)


@cache
def printed(language: str) -> bytes:
    return report_pdf(everything(), language, organisation="Lyngvik kommune", day=DAY)


def packed(text: str) -> str:
    """Leave out what a line's end adds or takes: spaces, and hyphens, which a PDF may tell apart from its glyphs."""
    return "".join(text.replace("-", "").split())


@cache
def said(language: str) -> str:
    return packed(text_of(printed(language)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_says_what_it_is_about_and_how_it_is_read(language: str) -> None:
    first = packed(pages_of(printed(language))[0])
    assert packed(say("report.title.outcomes", language)) in first
    assert packed("Lyngvik kommune (demonstrasjon)") in first
    for note in everything().notes:
        assert packed(note_text(note, language)) in first
    for section in everything().sections:
        assert packed(section_title(section, language)) in first


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_table_stands_there_with_its_reading_its_rows_and_its_notes(language: str) -> None:
    everywhere = said(language)
    for section in everything().sections:
        for table in section.tables:
            assert packed(table_title(table, language)) in everywhere
            assert packed(reading(table, language)) in everywhere
            for note in (*section.notes, *table.notes):
                assert packed(note_text(note, language)) in everywhere
            for row in table.rows:
                if not table.key.startswith("dose"):
                    assert packed(row_name(table, row, language)) in everywhere


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_stand_with_their_intervals(language: str) -> None:
    everywhere = said(language)
    tables = {table.key: table for section in everything().sections for table in section.tables}
    for key in ("outcomes", "effect", "compared", "published", "by_sex", "therapists", "waits", "phases"):
        for row in tables[key].rows:
            for column, cell in zip(tables[key].columns, row.cells, strict=True):
                difference = is_difference(column)
                for figure in (
                    written_value(cell, column.kind, language, is_difference=difference),
                    written_interval(cell, column.kind, language, is_difference=difference),
                ):
                    assert packed(figure) in everywhere


def test_it_can_be_read_aloud() -> None:
    pdf = printed("nn")
    assert b"/Marked true" in pdf
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
    assert b"/Lang(nn)" in pdf
    assert pdf.count(b"/Alt") >= 20, "every chart has its words"


def test_a_chart_stands_in_it_and_a_table_without_one_does_not_fail() -> None:
    with_chart = Report("outcomes", (), (), (Section("dose", (responders(),)),))
    plain = Table("effect", (Column("count", Kind.COUNT),), (Row("pre_post", (Cell(9),)),))
    without = Report("outcomes", (), (), (Section("outcomes", (plain,)),))
    assert b"/Alt" in report_pdf(with_chart, "nb", organisation="A", day=DAY)
    assert b"/Alt" not in report_pdf(without, "nb", organisation="A", day=DAY)


@pytest.mark.parametrize(("services", "charts"), [(30, 1), (60, 0)])
def test_a_chart_that_no_page_has_room_for_is_left_to_its_table(services: int, charts: int) -> None:
    rows = tuple(Row(f"{number}", (Cell(0.5, 0.4, 0.6, 50),), label=f"No. {number}.") for number in range(services))
    report = Report(
        "outcomes", (), (), (Section("dose", (Table("responders", (Column("share", Kind.SHARE),), rows),)),)
    )
    pdf = report_pdf(report, "nb", organisation="A", day=DAY)
    assert pdf.count(b"/Alt") == charts
    assert f"No. {services - 1}." in text_of(pdf)


def test_names_are_no_markup_and_strange_letters_do_no_harm() -> None:
    name = '#panic("x") *b* <svg> & \N{GRINNING FACE} 张'
    row = Row("s", (Cell(0.5, 0.4, 0.6, 50),), label=name)
    table = Table("responders", (Column("share", Kind.SHARE),), (row,))
    report = Report("outcomes", (), (), (Section("dose", (table,)),))
    everywhere = text_of(report_pdf(report, "nb", organisation=name, day=DAY))
    square = "\N{WHITE SQUARE}"
    assert f'#panic("x") *b* <svg> & {square} {square}' in everywhere

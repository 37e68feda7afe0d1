"""A report as a workbook, opened as a zip file: numbers are numbers, texts are texts, and what is hidden says so."""

from __future__ import annotations

import re
from datetime import date

import pytest

from app.reports.document import Cell, Column, Fact, Kind, Note, Report, Row, Section, Table, Withheld
from app.services.report_xlsx import report_xlsx
from app.texts.catalogue import LANGUAGES
from app.texts.figures import withheld_word
from app.texts.reports import row_name, section_title
from tests.reports.scenes import everything
from tests.reports.workbooks import Shown, lines_of, parts_of, sheets_of

DAY = date(2027, 1, 5)


def of_table(table: Table, language: str = "en") -> list[list[Shown]]:
    """Give the lines of a workbook of one table, from its head on."""
    report = Report("outcomes", (), (), (Section("outcomes", (table,)),))
    lines = lines_of(sheets_of(report_xlsx(report, language, day=DAY))["What we achieve"])
    return [line for line in lines if len(line) > 1 and line[1].value is not None]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_sheet_says_how_it_is_read_and_each_section_has_its_own(language: str) -> None:
    report = everything()
    sheets = sheets_of(report_xlsx(report, language, day=DAY))
    about, *others = sheets
    assert others == [section_title(section, language) for section in report.sections]
    said = [cell.value for cell in sheets[about].values()]
    assert "Lyngvik kommune (demonstrasjon)" in said
    assert len([each for each in said if isinstance(each, str) and re.search(r"\b8\b.*\.$", each)]) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_figure_is_there_as_a_number(language: str) -> None:
    """By row: value, interval and denominator stand beside each other, in the order of the table."""
    report = everything()
    sheets = sheets_of(report_xlsx(report, language, day=DAY))
    for section in report.sections:
        lines = [[each.value for each in line] for line in lines_of(sheets[section_title(section, language)])]
        for table in section.tables:
            for row in table.rows:
                numbers = [
                    pytest.approx(each)
                    for cell in row.cells
                    for each in (cell.value, cell.low, cell.high, cell.of)
                    if each is not None and not isinstance(each, str)
                ]
                name = row_name(table, row, language)
                found = [[each for each in line[1:] if isinstance(each, float)] for line in lines if line[0] == name]
                assert numbers in found, (table.key, row.key)


def test_numbers_have_the_format_of_their_kind() -> None:
    kinds = {
        Kind.COUNT: (1234, "#,##0"),
        Kind.SHARE: (0.58, "0.0%"),
        Kind.POINTS: (5.2, "0.0"),
        Kind.EFFECT: (1.14, "0.00"),
        Kind.DAYS: (17.5, "0.0"),
        Kind.SESSIONS: (6.5, "0.0"),
        Kind.NUMBER: (1.5, "0.00"),
    }
    columns = tuple(Column("count", kind) for kind in kinds)
    row = Row("early", tuple(Cell(value) for value, _ in kinds.values()))
    _, line = of_table(Table("responders", columns, (row,)))
    assert [(each.value, each.number_format) for each in line[1:]] == list(kinds.values())


def test_whole_days_have_no_decimals_and_differences_their_sign() -> None:
    columns = (Column("median", Kind.DAYS), Column("difference", Kind.POINTS))
    _, line = of_table(Table("compared", columns, (Row("expected", (Cell(14), Cell(1.5, 0.5, 2.5))),)))
    assert [each.number_format for each in line[1:]] == ["0", '+0.0;"\N{MINUS SIGN}"0.0;0.0', "0.0", "0.0"]


def test_interval_and_denominator_have_columns_of_their_own() -> None:
    row = Row("early", (Cell(12), Cell(0.58, 0.48, 0.67, 100)))
    table = Table("responders", (Column("count", Kind.COUNT), Column("share", Kind.SHARE)), (row,))
    head, line = of_table(table)
    names = ["How it came", "Number", "Share", "Share: from (95%)", "Share: to (95%)", "Share: of"]
    assert [each.value for each in head] == names
    assert [each.value for each in line] == ["Early", 12, 0.58, 0.48, 0.67, 100]


@pytest.mark.parametrize("reason", Withheld)
def test_what_is_withheld_is_said_once_for_each_figure(reason: Withheld) -> None:
    rows = (Row("early", (Cell(0.58, 0.48, 0.67, 100),)), Row("late", (Cell(withheld=reason),)))
    *_, line = of_table(Table("responders", (Column("share", Kind.SHARE),), rows))
    assert [each.value for each in line] == ["Late", withheld_word(reason, "en"), "", "", ""]


@pytest.mark.parametrize(
    "text", ["=1+1", "{=1}", "@SUM(A1)", "https://spor.example", "+47 22 22 22 22", "0123", "mailto:a@b"]
)
def test_no_text_is_a_formula_a_link_or_a_number(text: str) -> None:
    table = Table("by_service", (Column("state", Kind.TEXT),), (Row("a", (Cell(text),), label=text),))
    report = Report("outcomes", (Fact("service", text),), (), (Section("for_whom", (table,)),))
    workbook = report_xlsx(report, "nb", day=DAY)
    cells = [cell for sheet in sheets_of(workbook).values() for cell in sheet.values()]
    assert [cell.value for cell in cells].count(text) == 3
    assert not any(cell.is_formula for cell in cells)
    assert "<hyperlink" not in "".join(parts_of(workbook).values())


def test_heads_stay_in_sight_and_sheets_fit_on_paper() -> None:
    parts = parts_of(report_xlsx(everything(), "nb", day=DAY))
    sheets = [content for name, content in parts.items() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 7
    for sheet in sheets:
        assert 'state="frozen"' in sheet
        assert 'fitToHeight="0"' in sheet
        assert 'paperSize="9"' in sheet


def test_no_name_or_word_is_wider_than_its_column() -> None:
    """Widths in letters; names and sentences are wrapped, single words cannot be."""
    report = everything()
    for language in LANGUAGES:
        workbook = report_xlsx(report, language, day=DAY)
        parts = parts_of(workbook)
        for number, cells in enumerate(sheets_of(workbook).values(), 1):
            widths: dict[int, float] = {}
            for first, last, width in re.findall(
                r'<col min="(\d+)" max="(\d+)" width="([\d.]+)"', parts[f"xl/worksheets/sheet{number}.xml"]
            ):
                widths |= dict.fromkeys(range(int(first), int(last) + 1), float(width))
            for address, cell in cells.items():
                column = ord(address[0]) - ord("A") + 1
                if isinstance(cell.value, str) and column > 1:
                    assert max(map(len, cell.value.split()), default=0) <= widths[column], (language, cell.value)


def test_long_texts_have_room_and_a_section_may_hold_notes_alone() -> None:
    long = "Eierne og ledelsen følger opp tallene hvert kvartal. " * 6
    row = Row("leadership", (Cell(long + "\n" + long),), label="Ledelse")
    table = Table("responders", (Column("state", Kind.TEXT),), (row,))
    sections = (Section("outcomes", (table,)), Section("dose", (), (Note("responsive_regulation"),)))
    workbook = report_xlsx(Report("outcomes", (), (), sections), "en", day=DAY)
    assert 'ht="180"' in parts_of(workbook)["xl/worksheets/sheet2.xml"], "twelve lines of 55 letters, 15 points each"
    said = [cell.value for cell in sheets_of(workbook)["When improvement comes"].values()]
    assert f"{said[1]}".startswith("People who")


def test_the_same_report_gives_the_same_file() -> None:
    assert report_xlsx(everything(), "nb", day=DAY) == report_xlsx(everything(), "nb", day=DAY)


def test_sheets_with_the_same_or_a_forbidden_name_are_told_apart() -> None:
    table = Table("responders", (Column("count", Kind.COUNT),), (Row("early", (Cell(12),)),))
    sections = tuple(Section("outcomes", (table,)) for _ in range(3))
    names = list(sheets_of(report_xlsx(Report("outcomes", (), (), sections), "en", day=DAY)))
    assert names == ["About the report", "What we achieve", "What we achieve 2", "What we achieve 3"]

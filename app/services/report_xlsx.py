"""A report as a workbook: what it is about and how it is read on the first sheet, then a sheet for each section."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import count, islice
from typing import Any, Final

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from app.charts import palette
from app.reports.document import Cell, Column, Kind, Note, Report, Row, Section, Table
from app.texts.catalogue import say
from app.texts.figures import code_word, withheld_word
from app.texts.reports import (
    column_name,
    fact_name,
    fact_value,
    is_difference,
    note_text,
    reading,
    report_title,
    row_head,
    row_name,
    section_title,
    table_title,
)

_NUMBERS: Final[Mapping[Kind, str]] = {
    Kind.COUNT: "#,##0",
    Kind.SHARE: "0.0%",
    Kind.POINTS: "0.0",
    Kind.EFFECT: "0.00",
    Kind.DAYS: "0.0",
    Kind.SESSIONS: "0.0",
    Kind.NUMBER: "0.00",
}
_SIGNED: Final = {"0.0%": '+0.0%;"\N{MINUS SIGN}"0.0%;0.0%', "0.0": '+0.0;"\N{MINUS SIGN}"0.0;0.0'}

_NAMES_WIDTH, _FIGURE_WIDTH, _TEXT_WIDTH = 44, 13, 95
_WORDS_WIDTH: Final = 60
_WITHHELD_WIDTH: Final = 20
"""Widths in letters: of names, figures and sentences, of other texts, and of the words for a hidden figure."""
_LINE: Final = 15.0
_LEAST_COLUMNS: Final = 5
"""Over how many columns of figures a sentence is written at the least."""
_SHEET_NAME: Final = 31
_NOT_IN_A_NAME: Final = re.compile(r"[\[\]:*?/\\']")
_LETTERS_PER_LINE: Final = 118
"""How many letters of a sentence fit in a line across the columns of a table."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One column of the sheet: a column of the table, or an end of its interval, or its denominator."""

    column: int
    end: str
    name: str
    kind: Kind


def report_xlsx(report: Report, language: str, *, day: date) -> bytes:
    """Write a report as a workbook for spreadsheets.

    Parameters
    ----------
    report : Report
        With disclosure control applied.
    language : str
        One of `nb`, `nn`, `en`.
    day : date
        When it was made.

    Returns
    -------
    bytes
        A workbook (Office Open XML). Figures are numbers with the format of their kind, and interval and denominator
        have columns of their own; what is hidden says so in words. Texts are never formulas or links.
    """
    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    workbook = Workbook(content, options)
    title = report_title(report, language)
    workbook.set_properties({"title": title, "created": datetime.combine(day, time(), UTC)})
    styles = _Styles(workbook)
    _first_sheet(workbook, styles, report, language)
    for section in report.sections:
        _Sheet(workbook, styles, section, language).write()
    workbook.close()
    return content.getvalue()


class _Styles:
    """The looks of the workbook, each made once."""

    def __init__(self, workbook: Workbook) -> None:
        def style(**properties: Any) -> Format:
            return workbook.add_format({"valign": "top", "font_color": palette.INK} | properties)

        self._style = style
        self._figures: dict[str, Format] = {}
        self.title = style(bold=True, font_size=18)
        self.heading = style(bold=True, font_size=13, font_color=palette.EXPECTED)
        self.head = style(bold=True, text_wrap=True, bottom=2, bg_color=palette.GRID, valign="bottom")
        self.head_of_figures = style(
            bold=True, text_wrap=True, bottom=2, bg_color=palette.GRID, valign="bottom", align="right"
        )
        self.text = style(text_wrap=True)
        self.name = style(text_wrap=True, bottom=1, bottom_color=palette.GRID)
        self.word = style(text_wrap=True, bottom=1, bottom_color=palette.GRID)
        self.label = style(bold=True, text_wrap=True)
        self.note = style(text_wrap=True, italic=True, font_color=palette.QUIET)
        self.withheld = style(
            italic=True, font_color=palette.QUIET, bg_color=palette.WINDOW, align="right", text_wrap=True
        )

    def figure(self, number_format: str) -> Format:
        """Give the look of numbers that are written so."""
        if number_format not in self._figures:
            self._figures[number_format] = self._style(
                num_format=number_format, bottom=1, bottom_color=palette.GRID, align="right"
            )
        return self._figures[number_format]


def _first_sheet(workbook: Workbook, styles: _Styles, report: Report, language: str) -> None:
    """Say what the report is about, how its figures are read, and what is on which sheet."""
    sheet = workbook.add_worksheet(_sheet_name(workbook, say("report.file.about", language)))
    _to_print(sheet, is_wide=False)
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, _TEXT_WIDTH)
    sheet.write_string(0, 0, report_title(report, language), styles.title)
    line = 2
    for fact in report.facts:
        sheet.write_string(line, 0, fact_name(fact, language), styles.label)
        sheet.write_string(line, 1, fact_value(fact, language), styles.text)
        line += 1
    line += 1
    sheet.write_string(line, 0, say("report.file.how_to_read", language), styles.heading)
    for note in report.notes:
        line += 1
        text = note_text(note, language)
        sheet.set_row(line, _height(text, _TEXT_WIDTH))
        sheet.write_string(line, 1, text, styles.text)
    line += 2
    sheet.write_string(line, 0, say("report.file.contents", language), styles.heading)
    for section in report.sections:
        line += 1
        tables = "; ".join(table_title(table, language) for table in section.tables)
        sheet.set_row(line, _height(tables, _TEXT_WIDTH))
        sheet.write_string(line, 0, section_title(section, language), styles.label)
        sheet.write_string(line, 1, tables, styles.text)
    sheet.freeze_panes(1, 0)


class _Sheet:
    """A sheet with the tables of a section, one below the other."""

    def __init__(self, workbook: Workbook, styles: _Styles, section: Section, language: str) -> None:
        self._styles = styles
        self._section = section
        self._language = language
        self._line = 0
        self._widths = self._found_widths()
        self._sheet = workbook.add_worksheet(_sheet_name(workbook, section_title(section, language)))

    def write(self) -> None:
        """Write it."""
        sheet = self._sheet
        _to_print(sheet, is_wide=True)
        sheet.set_column(0, 0, _NAMES_WIDTH)
        sheet.write_string(0, 0, section_title(self._section, self._language), self._styles.title)
        self._line = 1
        self._notes(self._section.notes)
        for table in self._section.tables:
            self._table(table)
        for column, width in enumerate(self._widths, 1):
            sheet.set_column(column, column, width)
        sheet.freeze_panes(1, 1)

    def _table(self, table: Table) -> None:
        sheet, styles, language = self._sheet, self._styles, self._language
        self._line += 1
        sheet.write_string(self._line, 0, table_title(table, language), styles.heading)
        self._line += 1
        self._sentence(reading(table, language), styles.text)
        parts = list(_parts(table, language))
        sheet.set_row(self._line, 3 * _LINE)
        sheet.write_string(self._line, 0, row_head(table, language), styles.head)
        for place, part in enumerate(parts, 1):
            is_text = part.kind in (Kind.CODE, Kind.TEXT)
            sheet.write_string(self._line, place, part.name, styles.head if is_text else styles.head_of_figures)
        for row in table.rows:
            self._line += 1
            self._row(table, row, parts)
        self._line += 1
        self._notes(table.notes)

    def _row(self, table: Table, row: Row, parts: Sequence[_Part]) -> None:
        name = row_name(table, row, self._language)
        said = [
            _height(row.cells[part.column].value, width)
            for part, width in zip(parts, self._widths, strict=False)
            if part.end == "value"
        ]
        self._sheet.set_row(self._line, max([_height(name, _NAMES_WIDTH), *said]))
        self._sheet.write_string(self._line, 0, name, self._styles.name)
        for place, part in enumerate(parts, 1):
            self._cell(place, part, table.columns[part.column], row.cells[part.column])

    def _cell(self, place: int, part: _Part, column: Column, cell: Cell) -> None:
        sheet, styles, language = self._sheet, self._styles, self._language
        if cell.withheld is not None:
            said = withheld_word(cell.withheld, language) if part.end == "value" else ""
            sheet.write_string(self._line, place, said, styles.withheld)
            return
        value = getattr(cell, part.end)
        if isinstance(value, str):
            text = code_word(value, language) if column.kind is Kind.CODE else value
            sheet.write_string(self._line, place, text, styles.word)
        elif value is None:
            sheet.write_blank(self._line, place, None, styles.word)
        else:
            sheet.write_number(self._line, place, value, styles.figure(_format(part, column, value)))

    def _notes(self, notes: Sequence[Note]) -> None:
        for note in notes:
            self._sentence(note_text(note, self._language), self._styles.note)

    def _sentence(self, text: str, style: Format) -> None:
        """Write a sentence across the columns."""
        last = max([_LEAST_COLUMNS, *(len(list(_parts(table, self._language))) for table in self._section.tables)])
        self._sheet.set_row(self._line, _height(text, _LETTERS_PER_LINE))
        self._sheet.merge_range(self._line, 0, self._line, min(last, _LEAST_COLUMNS + 1), "", style)
        self._sheet.write_string(self._line, 0, text, style)
        self._line += 1

    def _found_widths(self) -> list[int]:
        """Give each column the width of the longest word or figure in it, in one of the tables."""
        widths: dict[int, int] = {}
        for table in self._section.tables:
            for place, part in enumerate(_parts(table, self._language)):
                cells = [row.cells[part.column] for row in table.rows]
                needed = max((_needed(cell, part, self._language) for cell in cells), default=0)
                longest = max((len(each) for each in part.name.split()), default=0) + 2
                widths[place] = max(widths.get(place, _FIGURE_WIDTH), min(needed, _WORDS_WIDTH), longest)
        return [widths[place] for place in sorted(widths)]


def _parts(table: Table, language: str) -> Iterator[_Part]:
    """Give the columns of the sheet: interval and denominator only where there are any."""
    for place, column in enumerate(table.columns):
        cells = [row.cells[place] for row in table.rows]
        name = column_name(column, language)
        yield _Part(place, "value", name, column.kind)
        if any(cell.low is not None for cell in cells):
            yield _Part(place, "low", f"{name}: {_lower(say('report.file.from', language))}", column.kind)
            yield _Part(place, "high", f"{name}: {_lower(say('report.file.to', language))}", column.kind)
        if any(cell.of is not None for cell in cells):
            yield _Part(place, "of", f"{name}: {_lower(say('report.file.of', language))}", Kind.COUNT)


def _lower(word: str) -> str:
    return word[:1].lower() + word[1:]


def _needed(cell: Cell, part: _Part, language: str) -> int:
    if part.end != "value":
        return 0
    if cell.withheld is not None:
        return min(len(withheld_word(cell.withheld, language)) + 2, _WITHHELD_WIDTH)
    if isinstance(cell.value, str):
        return len(code_word(cell.value, language)) + 2
    return 0


def _format(part: _Part, column: Column, value: float) -> str:
    plain = _NUMBERS[part.kind]
    if part.kind is Kind.DAYS and value == int(value):
        plain = "0"
    return _SIGNED.get(plain, plain) if is_difference(column) and part.end == "value" else plain


def _height(text: object, width: int) -> float:
    """Give the height in points that a text needs, wrapped to so many letters; a number needs one line."""
    lines = text.splitlines() if isinstance(text, str) else []
    return _LINE * max(1, sum(1 + len(each) // int(width * 0.92) for each in lines))


def _sheet_name(workbook: Workbook, wanted: str) -> str:
    """Give a name that a sheet may have, and no other has."""
    taken = {sheet.get_name().casefold() for sheet in workbook.worksheets()}
    plain = _NOT_IN_A_NAME.sub(" ", wanted)[:_SHEET_NAME].strip()
    numbered = (f"{plain[: _SHEET_NAME - 3]} {number}" for number in count(2))
    return next(name for name in (plain, *islice(numbered, len(taken))) if name.casefold() not in taken)


def _to_print(sheet: Worksheet, *, is_wide: bool) -> None:
    """Make a sheet fit on paper: all columns on one page, with its name and number below."""
    sheet.set_paper(9)  # A4
    if is_wide:
        sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
    sheet.set_footer("&L&A&R&P / &N")
    sheet.hide_gridlines(2)
    sheet.repeat_rows(0)

"""A report as comma-separated values: one figure in a line, for programs and spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from app.reports.document import Cell, Column, Note, Report, Row, Section, Table
from app.texts.figures import written_whole
from app.texts.reports import (
    column_name,
    fact_name,
    fact_value,
    is_difference,
    note_text,
    row_name,
    section_title,
    table_title,
)

COLUMNS: Final = (
    *("section", "table", "row", "column", "kind", "value", "low", "high", "of", "withheld"),
    *("section_words", "table_words", "row_words", "column_words", "words"),
)

_BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
_FULL_WIDTH: Final = (
    "\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)
_BEGINS_A_FORMULA: Final = frozenset("=+-@\t\r\n" + _FULL_WIDTH)
_FACT, _NOTE = "fact", "note"


def report_csv(report: Report, language: str) -> bytes:
    """Write a report as comma-separated values, as RFC 4180 has them.

    Parameters
    ----------
    report : Report
        With disclosure control applied.
    language : str
        One of `nb`, `nn`, `en`, for the words; keys and numbers are the same in each.

    Returns
    -------
    bytes
        UTF-8 with a byte order mark, by which spreadsheets know it. A line is a figure: its place by keys, its value,
        interval, denominator or the reason for having none, and all of it in words. Facts and notes are lines too, of
        the kinds ``fact`` and ``note``. A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for line in _lines(report, language):
        writer.writerow([guarded(each) for each in line])
    return f"{_BYTE_ORDER_MARK}{text.getvalue()}".encode()


def _lines(report: Report, language: str) -> Iterator[tuple[object, ...]]:
    for fact in report.facts:
        blank = ("",) * 5
        yield "", "", fact.key, "", _FACT, *blank, "", "", fact_name(fact, language), "", fact_value(fact, language)
    for note in report.notes:
        yield _note(note, language)
    for section in report.sections:
        for note in section.notes:
            yield _note(note, language, section)
        for table in section.tables:
            for row in table.rows:
                for column, cell in zip(table.columns, row.cells, strict=True):
                    yield _figure(section, table, row, column, cell, language)
            for note in table.notes:
                yield _note(note, language, section, table)


def _figure(section: Section, table: Table, row: Row, column: Column, cell: Cell, language: str) -> tuple[object, ...]:
    return (
        *(section.key, table.key, row.key, column.key, column.kind.value),
        *(cell.value, cell.low, cell.high, cell.of, None if cell.withheld is None else cell.withheld.value),
        *(section_title(section, language), table_title(table, language), row_name(table, row, language)),
        column_name(column, language),
        written_whole(cell, column.kind, language, is_difference=is_difference(column)),
    )


def _note(note: Note, language: str, section: Section | None = None, table: Table | None = None) -> tuple[object, ...]:
    return (
        *("" if section is None else section.key, "" if table is None else table.key, note.code, "", _NOTE),
        *("",) * 5,
        *("" if section is None else section_title(section, language),),
        *("" if table is None else table_title(table, language),),
        *("", "", note_text(note, language)),
    )


def guarded(value: object) -> object:
    """Keep a text from being run as a formula (CWE-1236)."""
    if isinstance(value, str) and value[:1] in _BEGINS_A_FORMULA:
        return f"'{value}"
    return value

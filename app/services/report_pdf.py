"""A report on paper: tagged PDF with its tables and charts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import date
from typing import Any, Final

from app.charts.reports import report_chart
from app.reports.document import Cell, Column, Kind, Note, Report, Row, Section, Table
from app.services.pictures import PictureFormat, pictures
from app.services.printing import print_pdf
from app.texts.catalogue import say
from app.texts.figures import written_denominator, written_interval, written_value
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

_SIZE: Final = re.compile(r'<svg[^>]* width="([\d.]+)" height="([\d.]+)"')
_LEGIBLE: Final = 1400.0
"""Pixels; a chart that is higher would be too small on a page to be read, and its table says the same."""
_FIXED: Final = "\N{NO-BREAK SPACE}"
_MARGIN: Final = 4
"""Pixels around a chart, which has the paper's own margin."""
_WORDS: Final = frozenset({Kind.CODE, Kind.TEXT})
_NAMES, _TEXTS, _FIGURES = 2.0, 1.4, 1.0
"""Shares of the width that names, texts beside many others, and figures take."""
_MANY: Final = 4


def report_pdf(report: Report, language: str, *, organisation: str, day: date) -> bytes:
    """Print a report, with its charts.

    Parameters
    ----------
    report : Report
        With disclosure control applied.
    language : str
        One of `nb`, `nn`, `en`.
    organisation : str
        Whose it is.
    day : date
        When it was made.

    Returns
    -------
    bytes
        A PDF (PDF/UA-1) whose first page says what the report is about and how it is read. It waits for the charts, so
        it is not to be called on an event loop.
    """
    drawn = {table.key: _chart(table, language) for section in report.sections for table in section.tables}
    data = {
        "title": report_title(report, language),
        "organisation": organisation,
        "day": day,
        "facts": [[fact_name(fact, language), fact_value(fact, language)] for fact in report.facts],
        "notes": _notes(report.notes, language),
        "how-to-read": say("report.file.how_to_read", language),
        "contents": say("report.file.contents", language),
        "sections": [_section(section, drawn, language) for section in report.sections],
    }
    return print_pdf("report", data, language)


_Drawn = tuple[Future[bytes], str]
"""A chart that is drawn or on its way, and what it says in words."""


def _chart(table: Table, language: str) -> _Drawn | None:
    """Ask for a chart; its title and how it is read stand above it on paper."""
    spec = report_chart(table, language)
    if spec is None:
        return None
    untitled = {name: part for name, part in spec.items() if name != "title"} | {"padding": _MARGIN}
    return pictures().draw(untitled, PictureFormat.SVG), spec["description"]


def _section(section: Section, drawn: dict[str, _Drawn | None], language: str) -> dict[str, Any]:
    return {
        "heading": section_title(section, language),
        "notes": _notes(section.notes, language),
        "tables": [_table(table, drawn[table.key], language) for table in section.tables],
    }


def _table(table: Table, drawn: _Drawn | None, language: str) -> dict[str, Any]:
    return {
        "heading": table_title(table, language),
        "reading": reading(table, language),
        "columns": [row_head(table, language), *(_head(each, language) for each in table.columns)],
        "widths": _widths(table),
        "numeric": [False, *(each.kind not in _WORDS for each in table.columns)],
        "rows": [_row(table, row, language) for row in table.rows],
        "notes": _notes(table.notes, language),
        "chart": None if drawn is None else _picture(*drawn),
    }


def _head(column: Column, language: str) -> str:
    """Name a column, which is narrow, so that no line of it begins with a sign of per cent."""
    return column_name(column, language).replace(" %", f"{_FIXED}%")


def _widths(table: Table) -> list[float]:
    wordy = [each.kind in _WORDS for each in table.columns]
    texts = _TEXTS if sum(wordy) > _MANY else _NAMES
    return [_NAMES, *(texts if each else _FIGURES for each in wordy)]


def _row(table: Table, row: Row, language: str) -> dict[str, Any]:
    cells = [_cell(cell, column, language) for cell, column in zip(row.cells, table.columns, strict=True)]
    return {"name": row_name(table, row, language), "cells": cells}


def _cell(cell: Cell, column: Column, language: str) -> dict[str, Any]:
    difference = is_difference(column)
    interval = written_interval(cell, column.kind, language, is_difference=difference)
    beside = (interval, written_denominator(cell, language))
    return {
        "value": written_value(cell, column.kind, language, is_difference=difference),
        "beside": " ".join(each.replace(" ", _FIXED) for each in beside if each),
        "withheld": cell.withheld is not None,
    }


def _notes(notes: Sequence[Note], language: str) -> list[str]:
    return [note_text(note, language) for note in notes]


def _picture(picture: Future[bytes], description: str) -> dict[str, Any] | None:
    svg = picture.result().decode()
    size = _SIZE.search(svg)
    assert size is not None, "a picture has a size"
    width, height = map(float, size.groups())
    return {"svg": svg, "width": width, "height": height, "alt": description} if height <= _LEGIBLE else None

"""A report as JSON: its tables with their figures, and the words for them in the language that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from pydantic import ConfigDict, Field

from app.api.schemas.fields import Answer
from app.charts.reports import charted_tables
from app.reports.document import Cell, Column, Fact, Kind, Note, Report, Row, Section, Table, Withheld
from app.texts.figures import written_whole
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

_WORDS: Final = "In the language that was asked for; null where no words were asked for."


_EXAMPLE: Final[dict[str, Any]] = {
    "key": "outcomes",
    "title": "What we achieve, compared with what",
    "facts": [{"key": "period", "value": "2026", "name": "Ended in the period", "text": "2026"}],
    "notes": [
        {
            "code": "pooled",
            "evidence": {"organisations": 3},
            "text": "The figures are put together for 3 organisations, since each of them has too few people.",
        }
    ],
    "sections": [
        {
            "key": "outcomes",
            "title": "What we achieve",
            "notes": [],
            "tables": [
                {
                    "key": "responders",
                    "title": "How improvement came",
                    "reading": "Shows when improvement came in those who improved. "
                    "A late improvement is not a worse one.",
                    "row_head": "How it came",
                    "columns": [{"key": "share", "kind": "share", "name": "Share"}],
                    "rows": [
                        {
                            "key": "early",
                            "name": "Early",
                            "figures": [
                                {
                                    "value": 0.58,
                                    "low": 0.482,
                                    "high": 0.672,
                                    "of": 100,
                                    "withheld": None,
                                    "words": "58% (48\u201367%) of 100",
                                }
                            ],
                        },
                        {
                            "key": "late",
                            "name": "Late",
                            "figures": [
                                {
                                    "value": None,
                                    "low": None,
                                    "high": None,
                                    "of": None,
                                    "withheld": "small_number",
                                    "words": "Hidden: few people",
                                }
                            ],
                        },
                    ],
                    "notes": [],
                    "has_chart": True,
                }
            ],
        }
    ],
}
"""A small one; the tests make it anew."""


class FigureRead(Answer):
    """One figure with its interval and denominator, or why there is none."""

    value: int | float | str | None = Field(description="As the column's kind says; null where it is withheld.")
    low: float | None = Field(description="Lower end of the 95 % interval, in the unit of the value.")
    high: float | None = Field(description="Upper end of the 95 % interval.")
    of: int | None = Field(description="Of how many it is a share or a mean.")
    withheld: Withheld | None = Field(description="Why there is no value; it is never the same as 0.")
    words: str | None = Field(description=_WORDS)


class ColumnRead(Answer):
    """A column, and what its figures are. A `share` is 0 to 1; an `effect` is in standard deviations."""

    key: str
    kind: Kind
    name: str | None = Field(description=_WORDS)


class RowRead(Answer):
    """A row, with one figure for each column."""

    key: str
    name: str | None = Field(description=_WORDS)
    figures: list[FigureRead]


class NoteRead(Answer):
    """Something that must be read with the figures."""

    code: str
    evidence: dict[str, float | int | str]
    text: str | None = Field(description=_WORDS)


class TableRead(Answer):
    """Figures of one kind of question, in the order in which they are read."""

    key: str
    title: str | None = Field(description=_WORDS)
    reading: str | None = Field(description=f"How it is read. {_WORDS}")
    row_head: str | None = Field(description=f"What the rows are. {_WORDS}")
    columns: list[ColumnRead]
    rows: list[RowRead]
    notes: list[NoteRead]
    has_chart: bool


class SectionRead(Answer):
    """What belongs to one question of the service lead."""

    key: str
    title: str | None = Field(description=_WORDS)
    notes: list[NoteRead]
    tables: list[TableRead]


class FactRead(Answer):
    """A line about the report as a whole."""

    key: str
    value: str
    name: str | None = Field(description=_WORDS)
    text: str | None = Field(description=_WORDS)


class ReportRead(Answer):
    """A report, small numbers hidden."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    key: str
    title: str | None = Field(description=_WORDS)
    facts: list[FactRead]
    notes: list[NoteRead]
    sections: list[SectionRead]


def report_read(report: Report, language: str | None) -> ReportRead:
    """Show a report.

    Parameters
    ----------
    report : Report
        With disclosure control applied.
    language : str or None
        One of `nb`, `nn`, `en`; None leaves the words out.
    """
    charted = {table.key for table in charted_tables(report)}
    return ReportRead(
        key=report.key,
        title=_said(language, lambda spoken: report_title(report, spoken)),
        facts=[_fact(each, language) for each in report.facts],
        notes=_notes(report.notes, language),
        sections=[_section(each, charted, language) for each in report.sections],
    )


def _said(language: str | None, words: Callable[[str], str]) -> str | None:
    return None if language is None else words(language)


def _fact(fact: Fact, language: str | None) -> FactRead:
    return FactRead(
        key=fact.key,
        value=fact.value,
        name=_said(language, lambda spoken: fact_name(fact, spoken)),
        text=_said(language, lambda spoken: fact_value(fact, spoken)),
    )


def _notes(notes: Sequence[Note], language: str | None) -> list[NoteRead]:
    return [
        NoteRead(
            code=note.code,
            evidence=dict(note.evidence),
            text=None if language is None else note_text(note, language),
        )
        for note in notes
    ]


def _section(section: Section, charted: set[str], language: str | None) -> SectionRead:
    return SectionRead(
        key=section.key,
        title=_said(language, lambda spoken: section_title(section, spoken)),
        notes=_notes(section.notes, language),
        tables=[_table(each, language, has_chart=each.key in charted) for each in section.tables],
    )


def _table(table: Table, language: str | None, *, has_chart: bool) -> TableRead:
    return TableRead(
        key=table.key,
        title=_said(language, lambda spoken: table_title(table, spoken)),
        reading=_said(language, lambda spoken: reading(table, spoken)),
        row_head=_said(language, lambda spoken: row_head(table, spoken)),
        columns=[
            ColumnRead(key=each.key, kind=each.kind, name=None if language is None else column_name(each, language))
            for each in table.columns
        ],
        rows=[_row(table, each, language) for each in table.rows],
        notes=_notes(table.notes, language),
        has_chart=has_chart,
    )


def _row(table: Table, row: Row, language: str | None) -> RowRead:
    return RowRead(
        key=row.key,
        name=_said(language, lambda spoken: row_name(table, row, spoken)),
        figures=[_figure(cell, column, language) for cell, column in zip(row.cells, table.columns, strict=True)],
    )


def _figure(cell: Cell, column: Column, language: str | None) -> FigureRead:
    difference = is_difference(column)
    return FigureRead(
        value=cell.value,
        low=cell.low,
        high=cell.high,
        of=cell.of,
        withheld=cell.withheld,
        words=_said(language, lambda spoken: written_whole(cell, column.kind, spoken, is_difference=difference)),
    )

"""A report as JSON: the same cells, with words or without."""

from __future__ import annotations

from typing import Any

import pytest

from app.api.schemas.reports import ReportRead, report_read
from app.reports.document import Cell, Column, Fact, Kind, Note, Report, Row, Section, Table
from app.texts.catalogue import LANGUAGES
from tests.reports.scenes import SMALL, everything


@pytest.mark.parametrize("language", [*LANGUAGES, None])
def test_every_cell_is_there(language: str | None) -> None:
    report = everything()
    read = report_read(report, language)
    assert [each.key for each in read.sections] == [each.key for each in report.sections]
    for shown, section in zip(read.sections, report.sections, strict=True):
        for table, own in zip(shown.tables, section.tables, strict=True):
            assert [(each.key, each.kind) for each in table.columns] == [(each.key, each.kind) for each in own.columns]
            for row, cells in zip(table.rows, own.rows, strict=True):
                assert row.key == cells.key
                figures = [Cell(each.value, each.low, each.high, each.of, each.withheld) for each in row.figures]
                assert tuple(figures) == cells.cells
                assert all((each.words is None) == (language is None) for each in row.figures)


def names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {name for name, each in value.items() if each is not None} | {
            n for each in value.values() for n in names(each)
        }
    return {name for each in value for name in names(each)} if isinstance(value, list) else set()


def test_without_a_language_there_are_no_words() -> None:
    read = report_read(everything(), None).model_dump()
    assert names(read) & {"title", "reading", "row_head", "name", "text", "words"} == set()


def test_a_count_stays_whole_and_the_chart_is_announced() -> None:
    read = report_read(everything(), "en").model_dump_json()
    assert '"value":412,' in read
    charted = {
        table.key: table.has_chart for section in report_read(everything(), None).sections for table in section.tables
    }
    assert charted["funnel"]
    assert not charted["effect"]


def test_the_example_is_what_would_be_answered() -> None:
    rows = (Row("early", (Cell(0.58, 0.482, 0.672, 100),)), Row("late", (SMALL,)))
    table = Table("responders", (Column("share", Kind.SHARE),), rows)
    report = Report(
        "outcomes",
        (Fact("period", "2026"),),
        (Note("pooled", {"organisations": 3}),),
        (Section("outcomes", (table,)),),
    )
    [example] = ReportRead.model_json_schema()["examples"]
    assert report_read(report, "en").model_dump(mode="json") == example

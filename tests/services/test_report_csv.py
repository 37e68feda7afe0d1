"""A report as comma-separated values: what is read back is what was written."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import pytest

from app.reports.document import Cell, Column, Fact, Kind, Note, Report, Row, Section, Table, Withheld
from app.services.report_csv import COLUMNS, report_csv
from app.texts.catalogue import LANGUAGES
from tests.reports.scenes import everything


def lines(report: Report, language: str = "nb") -> list[Mapping[str, str]]:
    text = report_csv(report, language).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cell_is_a_line_and_comes_back_as_it_was(language: str) -> None:
    report = everything()
    told = iter([each for each in lines(report, language) if each["kind"] not in ("fact", "note")])
    for section in report.sections:
        for table in section.tables:
            for row in table.rows:
                for column, cell in zip(table.columns, row.cells, strict=True):
                    line = next(told)
                    place = [section.key, table.key, row.key, column.key, column.kind.value]
                    assert [line[name] for name in ("section", "table", "row", "column", "kind")] == place
                    assert read_back(line, column) == cell
    assert list(told) == []


def read_back(line: Mapping[str, str], column: Column) -> Cell:
    value: float | int | str | None = line["value"] or None
    if value is not None and column.kind not in (Kind.CODE, Kind.TEXT):
        value = float(value)
    low, high = (float(line[name]) if line[name] else None for name in ("low", "high"))
    withheld = Withheld(line["withheld"]) if line["withheld"] else None
    return Cell(value, low, high, int(line["of"]) if line["of"] else None, withheld)


def test_facts_and_notes_are_told_with_the_figures() -> None:
    told = lines(everything(), "en")
    facts = [each for each in told if each["kind"] == "fact"]
    assert (facts[0]["row"], facts[0]["row_words"], facts[0]["words"]) == (
        "organisation",
        "Organisation",
        "Lyngvik kommune (demonstrasjon)",
    )
    [warning] = [each for each in told if each["row"] == "responsive_regulation" and each["table"] == "good_enough"]
    assert "must never be read as what each session gives" in warning["words"]
    assert [each["section"] for each in told if each["row"] == "responsive_regulation"] == ["dose", "dose"]


def test_it_begins_as_a_spreadsheet_knows_it_and_names_its_columns() -> None:
    content = report_csv(everything(), "nn")
    assert content.startswith(b"\xef\xbb\xbfsection,table,row,column,kind,value,low,high,of,withheld,")
    assert list(lines(everything())[0]) == list(COLUMNS)
    assert b"\r\n" in content


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"])
def test_no_text_is_run_as_a_formula(text: str) -> None:
    table = Table("by_service", (Column("state", Kind.TEXT),), (Row(text, (Cell(text),), label=text),))
    report = Report("outcomes", (Fact("service", text),), (), (Section("for_whom", (table,)),))
    fact, figure = lines(report)
    assert fact["words"] == f"'{text}"
    assert [figure[name] for name in ("row", "value", "row_words", "words")] == [f"'{text}"] * 4


def test_a_number_below_zero_stays_a_number() -> None:
    table = Table("compared", (Column("difference", Kind.POINTS),), (Row("expected", (Cell(-1.5, -2.0, -1.0),)),))
    [line] = lines(Report("outcomes", (), (), (Section("compared", (table,)),)))
    assert [line[name] for name in ("value", "low", "high")] == ["-1.5", "-2.0", "-1.0"]


def test_a_report_without_anything_has_a_head() -> None:
    assert lines(Report("outcomes", (), (), ())) == []
    assert lines(Report("outcomes", (), (Note("denominators"),), ()))[0]["kind"] == "note"

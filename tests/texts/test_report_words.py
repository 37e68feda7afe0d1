"""What a report says in words: nothing is called an effect that is none, and no warning is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.reports.document import Fact, Kind, Report, Row, Table, Withheld
from app.texts.catalogue import LANGUAGES, say
from app.texts.reports import fact_value, is_difference, key_name, message_of, row_name
from tests.reports.scenes import compared, everything, outcomes
from tests.reports.wording import unworded


def test_everything_that_the_scene_has_has_words() -> None:
    assert unworded(everything()) == set()


def test_what_has_no_words_is_found() -> None:
    strange = replace(everything(), sections=(), key="no_such", facts=(Fact("none", "x"),))
    assert unworded(strange) >= {"report.title.no_such", "report.fact.none"}


@pytest.mark.parametrize(("language", "hedge"), [("nb", "trolig"), ("nn", "truleg"), ("en", "would probably have had")])
def test_the_natural_course_is_probable_and_no_effect(language: str, hedge: str) -> None:
    # Design, 4.6.
    told = [say(f"report.{key}", language) for key in ("table.compared", "reading.compared", "note.similar_people")]
    assert all(hedge in each for each in told)
    rows = [row_name(compared(), row, language) for row in compared().rows]
    assert not any("effe" in each.lower() for each in told + rows)


@pytest.mark.parametrize(
    ("language", "uncontrolled", "not_each"),
    [
        ("nb", "uten sammenligningsgruppe", "aldri"),
        ("nn", "utan samanlikningsgruppe", "aldri"),
        ("en", "uncontrolled", "never"),
    ],
)
def test_the_two_great_misreadings_are_warned_of(language: str, uncontrolled: str, not_each: str) -> None:
    # Methods, D3 and B10.
    for key in ("note.uncontrolled", "row.pre_post"):
        assert uncontrolled in say(f"report.{key}", language)
    assert not_each in say("report.note.responsive_regulation", language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_rules_for_missing_scores_are_told_with_their_source(language: str) -> None:
    # Methods, finding 10.
    said = say("report.note.missing_rules_differ", language)
    assert all(each in said for each in ("58", "48", "Knapstad 2018"))


@pytest.mark.parametrize(
    ("table", "row", "said"),
    [
        ("outcomes", Row("recovery", ()), "Left the clinical range"),
        ("by_sex", Row("female", ()), "Female"),
        ("by_pathway", Row("2", ()), "Pathway 2"),
        ("by_baseline_third", Row("lowest", ()), "Lowest third"),
        ("dose", Row("7", ()), "7"),
        ("dose_by_third", Row("highest:20", ()), "Highest third, 20"),
        # The session is no third.
        ("dose_by_third", Row("lowest:1", ()), "Lowest third, 1"),
        ("by_age_band", Row("18-24", ()), "18\u201324"),
        ("by_problem_area", Row("low_mood", ()), "Low mood"),
        ("by_service", Row("recovery", (), label="=1+1"), "=1+1"),
    ],
)
def test_a_row_has_its_own_words_or_those_of_its_key(table: str, row: Row, said: str) -> None:
    assert row_name(Table(table, (), ()), row, "en") == said


def test_a_key_may_be_named_otherwise_in_another_table() -> None:
    assert key_name(Table("waits", (), ()), "2", "en") == "2"
    assert message_of(Table("by_pathway", (), ()), "2") == "report.row.pathway.2"


def test_a_fact_is_a_code_or_own_words() -> None:
    assert fact_value(Fact("by", "sex"), "nb") == "Kjønn"
    assert fact_value(Fact("service", "Ungdomsteamet"), "nb") == "Ungdomsteamet"


def test_which_columns_are_differences() -> None:
    assert [column.key for column in compared().columns if is_difference(column)] == ["difference"]
    assert not any(map(is_difference, outcomes().columns))


def test_the_scene_has_every_kind_of_figure_and_every_reason() -> None:
    report: Report = everything()
    tables = [table for section in report.sections for table in section.tables]
    assert {column.kind for table in tables for column in table.columns} >= set(Kind) - {
        Kind.SESSIONS,
        Kind.NUMBER,
        Kind.TEXT,
    }
    found = {cell.withheld for table in tables for row in table.rows for cell in row.cells}
    assert found == {None, *Withheld}

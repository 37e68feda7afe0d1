"""Which messages a report needs, so that none of its words is missing in any language."""

from __future__ import annotations

from collections.abc import Iterator

from app.reports.comparison import natural_comparators, published_results
from app.reports.document import Kind, Report, Table, Withheld
from app.reports.flow import BY_RULE
from app.services.report_request import FILTERS
from app.texts.catalogue import is_known
from app.texts.reports import STRATUM, message_of

OF_FILES = ("about", "how_to_read", "from", "to", "of", "contents")
OF_CHARTS = (
    *("share", "number", "paired_number", "session", "with_interval", "figure_with_interval", "bounds"),
    *(
        "limits_95",
        "limits_998",
        "difference_points",
        "difference_share",
        "from_average",
        "average",
        "none_shown",
        "as_table",
    ),
)

FACTS = (
    *("service", "programme", "pathway", "sex", "age_band", "baseline_third", "respondent", "language"),
    *("problem_area", "period", "whole_organisation", "evidence_unknown"),
)
"""Words that a fact about a report may be."""
ROWS = (
    *("third.1", "third.2", "third.3", "single_session", "action.flag", "no_shows", "sessions_with_measure"),
    *("forms_completed", "forms_declined", "forms_unable", "as_recorded", *BY_RULE),
)
"""Rows that the scene has not."""
NOTES = (
    *("drop_out_depends_on_definition", "flow_of_everybody", "one_dimension", "natural_source", "published_source"),
    *("windows_are_no_shapes", "no_own_episodes", "no_difference_found", "added_value", "put_together"),
)
"""Notes that the scene has not."""
STANDINGS = ("seen", "second_hand")
"""How well a published figure is known."""


def keys_of(report: Report) -> Iterator[str]:
    """Give the keys of all messages that a report shows for certain; rows may stand for themselves."""
    yield f"report.title.{report.key}"
    yield from (f"report.fact.{fact.key}" for fact in report.facts)
    yield from (f"report.note.{note.code}" for note in report.notes)
    for section in report.sections:
        yield f"report.section.{section.key}"
        yield from (f"report.note.{note.code}" for note in section.notes)
        for table in section.tables:
            yield from _of_table(table)


def _of_table(table: Table) -> Iterator[str]:
    yield from (f"report.{part}.{table.key}" for part in ("table", "reading", "head"))
    yield from (f"report.column.{column.key}" for column in table.columns)
    yield from (f"report.note.{note.code}" for note in table.notes)
    for row in table.rows:
        named = None if row.label else message_of(table, row.key.partition(STRATUM)[0])
        if named is not None and named.startswith("report."):
            yield named
        for column, cell in zip(table.columns, row.cells, strict=True):
            if column.kind is Kind.CODE and cell.value is not None:
                yield f"report.code.{cell.value}"


def unworded(report: Report) -> set[str]:
    """Give the keys of a report that have no words."""
    return {key for key in keys_of(report) if not is_known(key)}


def everywhere() -> Iterator[str]:
    """Give the keys of what every report may say."""
    yield from (f"report.withheld.{reason}" for reason in Withheld)
    yield from (f"report.file.{name}" for name in OF_FILES)
    yield from (f"report.chart.{name}" for name in OF_CHARTS)
    yield from (f"report.code.{fact}" for fact in FACTS)
    yield from (f"report.row.{row}" for row in ROWS)
    yield from (f"report.note.{note}" for note in NOTES)
    yield from (f"report.fact.only_{dimension}" for dimension in FILTERS)
    yield from (f"report.code.{standing}" for standing in STANDINGS)
    yield from ("report.title.own", "report.title.tool", "report.title.pooled", "report.column.weeks")
    yield "report.fact.organisations"
    yield from _sources()


def _sources() -> Iterator[str]:
    """Give the keys of what is said of the results of others and where they come from."""
    for each in published_results():
        yield from (f"report.{part}.published_{each.key}" for part in ("row", "source"))
    for course in natural_comparators("phq-9"):
        yield from (f"report.{part}.natural_{course.key}" for part in ("row", "source"))

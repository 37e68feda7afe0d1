"""The words of a report: what its tables, columns and rows are called, what they mean, and what to be careful with."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.reports.document import Column, Fact, Note, Report, Row, Section, Table
from app.texts.catalogue import is_known, say
from app.texts.figures import plain, ranged

_CODES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "by_sex": ("code.sex",),
        "by_respondent": ("code.informant_role",),
        "attendance": ("code.attendance_outcome",),
        "actions": ("report.row.action",),
        "endings": ("code.closing_reason",),
        "phases": ("phase",),
        "by_pathway": ("report.row.pathway",),
        "by_baseline_third": ("report.row.third",),
        "dose_by_third": ("report.row.third",),
        "dose_by_interval": ("report.row.interval",),
    }
)
"""By table: the kinds of codes that its rows are, beside those of every table."""

_OF_FACTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "respondent": "code.informant_role",
        "only_sex": "code.sex",
        "only_pathway": "report.row.pathway",
        "only_baseline_third": "report.row.third",
    }
)
"""By fact: the kind of codes that its value is one of, beside ``report.code``."""

_DIFFERENCES: Final = frozenset({"difference", "estimate"})
"""Columns that tell how far two figures lie apart."""

STRATUM: Final = ":"
"""What stands between the two halves of a key such as ``weekly:7``."""


def report_title(report: Report, language: str) -> str:
    """Give the title of a report."""
    return say(f"report.title.{report.key}", language)


def section_title(section: Section, language: str) -> str:
    """Give the heading of a section."""
    return say(f"report.section.{section.key}", language)


def table_title(table: Table, language: str) -> str:
    """Give the heading of a table."""
    return say(f"report.table.{table.key}", language)


def reading(table: Table, language: str) -> str:
    """Give the one sentence or two that say how a table is read."""
    return say(f"report.reading.{table.key}", language)


def row_head(table: Table, language: str) -> str:
    """Say what the rows of a table are: what stands above their names."""
    return say(f"report.head.{table.key}", language)


def column_name(column: Column, language: str) -> str:
    """Give the name of a column."""
    return say(f"report.column.{column.key}", language)


def is_difference(column: Column) -> bool:
    """Tell whether the figures of a column say how far two others lie apart."""
    return column.key in _DIFFERENCES


def row_name(table: Table, row: Row, language: str) -> str:
    """Give the name of a row: its own words, or those of its key.

    Parameters
    ----------
    table : Table
        Where the row stands: the same key may be said otherwise elsewhere.
    row : Row
        The row.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    str
        A number, as that of a session, stands for itself; the halves of ``weekly:7`` are named one by one.

    Examples
    --------
    >>> table = Table("dose_by_interval", (), ())
    >>> row_name(table, Row("weekly:7", ()), "en"), row_name(table, Row("a", (), label="Team A"), "en")
    ('Weekly, 7', 'Team A')
    """
    if row.label is not None:
        return ranged(row.label)
    stratum, divided, rest = row.key.partition(STRATUM)
    name = key_name(table, stratum, language)
    return f"{name}, {plain(rest)}" if divided else name


def key_name(table: Table, key: str, language: str) -> str:
    """Give the name of a key of a table's rows."""
    message = message_of(table, key)
    return plain(key) if message is None else say(message, language)


def message_of(table: Table, key: str) -> str | None:
    """Tell which message names a key of a table's rows; None where it stands for itself, as an age band does.

    Examples
    --------
    >>> message_of(Table("by_sex", (), ()), "female"), message_of(Table("by_age_band", (), ()), "18-24")
    ('code.sex.female', None)
    """
    kinds = (*_CODES.get(table.key, ()), "report.row")
    return next((f"{kind}.{key}" for kind in kinds if is_known(f"{kind}.{key}")), None)


def note_text(note: Note, language: str) -> str:
    """Give the sentences of a note, with its figures, and with words for the codes and sources in its evidence.

    Examples
    --------
    >>> evidence = {"name": "natural_own", "source": "our own wait-list"}
    >>> note_text(Note("natural_source", evidence), "en")
    'Source of \u201cNatural course, own figures\u201d: our own wait-list.'
    """
    evidence = dict(note.evidence)
    known = {
        "name": f"report.row.{evidence.get('name')}",
        "source": f"report.source.{evidence.get('name')}",
        "status": f"report.code.{evidence.get('status')}",
    }
    for part, message in known.items():
        if part in evidence and is_known(message):
            evidence[part] = say(message, language)
    return say(f"report.note.{note.code}", language, evidence)


def fact_name(fact: Fact, language: str) -> str:
    """Give what a fact is about."""
    return say(f"report.fact.{fact.key}", language)


def fact_value(fact: Fact, language: str) -> str:
    """Give what a fact says: the words of a code, or somebody's own.

    Examples
    --------
    >>> fact_value(Fact("service", "Team A"), "en"), fact_value(Fact("service", "whole_organisation"), "en")
    ('Team A', 'The whole organisation')
    >>> fact_value(Fact("only_sex", "female"), "en")
    'Female'
    """
    kinds = (_OF_FACTS.get(fact.key, "report.code"), "report.code")
    message = next((f"{kind}.{fact.value}" for kind in kinds if is_known(f"{kind}.{fact.value}")), None)
    return ranged(fact.value) if message is None else say(message, language)

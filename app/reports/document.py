"""A report as every format shows it: sections of tables, whose cells hold figures with interval and denominator.

Words are codes here; `app.texts` has them as ``report.section.<key>``, ``report.table.<key>``, ``report.column.<key>``,
``report.row.<key>`` and ``report.note.<code>``. Disclosure control has been applied before a report is put together: a
hidden cell holds no number at all, so that no format can give it away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Kind(StrEnum):
    """What the figures of a column are, and so how they are written."""

    COUNT = "count"
    SHARE = "share"
    """0 to 1, written in per cent."""
    POINTS = "points"
    """Of the scale."""
    EFFECT = "effect"
    """In standard deviations."""
    DAYS = "days"
    SESSIONS = "sessions"
    NUMBER = "number"
    CODE = "code"
    """A word of ours: its text is ``report.code.<code>``."""
    TEXT = "text"
    """Somebody's own words, as the name of a service."""


class Withheld(StrEnum):
    """Why a cell shows nothing."""

    SMALL_NUMBER = "small_number"
    """It, or what it would give away, rests on fewer persons than may be told."""
    UNKNOWN = "unknown"
    """Nothing is known: no source, no data; never the same as 0."""
    DOES_NOT_APPLY = "does_not_apply"
    """There is no such figure, as the share of the row above in the first row."""
    NOT_COMPARABLE = "not_comparable"
    UNRELIABLE = "unreliable"
    """Too few for the figure to mean anything."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure, or why there is none.

    Parameters
    ----------
    value : float, int, str or None
        As the column's kind says; None where it is withheld.
    low, high : float or None
        95 % interval, in the unit of the value; both or neither.
    of : int or None
        Its denominator: of how many it is a share or a mean.
    withheld : Withheld or None
        Why there is no value.

    Raises
    ------
    AssertionError
        If there are both a value and a reason for having none, or neither; if a withheld figure keeps its interval
        or denominator; if the interval has one end: mistakes of ours.
    """

    value: float | int | str | None = None
    low: float | None = None
    high: float | None = None
    of: int | None = None
    withheld: Withheld | None = None

    def __post_init__(self) -> None:
        assert (self.value is None) == (self.withheld is not None), "a cell holds a value, or says why there is none"
        kept = (self.low, self.high, self.of) != (None, None, None)
        assert not (self.withheld and kept), "a withheld figure has neither interval nor denominator"
        assert (self.low is None) == (self.high is None), "an interval has two ends"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its key and what its figures are."""

    key: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its key, or the own words that stand for it (a service's name), and its cells."""

    key: str
    cells: tuple[Cell, ...]
    label: str | None = None
    """Own words where the key is an id of the record; else the text of the key is shown."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that must be read with the figures: ``report.note.<code>``, with its evidence."""

    code: str
    evidence: Mapping[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """Figures of one kind of question, with the notes that belong to them; a row has one cell for each column."""

    key: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        assert all(len(row.cells) == len(self.columns) for row in self.rows), self.key

    def with_cells(self, change: Callable[[Row, Column, Cell], Cell]) -> Table:
        """Give the table with another figure in the place of each."""
        rows = tuple(
            replace(row, cells=tuple(change(row, *each) for each in zip(self.columns, row.cells, strict=True)))
            for row in self.rows
        )
        return replace(self, rows=rows)


@dataclass(frozen=True, slots=True)
class Section:
    """What belongs to one question of the service lead."""

    key: str
    tables: tuple[Table, ...]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A line about the report as a whole (period, service, measure): ``report.fact.<key>`` and own words or a code."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Report:
    """All of it, in the order in which it is read.

    Parameters
    ----------
    key : str
        Which report: its title is ``report.title.<key>``.
    facts : tuple of Fact
        What it is about: organisation, service, period, measure.
    notes : tuple of Note
        Method, denominators and small numbers: what stands on the first page.
    sections : tuple of Section
        The figures.
    """

    key: str
    facts: tuple[Fact, ...]
    notes: tuple[Note, ...]
    sections: tuple[Section, ...]

    def with_tables(self, change: Callable[[Section, Table], Table]) -> Report:
        """Give the report with another table in the place of each."""
        sections = tuple(
            replace(section, tables=tuple(change(section, table) for table in section.tables))
            for section in self.sections
        )
        return replace(self, sections=sections)

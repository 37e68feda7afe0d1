"""The chart of a report's table, if it has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from app.charts.canvas import Spec
from app.charts.page import described, written_page
from app.charts.report_bars import denominators_chart, groups_chart, outcomes_chart, shares_chart
from app.charts.report_compared import compared_chart
from app.charts.report_dose import dose_chart
from app.charts.report_funnel import funnel_chart
from app.charts.report_parts import chart_word, column_of
from app.charts.report_therapists import therapists_chart
from app.charts.table import Table as Twin
from app.reports.document import Report, Row, Table
from app.texts.figures import written_whole
from app.texts.reports import column_name, is_difference, note_text, reading, row_head, row_name, table_title

_Chart = Callable[[Table, str], Spec]

_COUNT: Final = "count"
_LIMITS: Final = ("lower_95", "upper_95", "lower_998", "upper_998")
_DOSE: Final = (("improved",), dose_chart)
_SHARE: Final = (("share",), shares_chart)

_CHARTS: Final[Mapping[str, tuple[tuple[str, ...], _Chart]]] = MappingProxyType(
    {
        "denominators": ((_COUNT,), denominators_chart),
        "outcomes": (("share",), outcomes_chart),
        "compared": (("difference",), compared_chart),
        "funnel": ((_COUNT, "share", "expected", *_LIMITS), funnel_chart),
        "therapists": (("estimate",), therapists_chart),
        **dict.fromkeys(("dose", "dose_by_third", "dose_by_interval"), _DOSE),
        "good_enough": (("good_enough",), partial(shares_chart, key="good_enough")),
        **dict.fromkeys(("responders", "attendance", "endings", "drop_out", "measuring"), _SHARE),
    }
)
_GROUPS: Final = (("reliable_improvement", "reliable_recovery"), groups_chart)
"""By table: the columns that its chart needs, and what draws it."""


def report_chart(table: Table, language: str) -> Spec | None:
    """Draw a table of a report, from its cells and from nothing else.

    Parameters
    ----------
    table : Table
        As it stands in the report, small numbers hidden.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    dict or None
        A Vega-Lite specification with its data inside; None where the table has no chart, or tells none of its figures.
    """
    found = _chart_of(table)
    return None if found is None else found(table, language)


def charted_tables(report: Report) -> list[Table]:
    """Give the tables of a report that have a chart, in its order."""
    tables = [table for section in report.sections for table in section.tables]
    return [table for table in tables if _chart_of(table) is not None]


def table_twin(table: Table, language: str) -> Twin:
    """Give a table of a report in words: what its chart says, for screen readers and spreadsheets."""
    head = (row_head(table, language), *(column_name(column, language) for column in table.columns))
    return Twin(head, tuple(tuple(_told(table, row, language)) for row in table.rows))


def _told(table: Table, row: Row, language: str) -> Iterator[str]:
    yield row_name(table, row, language)
    for cell, column in zip(row.cells, table.columns, strict=True):
        yield written_whole(cell, column.kind, language, is_difference=is_difference(column))


def described_chart(svg: str, table: Table, language: str) -> str:
    """Give the picture of a table its title and description, as assistive technology reads them.

    Parameters
    ----------
    svg : str
        The picture of :func:`report_chart` as the renderer gave it.
    table : Table
        What it shows.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    str
        The same picture.
    """
    spec = report_chart(table, language)
    assert spec is not None, "the table has a chart"
    return described(svg, table_title(table, language), spec["description"], language)


def chart_page(svg: str, table: Table, language: str) -> str:
    """Give the picture of a table as a page in HTML: how it is read, its notes, the picture and the table itself.

    Parameters
    ----------
    svg : str
        The picture of :func:`report_chart` as the renderer gave it.
    table : Table
        What it shows.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    str
        The document, without anything from elsewhere.
    """
    said = [reading(table, language), *(note_text(note, language) for note in table.notes)]
    picture = described_chart(svg, table, language)
    caption = chart_word("as_table", language)
    return written_page(picture, table_title(table, language), said, table_twin(table, language), caption, language)


def _chart_of(table: Table) -> _Chart | None:
    needed, draw = _CHARTS.get(table.key, _GROUPS if table.key.startswith("by_") else ((), None))
    places = {key: column_of(table, key) for key in needed}
    if None in places.values():
        return None
    figures = [place for key, place in places.items() if key != _COUNT or len(places) == 1]
    is_told = any(row.cells[place or 0].withheld is None for row in table.rows for place in figures)
    return draw if is_told else None

"""How many, and what share of them: charts with a row for each line of a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.charts import palette
from app.charts.canvas import Row, Spec, layer
from app.charts.palette import Line
from app.charts.report_parts import (
    BESIDE,
    CARRIED,
    FIELD,
    FIGURE,
    MODELLED,
    Entry,
    Sign,
    chart_word,
    column_of,
    dots,
    ends,
    field,
    gaps,
    legend,
    mark_of,
    middle,
    number,
    row_figures,
    row_lines,
    row_names,
    rows_said,
    whole_chart,
    words,
    x_axis,
)
from app.reports.document import Table
from app.texts.figures import written_value
from app.texts.reports import column_name

_PERCENT: Final = 100.0
_ALL: Final = (0.0, 100.0)
_TICKS: Final = (0, 20, 40, 60, 80, 100)
_BOUNDS: Final = Line(palette.BAND, 11, (1, 0))
_LIFT: Final = 7.0
"""Pixels by which the figure and what else it may be stand above and below the middle of their row."""
_PANEL: Final = (FIELD + BESIDE) / 2 - 18
"""Pixels for each of two panels beside each other, with the room between them."""


def denominators_chart(table: Table, language: str) -> Spec:
    """Draw how many are left at each step, from referral to those whom the outcomes are about.

    Parameters
    ----------
    table : Table
        With a column ``count``, and ``share_of_previous`` if there is one.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    dict
        A Vega-Lite specification with its data inside.
    """
    place = column_of(table, "count")
    assert place is not None, "the table counts"
    rows = table.rows
    found = [number(row.cells[place]) for row in rows]
    most = max((each for each in found if each is not None), default=1.0)
    bars = [
        {"x": 0.0, "x2": each, "y": middle(row) - 9, "y2": middle(row) + 9}
        for row, each in enumerate(found)
        if each is not None
    ]
    mark = {"type": "rect", "color": palette.BAND, "stroke": palette.BAND_EDGE, "strokeWidth": 1, "opacity": 1}
    layers = [
        *row_names(table, rows, language),
        layer(bars, mark, x2={"field": "x2"}, y2={"field": "y2"}),
        *gaps(rows, place, language),
        words(list(_counts(table, place, language)), x=FIELD + 12),
    ]
    x = x_axis(chart_word("number", language), (0.0, most * 1.02), language)
    return whole_chart(table, language, [field(rows, x, layers)], rows_said(table, rows, place, language))


def _counts(table: Table, place: int, language: str) -> Iterator[Row]:
    """Write how many there are, and what share of the row above."""
    beside = column_of(table, "share_of_previous")
    for at, row in enumerate(table.rows):
        if row.cells[place].withheld is not None:
            continue
        text = written_value(row.cells[place], table.columns[place].kind, language)
        if beside is not None and row.cells[beside].withheld is None:
            share = written_value(row.cells[beside], table.columns[beside].kind, language)
            text = f"{text} ({share})"
        yield {"y": middle(at), "text": text}


def outcomes_chart(table: Table, language: str) -> Spec:
    """Draw shares with their intervals, and what they become when missing scores are counted in other ways.

    Parameters
    ----------
    table : Table
        With a column ``share``; ``lowest`` and ``highest``, ``carried_forward`` and ``modelled`` are drawn if there.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    dict
        A Vega-Lite specification with its data inside.
    """
    place = column_of(table, "share")
    assert place is not None, "the table has shares"
    rows = table.rows
    other = list(_other_rules(table))
    lift = _LIFT if other or column_of(table, "lowest") is not None else 0.0
    layers = [*row_lines(rows, _ALL), *row_names(table, rows, language), *_bounds(table)]
    entries: list[Entry] = [(FIGURE, chart_word("with_interval", language))]
    for sign, at in other:
        points = [
            {"x": found, "y": middle(at_row) + _LIFT}
            for at_row, row in enumerate(rows)
            if (found := number(row.cells[at], _PERCENT)) is not None
        ]
        layers.append(layer(points, mark_of(sign)))
        entries.append((sign, column_name(table.columns[at], language)))
    layers += [*dots(rows, place, _PERCENT, lift), *gaps(rows, place, language)]
    layers += row_figures(rows, place, table.columns[place], language, FIELD + 12)
    if column_of(table, "lowest") is not None:
        entries.append((_BOUNDS, chart_word("bounds", language)))
    x = x_axis(chart_word("share", language), _ALL, language, _TICKS)
    parts = [field(rows, x, layers), legend(entries, BESIDE + FIELD)]
    return whole_chart(table, language, parts, rows_said(table, rows, place, language))


def _other_rules(table: Table) -> Iterator[tuple[Sign, int]]:
    for sign, key in ((CARRIED, "carried_forward"), (MODELLED, "modelled")):
        place = column_of(table, key)
        if place is not None:
            yield sign, place


def _bounds(table: Table) -> Iterator[Spec]:
    low, high = column_of(table, "lowest"), column_of(table, "highest")
    if low is None or high is None:
        return
    bars = []
    for at, row in enumerate(table.rows):
        lowest, highest = number(row.cells[low], _PERCENT), number(row.cells[high], _PERCENT)
        if lowest is not None and highest is not None:
            bars.append({"x": lowest, "x2": highest, "y": middle(at) + _LIFT - 5, "y2": middle(at) + _LIFT + 5})
    mark = {"type": "rect", "color": palette.BAND, "opacity": 1}
    yield layer(bars, mark, x2={"field": "x2"}, y2={"field": "y2"})


def shares_chart(table: Table, language: str, key: str = "share") -> Spec:
    """Draw the shares of one column with their intervals.

    Parameters
    ----------
    table : Table
        Any with such a column.
    language : str
        One of `nb`, `nn`, `en`.
    key : str
        The column.

    Returns
    -------
    dict
        A Vega-Lite specification with its data inside.
    """
    place = column_of(table, key)
    assert place is not None, "the table has such a column"
    rows = table.rows
    layers = [*row_lines(rows, _ALL), *row_names(table, rows, language), *dots(rows, place, _PERCENT)]
    layers += [*gaps(rows, place, language), *row_figures(rows, place, table.columns[place], language, FIELD + 12)]
    x = x_axis(chart_word("share", language), _ALL, language, _TICKS)
    parts = [field(rows, x, layers)]
    if any(ends(row.cells[place]) for row in rows):  # one kind of dot alone needs no name
        parts.append(legend([(FIGURE, chart_word("with_interval", language))], BESIDE + FIELD))
    return whole_chart(table, language, parts, rows_said(table, rows, place, language))


def groups_chart(table: Table, language: str) -> Spec:
    """Draw reliable improvement, and beside it reliable recovery, group by group.

    Parameters
    ----------
    table : Table
        With columns ``reliable_improvement`` and ``reliable_recovery``.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    dict
        A Vega-Lite specification with its data inside; the groups stand in the order of the table.
    """
    panels: list[Spec] = []
    said: list[str] = []
    for key in ("reliable_improvement", "reliable_recovery"):
        place = column_of(table, key)
        assert place is not None, "groups are compared by both"
        rows = table.rows
        name = column_name(table.columns[place], language)
        layers = [*row_lines(rows, _ALL), *dots(rows, place, _PERCENT), *gaps(rows, place, language)]
        if not panels:
            layers += row_names(table, rows, language)
        panel = field(rows, x_axis(chart_word("share", language), _ALL, language, _TICKS), layers, _PANEL)
        title = {"text": name, "fontSize": 11.5, "fontWeight": "bold", "anchor": "middle", "offset": 6}
        panels.append(panel | {"title": title})
        said += [f"{name}.", *rows_said(table, rows, place, language)]
    entries: list[Entry] = [(FIGURE, chart_word("with_interval", language))]
    return whole_chart(table, language, [{"hconcat": panels, "spacing": 36}, legend(entries, BESIDE + FIELD)], said)

"""How far a figure lies from another: what similar people would probably have had, or the average."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.charts import palette
from app.charts.canvas import Spec, layer, stroke
from app.charts.palette import Line
from app.charts.report_parts import (
    BESIDE,
    FIELD,
    FIGURE,
    Entry,
    chart_word,
    column_of,
    dots,
    ends,
    field,
    gaps,
    legend,
    number,
    row_figures,
    row_lines,
    row_names,
    rows_said,
    whole_chart,
    within,
    x_axis,
)
from app.reports.document import Kind, Row, Table

_ZERO: Final = Line(palette.INK, 1.2, (1, 0))


def compared_chart(table: Table, language: str) -> Spec:
    """Draw the differences from what similar people would probably have had.

    Parameters
    ----------
    table : Table
        With a column ``difference``, in points or as a share.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    dict
        A Vega-Lite specification with its data inside. Where nothing is known, a row says so.
    """
    place = column_of(table, "difference")
    assert place is not None, "the table compares"
    is_share = table.columns[place].kind is Kind.SHARE
    title = chart_word("difference_share" if is_share else "difference_points", language)
    return from_zero(table, table.rows, place, language, title=title, factor=100.0 if is_share else 1.0)


def from_zero(
    table: Table, rows: Sequence[Row], place: int, language: str, *, title: str, factor: float, note: str = ""
) -> Spec:
    """Draw how far the figures of a column lie from zero, with their intervals.

    Parameters
    ----------
    table : Table
        What is drawn.
    rows : sequence of Row
        Its rows, in the order in which they are drawn.
    place : int
        Which column.
    language : str
        One of `nb`, `nn`, `en`.
    title : str
        What the axis is called.
    factor : float
        What the figures are multiplied by.
    note : str
        What the line of zero is called, if anything.

    Returns
    -------
    dict
        A Vega-Lite specification with its data inside.
    """
    cells = [row.cells[place] for row in rows]
    values = [found for cell in cells if (found := number(cell, factor)) is not None]
    values += [end for cell in cells for end in ends(cell, factor) or ()]
    limits = within(values, around=0.0)
    height = field(rows, {}, [])["height"]
    zero = layer([{"x": 0.0, "y": 0.0, "y2": height}], stroke("rule", _ZERO), y2={"field": "y2"})
    layers = [*row_lines(rows, limits), zero, *row_names(table, rows, language), *dots(rows, place, factor)]
    layers += [*gaps(rows, place, language), *row_figures(rows, place, table.columns[place], language, FIELD + 12)]
    entries: list[Entry] = [(FIGURE, chart_word("figure_with_interval", language)), *([(_ZERO, note)] if note else [])]
    parts = [field(rows, x_axis(title, limits, language), layers), legend(entries, BESIDE + FIELD)]
    return whole_chart(table, language, parts, rows_said(table, rows, place, language))

"""Therapists with their uncertainty: intervals around the average, and no order that could be read as a ranking."""

from __future__ import annotations

from app.charts.canvas import Spec
from app.charts.report_compared import from_zero
from app.charts.report_parts import chart_word, column_of
from app.reports.document import Table
from app.texts.reports import row_name


def therapists_chart(table: Table, language: str) -> Spec:
    """Draw shrunken estimates with their intervals, in the order of the names.

    Parameters
    ----------
    table : Table
        With a column ``estimate``, in points from the average, positive when better.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    dict
        A Vega-Lite specification with its data inside; whatever order the rows had, theirs says nothing of the figures.
    """
    place = column_of(table, "estimate")
    assert place is not None, "the table has estimates"
    rows = sorted(table.rows, key=lambda row: row_name(table, row, language).casefold())
    return from_zero(
        table,
        rows,
        place,
        language,
        title=chart_word("from_average", language),
        factor=1.0,
        note=chart_word("average", language),
    )

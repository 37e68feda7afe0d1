"""The calibration panel as Vega-Lite specifications, drawn from the tables of its section and from nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from textwrap import wrap
from typing import Final

from app.charts.canvas import Row, Spec, layer, stroke
from app.charts.evaluation import RIGHT, axis_of, chart_of, panel_of, reliability_diagram, sign_rows
from app.reports.document import Cell, Table
from app.texts.catalogue import say
from app.trajectories.calibration import Group
from app.trajectories.sampling_error import Interval

_ROOM: Final = 0.6
"""Standard errors above and below what is drawn."""

_DRIFT_WIDTH: Final = 720
"""Pixels: as wide as three panels."""


_LETTERS: Final = 120
"""In a line below the title."""


class Word(StrEnum):
    """The names that stand in these charts only."""

    PROBABILITY = "probability"
    SHARE_REACHED = "share_reached"
    LOOK = "look"
    SUMMED = "summed"
    CLOSED_IN = "closed_in"


def reliability(table: Table, language: str) -> Spec | None:
    """Draw what was predicted against what happened, a panel for each look.

    Parameters
    ----------
    table : Table
        `predicted`, of :func:`app.reports.panel.tool_section`.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    dict or None
        A Vega-Lite specification with its data inside; None where everything is withheld.
    """
    groups: dict[float, list[Group]] = {}
    for row in table.rows:
        cells = _by_column(table, row.cells)
        predicted, observed, count, dose = (cells[key] for key in ("predicted", "observed", "count", "dose"))
        if observed.withheld is None:
            happened = Interval(_number(observed), float("nan"), _end(observed.low), _end(observed.high))
            groups.setdefault(_number(dose), []).append(Group(_number(predicted), happened, int(_number(count))))
    if not groups:
        return None
    observed_name = say("report.column.observed", language)
    spec = reliability_diagram(
        {look: {"observed": own} for look, own in groups.items()},
        names={"observed": observed_name},
        title=say(f"report.table.{table.key}", language),
        subtitle=_notes(table, language),
        axes=(_word(Word.PROBABILITY, language), _word(Word.SHARE_REACHED, language)),
        name_of_look=lambda look: _word(Word.LOOK, language, dose=look),
    )
    sign = "%" if language == "en" else "\N{NO-BREAK SPACE}%"
    for panel in spec["vconcat"][0]["hconcat"]:
        for axis in panel["encoding"].values():
            axis["axis"]["labelExpr"] = f"format(100 * datum.value, '.0f') + '{sign}'"
    return spec


def drift_chart(table: Table, language: str) -> Spec | None:
    """Draw the control chart: both sums after each point, and the limits.

    Parameters
    ----------
    table : Table
        `drift`, of :func:`app.reports.panel.tool_section`.
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    dict or None
        A Vega-Lite specification with its data inside; None where there is no point.
    """
    if not table.rows:
        return None
    limit = next(float(note.evidence["limit"]) for note in table.notes if note.code == "drift_rule")
    sums = {say(f"report.column.{key}", language): list(_sums(table, key)) for key in ("sum_high", "sum_low")}
    drawn = [row["y"] for rows in sums.values() for row in rows]
    heights = (min(*drawn, -limit) - _ROOM, max(*drawn, limit) + _ROOM)
    last = len(table.rows) - 1
    ends = (-0.5, last + 0.5)
    x = axis_of("x", _word(Word.CLOSED_IN, language), ends, step=1)
    labels = [str(row.label) for row in table.rows]
    x["axis"] |= {"values": list(range(last + 1)), "labelExpr": f"{json.dumps(labels)}[datum.value]", "labelAngle": -90}
    limits = [{"x": ends[0], "x2": ends[1], "y": y} for y in (-limit, limit)]
    panel = panel_of(
        "",
        x,
        axis_of("y", _word(Word.SUMMED, language), heights, step=1),
        [
            layer([{"x": ends[0], "x2": ends[1], "y": 0.0}], stroke("rule", RIGHT), x2={"field": "x2"}),
            layer(limits, stroke("rule", RIGHT) | {"strokeDash": [1, 0]}, x2={"field": "x2"}),
            *sign_rows(sums),
        ],
    )
    title = say(f"report.table.{table.key}", language)
    return chart_of(title, _notes(table, language), [panel | {"width": _DRIFT_WIDTH}], list(sums))


def _sums(table: Table, key: str) -> Iterator[Row]:
    for place, row in enumerate(table.rows):
        y = _number(_by_column(table, row.cells)[key])
        yield {"x": float(place), "y": y, "low": y, "high": y}


def _by_column(table: Table, cells: tuple[Cell, ...]) -> dict[str, Cell]:
    return {column.key: cell for column, cell in zip(table.columns, cells, strict=True)}


def _number(cell: Cell) -> float:
    assert isinstance(cell.value, int | float), "these columns hold numbers"
    return float(cell.value)


def _end(end: float | None) -> float:
    assert end is not None, "a share has its interval"
    return end


def _notes(table: Table, language: str) -> list[str]:
    """Give the notes, each in lines that are no longer than the panels are wide."""
    notes = (say(f"report.note.{note.code}", language, note.evidence) for note in table.notes)
    return [line for note in notes for line in wrap(note, _LETTERS)]


def _word(word: Word, language: str, **evidence: object) -> str:
    return say(f"report.chart.{word}", language, evidence)

"""When the first reliable improvement came, session by session, and how many had left before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.charts import palette
from app.charts.canvas import SMALL, Row, Spec, layer, stroke
from app.charts.report_parts import (
    HALO,
    MAIN,
    SECOND,
    WHOLE,
    Entry,
    chart_word,
    column_of,
    ends,
    legend,
    number,
    whole_chart,
    words,
    x_axis,
    y_axis,
)
from app.reports.document import Cell, Table
from app.reports.document import Row as ReportRow
from app.texts.figures import withheld_word, written_value, written_whole
from app.texts.reports import STRATUM, column_name, key_name, row_head

MARKED: Final = (3, 7, 20, 52)
"""Sessions at which a course is reviewed (design, 4.3)."""

_HEIGHT: Final = 240
_ROOM: Final = 66
"""Pixels beside a field for its axis."""
_TOP: Final = 100.0
_Hidden = dict[str, set[int]]
"""By reason, in words: the sessions whose figures are withheld."""

_CURVES: Final = (("improved", MAIN), ("dropped_out", SECOND))


@dataclass(frozen=True, slots=True)
class _Stratum:
    """The rows of one group of episodes, by session."""

    name: str
    rows: Sequence[tuple[int, ReportRow]]

    @property
    def last(self) -> int:
        return max((session for session, _ in self.rows), default=1)


def dose_chart(table: Table, language: str) -> Spec:
    """Draw the cumulative shares with first reliable improvement, and who had left before it, a panel for each group.

    Parameters
    ----------
    table : Table
        With columns ``improved`` and ``dropped_out``, and rows named by session (``7``) or by group and session
        (``weekly:7``).
    language : str
        One of `nb`, `nn`, `en`.

    Returns
    -------
    dict
        A Vega-Lite specification with its data inside. Sessions 3, 7, 20 and 52 are marked; where a figure is withheld
        the line breaks off, and words say why.
    """
    strata = _strata(table, language)
    last = max(each.last for each in strata)
    width = (WHOLE - _ROOM) / len(strata) - (30 if len(strata) > 1 else 0)
    panels = [_panel(table, each, last, width, language, first=place == 0) for place, each in enumerate(strata)]
    entries: list[Entry] = [
        (line, column_name(table.columns[place], language))
        for key, line in _CURVES
        if (place := column_of(table, key)) is not None
    ]
    parts = [{"hconcat": panels, "spacing": 30}, legend(entries, WHOLE - _ROOM)]
    return whole_chart(table, language, parts, list(_said(table, strata, language)))


def _strata(table: Table, language: str) -> list[_Stratum]:
    groups: dict[str, list[tuple[int, ReportRow]]] = {}
    for row in table.rows:
        group, _, session = row.key.rpartition(STRATUM)
        groups.setdefault(group, []).append((int(session), row))
    return [
        _Stratum(key_name(table, group, language) if group else "", sorted(rows, key=lambda each: each[0]))
        for group, rows in groups.items()
    ]


def _panel(table: Table, stratum: _Stratum, last: int, width: float, language: str, *, first: bool) -> Spec:
    marked = [each for each in MARKED if each <= last]
    lines = [{"x": each, "y": 0.0, "y2": _TOP} for each in marked]
    layers = [layer(lines, stroke("rule", palette.REVIEW_LINE), y2={"field": "y2"})]
    hidden: _Hidden = {}
    for key, line in reversed(_CURVES):
        place = column_of(table, key)
        if place is not None:
            for run in _runs(stratum, place, hidden, language):
                layers += _curve(run, line, is_main=line is MAIN)
    layers = [*_hidden_stretches(hidden, last), *layers, *_gap_words(hidden, last)]
    ticks = [*marked, *([last] if all(last - each > 2 for each in marked) else [])]
    x = x_axis(chart_word("session", language), (0.0, float(last)), language, ticks)
    y = y_axis(chart_word("share", language) if first else "", (0.0, _TOP), language)
    panel = {"width": width, "height": _HEIGHT, "encoding": {"x": x, "y": y}, "layer": layers}
    title = {"text": stratum.name, "fontSize": 12, "fontWeight": "bold", "anchor": "middle", "offset": 6}
    return panel | ({"title": title} if stratum.name else {})


def _runs(stratum: _Stratum, place: int, hidden: _Hidden, language: str) -> Iterator[list[tuple[int, Cell]]]:
    """Give the stretches of sessions whose figures are shown; the first one begins at none."""
    run: list[tuple[int, Cell]] = [(0, Cell(0.0, 0.0, 0.0))]
    for session, row in stratum.rows:
        cell = row.cells[place]
        if cell.withheld is None:
            run.append((session, cell))
            continue
        hidden.setdefault(withheld_word(cell.withheld, language), set()).add(session)
        if run:
            yield run
        run = []
    if run:
        yield run


def _curve(run: Sequence[tuple[int, Cell]], line: palette.Line, *, is_main: bool) -> Iterator[Spec]:
    steps = [{"x": session, "y": found} for session, cell in run if (found := number(cell, _TOP)) is not None]
    bands: list[Row] = [
        {"x": session, "y": each[0], "y2": each[1]} for session, cell in run if (each := ends(cell, _TOP))
    ]
    if is_main and len(bands) > 1:
        area = {"type": "area", "interpolate": "step-after", "color": palette.BAND, "opacity": 0.75}
        yield layer(bands, area, y2={"field": "y2"})
    yield layer(steps, stroke("line", line) | {"interpolate": "step-after"})


def _hidden_stretches(hidden: _Hidden, last: int) -> Iterator[Spec]:
    """Tint the sessions whose figures are hidden."""
    sessions = set().union(*hidden.values())
    tinted = [{"x": each - 1.0, "x2": float(min(each, last)), "y": 0.0, "y2": _TOP} for each in sorted(sessions)]
    mark = {"type": "rect", "color": palette.WINDOW, "opacity": 1}
    yield layer(tinted, mark, x2={"field": "x2"}, y2={"field": "y2"})


def _gap_words(hidden: _Hidden, last: int) -> Iterator[Spec]:
    """Say at the right edge, near the top, why sessions are hidden."""
    rows = [{"x": last, "y": _TOP - 5 - 7 * at, "text": reason} for at, reason in enumerate(hidden)]
    yield words(rows, size=SMALL, fontStyle="italic", color=palette.QUIET, align="right", dx=-4, **HALO)
    yield words(rows, size=SMALL, fontStyle="italic", color=palette.QUIET, align="right", dx=-4)


def _said(table: Table, strata: Sequence[_Stratum], language: str) -> Iterator[str]:
    """Say the figures at the sessions that are marked."""
    for stratum in strata:
        if stratum.name:
            yield f"{stratum.name}."
        for session, row in stratum.rows:
            if session in MARKED:
                yield f"{row_head(table, language)} {session}: {', '.join(_figures(table, row, language))}."


def _figures(table: Table, row: ReportRow, language: str) -> Iterator[str]:
    for key, _ in _CURVES:
        place = column_of(table, key)
        if place is not None:
            column = table.columns[place]
            figure = written_whole if key == "improved" else written_value
            yield f"{column_name(column, language)} {figure(row.cells[place], column.kind, language)}"

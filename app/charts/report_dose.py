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
    Sign,
    chart_word,
    column_of,
    ends,
    legend,
    mark_of,
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
_DOT: Final = 26
"""Square pixels."""
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
        A Vega-Lite specification with its data inside. Sessions 3, 7, 20 and 52 are marked, as far as figures are told
        or to the mark after that; where one is withheld the line breaks off, and words say why.
    """
    strata = _strata(table, language)
    last = _last(table, strata)
    width = (WHOLE - _ROOM) / len(strata) - (30 if len(strata) > 1 else 0)
    panels = [_panel(table, each, last, width, language, first=place == 0) for place, each in enumerate(strata)]
    entries: list[Entry] = [
        (line, column_name(table.columns[place], language))
        for key, line in _CURVES
        if (place := column_of(table, key)) is not None
    ]
    parts = [{"hconcat": panels, "spacing": 30}, legend(entries, WHOLE - _ROOM)]
    return whole_chart(table, language, parts, list(_said(table, strata, language)))


def _last(table: Table, strata: Sequence[_Stratum]) -> int:
    """Give the session at which the field ends: the first mark that no told figure lies after."""
    places = [place for key, _ in _CURVES if (place := column_of(table, key)) is not None]
    told = [
        session
        for each in strata
        for session, row in each.rows
        if any(row.cells[place].withheld is None for place in places)
    ]
    latest, end = max(told, default=0), max(each.last for each in strata)
    return min(end, next((mark for mark in MARKED if mark >= latest), end))


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
            for run in _runs(stratum, place, hidden, last, language):
                layers += _curve(run, line, is_main=line is MAIN)
    layers = [*_hidden_stretches(table, stratum, last), *layers, *_gap_words(hidden, last)]
    ticks = [*marked, *([last] if all(last - each > 2 for each in marked) else [])]
    x = x_axis(chart_word("session", language), (0.0, float(last)), language, ticks)
    y = y_axis(chart_word("share", language) if first else "", (0.0, _TOP), language)
    panel = {"width": width, "height": _HEIGHT, "encoding": {"x": x, "y": y}, "layer": layers}
    title = {"text": stratum.name, "fontSize": 12, "fontWeight": "bold", "anchor": "middle", "offset": 6}
    return panel | ({"title": title} if stratum.name else {})


def _runs(stratum: _Stratum, place: int, hidden: _Hidden, last: int, language: str) -> Iterator[list[tuple[int, Cell]]]:
    """Give the stretches of sessions whose figures are shown; the first one begins at none."""
    run: list[tuple[int, Cell]] = [(0, Cell(0.0, 0.0, 0.0))]
    for session, row in stratum.rows:
        cell = row.cells[place]
        if session > last:
            break
        if cell.withheld is None:
            run.append((session, cell))
            continue
        hidden.setdefault(withheld_word(cell.withheld, language), set()).add(session)
        yield run
        run = []
    yield run


def _curve(run: Sequence[tuple[int, Cell]], line: palette.Line, *, is_main: bool) -> Iterator[Spec]:
    """Draw the told figures as dots, and straight lines between neighbours: how it went between them is not told.

    A figure between hidden ones is a dot with its interval as a bar, since it has no neighbour to go to.
    """
    found: list[Row] = [{"x": session, "y": at} for session, cell in run if (at := number(cell, _TOP)) is not None]
    bands: list[Row] = [
        {"x": session, "y": each[0], "y2": each[1]} for session, cell in run if (each := ends(cell, _TOP))
    ]
    if is_main and len(bands) > 1:
        yield layer(bands, {"type": "area", "color": palette.BAND, "opacity": 0.75}, y2={"field": "y2"})
    elif is_main and bands and run[0][0]:
        yield layer(bands, stroke("rule", line), y2={"field": "y2"})
    if len(found) > 1:
        yield layer(found, stroke("line", line))
    yield layer([each for each in found if each["x"]], mark_of(Sign("circle", line.colour, line.colour, _DOT)))


def _hidden_stretches(table: Table, stratum: _Stratum, last: int) -> Iterator[Spec]:
    """Tint what leads up to the sessions at which the first curve's figures are hidden, from the row before."""
    place = column_of(table, _CURVES[0][0]) or 0
    starts = [0, *(session for session, _ in stratum.rows)]
    tinted = [
        {"x": float(start), "x2": float(session), "y": 0.0, "y2": _TOP}
        for start, (session, row) in zip(starts, stratum.rows, strict=False)
        if row.cells[place].withheld is not None and session <= last
    ]
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
